"""The configuration of gavelrs: a small JSON file."""

from gavelq.config.importing.design import Design
from gavelq.config.importing.draft import Draft
from gavelq.config.importing.rules import Rule, left, log_file, log_level, path_to

_SOCKET = path_to("socket.path", "stop gavelrs before gavelq starts: only one of them can listen there")
_STATE = left("gavelq keeps its state in $XDG_STATE_HOME/gavelq, or below GAVELQ_HOME")

_RULES: dict[str, Rule] = {
    "log_path": log_file,
    "log_file": log_file,
    "sock_path": _SOCKET,
    "socket_path": _SOCKET,
    "socket": _SOCKET,
    "level": log_level,
    "log_level": log_level,
    "bug_level": log_level,
    "debug_level": log_level,
    "state_path": _STATE,
    "data_path": _STATE,
    "db_path": _STATE,
    "pid_path": left("gavelq needs no pid file: `gavelq daemon status` tells whether it runs"),
    "pid_file": left("gavelq needs no pid file: `gavelq daemon status` tells whether it runs"),
}


def _finish(draft: Draft) -> None:
    because = "with gavelrs everything waits for `task run`; `gavelq config unset submit.default_queue` starts at once"
    draft.add("submit.default_queue", "waiting", because)


GAVELRS = Design(
    name="gavelrs",
    telltales=frozenset({"log_path", "sock_path", "level", "bug_level"}),
    rules=_RULES,
    wrappers=frozenset({"gavelrs", "gavel", "daemon", "config"}),
    finish=_finish,
)
