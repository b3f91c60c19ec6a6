"""A server whose every connection does what the test wrote down: raw bytes, on a unix socket of its own."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(text: str) -> bytes:
    """One chunk of a chunked body."""
    content = text.encode()
    return b"%x\r\n%s\r\n" % (len(content), content)


class Peer:
    """One connection, seen from the server."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.request = b""

    def take(self) -> bytes:
        """The next request's head and JSON body; empty: the client hung up."""
        received = b""
        while b"\r\n\r\n" not in received:
            more = self._connection.recv(65536)
            if not more:
                return b""
            received += more
        self.request = received
        return received

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(content)

    def has_left(self) -> bool:
        """Wait until the client hangs up."""
        return self._connection.recv(1) == b""


Turn = Callable[[Peer], None]


class Scripted:
    """The n-th connection is handled by the n-th turn; `requests` are the heads as they came."""

    def __init__(self, path: str, turns: list[Turn]) -> None:
        self.socket = path
        self.requests: list[str] = []
        self._turns = turns
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for turn in self._turns:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._live, args=(connection, turn), daemon=True).start()

    def _live(self, connection: socket.socket, turn: Turn) -> None:
        with connection:
            connection.settimeout(20)
            peer = Peer(connection)
            self.requests.append(peer.take().decode())
            with contextlib.suppress(OSError):
                turn(peer)

    def header(self, number: int, name: str) -> str | None:
        """A header field of the n-th request (from 0)."""
        for line in self.requests[number].split("\r\n"):
            found, _, value = line.partition(": ")
            if found.lower() == name.lower():
                return value
        return None

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


@contextlib.contextmanager
def scripted(*turns: Turn) -> Iterator[Scripted]:
    """A server in a directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="gqs-", dir="/tmp") as directory:
        server = Scripted(str(Path(directory) / "s"), list(turns))
        try:
            yield server
        finally:
            server.close()
