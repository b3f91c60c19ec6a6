"""An answer that is read while it is still being sent; blocking."""

import _socket
import socket
import time
from collections.abc import Iterator
from types import TracebackType

from gavelq.client.address import Address
from gavelq.client.body import Body
from gavelq.client.http import Link
from gavelq.client.listening import SILENCE_S, Listener
from gavelq.client.problems import error_of
from gavelq.client.sse import StreamEvent
from gavelq.client.wire import Broken, Unreachable, compose, connect_unix, parse_head
from gavelq.core.errors import GavelqError

_CHUNK = 65536
_MAX_HEAD = 65536


class Stream:
    """One GET whose answer has no end of its own. Close it, or use it in a `with` block."""

    def __init__(self, address: Address, target: str, headers: dict[str, str], *, silence_s: float) -> None:
        """Returns when the answer's head is there. Raises as `wire.exchange`; silence is TimeoutError."""
        self._connection = _connect(address, silence_s)
        try:
            self._connection.sendall(compose(address, "GET", target, headers=headers))
            self.status, self.headers, first = self._read_head()
            self._body = Body(self.status, self.headers)
            self._first = self._body.feed(first)
        except (ConnectionError, ValueError) as error:
            self.close()
            raise Broken(f"the connection broke: {error}") from None
        except BaseException:
            self.close()
            raise

    def _read_head(self) -> tuple[int, dict[str, str], bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            more = self._connection.recv(_CHUNK)
            if not more or len(received) > _MAX_HEAD:
                raise ConnectionResetError("it ended before an answer came")
            received += more
        return (*parse_head(received[:end]), received[end + 4 :])

    def pieces(self) -> Iterator[bytes]:
        """The content as it comes, until it ends, or the connection does. Raises TimeoutError."""
        if self._first:
            yield self._first
        while not self._body.is_over:
            try:
                received = self._connection.recv(_CHUNK)
                piece = self._body.feed(received)
            except (ConnectionError, ValueError):
                return
            if not received:
                return
            if piece:
                yield piece

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _connect(address: Address, timeout_s: float) -> _socket.socket | socket.socket:
    if address.socket is not None:
        return connect_unix(address.socket, timeout_s)
    from gavelq.client.tcp import connect

    return connect(address, timeout_s)


def listen(link: Link, listener: Listener) -> Iterator[StreamEvent]:
    """Events for as long as they are taken, over as many connections as it takes. Raises as Listener.pause."""
    while True:
        error: GavelqError | None = None
        try:
            stream = _open(link, listener)
        except GavelqError as found:
            error = found
        else:
            with stream:
                if not listener.opened(stream.status, stream.headers):
                    return
                try:
                    for piece in stream.pieces():
                        yield from listener.take(piece)
                except TimeoutError:
                    pass  # silence: the daemon's machine may be gone; a new connection tells
        time.sleep(listener.pause(time.monotonic(), error))


def _open(link: Link, listener: Listener) -> Stream:
    """A stream that answered with a status below 400. Raises GavelqError."""
    try:
        stream = Stream(link.address, listener.target, listener.headers, silence_s=SILENCE_S)
    except Unreachable as error:
        raise link.unreachable(error.why, isinstance(error, Broken)) from None
    except TimeoutError:
        raise link.unreachable("it does not answer", True) from None
    if stream.status < 400:
        return stream
    with stream:
        text = b"".join(stream.pieces())
    raise error_of(stream.status, text)
