"""PNG files of screens, made a third as large: 256 colours are enough for them. Only what Chromium writes is read.

https://www.w3.org/TR/png-3/ (chunks 5.3, filters 9.2). The colours that are seen most stay exactly as they are, the
others are put together by median cut (Heckbert 1982).
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST, _EXACT = 256, 160
Colour = tuple[int, ...]


def shrink(path: Path) -> None:
    """Write the file anew with a palette, where that makes it smaller. Raises ValueError for other kinds of PNG."""
    old = path.read_bytes()
    parts = list(_chunks(old))
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", parts[0][1])
    if depth != 8 or kind not in (2, 6) or rest[2]:
        raise ValueError(f"{path}: depth {depth}, colour type {kind}, interlaced {rest[2]}; expected 8, 2 or 6, 0")
    n_bytes = 3 if kind == 2 else 4
    pixels = zlib.decompress(b"".join(content for name, content in parts if name == b"IDAT"))
    plain = _rows(pixels, width * n_bytes, n_bytes)
    rows = [list(zip(*(row[at::n_bytes] for at in range(3)), strict=True)) for row in plain]
    places, palette = _reduced(Counter(colour for row in rows for colour in row))
    packed = zlib.compress(b"".join(b"\0" + bytes([places[colour] for colour in row]) for row in rows), 9)
    new = b"".join([
        _SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", bytes(part for colour in palette for part in colour)), _chunk(b"IDAT", packed),
        _chunk(b"IEND", b""),
    ])  # fmt: skip
    if len(new) < len(old):
        path.write_bytes(new)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        yield name, content[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _rows(pixels: bytes, n: int, step: int) -> Iterator[bytearray]:
    """The rows without their filters; a row has `n` bytes, a pixel `step`."""
    above = bytearray(n)
    for at in range(0, len(pixels), n + 1):
        row = bytearray(pixels[at + 1 : at + 1 + n])
        match pixels[at]:
            case 1:
                for i in range(step, n):
                    row[i] = (row[i] + row[i - step]) & 255
            case 2:
                row = bytearray((here + over) & 255 for here, over in zip(row, above, strict=True))
            case 3:
                for i in range(n):
                    row[i] = (row[i] + ((row[i - step] if i >= step else 0) + above[i]) // 2) & 255
            case 4:
                for i in range(n):
                    left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
                    row[i] = (row[i] + _paeth(left, above[i], corner)) & 255
        yield row
        above = row


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((abs(guess - left), 0, left), (abs(guess - above), 1, above), (abs(guess - corner), 2, corner))[2]


def _reduced(seen: Counter[Colour]) -> tuple[dict[Colour, int], list[Colour]]:
    """Which place of the palette stands for which colour, and the palette."""
    common = seen.most_common()
    boxes = [[colour] for colour, _ in common[:_EXACT]]
    rest = [[colour for colour, _ in common[_EXACT:]]] if len(common) > _EXACT else []
    while rest and len(boxes) + len(rest) < _MOST:
        rest.sort(key=lambda box: _spread(box)[0] * len(box))
        if not _spread(rest[-1])[0]:
            break
        box = rest.pop()
        axis = _spread(box)[1]
        box.sort(key=lambda colour: colour[axis])
        rest += [box[: len(box) // 2], box[len(box) // 2 :]]
    boxes += rest
    places = {colour: place for place, box in enumerate(boxes) for colour in box}
    return places, [_mean(box, seen) for box in boxes]


def _spread(box: Sequence[Colour]) -> tuple[int, int]:
    """How far apart the colours are, and in which part."""
    return max((max(one) - min(one), axis) for axis, one in enumerate(zip(*box, strict=True)))


def _mean(box: Sequence[Colour], seen: Counter[Colour]) -> Colour:
    total = sum(seen[colour] for colour in box)
    return tuple(sum(colour[axis] * seen[colour] for colour in box) // total for axis in range(3))
