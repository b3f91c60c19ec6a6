"""Opening a file of text, compressed or not: its first bytes tell."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: str, *, encoding: str = "utf-8-sig") -> Iterator[TextIO]:
    """The text of a file. Raises OSError where it cannot be opened."""
    with open(path, "rb") as raw:
        is_packed = raw.read(2) == _GZIP
        raw.seek(0)
        with gzip.GzipFile(fileobj=raw) if is_packed else raw as content:
            yield io.TextIOWrapper(content, encoding=encoding, newline="")
