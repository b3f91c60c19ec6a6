"""Output of tasks as lines that a screen may show: what steers a terminal is taken out."""

from __future__ import annotations

import codecs
import re

from gavelq.cli.output.text import safe

_STEERING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Escape sequences of ECMA-48: CSI, OSC and two-character ones."""
_MOST = 4000
"""Characters of one line."""


class Lines:
    """Bytes as they come to whole lines. Of a line that was written over and over only the last state is told."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, piece: bytes) -> list[str]:
        """The lines that these bytes complete."""
        *whole, self._rest = (self._rest + self._decoder.decode(piece)).split("\n")
        if len(self._rest) > _MOST:  # a progress bar, or somebody who never ends a line
            self._rest = self._rest[-_MOST:]
        return [_shown(line) for line in whole]

    def end(self) -> list[str]:
        """What is left."""
        rest, self._rest = self._rest, ""
        return [_shown(rest)] if rest else []


def _shown(line: str) -> str:
    last = line.rstrip("\r").rpartition("\r")[2]
    return safe(_STEERING.sub("", last)[:_MOST].expandtabs())
