"""The account's limits, and whether its processes outlive its login."""

import getpass
import os
import resource
from collections.abc import Iterator, Mapping

from gavelq.adapters.doctor.finding import Finding, note, ok, problem

_FEW_FILES, _FEW_PROCESSES = 4096, 4096
_LINGER = "/var/lib/systemd/linger"


def limits() -> Iterator[Finding]:
    """Descriptors and processes (getrlimit(2))."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield _limit("nofile", files, _FEW_FILES, "open files (the hard limit, which the runner takes)")
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    yield _limit("nproc", processes, _FEW_PROCESSES, "processes and threads of your account, all tasks together")


def _limit(name: str, found: int, few: int, what: str) -> Finding:
    if found == resource.RLIM_INFINITY:
        return ok("limits", name, f"no limit to {what}")
    said = f"at most {found} {what}"
    if found < few:
        return note("limits", name, said, f"have it raised in /etc/security/limits.conf ({name}), then log in anew")
    return ok("limits", name, said)


def examine(
    env: Mapping[str, str], *, linger: str = _LINGER, systemd: str = "/run/systemd/system"
) -> Iterator[Finding]:
    """What becomes of the daemon and its tasks when their owner logs out."""
    area = "session"
    user = getpass.getuser()
    if not os.path.isdir(systemd):
        yield ok(area, "logout", "there is no systemd that would end processes at logout")
    elif os.path.exists(os.path.join(linger, user)):
        yield ok(area, "logout", f"lingering is on for {user}: the daemon and tasks go on after logout")
    else:
        text = f"lingering is off for {user}: with KillUserProcesses=yes systemd ends the daemon and tasks at logout"
        yield note(area, "logout", text, f"loginctl enable-linger {user}; gavelq service install")
    runtime = env.get("XDG_RUNTIME_DIR")
    if runtime and not os.path.isdir(runtime):
        text = f"XDG_RUNTIME_DIR is {runtime}, which is not there"
        yield problem(area, "runtime directory", text, "unset it, or log in anew (su does not make it)")
