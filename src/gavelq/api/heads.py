"""What a request's head must and must not say, beyond what the parser (llhttp) asks of it."""

import httptools
from starlette.types import Scope

MAX_HEAD = 64 << 10
"""Bytes."""
Fields = list[tuple[bytes, bytes]]


def require_sane(parser: httptools.HttpRequestParser, fields: Fields) -> None:
    """Raise HttpParserError where a head is of no use, or could be read in two ways.

    llhttp itself refuses a length given twice or beside an encoding, lines without a carriage return, folded lines and
    odd characters. It takes HTTP/0.9 (with a bare line feed, https://github.com/nodejs/llhttp/issues/877) and 2.0,
    encodings besides `chunked`, any number of hosts, and heads of any size.
    """
    version = parser.get_http_version()
    n_hosts = size = 0
    for name, value in fields:
        size += len(name) + len(value) + 4
        n_hosts += name == b"host"
        if name == b"transfer-encoding" and (value.lower() != b"chunked" or version != "1.1"):
            raise httptools.HttpParserError("an encoding that is not spoken here")  # RFC 9112, section 6.1
    if version not in ("1.1", "1.0"):
        raise httptools.HttpParserError("another version of HTTP")
    if n_hosts > 1 or (not n_hosts and version == "1.1"):  # RFC 9112, section 3.2
        raise httptools.HttpParserError("one host is wanted")
    if parser.get_method() == b"CONNECT" or size > MAX_HEAD:
        raise httptools.HttpParserError("a proxy is wanted, or the head is too large")


def framing(fields: Fields, *, keep_alive: bool) -> bytes:
    """A head that says no more than how long the body is that follows it, and whether anything may follow that."""
    kept = [field for field in fields if field[0] in (b"content-length", b"transfer-encoding")]
    if not keep_alive:
        kept.append((b"connection", b"close"))
    return b"POST / HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % field for field in kept) + b"\r\n"


def field_of(scope: Scope, name: bytes) -> bytes | None:
    """The first field of that name (in small letters); None: there is none."""
    for given, value in scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return None


def text_of(scope: Scope, name: bytes) -> str | None:
    """The same as text; all of its bytes are characters (ISO 8859-1)."""
    found = field_of(scope, name)
    return None if found is None else found.decode("latin-1")
