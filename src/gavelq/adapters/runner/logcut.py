"""Cutting the logs of running tasks: copy, then truncate, three parts kept.

The format, for whoever reads a log:

    LOG      what was written last
    LOG.1    what stood before it; LOG.2 and LOG.3 are older still
    LOG.base how many bytes have been cut away over the log's whole life, in decimal: byte 0 of LOG is byte `base` of
             everything the task ever wrote. LOG.1 ends at `base`, LOG.2 ends where LOG.1 begins, and so on (a
             part that does not exist has no bytes). No such file: nothing was cut yet, `base` is 0.

While a cut goes on, LOG.base holds two numbers, `BASE CUT`: CUT bytes are on their way from LOG to LOG.1. A reader
reads LOG.base, then the parts, then LOG.base again; if it holds two numbers or has changed, it waits a few milliseconds
and reads again. Two numbers that stay for many seconds are an interrupted cut, which the next one repairs; until then
BASE counts.

A task that writes between the end of the copy and the truncation loses those few lines, as with every copytruncate; the
copy goes on until it has caught up, so that this is a moment of microseconds.
"""

import contextlib
import os
import sys

from gavelq.adapters.runner.forked import close_all_but

_N_PARTS = 3
_CHUNK = 1 << 20


def is_due(path: str, log_file: tuple[int, int], max_bytes: int) -> bool:
    """True where the file that the task writes to is (still) at this path and larger than it may be."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return found.st_size > max_bytes > 0 and (found.st_dev, found.st_ino) == log_file


def cut(path: str, log_file: tuple[int, int]) -> None:
    """Cut one log. Raises OSError; then nothing is lost. Blocking: call it in a process of its own."""
    source = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        found = os.fstat(source)
        if (found.st_dev, found.st_ino) != log_file:
            return
        base = _repaired_base(path, found.st_size)
        copy = f"{path}.1.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        target = os.open(copy, flags, found.st_mode & 0o777)
        try:
            size = _copy(source, target, 0)
            _write_base(path, f"{base} {size}")
            for number in range(_N_PARTS, 1, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(f"{path}.{number - 1}", f"{path}.{number}")
            os.rename(copy, f"{path}.1")
            size = _copy(source, target, size)
            os.ftruncate(source, 0)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(copy)
            raise
        finally:
            os.close(target)
        _write_base(path, str(base + size))
    finally:
        os.close(source)


def _copy(source: int, target: int, offset: int) -> int:
    while chunk := os.pread(source, _CHUNK, offset):
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
        offset += len(chunk)
    return offset


def _repaired_base(path: str, size: int) -> int:
    try:
        with open(f"{path}.base", encoding="ascii") as file:
            numbers = [int(word) for word in file.read(100).split()]
    except (OSError, ValueError):
        return 0
    match numbers:
        case [base]:
            return base
        case [base, under_way]:
            return _repair(path, base, size, under_way)
        case _:
            return 0


def _repair(path: str, base: int, size: int, under_way: int) -> int:
    """A cut was interrupted after it had announced itself."""
    if os.path.exists(f"{path}.1.new"):  # the copy was not in its place yet, LOG.1 is an older part
        return base
    if size < under_way:  # truncated
        return base + os.stat(f"{path}.1").st_size
    with contextlib.suppress(FileNotFoundError):  # not truncated: all that was copied is still in the log
        os.unlink(f"{path}.1")
    return base


def _write_base(path: str, content: str) -> None:
    new = f"{path}.base.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, content.encode("ascii") + b"\n")
    finally:
        os.close(fd)
    os.rename(new, f"{path}.base")


def cut_in_child(path: str, log_file: tuple[int, int]) -> int:
    """Cut a log in a forked child, so that a slow disk holds nobody up; returns its pid. Raises OSError."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        close_all_but({0, 1, 2})
        cut(path, log_file)
        code = 0
    except OSError as error:
        sys.stderr.write(f"the log {path!r} could not be cut: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)
