"""Who is at the other end of the unix socket: SO_PEERCRED (unix(7)), handed to the application with each request."""

import asyncio
import socket
import struct
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gavelq.api.joined import JoinedTransport

_UCRED = struct.Struct("3i")
"""struct ucred: pid, uid, gid."""
LINGER_S = 10.0


class Peer(NamedTuple):
    """A process at the other end of a unix socket."""

    pid: int
    uid: int
    socket: str | None = None
    """The path that it came by."""


class PeerProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that knows its peer: `request.state.peer` is a Peer, or None over TCP.

    It also lets go of clients that send a request so slowly that they seem to want nothing but the connection.
    """

    patience_s = 30.0
    """For a request's head altogether, and for the next part of its body."""
    _timer: asyncio.TimerHandle | None = None
    _awaits_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        sock = transport.get_extra_info("socket")
        peer: Peer | None = None
        if sock is not None and sock.family == socket.AF_UNIX:
            pid, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
            peer = Peer(pid, uid, sock.getsockname() or None)
        state: dict[str, Any] = {**self.app_state, "peer": peer, "hang_up": self._hang_up}
        self.app_state = state
        super().connection_made(JoinedTransport.before(transport, self.loop))
        self._timer = self.loop.call_later(self.patience_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """As in uvicorn; and the clock of what is still missing is set."""
        super().data_received(data)
        awaits_head, awaits_body = self.conn.their_state is h11.IDLE, self.conn.their_state is h11.SEND_BODY
        if awaits_head and self._awaits_head:
            return  # the clock runs since its first byte
        self._stop_timer()
        # Between two requests uvicorn's own clock runs, until a byte comes.
        if awaits_body or (awaits_head and self.conn.trailing_data[0]):
            self._timer = self.loop.call_later(self.patience_s, self._give_up)
        self._awaits_head = awaits_head and self._timer is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """As in uvicorn."""
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _hang_up(self, parting: bytes) -> None:
        """End an answer whose reader takes nothing any more: a last word behind what waits for it, and the end.

        What it has not taken a moment later is thrown away, and the connection with it.
        """
        cycle = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete and not cycle.disconnected:
            cycle.response_complete = True
            rest = (self.conn.send(h11.Data(data=parting)) or b"") + (self.conn.send(h11.EndOfMessage()) or b"")
            self.transport.write(rest)
        self.transport.close()
        self.loop.call_later(LINGER_S, self.transport.abort)
