"""Hearing of the ends of many tasks in one thread: long polls for groups of ids, on an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from gavelq.client import shapes
from gavelq.client.address import Address
from gavelq.client.async_link import AsyncLink
from gavelq.client.http import query
from gavelq.core.errors import GavelqError, TaskNotFound

GROUP = 250
"""Ids in one poll. When one of them has ended, or one is added, the poll is made anew."""
_POLL_S = 25.0
_SLACK_S = 15.0
_BURST_S = 0.02
"""Submissions, and ends, come in bursts: so long more of them are waited for."""
_PAUSE_S, _MAX_PAUSE_S = 0.2, 5.0
_N_LINES = 20

OnEnd = Callable[[int, shapes.Task | Exception, str], None]
"""Called in the watching thread with a task's id, the task as it ended (or why nothing will be heard of it), and the
last lines of its log where it did not complete."""


class Watcher:
    """Tells when tasks have ended. Its thread lives as long as there is something to watch, or the process."""

    def __init__(self, address: Address, on_end: OnEnd) -> None:
        self._address = address
        self._on_end = on_end
        self._lock = threading.Lock()
        self._new: list[int] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None

    def watch(self, ids: Iterable[int]) -> None:
        """Tell of these tasks, too."""
        with self._lock:
            self._new += ids
            if self._thread is None or not self._thread.is_alive():
                self._loop = self._wake = None
                self._thread = threading.Thread(target=self._live, name="gavelq-futures", daemon=True)
                self._thread.start()
            elif self._loop is not None and self._wake is not None:
                self._loop.call_soon_threadsafe(self._wake.set)

    def _live(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        with self._lock:
            self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        wake, link = self._wake, AsyncLink(self._address)
        polls: dict[asyncio.Task[set[int]], set[int]] = {}
        waking = asyncio.ensure_future(wake.wait())
        while True:
            with self._lock:
                wake.clear()
                new, self._new = self._new, []
                if not new and not polls:
                    self._thread = None  # whoever comes now starts another one
                    break
            if waking.done():
                waking = asyncio.ensure_future(wake.wait())
            await self._add(link, polls, new)
            await asyncio.wait([*polls, waking], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(_BURST_S)
            for poll in [poll for poll in polls if poll.done()]:
                await self._add(link, polls, polls.pop(poll) - poll.result())
        waking.cancel()
        link.close()

    async def _add(self, link: AsyncLink, polls: "dict[asyncio.Task[set[int]], set[int]]", ids: Iterable[int]) -> None:
        """Poll for these ids, too: in a poll that has room for them, made anew, or in one more."""
        waiting = list(ids)
        for poll, group in list(polls.items()):
            if waiting and len(group) < GROUP and not poll.done():
                del polls[poll]
                poll.cancel()
                await asyncio.wait([poll])
                waiting += group if poll.cancelled() else group - poll.result()
        while waiting:
            group, waiting = set(waiting[:GROUP]), waiting[GROUP:]
            polls[asyncio.ensure_future(self._poll(link, group))] = group

    async def _poll(self, link: AsyncLink, group: set[int]) -> set[int]:
        """Wait until some of the group have ended, and tell; those that nothing more will be heard of."""
        try:
            return await self._hear(link, group)
        except Exception as error:  # noqa: BLE001  # whoever waits for a result must hear of anything that forbids one
            return self._tell_failure(group, error)

    async def _hear(self, link: AsyncLink, group: set[int]) -> set[int]:
        target = "/api/wait" + query([*(("id", task_id) for task_id in sorted(group)), ("timeout", f"{_POLL_S:g}")])
        pause = _PAUSE_S
        while True:
            try:
                ended: list[shapes.Task] = await link.fetch("GET", target, timeout_s=_POLL_S + _SLACK_S)
                tails = [await self._tail(link, task) for task in ended]
                break
            except TaskNotFound as error:
                gone = {task_id for task_id in group if str(task_id) == str(error.details.get("task_id"))} or group
                return self._tell_failure(gone, error)
            except GavelqError as error:
                if error.http_status < 500 and error.http_status not in (408, 429):
                    raise
            await asyncio.sleep(pause)  # the daemon is away; tasks go on without it, and so do we
            pause = min(2 * pause, _MAX_PAUSE_S)
        for task, tail in zip(ended, tails, strict=True):
            self._on_end(task["id"], task, tail)
        return {task["id"] for task in ended}

    def _tell_failure(self, ids: set[int], error: Exception) -> set[int]:
        for task_id in ids:
            self._on_end(task_id, error, "")
        return ids

    async def _tail(self, link: AsyncLink, task: Any) -> str:
        if task["state"] == "completed":
            return ""
        try:
            reply = await link.send("GET", f"/api/tasks/{task['id']}/logs" + query([("tail", _N_LINES)]))
        except GavelqError as error:
            if error.http_status >= 500:
                raise  # the daemon goes away just now; all of this is asked again
            return ""  # it never began, and has no log
        return reply.body.decode("utf-8", "replace")
