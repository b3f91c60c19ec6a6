"""Reading a task's log by absolute offsets, across the parts that were cut off it.

The runner cuts a log by copying it to LOG.1 (and shifting LOG.1 to LOG.2, LOG.2 to LOG.3) and truncating it; LOG.base
says how many bytes were cut off in the log's whole life. Byte B of that life stands in LOG at B - base, or further
back in the parts.
"""

import os
from dataclasses import dataclass

PARTS = 3
MAX_READ = 4 << 20


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


def exists(path: str) -> bool:
    """Whether the log has been made."""
    return os.path.isfile(path)


def _base(path: str) -> int:
    try:
        with open(path + ".base", "rb") as file:
            return max(0, int(file.read(32)))
    except (OSError, ValueError):
        return 0


def _pieces(path: str) -> list[_Piece]:
    """The parts and the log itself, oldest first, with the offsets at which they begin."""
    base = _base(path)
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
    last = _pieces(path)[-1]
    return last.start + last.size


def read(path: str, offset: int) -> Chunk:
    """What stands from `offset` on, at most MAX_READ bytes; it begins later where the older part is gone."""
    pieces = _pieces(path)
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
