"""Answers of unknown length to HTTP/1.0, which knows no chunks: they last as long as their connection.

RFC 9112, section 6.1: no transfer encoding is sent to whoever did not ask in HTTP/1.1.
"""

from collections.abc import Callable
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def without_chunks(app: ASGIApp, answered: Callable[[], RequestResponseCycle]) -> ASGIApp:
    """The application for one request, whose answer is never sent in chunks (uvicorn would).

    `answered` gives what uvicorn keeps of the request that is being answered.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        cycle, is_sized = answered(), scope["method"] == "HEAD"

        async def write(message: Message) -> None:
            nonlocal is_sized
            if message["type"] == "http.response.start":
                is_sized = is_sized or any(name.lower() == b"content-length" for name, _ in message["headers"])
                if not is_sized:
                    cycle.chunked_encoding = False
                await send(message)
            elif is_sized:
                await send(message)
            else:
                await cycle.flow.drain()
                if not cycle.disconnected:
                    cycle.transport.write(message.get("body", b""))
                if not message.get("more_body", False):
                    await send(cast(Message, {"type": "http.response.body", "body": b""}))

        await app(scope, receive, write)

    return serve
