"""Answers that come bit by bit, and long waits, on asyncio."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from gavelq.client import lean, shapes
from gavelq.client.async_link import AsyncLink
from gavelq.client.following import LogSteps, followed_log, whole_log
from gavelq.client.http import query
from gavelq.client.listening import SILENCE_S, Listener
from gavelq.client.patience import RESTART_S
from gavelq.client.sse import StreamEvent
from gavelq.client.wire import Broken, Reply
from gavelq.core.errors import DaemonUnreachable, GavelqError, LogNotFound

PAGE = 1000
_POLL_S = 25.0
_SLACK_S = 15.0
_PAUSE_S = 0.2


async def pages(link: AsyncLink, pairs: Iterable[tuple[str, object]]) -> AsyncIterator[shapes.Task]:
    """The tasks that a query finds, fetched page by page."""
    wanted, after = list(pairs), 0
    while True:
        target = "/api/tasks" + query([*wanted, ("after", after or None), ("limit", PAGE)])
        page: list[shapes.Task] = await link.fetch("GET", target)
        for task in page:
            yield task
        if len(page) < PAGE or page[-1]["id"] <= after:
            return
        after = page[-1]["id"]


async def wait_until_ended(
    link: AsyncLink,
    path: str,
    pairs: Sequence[tuple[str, object]],
    has_ended: Callable[[Any], bool],
    timeout_s: float | None,
) -> tuple[Any, bool]:
    """Ask a route that answers late until its answer is what was waited for; the answer, and whether it is.

    A daemon that has answered, or was there to break off, may be away for up to RESTART_S then.
    """
    was_there = False
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = _POLL_S if deadline is None else max(0.0, min(_POLL_S, deadline - time.monotonic()))
        patience_s = RESTART_S if deadline is None else max(0.0, min(RESTART_S, deadline - time.monotonic()))
        target = path + query([*pairs, ("timeout", f"{left:g}")])
        found = lean.loads((await _patiently(link, target, left + _SLACK_S, patience_s, was_there)).body)
        was_there = True
        if has_ended(found):
            return found, True
        if deadline is not None and time.monotonic() >= deadline:
            return found, False


async def read_whole(link: AsyncLink, task_id: int) -> bytes:
    """A task's output as it is now."""
    return b"".join([piece async for piece in _take_steps(link, whole_log(task_id), is_patient=False)])


def follow(link: AsyncLink, task_id: int, tail: int | None) -> AsyncGenerator[bytes, None]:
    """A task's output as it comes, until it has ended."""
    return _take_steps(link, followed_log(task_id, tail=tail), is_patient=True)


async def _take_steps(link: AsyncLink, steps: LogSteps, *, is_patient: bool) -> AsyncGenerator[bytes, None]:
    was_there = False
    try:
        step = next(steps)
        while True:
            if isinstance(step, bytes):
                yield step
                step = next(steps)
                continue
            try:
                reply = await _patiently(link, step.target, step.timeout_s, RESTART_S if is_patient else 0.0, was_there)
            except LogNotFound as error:
                step = steps.throw(error)
            else:
                was_there = True
                step = steps.send(reply)
    except StopIteration:
        return


async def _patiently(link: AsyncLink, target: str, timeout_s: float, patience_s: float, was_there: bool) -> Reply:
    """A GET that waits for a daemon that restarts; as `PatientLink.get`."""
    give_up_at = None
    while True:
        try:
            return await link.send("GET", target, timeout_s=timeout_s)
        except GavelqError as error:
            if error.http_status < 500:
                raise
            was_there = was_there or not isinstance(error, DaemonUnreachable) or bool(error.details.get("interrupted"))
            now = time.monotonic()
            give_up_at = now + patience_s if give_up_at is None else give_up_at
            if not was_there or now >= give_up_at:
                raise
        await asyncio.sleep(_PAUSE_S)


async def listen(link: AsyncLink, listener: Listener) -> AsyncGenerator[StreamEvent, None]:
    """Events for as long as they are taken, over as many connections as it takes."""
    while True:
        failure: GavelqError | None = None
        try:
            connection, status, headers, body = await link.open(listener.target, listener.headers, timeout_s=SILENCE_S)
        except GavelqError as error:
            failure = error
        else:
            try:
                if not listener.opened(status, headers):
                    return
                pieces = connection.pieces(body)
                # Lost, or silent for too long: a new connection goes on behind the last event.
                while (piece := await _next(pieces)) is not None:
                    for event in listener.take(piece):
                        yield event
            finally:
                connection.close()
        await asyncio.sleep(listener.pause(time.monotonic(), failure))


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    """The next piece; None: there will be none on this connection."""
    try:
        async with asyncio.timeout(SILENCE_S):
            return await anext(pieces, None)
    except (Broken, TimeoutError):
        return None
