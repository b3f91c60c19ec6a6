"""`gavelq submit`: from options to a task request, to the daemon, to a line that says what came of it."""

import os
import sys

from gavelq.cli.call import Call
from gavelq.cli.output.text import safe, say
from gavelq.client import lean
from gavelq.client.http import new_key
from gavelq.client.wire import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn

_TIMEOUT_S = 120.0
_MAX_LINES = 5
"""A terminal shows so many tasks of a submission line by line."""
PLAIN = {
    "name": "name",
    "queue": "queue",
    "gpu_count": "gpu_count",
    "memory": "memory",
    "priority": "priority",
    "time": "time_limit",
    "hold": "hold",
    "on": "notify_on",
    "requeue": "requeue",
    "allow_infeasible": "allow_infeasible",
    **{
        name: name
        for name in (
            "warn",
            "min_gpus",
            "max_gpus",
            "gpu_left",
            "share",
            "retries",
            "backoff",
            "retry_burst",
            "retry_on",
            "on_gpu_oom",
            "after",
            "after_any",
            "after_fail",
            "not_before",
            "preemptible",
            "learn_memory",
            "max_parallel",
            "isolation",
            "mps_percent",
        )
    },
}
"""Options whose value goes into the request as it is; the daemon reads units, so that there is one reader of them."""


def submit_words(call: Call, values: "Mapping[str, Any]", words: list[str], behind: list[str] | None) -> int:
    """The short forms: `submit "CMD"` and `submit -- ARGV...`."""
    return submit_one(call, values, command_of("submit", words, behind))


def command_of(verb: str, words: list[str], behind: list[str] | None) -> "dict[str, Any]":
    """One quoted command line, or what stands behind `--`; `verb` is for the hints."""
    if behind is not None and not words:
        if not behind:
            _refuse("command", "nothing stands behind `--`", f"write: gavelq {verb} -- PROGRAM ARGUMENT...")
        return {"argv": behind}
    if len(words) != 1 or behind is not None:
        _refuse(
            "command",
            f"{len(words)} words where one command line was expected" if words else "there is no command",
            "quote the command line as one word, or write the program and its arguments behind `--`",
        )
    return {"command": words[0]}


def submit_one(call: Call, values: "Mapping[str, Any]", what: "dict[str, Any]") -> int:
    """Submit one task: `what` says its command, `values` are the options of `submit`."""
    request, dropped = request_of(call, values)
    request.update(what)
    if values.get("dry_run"):
        from gavelq.cli.trying import print_trial

        return print_trial(call, request, is_sweep=is_sweep(values))
    if is_sweep(values):
        return _submit_sweep(call, values, request, dropped)
    reply = send_submission(call, "/api/tasks", request)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(reply.body)
        return 0
    _tell([lean.loads(reply.body)], dropped)
    return 0


def is_sweep(values: "Mapping[str, Any]") -> bool:
    """Whether the options make several tasks."""
    return bool(values.get("param")) or any(values.get(name) is not None for name in ("array", "param_file"))


def _submit_sweep(call: Call, values: "Mapping[str, Any]", request: "dict[str, Any]", dropped: "Sequence[str]") -> int:
    from gavelq.cli.sweep import sweep_of
    from gavelq.core.errors import GavelqError

    request.update(sweep_of(values))
    try:
        return submit_all(call, [request], queue=None, base={}, dropped=dropped, is_list=True)
    except GavelqError as error:
        error.message = error.message.replace("tasks[0].", "")  # the caller wrote options, and no list
        raise


def request_of(call: Call, values: "Mapping[str, Any]") -> "tuple[dict[str, Any], list[str]]":
    """The task request that the options make (without a command), and the variables that were left out of `env`."""
    request = {field: values[name] for name, field in PLAIN.items() if is_given(values.get(name))}
    request["workdir"] = _absolute(values.get("workdir"), "workdir")
    if values.get("log") is not None:
        request["log_path"] = _absolute(values["log"], "log")
    if values.get("tag"):
        request["tags"] = list(values["tag"])
    if values.get("notify"):
        request["notify"] = list(values["notify"])
    if values.get("gpus") is not None:
        ids = [part.strip() for part in values["gpus"].split(",")]
        if not all(ids):
            _refuse("gpus", f"{values['gpus']!r} is not a list of GPUs", "write for example -g 0,1")
        request["gpu_ids"] = ids
    if values.get("util_margin") is not None and values.get("max_util") is not None:
        _refuse("util_margin", "--util-margin and --max-util say the same thing", "give only one of them")
    if values.get("util_margin") is not None:
        request["max_util"] = 100 - values["util_margin"]
    elif values.get("max_util") is not None:
        request["max_util"] = values["max_util"]
    env, dropped = environment(call, values)
    request["env"] = env
    if dropped:
        request["env_dropped"] = dropped
    return request, dropped


