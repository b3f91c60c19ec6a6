"""One connection of a client: HTTP/1.1 by uvicorn and llhttp, with patience that ends, and who is at the other end.

uvicorn leaves open what a server that strangers reach must not: how long a head may be and may take, what stands where
a proxy would read it otherwise, and what becomes of the requests around one that cannot be read
(docs/decisions/06-uvicorn.md).
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gavelq.api.heads import MAX_HEAD, framing, require_sane
from gavelq.api.joined import JoinedTransport
from gavelq.api.unsized import without_chunks

_UCRED = struct.Struct("3i")
"""struct ucred: pid, uid, gid."""
LINGER_S = 10.0
MAX_BEHIND = 500
"""Requests that may be sent before the first of them is answered."""


class Peer(NamedTuple):
    """A process at the other end of a unix socket."""

    pid: int
    uid: int
    socket: str | None = None
    """The path that it came by."""


class _Part(Enum):
    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()


class PeerProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol that knows its peer: `request.state.peer` is a Peer, or None over TCP.

    It also lets go of clients that send a request so slowly that they seem to want nothing but the connection, and
    answers in the order of the requests whatever comes behind them.
    """

    patience_s = 30.0
    """For a request's head altogether, and for the next part of its body."""
    _timer: asyncio.TimerHandle | None = None
    _is_head_timed = False
    _part = _Part.BETWEEN
    """What the bytes that come next belong to."""
    _answered: RequestResponseCycle | None = None
    """The request that is being answered, or was the last time; `cycle` is the one that came last."""
    _n_idle_bytes = 0
    """Received since the last thing that was of use: a request's beginning, or a part of a body."""
    _is_of_use = False
    _is_told_again = False
    """Whether a fresh parser is told of a head that has been read (`_read_on`)."""
    _is_spoilt = False
    """Whether something came that cannot be read; what came before it is still answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        sock = transport.get_extra_info("socket")
        peer: Peer | None = None
        if sock is not None and sock.family == socket.AF_UNIX:
            pid, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
            peer = Peer(pid, uid, sock.getsockname() or None)
        state: dict[str, Any] = {**self.app_state, "peer": peer, "hang_up": self._hang_up}
        self.app_state = state
        super().connection_made(JoinedTransport.before(transport, self.loop))
        self.flow = _PatientFlow(self.transport, lambda: bool(self.pipeline))
        self._set_clock()

    def data_received(self, data: bytes) -> None:
        """As in uvicorn; and the clock of what is still missing is set."""
        if self._is_spoilt or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._is_of_use = False
        try:
            self._read_on(data)
            self._n_idle_bytes = 0 if self._is_of_use else self._n_idle_bytes + len(data)
            if self._n_idle_bytes > MAX_HEAD:
                raise httptools.HttpParserError("a head, or what stands around a body, without an end")
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        else:
            self._set_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """As in uvicorn, and the request that is being answered hears of it though others came behind it."""
        self._stop_timer()
        if self._answered is not None and self._answered is not self.cycle:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    # --- what the parser tells ---------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._part, self._is_of_use = _Part.HEAD, True
        if not self._is_told_again:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        if not self._is_told_again:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; those behind a body (trailers) say nothing that is wanted here."""
        if self._part is _Part.HEAD and not self._is_told_again:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head is complete: its request is answered, or waits until those before it are."""
        if not self._is_told_again:
            require_sane(self.parser, self.headers)
            if len(self.pipeline) >= MAX_BEHIND:
                raise httptools.HttpParserError("too many requests at once")
            if self.parser.get_http_version() == "1.0":  # whatever is behind it is not answered
                self.app = without_chunks(self.config.loaded_app, lambda: self._answered or self.cycle)
            super().on_headers_complete()
            if not self.pipeline:
                self._answered = self.cycle
        self._is_told_again = False
        self._part = _Part.BODY

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._is_of_use = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request, or of a head that asks for another protocol, whose body is read by `_read_on`."""
        if not self.parser.should_upgrade():
            self._part = _Part.BETWEEN
            super().on_message_complete()

    def _read_on(self, data: bytes) -> None:
        """Have it parsed. Nothing but HTTP/1.1 is spoken here, so that wishes for another protocol are passed over
        (RFC 9110, section 7.8): the parser, which stops at them, is replaced by one that is told how the body goes on.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                data = framing(self.headers, keep_alive=self.cycle.keep_alive) + data[stopped.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does: it is not read
                self._is_told_again = True
            else:
                return

    # --- answers -----------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """As in uvicorn; and what could not be read is answered at last."""
        if self.pipeline and not self.transport.is_closing():
            self._answered = self.pipeline[-1][0]
        super().on_response_complete()
        if self._is_answering() or self.transport.is_closing():
            return
        if self._is_spoilt:
            super().send_400_response("Invalid HTTP request received.")
        elif self._part is not _Part.BETWEEN:
            self._set_clock()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, after the answers to what came before it, and end the connection."""
        self._is_spoilt = True
        self._stop_timer()
        if self._part is _Part.BODY and self.pipeline:
            self.pipeline.popleft()  # the last request is the bad one
        elif self._part is _Part.BODY:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        if not self._is_answering():
            super().send_400_response(msg)

    def _is_answering(self) -> bool:
        cycle = self._answered
        return cycle is not None and not cycle.response_complete and not cycle.disconnected

    def _hang_up(self, parting: bytes) -> None:
        """End an answer whose reader takes nothing any more: a last word behind what waits for it, and the end.

        What it has not taken a moment later is thrown away, and the connection with it.
        """
        cycle = self._answered
        if cycle is not None and self._is_answering() and cycle.response_started:
            cycle.response_complete = True
            chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(parting), parting)
            self.transport.write(chunks if cycle.chunked_encoding else parting)
        self.transport.close()
        self.loop.call_later(LINGER_S, self.transport.abort)

    # --- patience ----------------------------------------------------------------------------------------

    def _set_clock(self) -> None:
        """Give the client its time for what is missing; none is missing while it waits for an answer.

        Between two requests uvicorn's own clock runs, until a byte comes.
        """
        is_body = self._part is _Part.BODY
        if self._is_answering() and not (is_body and self._answered is self.cycle):
            self._stop_timer()
            return
        if self._timer is not None and self._is_head_timed and not is_body:
            return  # the clock runs since its first byte
        self._stop_timer()
        self._is_head_timed = not is_body
        self._timer = self.loop.call_later(self.patience_s, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


class _PatientFlow(FlowControl):
    """Reads nothing more while requests wait for those before them."""

    def __init__(self, transport: asyncio.Transport, is_crowded: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._is_crowded = is_crowded

    def resume_reading(self) -> None:
        """As in uvicorn, where there is room."""
        if not self._is_crowded():
            super().resume_reading()
