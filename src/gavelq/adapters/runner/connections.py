"""The runner's side of its socket: who is connected, what they ask, and who gets the reports.

Several connections are tolerated; reports go to the daemon that greeted last. Bytes are written in batches, once per
turn of the loop. Nobody of another account gets in, and nobody can make the runner hold more than a bounded amount.
"""

import contextlib
import os
import select
import socket
import sys
from collections import deque
from collections.abc import Callable

from gavelq.adapters.runner import sockets, wire

_MAX_UNSENT = 64 << 20
_READ_SIZE = 1 << 18
_LINES_PER_TURN = 32
"""So that a thousand spawns in one write do not keep the first one's start from being reported."""


class Connection:
    """One daemon, or somebody who may become one."""

    __slots__ = ("buffer", "is_daemon", "is_deaf", "lines", "pid", "socket", "unsent")

    def __init__(self, connected: socket.socket, pid: int) -> None:
        self.socket = connected
        self.pid = pid
        self.is_daemon = False
        self.is_deaf = False
        self.buffer = wire.LineBuffer()
        self.lines: deque[bytes] = deque()
        self.unsent = bytearray()


Handler = Callable[[Connection, wire.Message], None]


class Connections:
    """All of them, with the listening socket."""

    def __init__(self, epoll: select.epoll, listener: socket.socket, greeting: bytes, handler: Handler) -> None:
        self._epoll = epoll
        self._listener = listener
        self._greeting = greeting
        self._handler = handler
        self._open: dict[int, Connection] = {}
        self._daemon: Connection | None = None
        self._dirty: set[int] = set()
        epoll.register(listener.fileno(), select.EPOLLIN)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def pids(self) -> set[int]:
        """The processes at the other ends."""
        return {connection.pid for connection in self._open.values()}

    def owns(self, fd: int) -> bool:
        """True for the descriptors that `ready` is about."""
        return fd in self._open or fd == self._listener.fileno()

    def ready(self, fd: int, mask: int) -> None:
        """Epoll has something for us."""
        if fd == self._listener.fileno():
            self._accept()
            return
        connection = self._open[fd]
        if mask & select.EPOLLOUT:
            self._dirty.add(fd)
        if mask & ~select.EPOLLOUT:
            self._read(connection)

    def become_daemon(self, connection: Connection) -> None:
        """This one greeted: the reports are its own from now on."""
        connection.is_daemon = True
        self._daemon = connection

    def report(self, line: bytes) -> None:
        """Tell the daemon, if there is one; if not, the next one asks for the inventory."""
        if self._daemon is not None:
            self.send(self._daemon, line)

    def send(self, connection: Connection, line: bytes) -> None:
        """Queue a line; it leaves with `flush`."""
        fd = connection.socket.fileno()
        if fd < 0 or connection.is_deaf:
            return
        connection.unsent += line
        self._dirty.add(fd)
        if len(connection.unsent) > _MAX_UNSENT:  # it hangs; when it wakes up it connects again and asks
            self._close(connection)

    def turn(self) -> bool:
        """Handle a bounded number of messages; True where more are waiting."""
        is_more = False
        for connection in list(self._open.values()):
            for _ in range(min(_LINES_PER_TURN, len(connection.lines))):
                if connection.lines:
                    self._handle(connection, connection.lines.popleft())
            is_more = is_more or bool(connection.lines)
        return is_more

    def flush(self) -> None:
        """Write what the sockets take now."""
        dirty, self._dirty = self._dirty, set()
        for fd in dirty:
            connection = self._open.get(fd)
            if connection is None:
                continue
            try:
                while connection.unsent:
                    # In slices: a socket takes some 200 kB at once, and the rest should not be copied each time.
                    del connection.unsent[
                        : connection.socket.send(memoryview(connection.unsent)[:_READ_SIZE].tobytes())
                    ]
                self._epoll.modify(fd, select.EPOLLIN)
            except BlockingIOError:
                self._epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT)
            except OSError:
                # Nobody listens any more, but what was said before still counts: reading finds the end.
                connection.is_deaf = True
                connection.unsent.clear()

    def close(self) -> None:
        """Let go of everybody."""
        for connection in list(self._open.values()):
            self._close(connection)
        self._listener.close()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:  # it went away again, or no descriptor is left
            sys.stderr.write(f"a connection was not accepted: {error}\n")
            return
        pid, uid = sockets.peer(accepted)
        if uid != os.getuid():
            sys.stderr.write(f"process {pid} of account {uid} was turned away\n")
            accepted.close()
            return
        accepted.setblocking(False)
        connection = Connection(accepted, pid)
        self._open[accepted.fileno()] = connection
        self._epoll.register(accepted.fileno(), select.EPOLLIN)
        self.send(connection, self._greeting)

    def _read(self, connection: Connection) -> None:
        try:
            chunk = connection.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            # What it asked for before it left still counts.
            while connection.lines:
                self._handle(connection, connection.lines.popleft())
            self._close(connection)
            return
        try:
            connection.lines.extend(connection.buffer.feed(chunk))
        except wire.Malformed as error:
            self._refuse(connection, str(error))
            self.flush()
            self._close(connection)

    def _handle(self, connection: Connection, line: bytes) -> None:
        try:
            self._handler(connection, wire.decode(line))
        except wire.Malformed as error:
            self._refuse(connection, str(error))

    def _refuse(self, connection: Connection, problem: str) -> None:
        self.send(connection, wire.encode({"kind": "error", "problem": problem}))

    def _close(self, connection: Connection) -> None:
        fd = connection.socket.fileno()
        if self._open.pop(fd, None) is None:
            return
        with contextlib.suppress(OSError):
            self._epoll.unregister(fd)
        connection.socket.close()
        connection.lines.clear()
        if self._daemon is connection:
            daemons = [other for other in self._open.values() if other.is_daemon]
            self._daemon = daemons[-1] if daemons else None
