"""One HTTP/1.1 exchange over a unix socket or TCP, with nothing but `_socket`.

Shapes of the documents that travel here: `gavelq.client.shapes`. A connection serves one request (`Connection:
close`): a command makes one or two, and an idle connection would have to be minded. Grammar: RFC 9112.
"""

import _socket
import os

from gavelq.client.address import Address, check_directory, is_usual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class HasOptions(Protocol):
        """A socket, or what asyncio shows of one."""

        def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
            """As socket.socket.getsockopt."""


_CHUNK = 262144
_MAX_HEAD = 65536


class Unreachable(Exception):
    """Nobody answers at the address; `why` says what happened."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Broken(Unreachable):
    """The connection was made and then lost: the request may have been carried out, or not."""


class Reply:
    """A response: status code, header fields (names in lower case) and the body's bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def exchange(
    address: Address,
    method: str,
    target: str,
    *,
    body: bytes | None = None,
    headers: "Mapping[str, str] | None" = None,
    timeout_s: float = 30.0,
) -> Reply:
    """Send one request and read its answer, whatever its status.

    Raises Unreachable where nobody listens, Broken where the connection is lost on the way, TimeoutError when no
    byte arrives for `timeout_s`, and NotAllowed for a socket that belongs to somebody else.
    """
    request = compose(address, method, target, body=body, headers=headers)
    if address.socket is not None:
        connection = connect_unix(address.socket, timeout_s)
        try:
            return _converse(connection.send, connection.recv, request)
        finally:
            connection.close()
    from gavelq.client.tcp import connect

    stream = connect(address, timeout_s)
    try:
        return _converse(stream.send, stream.recv, request)
    finally:
        stream.close()


def compose(
    address: Address,
    method: str,
    target: str,
    *,
    body: bytes | None = None,
    headers: "Mapping[str, str] | None" = None,
    connection: str = "close",
) -> bytes:
    """The bytes of a request; `connection` is the field of that name."""
    lines = [f"{method} {address.prefix}{target} HTTP/1.1", f"Connection: {connection}"]
    lines.append(f"Host: {'localhost' if address.socket is not None else _host_field(address)}")
    if address.token:
        lines.append(f"Authorization: Bearer {address.token}")
    if body is not None:
        lines.append("Content-Type: application/json")
    if body is not None or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body or b'')}")
    lines.extend(f"{name}: {value}" for name, value in (headers or {}).items())
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def _host_field(address: Address) -> str:
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"


def connect_unix(path: str, timeout_s: float) -> _socket.socket:
    """Connect to a unix socket of the caller's own. Raises as `exchange` does."""
    check_directory(path)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(path)
        check_peer(connection, path)
    except FileNotFoundError:
        connection.close()
        raise Unreachable(f"there is no socket {path}") from None
    except ConnectionRefusedError:
        connection.close()
        raise Unreachable(f"nobody listens on {path}") from None
    except BlockingIOError:  # the backlog is full: the daemon is there, and busy
        connection.close()
        raise Broken(f"the daemon takes no more connections on {path}") from None
    except PermissionError:
        connection.close()
        raise forbidden(path) from None
    except OSError as error:
        connection.close()
        if isinstance(error, TimeoutError):
            raise
        raise Unreachable(f"{path}: {error.strerror or error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def forbidden(path: str) -> Exception:
    """NotAllowed, for a socket that its permissions keep us from: another user's private one."""
    from gavelq.core.errors import NotAllowed

    return NotAllowed(
        action=f"talking to {path}",
        why="its permissions forbid it",
        hint="it is another user's own socket: ask them for a shared one (docs/tenants.md), "
        "or unset GAVELQ_HOME and GAVELQ_SOCKET to use a daemon of your own",
    )


def check_peer(connection: "HasOptions", path: str) -> None:
    """Refuse a listener of another account: it would be handed the caller's environment (unix(7), SO_PEERCRED).

    Behind a socket that was named on purpose its owner may listen.
    """
    credentials = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    uid = int.from_bytes(credentials[4:8], "little" if _is_little_endian() else "big")
    if uid not in (os.getuid(), 0) and (is_usual(path) or os.stat(path).st_uid != uid):
        from gavelq.core.errors import NotAllowed

        raise NotAllowed(
            action=f"talking to {path}",
            why=f"the process that listens there belongs to uid {uid}",
            hint="name your own daemon's socket with --socket or GAVELQ_SOCKET",
        )


def _is_little_endian() -> bool:
    import sys

    return sys.byteorder == "little"


def _converse(send: "Callable[[memoryview], int]", recv: "Callable[[int], bytes]", request: bytes) -> Reply:
    try:
        rest = memoryview(request)
        while rest:
            try:
                rest = rest[send(rest) :]
            except BrokenPipeError:
                break  # the server has seen enough; its answer (a 413, say) may be waiting
        return _read_reply(recv)
    except (ConnectionError, ValueError) as error:
        raise Broken(f"the connection broke: {error}") from None


def _read_reply(recv: "Callable[[int], bytes]") -> Reply:
    """Read head and body. Raises ConnectionError where the stream ends early, ValueError where it is not HTTP."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        more = recv(_CHUNK)
        if not more or len(received) > _MAX_HEAD:
            raise ConnectionResetError("it ended before an answer came")
        received += more
    status, headers = parse_head(received[:end])
    body = received[end + 4 :]
    length = headers.get("content-length")
    is_chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    parts = [body]
    missing = int(length) - len(body) if length is not None and not is_chunked else None
    while missing is None or missing > 0:
        more = recv(_CHUNK)
        if not more:
            break
        parts.append(more)
        missing = None if missing is None else missing - len(more)
    if missing is not None and missing > 0:
        raise ConnectionResetError("it ended in the middle of an answer")
    whole = b"".join(parts)
    return Reply(status, headers, _unchunk(whole) if is_chunked else whole)


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and header fields (names in lower case), without the empty line. Raises ValueError for anything else."""
    first, *fields = head.decode("latin-1").split("\r\n")
    if not first.startswith("HTTP/1."):
        raise ValueError("this is no HTTP server")
    headers = {}
    for line in fields:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first[9:12]), headers


def _unchunk(body: bytes) -> bytes:
    """Take the chunks of a body together (RFC 9112 section 7.1)."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            raise ConnectionResetError("it ended in the middle of an answer")
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        part = body[end + 2 : end + 2 + size]
        if len(part) < size:
            raise ConnectionResetError("it ended in the middle of an answer")
        parts.append(part)
        at = end + 2 + size + 2
