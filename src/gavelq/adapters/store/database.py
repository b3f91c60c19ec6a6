"""Opening the database file: private, in WAL mode, of our kind, and brought to the present schema."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from gavelq.adapters.store.statements import migrations
from gavelq.core.errors import GavelqError, StoreCorrupt, StoreTooNew, StoreUnavailable

APPLICATION_ID = 0x6776_6C71
"""`gvlq`: tells a gavelq database from any other SQLite file (PRAGMA application_id)."""

QUICK_CHECK_BYTES = 32 << 20
"""Up to this size the whole file is checked at start: about 0.1 s."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def wrapped(error: sqlite3.Error, path: str) -> GavelqError | None:
    """What a SQLite error means to gavelq: StoreCorrupt, StoreUnavailable, or None for a mistake in our own SQL."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", "")
    why = f"{error} ({name})" if name else str(error)
    if code is not None and code & 0xFF in _DAMAGED:
        return StoreCorrupt(path=path, why=why)
    if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
        return StoreUnavailable(why=why)
    return StoreCorrupt(path=path, why=why) if code == sqlite3.SQLITE_ERROR and "no such" in why else None


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn SQLite's and the system's errors into gavelq's."""
    try:
        yield
    except sqlite3.Error as error:
        meaning = wrapped(error, path)
        if meaning is None:
            raise
        raise meaning from error
    except OSError as error:
        raise StoreUnavailable(why=f"{path}: {error.strerror}") from error


def create(path: str) -> tuple[int, int]:
    """Make the file (0600) and its directory (0700) where they are missing, and take others' rights away.

    Returns the file's identity, for `check_identity`.
    """
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(fd).st_mode & 0o077:
            os.fchmod(fd, 0o600)  # it holds environments
        return _identity(os.fstat(fd))
    finally:
        os.close(fd)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def check_identity(path: str, identity: tuple[int, int]) -> None:
    """Refuse to go on with a file that was deleted or replaced: in WAL mode SQLite itself would not notice.

    Commits to a deleted file would be lost, and what stands in another one is not what the daemon has in memory.
    """
    try:
        found: tuple[int, int] | None = _identity(os.stat(path))
    except FileNotFoundError:
        found = None
    if found != identity:
        fate = "replaced by another file" if found else "deleted or moved"
        raise StoreUnavailable(
            why=f"{path} was {fate} while it was in use",
            # Not `daemon restart`: a daemon that cannot read its state answers nobody, that command included.
            hint=f"put the file back, or end this daemon with `kill {os.getpid()}`, then: gavelq daemon init",
        )


def connect(path: str, *, read_only: bool = False, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection to an existing file; it is never created here, so that a file that vanished is noticed."""
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=busy_timeout_s,
        cached_statements=256,
        check_same_thread=False,  # each is used by one thread at a time, and closed by another
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -2048")
        connection.execute(f"PRAGMA journal_size_limit = {16 << 20}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Check that the database is ours and sound, switch to WAL, migrate. StoreCorrupt, StoreTooNew."""
    _check_kind(connection, path)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreUnavailable(why=f"{path}: this file system does not support SQLite's WAL mode (it is {mode!r})")
    if os.path.getsize(path) <= QUICK_CHECK_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreCorrupt(path=path, why=verdict)
    migrate(connection)


def _check_kind(connection: sqlite3.Connection, path: str) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or n_tables):
        raise StoreCorrupt(path=path, why="it is a database of some other program")
    if version > len(migrations()):
        raise StoreTooNew(path=path, found=version, known=len(migrations()))


def migrate(connection: sqlite3.Connection, *, up_to: int | None = None) -> None:
    """Run the migrations that are missing, each in a transaction of its own that also notes its number."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(migrations()[:up_to], 1):
        if number <= version:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _statements(script: str) -> Iterator[str]:
    """executescript() would commit first: the script is taken apart instead."""
    collected = ""
    for line in script.splitlines(keepends=True):
        collected += line
        if sqlite3.complete_statement(collected):
            yield collected
            collected = ""
