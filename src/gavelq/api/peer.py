"""Who is at the other end of the unix socket: SO_PEERCRED (unix(7)), handed to the application with each request."""

import asyncio
import socket
import struct
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

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
    """uvicorn's HTTP/1.1 protocol that knows its peer: `request.state.peer` is a Peer, or None over TCP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        sock = transport.get_extra_info("socket")
        peer: Peer | None = None
        if sock is not None and sock.family == socket.AF_UNIX:
            pid, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
            peer = Peer(pid, uid, sock.getsockname() or None)
        state: dict[str, Any] = {**self.app_state, "peer": peer, "hang_up": self._hang_up}
        self.app_state = state
        super().connection_made(transport)

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
