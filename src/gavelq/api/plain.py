"""The plain requests: those that programs make a thousand times a second, written as nearly everybody writes them.

h11 understands all of HTTP/1.1 and takes its time for it: a third of a submission's cost. Here only what is beyond all
doubt is read; about everything else nothing is said, and h11 hears it. So there is nothing in which the two could
differ: no body without a length, no field twice that matters, no encoding, no upgrade, no line that is odd.
"""

import re
from typing import NamedTuple

from starlette.types import Scope

MAX_HEAD = 16 << 10
MAX_PLAIN = 256 << 10
"""Bytes of a body that is waited for; h11 takes larger ones."""
_LINE = re.compile(rb"(?:(POST) (/api/tasks)|(GET) (/api/tasks/[1-9][0-9]{0,14})) HTTP/1\.1\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ \t]*\r\n")
"""RFC 9112, section 5, without empty values, obsolete line folding and bytes above ASCII."""
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,6}")
_ODD = frozenset({b"transfer-encoding", b"te", b"trailer", b"expect", b"upgrade", b"http2-settings"})
_ONCE = frozenset({b"host", b"content-length", b"connection", b"authorization", b"cookie", b"content-type"})
Fields = list[tuple[bytes, bytes]]


class Plain(NamedTuple):
    """A request's head. `fields` have names in small letters, as ASGI wants them."""

    method: str
    path: str
    fields: Fields
    body_at: int
    """Where the body begins, counted from the request's first byte."""
    length: int
    """Of the body."""


def field_of(scope: Scope, name: bytes) -> bytes | None:
    """The first field of that name (in small letters); None: there is none."""
    for given, value in scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return None


def is_candidate(received: bytes) -> bool:
    """Whether it may become a plain request: asked first, because it costs nothing."""
    return received.startswith((b"POST /api/tasks HTTP/1.1\r\n", b"GET /api/tasks/"))


def read_plain(received: bytes) -> Plain | None:
    """The head of the request that these bytes begin with; None: it is not all there, or not plain."""
    line = _LINE.match(received)
    end = received.find(b"\r\n\r\n", 0, MAX_HEAD)
    if line is None or end < 0:
        return None
    fields = _fields(received, line.end(), end + 2)
    if fields is None:
        return None
    method, path = line[1] or line[3], line[2] or line[4]
    given = dict(fields)
    length = given.get(b"content-length", b"0")
    if b"host" not in given or given.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    if not _LENGTH.fullmatch(length) or int(length) > (MAX_PLAIN if method == b"POST" else 0):
        return None
    return Plain(method.decode(), path.decode(), fields, end + 4, int(length))


def _fields(received: bytes, at: int, end: int) -> Fields | None:
    found: Fields = []
    names: set[bytes] = set()
    while at < end:
        field = _FIELD.match(received, at, end)
        if field is None:
            return None
        name = field[1].lower()
        if name in _ODD or (name in names and name in _ONCE):
            return None
        names.add(name)
        found.append((name, field[2]))
        at = field.end()
    return found
