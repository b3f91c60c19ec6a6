"""Texts of configurations on their way to the daemon: read, with what they are captured with; and what came of it."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.files import read_bytes
from gavelq.cli.hot.submit import request_of, tell_dropped
from gavelq.cli.options import REQUEST
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.client import lean
from gavelq.client.wire import Reply
from gavelq.core.command_files import MAX_CONTENT
from gavelq.core.errors import InvalidFile
from gavelq.formats.command_text import decode

CAPTURE = tuple(option for option in REQUEST if option.name in ("workdir", "env", "env_keep", "env_all"))
"""Options about what its tasks get of their surroundings."""
_SHOWN = 20


def read_command_text(path: str) -> str:
    """A command file's text, from UTF-8 or GBK, whatever its line ends. Raises InvalidFile for any other bytes."""
    content = read_bytes(path, 4 * MAX_CONTENT)
    text, layout = decode(content)
    line = _broken_line(text)
    if line:
        problem = "this is neither UTF-8 nor GBK text"
        raise InvalidFile(path=path, line=line, problem=problem, hint="save the file as UTF-8")
    if layout.encoding != "utf-8":
        say(safe(f"note: {path} was read as GBK; it is kept as UTF-8"), sys.stderr)
    return text


def _broken_line(text: str) -> int:
    """The line of the first character that is none (PEP 383), or that no text file holds; 0: there is no such line."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\0" in line or any("\ud800" <= character <= "\udfff" for character in line):
            return number
    return 0


def captured(call: Call, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The directory and the environment for its tasks, and which variables were left out."""
    request, dropped = request_of(call, values)
    return {"workdir": request["workdir"], "env": request["env"]}, dropped


def name_of(path: str) -> str | None:
    """What a configuration that came from this file is called."""
    return None if path == "-" else os.path.basename(path)


def tell_stored(call: Call, reply: Reply, verb: str, *, dropped: list[str], path: str = "") -> dict[str, Any]:
    """Say what the daemon keeps now, and what is wrong with it; `path` names the file in mistakes."""
    found: dict[str, Any] = lean.loads(reply.body)
    if call.is_json:
        print_body(reply.body)
        return found
    say(safe(f"{called(found)}: {verb}{_amount(found)}"))
    tell_mistakes(found, path)
    tell_dropped(dropped)
    return found


def called(file: Mapping[str, Any]) -> str:
    """A configuration in words."""
    return f"configuration {file['index']} of mode {file['mode']} ({file['name']})"


def _amount(file: Mapping[str, Any]) -> str:
    if not file["content"].strip():
        return ", empty"
    return f", {counted(file['n_tasks'], 'task')} in {counted(file['n_queues'], 'queue')}"


def counted(number: int, what: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def tell_mistakes(file: Mapping[str, Any], path: str = "") -> None:
    """On standard error, where there is a text: every mistake with its line, and that it cannot be started so."""
    mistakes = file["mistakes"] if file["content"].strip() else []
    if not mistakes:
        return
    for one in mistakes[:_SHOWN]:
        told = f"{path or file['name']}:{one['line']}: {one['block']}: {one['problem']} ({one['hint']})"
        say(safe(told), sys.stderr)
    if len(mistakes) > _SHOWN:
        say(f"... and {len(mistakes) - _SHOWN} more", sys.stderr)
    way = f"correct it with: gavelq file edit {file['index']} --mode {file['mode']}"
    say(f"note: it is kept, but cannot be started with {counted(len(mistakes), 'mistake')}; {way}", sys.stderr)
