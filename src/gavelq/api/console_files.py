"""The files of the built console: read once, known by name, and held in memory with their packed form."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gavelq.daemon import journal

MAX_FILES = 200
MAX_BYTES = 16 << 20
"""Of all files together, packed forms included: a build that went wrong must not fill the daemon's memory."""
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
Files = Mapping[str, "ConsoleFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleFile:
    """A file as it is sent."""

    content: bytes
    packed: bytes | None
    """The same by gzip; None where the build made none."""
    kind: str
    """Its media type."""
    version: str
    """Changes with the content."""
    is_lasting: bool
    """Whether its name changes with the content, so that it may be kept for ever."""


def read_files(directory: str, most: int = MAX_BYTES) -> Files:
    """The files of a build by their path below `/ui/`; empty where there is none.

    `most`: bytes of all together. Only `index.html` and its neighbours, and what lies in `assets/`: no links, no other
    kinds, no deeper directories.
    """
    found: dict[str, ConsoleFile] = {}
    left = most
    for name, path in _paths(directory):
        file = _read(path, left, is_lasting=name.startswith("assets/"))
        if file is None or len(found) == MAX_FILES:
            journal.warn("a file of the console is not served: too many, or too large", path=path)
            continue
        left -= len(file.content) + len(file.packed or b"")
        found[name] = file
    return found if "index.html" in found else {}


def _paths(directory: str) -> Iterator[tuple[str, str]]:
    for below in ("", "assets/"):
        try:
            entries = sorted(os.scandir(os.path.join(directory, below)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            is_known = _NAME.fullmatch(entry.name) and os.path.splitext(entry.name)[1] in _KINDS
            if is_known and entry.is_file(follow_symlinks=False):
                yield below + entry.name, entry.path


def _read(path: str, left: int, *, is_lasting: bool) -> ConsoleFile | None:
    content = _content(path, left)
    if content is None:
        return None
    return ConsoleFile(
        content=content,
        packed=_content(path + ".gz", left - len(content)),
        kind=_KINDS[os.path.splitext(path)[1]],
        version=hashlib.sha256(content).hexdigest()[:20],
        is_lasting=is_lasting,
    )


def _content(path: str, most: int) -> bytes | None:
    """A file's bytes; None where there is no such file, or it has more than `most`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        content = file.read(max(0, most) + 1)
    return content if len(content) <= most else None
