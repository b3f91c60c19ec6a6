"""A block of lines that lives in the terminal: each drawing takes the place of the one before, without flicker."""

import os
import sys
from collections.abc import Sequence
from types import TracebackType

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_HOLD, _FLUSH = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: terminals that know it show the whole drawing at once, others ignore it."""


def is_possible() -> bool:
    """Whether the standard output is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class LiveBlock:
    """Draws on the standard output; the cursor is hidden meanwhile, and comes back whatever happens."""

    def __init__(self) -> None:
        self._n_drawn = 0
        self._size = self._terminal()

    def __enter__(self) -> "LiveBlock":
        _write(_HIDE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _write(_SHOW)

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines, none of them as wide as the terminal; what does not fit below each other is left out."""
        size = self._terminal()
        room = max(2, size.lines - 1)
        shown = list(lines)
        if len(shown) > room:
            shown = [*shown[: room - 1], f"... {len(shown) - room + 1} more line(s) do not fit"[: size.columns - 1]]
        begin = f"\x1b[{self._n_drawn}A\r" if self._n_drawn else ""
        if self._n_drawn and size != self._size:
            begin = "\x1b[H\x1b[2J"  # the terminal has wrapped the old lines anew: nobody knows where they are
        _write(_HOLD + begin + "".join(f"{line}\x1b[K\n" for line in shown) + "\x1b[J" + _FLUSH)
        self._n_drawn, self._size = len(shown), size

    @staticmethod
    def _terminal() -> os.terminal_size:
        try:
            found = os.get_terminal_size(sys.stdout.fileno())
        except (OSError, ValueError):
            return os.terminal_size((80, 24))
        return os.terminal_size((found.columns or 80, found.lines or 24))


def _write(text: str) -> None:
    """All at once. What the locale cannot hold is escaped."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
