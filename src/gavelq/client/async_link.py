"""HTTP/1.1 over a unix socket or TCP on asyncio: kept connections, the same errors and retries as `http.Link`."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from gavelq.client import lean
from gavelq.client.address import Address, check_directory
from gavelq.client.body import Body
from gavelq.client.http import TRIES, Link, encoded
from gavelq.client.problems import error_of
from gavelq.client.tcp import tls_context
from gavelq.client.wire import Broken, Reply, Unreachable, check_peer, compose, forbidden, parse_head
from gavelq.core.errors import TimedOut

_CHUNK = 65536
_IDLE_S = 15.0
"""The daemon closes a connection that was idle for 30 s."""
_MAX_IDLE = 256
_BUSY_S = 0.01


class Connection:
    """One connection: a request, its answer, perhaps the next."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.loop = asyncio.get_running_loop()
        self.idle_since = 0.0

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], Body]:
        """Send a request; the answer's head. Raises Broken."""
        try:
            self._writer.write(request)
            with suppress(BrokenPipeError):  # the server has seen enough; its answer (a 413, say) may be waiting
                await self._writer.drain()
            status, headers = parse_head((await self._reader.readuntil(b"\r\n\r\n"))[:-4])
            return status, headers, Body(status, headers)
        except (ConnectionError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise Broken(f"the connection broke: {error}") from None

    async def pieces(self, body: Body) -> AsyncIterator[bytes]:
        """An answer's content as it comes. Raises Broken where it is cut off."""
        while not body.is_over:
            try:
                received = await self._reader.read(_CHUNK)
                piece = body.feed(received)
            except (ConnectionError, ValueError) as error:
                raise Broken(f"the connection broke: {error}") from None
            if not received:
                if body.until_close:
                    return
                raise Broken("the connection broke: it ended in the middle of an answer")
            if piece:
                yield piece

    def close(self) -> None:
        """Hang up."""
        with suppress(RuntimeError):  # the loop that it belongs to is closed
            self._writer.close()


class AsyncLink:
    """An address that requests go to. Connections are kept and used again, by requests that may arrive twice."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.link = Link(address)
        """The same place, for blocking code; it tells how a failure is called."""
        self._idle: list[Connection] = []

    async def send(
        self,
        method: str,
        target: str,
        payload: dict[str, Any] | None = None,
        *,
        timeout_s: float = 30.0,
        key: str | None = None,
        match: str | None = None,
    ) -> Reply:
        """Send one request; returns the answer, whose status is below 400. As `Link.send`, which see."""
        body = None if payload is None else encoded(payload)
        headers = {} if key is None else {"Idempotency-Key": key}
        if match is not None:
            headers["If-Match"] = match
        may_repeat = method == "GET" or key is not None
        request = compose(self.address, method, target, body=body, headers=headers, connection="keep-alive")
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._deliver(request, TRIES if may_repeat else 1)
        except TimeoutError:
            raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"no answer from {self.address}") from None
        if reply.status >= 400:
            raise error_of(reply.status, reply.body)
        return reply

    async def fetch(self, method: str, target: str, payload: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send one request; returns its answer's document. Raises as `send` does."""
        return lean.loads((await self.send(method, target, payload, **options)).body)

    async def open(
        self, target: str, headers: dict[str, str], *, timeout_s: float
    ) -> tuple[Connection, int, dict[str, str], Body]:
        """A GET whose answer the caller reads piece by piece, and whose connection it closes.

        Raises the GavelqError that the daemon answered with, and DaemonUnreachable.
        """
        request = compose(self.address, "GET", target, headers=headers)
        connection = None
        try:
            async with asyncio.timeout(timeout_s):
                connection = await connect(self.address)
                status, fields, body = await connection.ask(request)
                if status < 400:
                    return connection, status, fields, body
                text = b"".join([piece async for piece in connection.pieces(body)])
            raise error_of(status, text)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, Unreachable):
                raise self.link.unreachable(error.why, isinstance(error, Broken)) from None
            if isinstance(error, TimeoutError):
                raise self.link.unreachable("it does not answer", True) from None
            raise

    async def _deliver(self, request: bytes, tries: int) -> Reply:
        is_cut = False
        while True:
            kept = self._kept() if tries > 1 else None
            try:
                return await self._exchange(kept or await connect(self.address), request)
            except Broken as broken:
                is_cut = True
                if kept is not None:  # the daemon has closed it, and the others most likely as well
                    self.close()
                    continue
                tries -= 1
                if tries <= 0:
                    raise self.link.unreachable(broken.why, is_cut) from None
            except Unreachable as error:
                raise self.link.unreachable(error.why, is_cut) from None

    async def _exchange(self, connection: Connection, request: bytes) -> Reply:
        try:
            status, headers, body = await connection.ask(request)
            content = b"".join([piece async for piece in connection.pieces(body)])
        except BaseException:
            connection.close()
            raise
        if body.until_close or headers.get("connection", "").lower() == "close" or len(self._idle) >= _MAX_IDLE:
            connection.close()
        else:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        return Reply(status, headers, content)

    def _kept(self) -> Connection | None:
        """The connection that was used last, unless it is too old or belongs to another loop."""
        loop, now = asyncio.get_running_loop(), time.monotonic()
        while self._idle:
            found = self._idle.pop()
            if found.loop is loop and now - found.idle_since < _IDLE_S:
                return found
            found.close()
        return None

    def close(self) -> None:
        """Close the connections that are kept; the next request makes a new one."""
        while self._idle:
            self._idle.pop().close()


async def connect(address: Address) -> Connection:
    """A connection. Raises Unreachable, Broken, NotAllowed (somebody else's socket), TimeoutError."""
    if address.socket is not None:
        return await _connect_unix(address.socket)
    context = tls_context(os.environ) if address.is_tls else None
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except TimeoutError:
        raise
    except OSError as error:
        raise Unreachable(f"{address}: {error.strerror or error}") from None
    return Connection(reader, writer)


async def _connect_unix(path: str) -> Connection:
    check_directory(path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        # asyncio takes EAGAIN of a unix socket for "under way"; it means a full backlog, and nothing is under way.
        while True:
            try:
                connection.connect(path)
                break
            except BlockingIOError:
                await asyncio.sleep(_BUSY_S)
        check_peer(connection, path)
        reader, writer = await asyncio.open_unix_connection(sock=connection)
    except OSError as error:
        connection.close()
        raise _named(error, path) from None
    except BaseException:
        connection.close()
        raise
    return Connection(reader, writer)


def _named(error: OSError, path: str) -> Exception:
    """What a failure to connect is called."""
    match error:
        case FileNotFoundError():
            return Unreachable(f"there is no socket {path}")
        case ConnectionRefusedError():
            return Unreachable(f"nobody listens on {path}")
        case PermissionError():
            return forbidden(path)
        case TimeoutError():
            return error
    return Unreachable(f"{path}: {error.strerror or error}")
