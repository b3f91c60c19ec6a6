"""What a terminal shows after all that was written to it: enough of ECMA-48 for blocks that are drawn in place."""

import re

_PIECE = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")


class Drawn:
    """A screen of so many lines and columns."""

    def __init__(self, n_lines: int, columns: int) -> None:
        self._rows = [[" "] * columns for _ in range(n_lines)]
        self._columns = columns
        self._row = self._column = 0
        self.n_scrolled = 0
        """Lines that have left at the top."""
        self.is_cursor_shown = True

    @property
    def lines(self) -> list[str]:
        """The lines without the blanks at their ends."""
        return ["".join(row).rstrip() for row in self._rows]

    def take(self, text: str) -> None:
        """Take in what was written."""
        for piece in _PIECE.finditer(text):
            if piece[2]:
                self._control(piece[0], piece[1], piece[2])
            elif piece[0] == "\r":
                self._column = 0
            elif piece[0] == "\n":
                self._down()
            else:
                self._put(piece[0])

    def _put(self, char: str) -> None:
        if self._column == self._columns:
            self._column = 0
            self._down()
        self._rows[self._row][self._column] = char
        self._column += 1

    def _down(self) -> None:
        if self._row + 1 < len(self._rows):
            self._row += 1
            return
        self.n_scrolled += 1
        self._rows = [*self._rows[1:], [" "] * self._columns]

    def _control(self, whole: str, number: str, letter: str) -> None:
        if whole in ("\x1b[?25l", "\x1b[?25h"):
            self.is_cursor_shown = letter == "h"
        elif letter == "A":
            self._row = max(0, self._row - int(number or 1))
        elif letter == "H":
            self._row = self._column = 0
        elif letter in "KJ":
            self._blank(self._row, 0 if number == "2" else self._column)
            for row in range(0 if number == "2" else self._row + 1, len(self._rows) if letter == "J" else 0):
                self._blank(row, 0)

    def _blank(self, row: int, begin: int) -> None:
        self._rows[row][begin:] = [" "] * (self._columns - begin)
