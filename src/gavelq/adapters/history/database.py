"""The history's file: private, made where it is missing, and moved aside where it cannot be used."""

import contextlib
import logging
import os
import sqlite3
from urllib.parse import quote

from gavelq.adapters.history.statements import schema

log = logging.getLogger(__name__)

APPLICATION_ID = 0x6776_6868
"""`gvhh`: tells a history from any other SQLite file (PRAGMA application_id)."""
VERSION = 1
QUICK_CHECK_BYTES = 32 << 20
"""Up to this size the whole file is checked when it is opened: about 0.1 s."""
ASIDE = ".damaged"
_COMPANIONS = ("", "-wal", "-shm")
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

Identity = tuple[int, int]
"""Device and inode of a file."""


class Unusable(Exception):
    """The file is damaged, of another program, or of another version of gavelq; says which."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error tells that the file is not what it should be (and not that the disk is full, say)."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF in _DAMAGED or (code == sqlite3.SQLITE_ERROR and "no such" in str(error)))


def identity(path: str) -> Identity | None:
    """What tells this file from another one of its name; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create(path: str) -> None:
    """Make the file (0600) where it is missing, and take others' rights away. Raises OSError."""
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(fd).st_mode & 0o077:
            os.fchmod(fd, 0o600)  # it tells who did what when
    finally:
        os.close(fd)


def connect(path: str) -> sqlite3.Connection:
    """A connection to an existing file. A power cut may cost its last seconds (synchronous=NORMAL). sqlite3.Error."""
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=5.0,
        cached_statements=64,
        check_same_thread=False,  # each is used by one thread at a time, and closed by another
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -1024")
        connection.execute(f"PRAGMA journal_size_limit = {4 << 20}")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Check that the file is ours and sound, and make its tables where it is empty. Unusable, sqlite3.Error."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if (application or version or n_tables) and application != APPLICATION_ID:
        raise Unusable("it is a database of some other program")
    if version > VERSION:
        raise Unusable("it was written by a newer gavelq")
    connection.execute("PRAGMA journal_mode = WAL")
    if os.path.getsize(path) <= QUICK_CHECK_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise Unusable(str(verdict))
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in schema():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


def verdict(connection: sqlite3.Connection) -> str | None:
    """What is wrong with an opened file, looked at as a whole; None: nothing. sqlite3.Error."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()
    if found != "ok":
        return str(found)
    return None if n_tables == len(schema()) else "tables are missing"


def move_aside(path: str, why: str) -> None:
    """Put a file that cannot be used out of the way, in the place of an earlier one, and say so. Raises OSError."""
    for companion in _COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + ASIDE + companion)
    for companion in _COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            os.rename(path + companion, path + ASIDE + companion)
    log.warning("the history could not be used (%s): it was moved to %s, and begins anew", why, path + ASIDE)
