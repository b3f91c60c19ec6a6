"""Lists of tasks (JSON, YAML): judged without a daemon, and every mistake told with its line, whoever found it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import GavelqError, InvalidFile
from gavelq.formats.task_check import Judged, judge
from gavelq.formats.task_file import TaskFile, open_task_file
from gavelq.formats.task_object import MAX_TOLD

_SUFFIXES = (".json", ".yaml", ".yml")
_BEGIN = re.compile(r"\[\s*([]{]|$)|\{\s*([\"'}]|//|tasks\b|$)|- |-$|tasks:|---$|%YAML")
"""How the first line of a list of tasks begins; that of a command file is a queue id."""
_SHOWN = 50
_HINT = "docs/rest.md names the fields of a task (`A task request`)"
Json = Mapping[str, Any]


def is_task_list(path: str, content: bytes) -> bool:
    """Whether a file is meant as a list of tasks, and not as a command file."""
    if path.lower().endswith(_SUFFIXES):
        return True
    lines = content[:65536].decode("utf-8-sig", "replace").splitlines()
    first = next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    return _BEGIN.match(first) is not None


def check_tasks(
    call: Call, path: str, content: bytes, *, queue: str | None = None, base: Mapping[str, Any] | None = None
) -> int:
    """Judge a list of tasks, and say what it asks for. `queue` and `base` are what `submit json` would send with it.

    Returns 0; raises InvalidFile, whose details have all mistakes.
    """
    file = open_task_file(content, path)
    # A daemon that is asked through an address may have other directories.
    is_directory = None if os.environ.get("GAVELQ_URL") else os.path.isdir
    judged = judge(file.tasks, base, most=_setting(call, "limits.max_submission"), is_directory=is_directory)
    if judged.mistakes:
        placed = with_lines(file, [asdict(one) for one in judged.mistakes])
        first = placed[0]
        message = told(file.path, placed)
        raise InvalidFile(
            message, hint=_HINT, path=path, line=first["line"], problem=first["problem"], mistakes=placed[:MAX_TOLD]
        )
    _summarize(call, path, judged, queue or _setting(call, "submit.default_queue"))
    return 0


def _setting(call: Call, name: str) -> Any:
    from gavelq.cli.settings import setting

    return setting(call, name)


def _summarize(call: Call, path: str, judged: Judged, default: str) -> None:
    counts, queues = judged.gpu_counts, judged.n_by_queue(default)
    if call.is_json:
        found = {"tasks": len(counts), "queues": queues, "gpus": sum(counts), "most_gpus": max(counts)}
        print_document({"path": path, **found})
        return
    shares = ", ".join(f"{number} in queue {name}" for name, number in queues.items())
    asked = f"{sum(counts)} GPU(s) asked for in all, at most {max(counts)} by one task"
    say(safe(f"{path}: no mistakes; {len(counts)} task(s): {shares}; {asked}"))


# --- mistakes --------------------------------------------------------------------------------------------


def with_lines(file: TaskFile, mistakes: Sequence[Json]) -> list[dict[str, Any]]:
    """The mistakes with `line`, `column` (0: it stands in no line) and `name`, the task's, where it has one."""
    places = file.places([(one["index"], str(one["field"])) for one in mistakes])
    return [
        {**one, "line": place.line, "column": place.column, "name": _name(file, one["index"])}
        for one, place in zip(mistakes, places, strict=True)
    ]


def _name(file: TaskFile, index: int | None) -> str | None:
    task = file.tasks[index] if index is not None and index < len(file.tasks) else None
    name = task.get("name") if isinstance(task, dict) else None
    return name[:60] if isinstance(name, str) else None


def told(path: str, mistakes: Sequence[Json]) -> str:
    """One line for each mistake: file, line, task, field, what is wrong and what was expected."""
    lines = [_told(path, one) for one in mistakes[:_SHOWN]]
    if len(mistakes) == 1:
        return lines[0]
    more = [f"  ... and {len(mistakes) - _SHOWN} more"] if len(mistakes) > _SHOWN else []
    return "\n".join([f"{len(mistakes)} mistakes:", *(f"  {line}" for line in lines), *more])


def _told(path: str, one: Json) -> str:
    place = f"{path}:{one['line']}" if one["line"] else path
    if one["index"] is None:
        where = f"options: {one['field']}: " if one["field"] else ""
    else:
        field = f".{one['field']}" if one["field"] and one["field"] != "task" else ""
        name = f" ({one['name']})" if one["name"] else ""
        where = f"tasks[{one['index']}]{field}{name}: "
    hint = f" ({one['hint']})" if one["hint"] else ""
    return f"{place}: {where}{one['problem']}{hint}"


def add_lines(error: GavelqError, file: TaskFile) -> None:
    """Give what the daemon found wrong with the tasks of a file its lines, as far as it told tasks and fields."""
    mistakes = error.details.get("mistakes")
    if not isinstance(mistakes, list) or not mistakes or not all(_is_mistake(one) for one in mistakes):
        return
    placed = with_lines(file, mistakes)
    error.message = told(file.path, placed)
    error.details["mistakes"] = placed
    error.details["path"] = file.path


def _is_mistake(one: object) -> bool:
    if not isinstance(one, dict):
        return False
    has_texts = all(isinstance(one.get(name), str) for name in ("field", "problem", "hint"))
    return has_texts and (one.get("index") is None or isinstance(one.get("index"), int))
