"""The short way for plain requests (`gavelq.api.plain`): from the socket to the application and back without h11."""

import asyncio
from http import HTTPStatus

import h11
from starlette.types import Message, Scope

from gavelq.api.peer import PeerProtocol
from gavelq.api.plain import Plain, is_candidate, read_plain

MAX_BEHIND = 64 << 10
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class LaneProtocol(PeerProtocol):
    """One connection. Plain requests take the short way, one after another; all others go to h11, as ever.

    Both ways keep the same clocks (patience with slow clients, idle connections), and neither begins a request before
    the answer to the one before it has been written.
    """

    _partial = b""
    """A plain request whose body is on its way."""
    _behind = b""
    """What came while a plain request was being answered."""
    _is_answering = False

    def data_received(self, data: bytes) -> None:
        """A part of a request, or a whole one, or more than one."""
        if self._is_answering:
            self._behind += data
            if len(self._behind) > MAX_BEHIND:
                self.flow.pause_reading()
            return
        is_first = not self._partial
        if not is_first:
            data, self._partial = self._partial + data, b""
        elif not is_candidate(data) or not self._is_between_requests():
            super().data_received(data)
            return
        plain = read_plain(data)
        missing = 0 if plain is None else plain.body_at + plain.length - len(data)
        if plain is not None and missing == 0:
            self._take(plain, data)
        elif missing > 0 and is_first:  # most libraries send the head and the body one after the other
            self._partial = data
            self._restart_clock()
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """As in uvicorn."""
        self._partial = self._behind = b""
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        """Whether h11 has nothing under way."""
        conn = self.conn
        return conn.their_state is h11.IDLE and conn.our_state is h11.IDLE and not conn.trailing_data[0]

    def _restart_clock(self) -> None:
        self._unset_keepalive_if_required()
        self._stop_timer()
        self._timer = self.loop.call_later(self.patience_s, self._give_up)

    def _take(self, plain: Plain, received: bytes) -> None:
        self._unset_keepalive_if_required()
        self._stop_timer()
        self._awaits_head = False
        self._is_answering = True
        path = plain.path
        scope: Scope = {
            "type": "http", "asgi": _ASGI, "http_version": "1.1", "server": self.server, "client": self.client,
            "scheme": self.scheme, "method": plain.method, "root_path": "", "path": path, "raw_path": path.encode(),
            "query_string": b"", "headers": plain.fields, "state": self.app_state.copy(),
        }  # fmt: skip
        task = self.loop.create_task(self._answer(scope, received[plain.body_at :]))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, scope: Scope, body: bytes) -> None:
        answer = _Answer(body)
        try:
            await self.app(scope, answer.receive, answer.send)
        finally:
            self._is_answering = False
            self._finish(answer)

    def _finish(self, answer: "_Answer") -> None:
        if self.transport.is_closing():
            return
        if not answer.is_complete:  # a fault of ours, which the log has: nobody shall wait for an answer
            self.transport.close()
            return
        self.transport.write(answer.written())
        if answer.is_last:
            self.transport.close()
            return
        self.on_response_complete()
        behind, self._behind = self._behind, b""
        if behind:
            self.data_received(behind)


class _Answer:
    """Gives the application the request's body, and keeps what it answers: one head, one body."""

    __slots__ = ("_body", "_content", "_start", "is_complete", "is_last")

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._start: Message = {}
        self._content = b""
        self.is_complete = False
        self.is_last = False
        """Whether the connection ends with it."""

    async def receive(self) -> Message:
        """ASGI's receive."""
        body, self._body = self._body, None
        if body is None:
            await asyncio.sleep(0)
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._content += message.get("body", b"")
            self.is_complete = not message.get("more_body", False)

    def written(self) -> bytes:
        """The whole answer as it is sent."""
        parts = [_LINES[self._start["status"]]]
        for name, value in self._start["headers"]:
            parts += (name, b": ", value, b"\r\n")
            if name.lower() == b"connection" and value.lower() == b"close":
                self.is_last = True
        parts += (b"\r\n", self._content)
        return b"".join(parts)
