"""The end of an attempt: the message, its file, and in which order the world hears of it.

The file is renamed into place before anyone is told, so that no crash of any process loses the end. It is brought to
disk only where no daemon takes the end over (traces.py): the daemon's own commit is what makes an end last, a freed GPU
need not wait for two, and after a loss of power nothing of the attempt runs any more.
"""

import contextlib
import errno
import os
import sys
import time

from gavelq.adapters.runner import linux, wire
from gavelq.adapters.runner.command import CannotStart
from gavelq.adapters.runner.files import RESULT, STARTED, AttemptFiles

_SET_S = 1.0
_FIRST_PAUSE_S = 0.1
_MAX_PAUSE_S = 5.0
PIPE_BUF = 4096


def note_start(files: AttemptFiles, line: bytes) -> None:
    """Write what the next runner needs to know. A full disk ends no task: then that one only knows less."""
    try:
        files.write(STARTED, line)
    except OSError as error:
        sys.stderr.write(f"attempt {files.name}: {STARTED} cannot be written: {error}\n")


def tell(line: bytes, reports_fd: int) -> None:
    """Tell the runner that the attempt has started. Where nobody reads it now, whoever looks next reads the file."""
    # Not contextlib: what it touches would be memory of this process's own as long as the task runs.
    try:  # noqa: SIM105
        os.write(reports_fd, line)  # as a whole, because it is shorter than PIPE_BUF (pipe(7))
    except OSError:
        pass


def spawn_failed(identity: wire.Message, failure: CannotStart) -> wire.Message:
    """The `spawn_failed` message."""
    return {"kind": "spawn_failed", **identity, "problem": failure.problem, "is_transient": failure.is_transient}


def ended(
    identity: wire.Message,
    *,
    status: int | None,
    started_at: float | None,
    begun: float | None = None,
    cause: str,
    cpu_s: float = 0.0,
    max_rss_mib: float = 0.0,
    detail: str = "",
) -> wire.Message:
    """The `ended` message; `status` is what wait4(2) said, None where nobody could know.

    `begun`: the start as a reading of `linux.boottime()`; where the clock was set since, the start is told by the clock
    that tells the end.
    """
    ended_at = time.time()
    if begun is not None and started_at is not None:
        counted = ended_at - max(0.0, linux.boottime() - begun)
        started_at = counted if abs(counted - started_at) > _SET_S else started_at
    is_signalled = status is not None and os.WIFSIGNALED(status)
    result = {
        "exit_code": None if status is None or is_signalled else os.WEXITSTATUS(status),
        "signal": os.WTERMSIG(status) if status is not None and is_signalled else None,
        "started_at": started_at,
        "ended_at": ended_at,
        "cause": cause,
        "cpu_s": round(cpu_s, 3),
        "max_rss_mib": round(max_rss_mib, 1),
        "detail": detail,
    }
    return {"kind": "ended", **identity, "result": result}


def save(files: AttemptFiles, message: wire.Message, reports_fd: int) -> None:
    """Write the result and tell it; on a full or read-only disk wait until it can be written: it is the truth."""
    line = wire.encode(message)
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            files.write(RESULT, line)
            break
        except FileNotFoundError:  # the directory was deleted: nobody will ever read it
            return
        except OSError as error:
            if pause_s == _FIRST_PAUSE_S:
                name = errno.errorcode.get(error.errno or 0, "?")
                sys.stderr.write(f"attempt {files.name}: the result cannot be written yet ({name})\n")
                sys.stderr.flush()
        time.sleep(pause_s)
        pause_s = min(_MAX_PAUSE_S, pause_s * 2)
    # Up to PIPE_BUF bytes arrive as a whole (pipe(7)). A runner that was told sees to the rest.
    if len(line) <= PIPE_BUF:
        with contextlib.suppress(OSError):
            os.write(reports_fd, line)
            return
    with contextlib.suppress(OSError):  # a disk that gives up: there is nobody to tell
        files.sync(RESULT)
