"""Directories, sockets, disk space, and other daemons of this machine."""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator

from gavelq.adapters.doctor.finding import Finding, Wanted, note, ok, problem
from gavelq.adapters.runner.claims import ClaimsReader
from gavelq.adapters.store.database import connect
from gavelq.adapters.store.filesystem import network_file_system
from gavelq.adapters.store.statements import migrations
from gavelq.core.ids import GpuUuid
from gavelq.paths import MAX_SOCKET_PATH

_AREA = "directories"
_LITTLE_MIB, _SCARCE_MIB = 5 * 1024, 512


def examine(state: str, database: str, wanted: Wanted) -> Iterator[Finding]:
    """Where this instance keeps its things."""
    yield private("state", state)
    yield from _file_system(state, wanted)
    yield _space(state)
    yield private("socket directory", os.path.dirname(wanted.socket), is_socket=True)
    yield _socket(wanted.socket)
    yield from schema(database)
    yield from _clock(database)
    yield _claims(wanted.claims_dir)
    yield from others(wanted.claims_dir, state)


def private(name: str, path: str, *, is_socket: bool = False) -> Finding:
    """A directory that only this account may enter (that of a socket: write to); it need not be there yet."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        above = _nearest(path)
        if os.access(above, os.W_OK | os.X_OK):
            return ok(_AREA, name, f"{path} will be made when the daemon starts")
        return problem(_AREA, name, f"{path} cannot be made: {above} is not yours to write", "set GAVELQ_HOME")
    except OSError as error:
        return problem(_AREA, name, f"{path}: {error.strerror}", "set GAVELQ_HOME to a directory of your own")
    if not stat.S_ISDIR(found.st_mode):
        return problem(_AREA, name, f"{path} is not a directory (a link?)", "move it away, or set GAVELQ_HOME")
    if found.st_uid != os.getuid():
        return problem(_AREA, name, f"{path} belongs to uid {found.st_uid}, not to you", "set GAVELQ_HOME")
    mode = stat.S_IMODE(found.st_mode)
    if is_socket and mode & 0o022:
        fix = "name a socket in a directory of its own (GAVELQ_SOCKET, socket.path), or none"
        return problem(_AREA, name, f"others may write to {path} (mode {mode:04o})", fix)
    if mode & 0o077 and not is_socket:
        fix = f"chmod 700 {path} (the daemon does it at its next start)"
        return problem(_AREA, name, f"others may enter {path} (mode {mode:04o})", fix)
    return ok(_AREA, name, f"{path} (mode {mode:04o})")


def _nearest(path: str) -> str:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def _file_system(path: str, wanted: Wanted) -> Iterator[Finding]:
    kind = network_file_system(_nearest(path))
    if kind is None:
        yield ok(_AREA, "file system", "the state is on a local disk")
    elif wanted.allow_network_fs:
        text = f"the state is on a network file system ({kind}), where locks and fsync may not hold what they promise"
        yield note(_AREA, "file system", text, "move it to a local disk")
    else:
        fix = "set GAVELQ_HOME or XDG_STATE_HOME to a local disk, or daemon.allow_network_fs: true"
        yield problem(_AREA, "file system", f"the state is on a network file system ({kind})", fix)


def _space(path: str) -> Finding:
    found = os.statvfs(_nearest(path))
    free_mib = found.f_bavail * found.f_frsize >> 20
    said = f"{free_mib / 1024:.1f} GiB free for the state and logs"
    if free_mib < _SCARCE_MIB:
        return problem(_AREA, "disk space", said, "make room: nothing starts while the state cannot be written")
    if free_mib < _LITTLE_MIB:
        return note(_AREA, "disk space", said, "logs of tasks go there: see logs.task_max_mb and retention.tasks_days")
    if found.f_files and found.f_favail < 10_000:
        return problem(_AREA, "disk space", f"only {found.f_favail} more files can be made", "delete some files")
    return ok(_AREA, "disk space", said)


def _socket(path: str) -> Finding:
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        fix = "set GAVELQ_SOCKET (or socket.path) to a shorter one"
        return problem(_AREA, "socket", f"its path has {length} bytes, {MAX_SOCKET_PATH} are possible: {path}", fix)
    return ok(_AREA, "socket", path)


def schema(database: str) -> Iterator[Finding]:
    """The version of the database's tables, beside the one that this gavelq knows. Nothing where there is none yet."""
    if not os.path.exists(database):
        return
    try:
        with contextlib.closing(connect(database, read_only=True, busy_timeout_s=1.0)) as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        fix = "restore a copy made by `gavelq backup FILE` (docs/operations.md), or move the file away"
        yield problem(_AREA, "database", f"{database}: {error}", fix)
        return
    known = len(migrations())
    said = f"schema {found}, {os.stat(database).st_size / (1 << 20):.1f} MiB"
    if found > known:
        fix = "install the gavelq that wrote it, or a newer one"
        yield problem(_AREA, "database", f"schema {found} is newer than this gavelq, which knows {known}", fix)
    elif found < known:
        yield ok(_AREA, "database", f"{said}; the daemon's next start makes it schema {known}")
    else:
        yield ok(_AREA, "database", said)


def _clock(database: str) -> Iterator[Finding]:
    """A clock that was set back makes waits and limits by the time of day odd."""
    import time

    try:
        ahead = os.stat(database).st_mtime - time.time()
    except OSError:
        ahead = 0.0
    if ahead > 60:
        text = f"the state was written {ahead:.0f} s in the future: the clock was set back"
        yield problem(_AREA, "clock", text, "set the clock, and keep it with NTP (timedatectl set-ntp true)")
    elif time.time() < 1.7e9:
        yield problem(_AREA, "clock", "the clock is years behind", "set it (timedatectl set-ntp true)")
    else:
        yield ok(_AREA, "clock", "it agrees with the files of the state")


def _claims(path: str) -> Finding:
    name = "claims directory"
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return ok(_AREA, name, f"{path} will be made when a task first takes a real GPU")
    except OSError as error:
        return problem(_AREA, name, f"{path}: {error.strerror}", "set gpu.claims_dir, the same for all daemons here")
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        return problem(_AREA, name, f"{path} is not a directory", "have it removed: daemons lock GPUs by files in it")
    if not mode & stat.S_ISVTX or mode & 0o003 != 0o003:
        text = f"{path} has mode {mode:04o}: not all daemons can lock GPUs there, or others may remove their locks"
        return problem(_AREA, name, text, f"have its owner say: chmod 1777 {path}")
    return ok(_AREA, name, f"{path} (mode {mode:04o})")


def others(directory: str, state: str) -> Iterator[Finding]:
    """Daemons of other people (or instances) that hold GPUs at this moment."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        names = []
    held = ClaimsReader(directory, state).foreign([GpuUuid(name) for name in names], frozenset())
    if not held:
        yield ok(_AREA, "other daemons", "no other gavelq holds a GPU now")
    for uuid, holder in held.items():
        yield note(
            _AREA, "other daemons", f"GPU {uuid} is held by {holder}", "it counts as foreign until it is given back"
        )
