"""Reading a log file of somebody's own, which anything may happen to meanwhile.

A file is found first without opening it (O_PATH), judged by where that really is and what it is, and then this very
file is opened: between the look and the reading there is no moment in which a link could be changed. All of this may
block for as long as a file system does not answer: call it in a thread (`gavelq.daemon.aside`).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from gavelq.core.errors import Refused
from gavelq.daemon.log_roots import LogRoots

MAX_READ = 1 << 20
"""Bytes of one answer."""
MAX_LINES = 10_000
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


class NotAFile(Refused):
    """refused: {path} is {what}"""

    code = "not_a_file"
    hint = "only a regular file can be read as a log"


class LogUnreadable(Refused):
    """refused: {path} cannot be read: {why}"""

    code = "log_unreadable"
    hint = "the daemon's user needs read permission for the file, and search permission for its directories"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A log file as it is now."""

    size: int
    modified_at: float
    identity: str
    """Another one: another file has the name now (the log was rotated)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a log file."""

    look: Look | None
    """None: there is no such file now."""
    start: int
    """The offset of the first of these bytes."""
    content: bytes = b""
    is_anew: bool = False
    """The file is shorter than it was, or another one: it is read from its beginning again."""

    @property
    def end(self) -> int:
        """The offset to go on with."""
        return self.start + len(self.content)


def bindable(path: str, roots: LogRoots) -> tuple[str, Look | None]:
    """The absolute path without `..`, and the file where there is one already.

    Raises as `look` does for what exists of the path, so that only what can become a log is bound.
    """
    roots.require(os.path.realpath(path), path)
    parts = path.split("/")
    if ".." in parts:
        path = os.path.join(os.path.realpath(os.path.dirname(path)), parts[-1])
    found = look(path, roots)
    if found is None:
        above = os.path.dirname(path)
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        if not os.path.isdir(above):
            raise NotAFile(path=above, what="no directory", hint="name a file below directories")
    if not path.isprintable() and path.encode("utf-8", "replace").decode("utf-8") != path:
        raise LogUnreadable(path=ascii(path), why="its name is no UTF-8", hint="give its directories names in UTF-8")
    return path, found


def look(path: str, roots: LogRoots) -> Look | None:
    """The file as it is; None where there is none. Raises OutsideRoots, NotAFile and LogUnreadable."""
    with _found(path, roots) as place:
        return None if place is None else _look(os.fstat(place))


def read(path: str, roots: LogRoots, *, offset: int, limit: int = MAX_READ, identity: str = "") -> Piece:
    """At most `limit` bytes from `offset` on. `identity`: of the file that the offset is about. Raises as `look`."""
    with _opened(path, roots) as fd:
        if fd is None:
            return Piece(look=None, start=offset)
        now = _look(os.fstat(fd))
        is_anew = offset > now.size or (offset > 0 and identity not in ("", now.identity))
        start = 0 if is_anew else offset
        return Piece(look=now, start=start, content=_bytes(fd, start, min(limit, MAX_READ), path), is_anew=is_anew)


def tail(path: str, roots: LogRoots, n_lines: int) -> Piece:
    """The last lines, as far as they fit into MAX_READ. Raises as `look`."""
    with _opened(path, roots) as fd:
        if fd is None:
            return Piece(look=None, start=0)
        now = _look(os.fstat(fd))
        # One byte more tells whether the first of these is the first one of a line.
        begin = now.size - MAX_READ - 1 if now.size > MAX_READ else 0
        content = _bytes(fd, begin, now.size - begin, path)
        kept = last_lines(content, n_lines, is_whole=now.size <= MAX_READ)
        return Piece(look=now, start=begin + len(content) - len(kept), content=kept)


def last_lines(content: bytes, n_lines: int, *, is_whole: bool) -> bytes:
    """The last lines of a text; its last one may lack the line end. Only `\\n` ends a line, `\\r` redraws it.

    Where something stands before `content` in the file, whole lines of it are kept, but of one single longer line all.
    The first byte of such a content is not for keeping.
    """
    if n_lines <= 0:
        return b""
    at = len(content) - content.endswith(b"\n")
    for _ in range(n_lines):
        at = content.rfind(b"\n", 0, at)
        if at < 0:
            break
    if at >= 0 or is_whole:
        return content[at + 1 :]
    first = content.find(b"\n") + 1
    return content[first:] if 0 < first < len(content) else content[1:]


@contextlib.contextmanager
def _found(path: str, roots: LogRoots) -> Iterator[int | None]:
    """A descriptor that only says which file it is; None where there is none. Opening it has no effect on anything."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        roots.require(os.path.realpath(path), path)  # what is outside gets the same answer, whether it is there or not
        if error.errno not in _ABSENT:
            raise LogUnreadable(path=path, why=os.strerror(error.errno or 0)) from None
        place = -1
    if place < 0:
        yield None
        return
    try:
        roots.require(_real(place, path), path)
        mode = os.fstat(place).st_mode
        if not stat.S_ISREG(mode):
            raise NotAFile(path=path, what=_KINDS.get(stat.S_IFMT(mode), "no regular file"))
        yield place
    finally:
        os.close(place)


@contextlib.contextmanager
def _opened(path: str, roots: LogRoots) -> Iterator[int | None]:
    """The file, for reading; None where there is none."""
    with _found(path, roots) as place:
        if place is None:
            yield None
            return
        try:
            fd = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise LogUnreadable(path=path, why=os.strerror(error.errno or 0)) from None
        try:
            yield fd
        finally:
            os.close(fd)


def _real(place: int, path: str) -> str:
    """Where an open file is, by the kernel's word. A file that was deleted just now is told where it was."""
    try:
        return os.readlink(f"/proc/self/fd/{place}")
    except OSError as error:
        raise LogUnreadable(path=path, why=os.strerror(error.errno or 0)) from None


def _look(found: os.stat_result) -> Look:
    identity = f"{found.st_dev:x}-{found.st_ino:x}"
    return Look(size=found.st_size, modified_at=found.st_mtime, identity=identity)


def _bytes(fd: int, start: int, n: int, path: str) -> bytes:
    """What there is of `n` bytes. Raises LogUnreadable."""
    parts = []
    try:
        while n > 0 and (part := os.pread(fd, n, start)):
            parts.append(part)
            start, n = start + len(part), n - len(part)
    except (OSError, OverflowError) as error:
        raise LogUnreadable(path=path, why=str(error)) from None
    return b"".join(parts)


_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
