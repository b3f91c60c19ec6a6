"""What a freshly forked child does before its own work."""

import os
import resource
import signal
import socket
import sys

from gavelq.adapters.runner import linux, wire
from gavelq.adapters.runner.files import AttemptFiles
from gavelq.adapters.runner.leases import LeaseHolder
from gavelq.adapters.runner.supervisor import Supervisor

TYPE_CHECKING = False  # not from typing: that alone would be a tenth of the runner's memory
if TYPE_CHECKING:
    from typing import NoReturn


def supervise(
    spawn: wire.Spawn,
    files: AttemptFiles,
    control: socket.socket,
    reports_fd: int,
    *,
    boot_id: str,
    keep: tuple[int, ...],
    file_limit: tuple[int, int],
) -> "NoReturn":
    """Be the supervisor, in a freshly forked child; `keep` are its lock and its cards' locks, held while it lives."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        close_all_but({0, 1, 2, files.attempts_fd, control.fileno(), reports_fd, *keep})
        os.write(keep[0], b"%d\n" % os.getpid())  # behind the facts: from here on something may have run
        linux.become_subreaper()
        linux.set_name("gavelq-lease" if spawn.is_lease else "gavelq-task")
        # INT, HUP and PIPE are ignored as in the launcher, whose handlers for TERM and CHLD do nothing here.
        resource.setrlimit(resource.RLIMIT_NOFILE, file_limit)
        life = LeaseHolder if spawn.is_lease else Supervisor
        life(spawn, files, control, reports_fd, boot_id).run()
        code = 0
    except BaseException:  # noqa: BLE001  # whatever it is: the runner takes over, and its log shall say why
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


def close_all_but(keep: set[int]) -> None:
    """Let go of the parent's descriptors: its lock, the oldest of them, behind those of attempts.

    Whoever takes that lock next must not take what a sibling has not let go of yet for the lock of a supervisor.
    """
    # Not os.closerange: where Python was built without close_range(2) it tries every number up to the limit.
    listing = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
    for name in reversed(os.listdir(listing)):  # the kernel lists them by number
        if int(name) not in keep and int(name) != listing:
            try:
                os.close(int(name))
            except OSError:  # the copy by which listdir reads
                continue
    os.close(listing)
