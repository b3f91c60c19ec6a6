"""A consistent copy of the live database in a file of its own."""

import contextlib
import os
import sqlite3

from gavelq.adapters.store.database import connect


def back_up(source: str, target: str) -> None:
    """Copy `source` as it is now to the new file `target` (0600). Commits go on meanwhile.

    Raises FileExistsError where there is something, other OSErrors and sqlite3 errors; nothing is left behind then.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with (
            contextlib.closing(connect(source, read_only=True)) as live,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            live.backup(copy)  # in one step: it reads a snapshot, and holds nobody up
            copy.execute("PRAGMA synchronous = FULL")
            copy.execute("PRAGMA journal_mode = DELETE")  # one file without companions
        _sync(target)
    except BaseException:
        for name in (target, f"{target}-wal", f"{target}-shm", f"{target}-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        raise


def _sync(path: str) -> None:
    for name in (path, os.path.dirname(os.path.abspath(path))):
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
