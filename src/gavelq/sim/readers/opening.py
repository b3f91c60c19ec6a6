"""Opening a file of text, compressed or not (its first bytes tell), and reading its lines, none without an end."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_GZIP = b"\x1f\x8b"
MAX_LINE = 10_000
"""Characters: a file without line ends would fill the memory."""


class LineTooLong(ValueError):
    """A line has more than `MAX_LINE` characters."""

    def __init__(self) -> None:
        super().__init__(f"the line has more than {MAX_LINE} characters")


@contextmanager
def opened(path: str, *, encoding: str = "utf-8-sig") -> Iterator[TextIO]:
    """The text of a file, or of what comes through a pipe. Raises OSError where it cannot be opened."""
    with open(path, "rb") as raw:
        is_packed = raw.peek(len(_GZIP)).startswith(_GZIP)
        with gzip.GzipFile(fileobj=raw) if is_packed else raw as content:
            yield io.TextIOWrapper(content, encoding=encoding, newline="")


def lines(file: TextIO) -> Iterator[str]:
    """Line by line, with their ends. Raises LineTooLong."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise LineTooLong
        yield line
