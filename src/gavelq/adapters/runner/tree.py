"""Finding and signalling every process below another one.

Children of a subreaper come back to it when their parents die, so that repeating `signal_descendants(KILL)` and
reaping until the kernel says ECHILD leaves nothing alive. A process that is not our own child may vanish, and its pid
be used again, between looking and signalling: a pidfd is taken first and the parent looked at again, so that no
stranger is ever hit.
"""

import os
import signal
from collections.abc import Callable, Iterator

from gavelq.adapters.runner import linux


def _by_children_file(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            fd = os.open(f"/proc/{pid}/task/{thread}/children", os.O_RDONLY | os.O_CLOEXEC)
            try:
                while chunk := os.read(fd, 65536):
                    # The kernel ends every read at a whole number, so that chunks can be split one by one.
                    found.extend(map(int, chunk.split()))
            finally:
                os.close(fd)
    except OSError:  # the process or one of its threads ended meanwhile
        pass
    return found


def _by_scan(pid: int) -> list[int]:
    return [process.pid for process in processes() if process.parent == pid]


# Kernels without CONFIG_PROC_CHILDREN have no such file.
_HAS_FILE = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
children: Callable[[int], list[int]] = _by_children_file if _HAS_FILE else _by_scan
"""The pids of a process's children; empty where there is no such process."""


def processes() -> Iterator[linux.Stat]:
    """All processes of this account."""
    uid = os.getuid()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid != uid:
                    continue
            except OSError:
                continue
            found = linux.stat(int(name))
            if found is not None:
                yield found


def descendants(root: int) -> list[tuple[int, int]]:
    """All processes below `root` as (pid, parent), parents first."""
    found = [(pid, root) for pid in children(root)]
    for pid, _ in found:  # grows while it is walked
        found.extend((child, pid) for child in children(pid))
    return found


def send(pid: int, signum: int) -> None:
    """Signal one of our own children that is not reaped yet: its pid cannot be used again."""
    try:
        os.kill(pid, signum)
    except (ProcessLookupError, PermissionError):  # gone, or it took another account (a setuid program)
        return


def send_checked(pid: int, signum: int, is_right: Callable[[linux.Stat], bool]) -> None:
    """Signal a process that somebody else may reap at any time, if it is (still) the right one."""
    fd = linux.pidfd(pid)
    try:
        found = linux.stat(pid)
        if found is None or not is_right(found):
            return
        if fd is None:
            os.kill(pid, signum)
        else:
            signal.pidfd_send_signal(fd, signum)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        if fd is not None:
            os.close(fd)


def signal_descendants(root: int, signum: int) -> int:
    """Send a signal to all processes below `root`, which must be this process; returns how many there were."""
    found = descendants(root)
    known = {root, *(pid for pid, _ in found)}
    for pid, parent in found:
        if parent == root:
            send(pid, signum)
        else:
            send_checked(pid, signum, lambda process: process.parent in known)
    return len(found)
