"""One connection of the daemon to its runner: lines in, batches of lines out."""

import asyncio
import logging
from collections.abc import Callable

from gavelq.adapters.runner import wire

_log = logging.getLogger(__name__)


class Link(asyncio.Protocol):
    """The greeting is kept apart; everything else goes to `heard`, and the end of the connection to `lost`."""

    def __init__(self, heard: Callable[[wire.Message], None], lost: Callable[["Link"], None]) -> None:
        self._heard = heard
        self._on_lost = lost
        self._loop = asyncio.get_running_loop()
        self.greeting: asyncio.Future[wire.Message] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._buffer = wire.LineBuffer()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, chunk: bytes) -> None:
        try:
            lines = self._buffer.feed(chunk)
        except wire.Malformed as error:
            _log.error("the runner's messages cannot be read: %s", error)
            self._abort()
            return
        for line in lines:
            try:
                self._take(wire.decode(line))
            except wire.Malformed as error:
                _log.error("a message of the runner was ignored: %s", error)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.greeting.done():
            self.greeting.set_exception(ConnectionResetError("no greeting"))
            self.greeting.exception()  # it may be that nobody waits any more
        if not self._closed.done():
            self._closed.set_result(None)
        self._on_lost(self)

    def send(self, line: bytes) -> None:
        """Queue a line; all lines of one turn of the loop leave in one write."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(line)

    async def close(self) -> None:
        """Flush and close."""
        self._flush()
        if self._transport is not None:
            self._transport.close()
            await self._closed

    def _take(self, message: wire.Message) -> None:
        if self.greeting.done():
            self._heard(message)
        elif message.get("kind") == "hello":
            self.greeting.set_result(message)

    def _flush(self) -> None:
        lines, self._unsent = self._unsent, []
        if lines and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(lines))

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
