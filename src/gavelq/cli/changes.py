"""`task edit` and `task rerun`: the options of `submit` as changes to a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot import each
from gavelq.cli.hot.submit import request_of
from gavelq.cli.options import Option
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import InvalidField, UsageError
from gavelq.formats.environment import OVERRIDDEN

CHANGE = (
    Option("cmd", ("--cmd",), "Another command line, run by bash.", metavar="CMD"),
    Option(
        "unset",
        ("--unset",),
        "Take something back, such as time, after, share or env.NAME; several with commas.",
        metavar="NAMES",
        is_many=True,
    ),
)
"""What `edit` and `rerun` take beside the options of `submit`."""
_FIELDS = {
    "time": "time_limit", "gpus": "gpu_ids", "log": "log_path", "tag": "tags", "util_margin": "max_util",
    "gpu_num": "gpu_count", "on": "notify_on",
}  # fmt: skip
"""Where an option's long name is not its field's."""


def edit(call: Call, ids: Sequence[int], values: Mapping[str, Any]) -> int:
    """Change tasks that have not started, all of them or none. Returns 0."""
    changes = changes_of(call, values)
    if not changes:
        raise UsageError("nothing is to change", hint="name at least one option; gavelq task edit --help shows them")
    ids = list(dict.fromkeys(ids))
    if len(ids) == 1:
        return each.act(call, ids, lambda i: ("PATCH", f"/api/tasks/{i}", changes), _edited)
    link = call.link()
    if call.is_json:
        reply = link.send("POST", "/api/tasks/edit", {"ids": ids, "changes": changes}, timeout_s=60)
        print_body(reply.body)
        return 0
    for task in link.fetch("POST", "/api/tasks/edit", {"ids": ids, "changes": changes}, timeout_s=60):
        say(safe(_edited(task)))
    return 0


def _edited(task: Mapping[str, Any]) -> str:
    return f"task {task['id']} edited: {task['state']} in queue {task['queue']}"


def changes_of(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the options change; those of `--unset` are null."""
    # A submission takes directory and environment from where it is made, a change does not.
    request, _ = request_of(call, {**values, "workdir": values.get("workdir") or "/"})
    implied = ("workdir", "env", "env_dropped")
    changes = {name: value for name, value in request.items() if name not in implied}
    if values.get("workdir") is not None:
        changes["workdir"] = request["workdir"]
    if values.get("cmd") is not None:
        changes["command"] = values["cmd"]
    names = [pair.partition("=")[0] for pair in values.get("env") or ()] + list(values.get("env_keep") or ())
    if lost := next((name for name in names if name in OVERRIDDEN), None):
        raise InvalidField(field=f"env.{lost}", problem="gavelq sets it for every task", hint="choose GPUs with -g")
    if values.get("env_all"):
        names = list(request["env"])
    env: dict[str, str | None] = {name: request["env"][name] for name in names if name in request["env"]}
    for word in _unset_words(values):
        into, name = (env, word[4:]) if word.startswith("env.") else (changes, _field(word))
        if name in into:
            raise InvalidField(field="unset", problem=f"{word} is given as well", hint="do one of the two")
        into[name] = None
    return {**changes, "env": env} if env else changes


def _unset_words(values: Mapping[str, Any]) -> list[str]:
    return [word for words in values.get("unset") or () for part in words.split(",") if (word := part.strip())]


def _field(word: str) -> str:
    name = word.lstrip("-").replace("-", "_")
    return _FIELDS.get(name, name)