def is_given(value: object) -> bool:
    """Whether an option was written: 0 is a value, though it equals False."""
    return value is not None and value is not False


def environment(call: Call, values: "Mapping[str, Any]") -> tuple[dict[str, str], list[str]]:
    """The caller's environment as the task will get it, and the names that were left out of it."""
    own = {}
    for pair in values.get("env") or ():
        name, separator, value = pair.partition("=")
        if not name or not separator:
            _refuse("env", f"{pair!r} is not NAME=VALUE", "write for example -e SEED=1")
        own[name] = value
    from gavelq.formats.environment import OVERRIDDEN, SECRET_PATTERNS, capture

    patterns: tuple[str, ...] = SECRET_PATTERNS
    if "GAVELQ_SUBMIT_SECRET_PATTERNS" in os.environ or call.mentions(b"secret_patterns"):
        from gavelq.cli.settings import setting

        patterns = tuple(setting(call, "submit.secret_patterns"))
    keep = values.get("env_keep") or ()
    kept, dropped = capture(os.environ, keep=keep, keep_all=bool(values.get("env_all")), patterns=patterns)
    lost = [name for name in own if name in OVERRIDDEN]
    found = {**kept, **{name: value for name, value in own.items() if name not in OVERRIDDEN}}
    return found, [*(name for name in dropped if name not in own), *lost]


def submit_all(
    call: Call,
    tasks: "Sequence[object]",
    *,
    queue: str | None,
    base: "dict[str, Any]",
    dropped: "Sequence[str]",
    is_list: bool = False,
) -> int:
    """Submit several tasks, all or none: `queue` and the fields of `base` are for those that say nothing themselves.

    JSON is the task where there is one, and an array for several, or with `is_list`.
    """
    payload = {"tasks": tasks, "base": base, **({} if queue is None else {"queue": queue})}
    reply = send_submission(call, "/api/submissions", payload)
    made = lean.loads(reply.body)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        body = reply.body.strip()
        print_body(body[1:-1] if len(made) == 1 and not is_list else body)
        return 0
    _tell(made, dropped)
    return 0


def send_submission(call: Call, target: str, payload: "dict[str, Any]") -> Reply:
    """Send a submission; starts the daemon where it is not running."""
    link, key = call.link(), new_key()
    try:
        return link.send("POST", target, payload, timeout_s=_TIMEOUT_S, key=key)
    except Exception as error:
        from gavelq.cli.start import autostart

        if not autostart(call, error):
            raise
        return link.send("POST", target, payload, timeout_s=_TIMEOUT_S, key=key)


def _tell(tasks: "list[dict[str, Any]]", dropped: "Sequence[str]") -> None:
    is_many = len(tasks) > _MAX_LINES and sys.stdout.isatty()
    for task in () if is_many else tasks:
        say(f"task {task['id']} submitted: {task['state']} in queue {safe(task['queue'])}")
    if len(tasks) > 1 and sys.stdout.isatty():
        first, last = tasks[0], tasks[-1]
        say(f"submission {first['submission_id']}: {len(tasks)} tasks, {first['id']} to {last['id']}")
    if len(tasks) == 1 and tasks[0]["state"] == "held" and sys.stdout.isatty():
        say(f"let it run with: gavelq task run {tasks[0]['id']}")
    # The daemon adds what a file of tasks says about variables that gavelq sets.
    found = [name for task in tasks for name in task.get("env_dropped") or ()]
    tell_dropped([*dropped, *(name for name in dict.fromkeys(found) if name not in dropped)])


def tell_dropped(dropped: "Sequence[str]") -> None:
    """Say on standard error which variables the task will not see."""
    if not dropped:
        return
    from gavelq.formats.environment import OVERRIDDEN

    for names, why in (
        ([name for name in dropped if name not in OVERRIDDEN], "keep with --env-keep NAME"),
        ([name for name in dropped if name in OVERRIDDEN], "gavelq sets it; choose GPUs with -g"),
    ):
        if names:
            say(f"left out of the environment: {safe(', '.join(names))} ({why})", sys.stderr)


def _absolute(path: str | None, field: str) -> str:
    path = "." if path is None else path
    if not path:
        _refuse(field, "it is empty", "name a path, or leave the option out")
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        _refuse(field, "the present directory does not exist any more", "cd to another one, or name one with -w DIR")


def _refuse(field: str, problem: str, hint: str) -> "NoReturn":
    from gavelq.core.errors import InvalidField

    raise InvalidField(field=field, problem=problem, hint=hint)
