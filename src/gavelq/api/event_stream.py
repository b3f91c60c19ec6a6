"""Server-sent events over one connection. Format: HTML standard, section 9.2.6 "Interpreting an event stream".

The id line stands in every block, also in those without an event: a client that only saw others' events go by still
goes on from the right place.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gavelq.core.errors import GavelqError
from gavelq.daemon import journal
from gavelq.daemon.caller import Caller
from gavelq.daemon.feed import BEAT_S, Gap, News, Tick
from gavelq.daemon.told import Told, Wanted

STUCK_S = 30.0
"""A client that takes nothing for so long is let go; it can come back and read on."""
LIFE_S = 3600.0
"""A stream over TCP ends after so long, or when its token expires: its client comes back, and is looked at again."""
RETRY_MS = 1000
MAX_BLOCKS = 64 << 10
"""Bytes handed over at once: what waits in memory for one client is a few of these at most."""

HangUp = Callable[[bytes], None]
Sample = Callable[[int], Awaitable[str]]
Json = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EventStream(Response):
    """The answer of `GET /api/events`."""

    media_type = "text/event-stream"

    def __init__(
        self, news: AsyncIterator[News | Gap | Tick], caller: Caller, wanted: Wanted, *, is_checked_again: bool,
        discreet: Callable[[Json], Json] | None = None, sample: Sample | None = None,
    ) -> None:  # fmt: skip
        """`discreet` leaves out of an event what is others'; None: the caller may hear everything.

        `sample` gives the text of a sample for the number of a tick.
        """
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._news = news
        self._caller = caller
        self._wanted = wanted
        self._discreet = discreet
        self._sample = sample
        self._is_checked_again = is_checked_again
        self._life_s = LIFE_S if caller.expires_at is None else min(LIFE_S, caller.expires_at - time.time())
        self._position = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves, is stuck, or the daemon ends."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD" or scope.get("state", {}).get("is_head"):
            await send({"type": "http.response.body", "body": b""})
            return
        left = asyncio.ensure_future(_until_left(receive))
        told = asyncio.ensure_future(self._tell(send))
        try:
            await asyncio.wait({left, told}, return_when=asyncio.FIRST_COMPLETED)
            if told.done() and told.exception() is None and not left.done():
                await self._end(scope, send, told.result())
            elif told.done() and told.exception() is not None:
                raise told.exception() or AssertionError
        finally:
            for task in (left, told):
                task.cancel()
            await asyncio.gather(left, told, return_exceptions=True)

    async def _tell(self, send: Send) -> str | None:
        """Why the stream ends; None where the client is stuck and can be told nothing."""
        clock = asyncio.get_running_loop().time
        began = sent_at = clock()
        try:
            await self._send(send, f"retry: {RETRY_MS}\n\n".encode())
            async for one in self._news:
                if not self._caller.is_still():
                    return "who you are has changed: connect again"
                if isinstance(one, Tick):
                    await self._tell_sample(send, one)
                    continue
                blocks = self._blocks(one)
                if blocks or clock() - sent_at >= BEAT_S * 0.9 or sent_at == began:
                    place = f"id: {self._position}\n".encode()
                    if not blocks:
                        blocks = [f": {'beat' if sent_at != began else 'listening'}\n".encode() + place + b"\n"]
                    elif not blocks[-1].startswith(place):
                        blocks.append(place + b"\n")
                    await self._send(send, b"".join(blocks))
                    sent_at = max(clock(), began + 1e-6)
                if self._is_checked_again and clock() - began > self._life_s:
                    return "this stream was open for long: connect again"
        except TimeoutError:
            return None
        except GavelqError as error:
            journal.fail("a stream of events ended", error)
            return error.message
        return "the daemon ends"

    async def _tell_sample(self, send: Send, tick: Tick) -> None:
        """A block without an id line: a sample is no event, and whoever comes back has not missed it."""
        if self._sample is not None:
            await self._send(send, f"event: sample\ndata: {await self._sample(tick.number)}\n\n".encode())

    def _blocks(self, one: News | Gap) -> list[bytes]:
        """What to write."""
        self._position = one.position
        if isinstance(one, Gap):
            document = f'{{"kind":"gap","event":"gap","after":{one.after},"position":{one.position}}}'
            return [f"id: {one.position}\nevent: gap\ndata: {document}\n\n".encode()]
        return [
            f"id: {told.id}\nevent: {told.kind}\ndata: {shown}\n\n".encode()
            for told in one.events
            if self._wanted.covers(told) and (shown := self._shown(told)) is not None
        ]

    def _shown(self, told: Told) -> str | None:
        text = told.text_for(self._caller)
        # What is one's own may still speak of others' tasks: what it waits for, whom it makes room for.
        if text is None or self._discreet is None or text is not told.text:
            return text
        return _encode(self._discreet(json.loads(text)))

    async def _send(self, send: Send, content: bytes) -> None:
        for start in range(0, len(content), MAX_BLOCKS):
            part = content[start : start + MAX_BLOCKS]
            await asyncio.wait_for(send({"type": "http.response.body", "body": part, "more_body": True}), STUCK_S)

    async def _end(self, scope: Scope, send: Send, why: str | None) -> None:
        parting = f": {why or 'you were too slow: connect again with Last-Event-ID'}\n\n".encode()
        hang_up: HangUp | None = scope.get("state", {}).get("hang_up")
        if why is None and hang_up is not None:
            journal.note("a slow client was let go", by=self._caller.name, position=self._position)
            hang_up(parting)
        else:
            await send({"type": "http.response.body", "body": parting})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
