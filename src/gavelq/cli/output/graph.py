"""Small graphs of a series for a terminal: braille dots, or plain characters where the locale has none."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 4
_DOTS = 4
"""Rows of dots in one braille character; it has two columns of them."""
_LEFT = (0x40, 0x04, 0x02, 0x01)
_RIGHT = (0x80, 0x20, 0x10, 0x08)
"""The dots of each column from the bottom up (Unicode block U+2800)."""


def has_braille() -> bool:
    """Whether the locale of standard output can hold braille characters."""
    try:
        "\u2840".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def draw(values: "Sequence[float | None]", top: float, *, is_plain: bool = False) -> list[str]:
    """The values as `ROWS` lines, two values to a character; the scale goes from 0 to `top`.

    What is known has at least one dot, so that 0 is told from unknown, which is blank.
    """
    known = list(values) + [None] * (len(values) % 2)
    pairs = list(zip(known[::2], known[1::2], strict=True))
    if is_plain:
        return [_plain_row([_merged(*pair) for pair in pairs], top, row) for row in reversed(range(ROWS))]
    heights = [(_height(left, top, ROWS * _DOTS), _height(right, top, ROWS * _DOTS)) for left, right in pairs]
    return ["".join(_braille(left, right, row) for left, right in heights) for row in reversed(range(ROWS))]


def _height(value: float | None, top: float, most: int) -> int:
    """From 0 (unknown) to `most`."""
    if value is None:
        return 0
    return max(1, min(most, round(value / top * most))) if top > 0 else 1


def _braille(left: int, right: int, row: int) -> str:
    code = 0x2800
    for height, dots in ((left, _LEFT), (right, _RIGHT)):
        for dot in range(max(0, min(_DOTS, height - row * _DOTS))):
            code |= dots[dot]
    return chr(code) if code != 0x2800 else " "


def _merged(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def _plain_row(values: "Sequence[float | None]", top: float, row: int) -> str:
    """Half a row is `.`, a whole one `#`; at the bottom `_` is next to nothing."""
    text = ""
    for value in values:
        height = _height(value, top, ROWS * 4) - row * 4
        if value is not None and row == 0 and height <= 1:
            text += "_"
        else:
            text += "#" if height >= 3 else "." if height >= 1 else " "
    return text


def framed(title: str, lines: "Sequence[str]", top: str, bottom: str = "0", *, is_plain: bool = False) -> list[str]:
    """The graph with its title above and its scale at the left."""
    room = max(len(top), len(bottom))
    bar = "|" if is_plain else "│"
    labels = [top, *[""] * (len(lines) - 2), bottom]
    return [title, *(f"{label:>{room}} {bar}{line}" for label, line in zip(labels, lines, strict=True))]
