"""A progress bar on standard error, for what takes longer than a moment."""

import sys
import time

from gavelq.cli.output.text import shorten, terminal_columns
from gavelq.cli.output.times import duration

_PATIENCE_S = 1.0
"""Nothing is shown of what is done sooner."""
_REDRAWN_S = 0.1
_CELLS = 24


class Bar:
    """Shows how far something is, where a person looks at standard error; elsewhere it does nothing."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = self._drawn = time.monotonic()
        self._is_shown = False
        self._is_watched = sys.stderr.isatty()

    def show(self, done: int, total: int) -> None:
        """So many of so many are done."""
        now = time.monotonic()
        if not self._is_watched or now - self._began < _PATIENCE_S or now - self._drawn < _REDRAWN_S:
            return
        self._drawn, self._is_shown = now, True
        line = bar(self._title, done, total, now - self._began)
        sys.stderr.write("\r\x1b[K" + shorten(line, terminal_columns(sys.stderr) - 1))
        sys.stderr.flush()

    def clear(self) -> None:
        """Take it away again."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_shown = False


def bar(title: str, done: int, total: int, elapsed_s: float) -> str:
    """`fair  [######..................]  25 %, 1m30s left`."""
    part = min(1.0, done / total) if total else 1.0
    filled = int(part * _CELLS)
    left = f", {duration(elapsed_s * (1 - part) / part)} left" if part else ""
    return f"{title}  [{'#' * filled}{'.' * (_CELLS - filled)}] {part:4.0%}{left}"
