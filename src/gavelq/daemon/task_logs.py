"""Reading a task's log by absolute offsets, across the parts that were cut off it.

The runner cuts a log by copying it to LOG.1 (and shifting LOG.1 to LOG.2, LOG.2 to LOG.3) and truncating it; LOG.base
says how many bytes were cut off in the log's whole life. Byte B of that life stands in LOG at B - base, or further
back in the parts.
"""

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
PARTS = 3
_TRIES = 40
_PAUSE_S = 0.005
MAX_READ = 4 << 20
_OWN_LOG = re.compile(r"(\d{1,15})\.(?:\d+\.)?log", re.ASCII)
"""`7.log`, of a later attempt `7.2.log`; with what is cut off it behind that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some bytes of a log: where they begin and end in the log's whole life."""

    start: int
    content: bytes

    @property
    def end(self) -> int:
        """The offset to go on with."""
        return self.start + len(self.content)


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    size: int
    path: str


def last_number(directory: str) -> int:
    """The highest number of a task that left a log in gavelq's own directory; 0: none did. Blocking."""
    with os.scandir(directory) as entries:
        return max((int(found[1]) for entry in entries if (found := _OWN_LOG.match(entry.name))), default=0)


def exists(path: str) -> bool:
    """Whether the log has been made."""
    return os.path.isfile(path)


def _raw_base(path: str) -> bytes:
    try:
        with open(path + ".base", "rb") as file:
            return file.read(64)
    except OSError:
        return b""


def _steady(path: str, look: Callable[[int], T]) -> T:
    """What `look` sees of a log that is not being cut meanwhile.

    During a cut LOG.base holds a second number; one that stays is of an interrupted cut and does not count.
    """
    for _ in range(_TRIES):
        before = _raw_base(path)
        fields = before.split()
        seen = look(int(fields[0]) if fields and fields[0].isdigit() else 0)
        if len(fields) < 2 and _raw_base(path) == before:
            return seen
        time.sleep(_PAUSE_S)
    return seen


def _pieces(path: str, base: int) -> list[_Piece]:
    """The parts and the log itself, oldest first, with the offsets at which they begin."""
    pieces = [_Piece(base, _size(path), path)]
    start = base
    for number in range(1, PARTS + 1):
        part = f"{path}.{number}"
        size = _size(part)
        if start - size < 0 or size == 0:
            break
        start -= size
        pieces.insert(0, _Piece(start, size, part))
    return pieces


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def length(path: str) -> int:
    """The offset behind the last byte."""

    def look(base: int) -> int:
        return base + _size(path)

    return _steady(path, look)


def read(path: str, offset: int) -> Chunk:
    """What stands from `offset` on, at most MAX_READ bytes; it begins later where the older part is gone.

    May sleep for some milliseconds while the log is being cut: call it in a thread.
    """
    return _steady(path, lambda base: _read(path, base, offset))


def _read(path: str, base: int, offset: int) -> Chunk:
    pieces = _pieces(path, base)
    start = min(max(offset, pieces[0].start), pieces[-1].start + pieces[-1].size)
    content = b""
    for piece in pieces:
        at = start + len(content)
        if piece.start <= at < piece.start + piece.size and len(content) < MAX_READ:
            skip = at - piece.start
            content += _bytes(piece.path, skip, min(piece.size - skip, MAX_READ - len(content)))
    return Chunk(start=start, content=content)


def _bytes(path: str, at: int, n: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(at)
            return file.read(n)
    except OSError:
        return b""


def append(path: str, line: str) -> bool:
    """Put a line of gavelq's own behind a task's output; whether that was done.

    Only into a regular file that is there: what a task names as its log may be anything by now. Blocking.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        fd = os.open(path, flags)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return False
        os.write(fd, line.replace("\n", " ").encode(errors="backslashreplace") + b"\n")
    except OSError:  # a full disk
        return False
    finally:
        os.close(fd)
    return True


def tail(path: str, n_lines: int) -> Chunk:
    """The last lines, read backwards so that a large log costs no more than what is shown (at most MAX_READ bytes)."""
    end = length(path)
    start, content = end, b""
    step = 64 << 10
    while len(content) < MAX_READ and content.count(b"\n") <= n_lines:
        earlier = read(path, max(0, start - step))
        if earlier.start >= start:
            break
        content = earlier.content[: start - earlier.start] + content
        start = earlier.start
        step = min(step * 2, MAX_READ)
    lines = content.splitlines(keepends=True)
    kept = b"".join(lines[-n_lines:]) if n_lines else b""
    return Chunk(start=end - len(kept), content=kept)
