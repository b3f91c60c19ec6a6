"""Whose lease it is: the shell that a person or a script asked from."""

import os

from gavelq.cli.processes import parent
from gavelq.core.errors import InvalidField

_MAX_DEPTH = 64


def calling_process() -> int:
    """The process that called this command, by its pid. Raises InvalidField where nobody did that will ever end.

    In `$(gavelq lease --export)` the caller may be a copy of the shell that lives no longer than the substitution: a
    fork without an exec, whose output is the pipe that we write to. Then the shell itself is meant.
    """
    pid = os.getppid()
    output = _link(os.getpid(), "fd/1")
    for _ in range(_MAX_DEPTH):
        above = parent(pid)
        is_copy = above > 1 and _command(pid) == _command(above) and _link(pid, "exe") == _link(above, "exe")
        if not (is_copy and output.startswith("pipe:") and _link(pid, "fd/1") == output):
            break
        pid = above
    if pid <= 1:
        raise InvalidField(
            field="pid",
            problem="this command was not called by a shell that could own the lease",
            hint="name the owner with --pid PID, or renew it yourself: --no-owner and gavelq lease renew ID",
        )
    return pid


def _command(pid: int) -> bytes | None:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return None


def _link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return ""
