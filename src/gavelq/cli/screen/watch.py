"""How the live view hears of the daemon: a look once a second, and at once when something has happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

from gavelq.cli.screen.snapshot import MAX_TASKS, RUNNING, WAITING, Snapshot
from gavelq.client.async_link import AsyncLink
from gavelq.client.async_streams import listen
from gavelq.client.http import query
from gavelq.client.listening import Listener
from gavelq.core.errors import GavelqError

EVERY_S = 1.0
LEAST_S = 0.2
"""However much happens, looks are at least so far apart."""
WAITING_S = 5.0
"""Those who wait are asked for so often where nothing happens: their reasons change with the GPUs."""
_TIMEOUT_S = 5.0
_PAUSE_S = 2.0

Json = dict[str, Any]


class Watch:
    """Looks again and again. Nothing is raised: what went wrong is told."""

    def __init__(
        self, link: AsyncLink, *, on_look: Callable[[Snapshot], None], on_failure: Callable[[GavelqError], None]
    ) -> None:
        self._link = link
        self._on_look = on_look
        self._on_failure = on_failure
        self._happened = asyncio.Event()
        self._has_stream = False
        self._waiting: list[Json] = []
        self._waiting_at = float("-inf")

    def hurry(self) -> None:
        """Look now: something was done."""
        self._waiting_at = float("-inf")
        self._happened.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._look_on())

    async def _look_on(self) -> None:
        while True:
            self._happened.clear()
            try:
                self._on_look(await self._look())
            except GavelqError as error:
                self._waiting_at = float("-inf")
                self._on_failure(error)
            await asyncio.sleep(LEAST_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._happened.wait(), EVERY_S - LEAST_S)

    async def _look(self) -> Snapshot:
        status = await self._link.fetch("GET", "/api/status", timeout_s=_TIMEOUT_S)
        running = await self._tasks(RUNNING)
        if not self._has_stream or time.monotonic() - self._waiting_at >= WAITING_S:
            asked_at = time.monotonic()
            self._waiting = await self._tasks(WAITING)
            self._waiting_at = asked_at
        ids = {task["id"] for task in running}
        return Snapshot(
            at=time.time(),
            gpus=status["gpus"],
            running=running,
            waiting=[task for task in self._waiting if task["id"] not in ids],
            counts=status["counts"],
        )

    async def _tasks(self, states: tuple[str, ...]) -> list[Json]:
        wanted = [*(("state", state) for state in states), ("limit", MAX_TASKS)]
        found: list[Json] = await self._link.fetch("GET", "/api/tasks" + query(wanted), timeout_s=_TIMEOUT_S)
        return found

    async def _listen(self) -> None:
        """Where there is no stream, looks alone will do."""
        while True:
            try:
                async with aclosing(listen(self._link, Listener())) as events:
                    self._has_stream = True
                    async for _ in events:
                        self.hurry()
            except GavelqError:
                self._has_stream = False
            await asyncio.sleep(_PAUSE_S)
