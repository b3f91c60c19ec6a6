"""The event history as it grows: one reader of the store, and any number of listeners, each at its own place.

A listener's place is the id of the last event that it has seen. So nothing is kept for anybody: who comes back, or
falls behind, reads on from the store; who keeps up takes the newest from a ring that all share. A commit wakes one
task, which reads the new rows once and lets all listeners go on.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from math import inf

from gavelq.core.errors import GavelqError
from gavelq.core.step import Changes
from gavelq.daemon import journal
from gavelq.daemon.told import Told, tell
from gavelq.ports import Store

BEAT_S = 15.0
"""Listeners hear something at least so often."""
PAUSE_S = 0.05
"""After some news so long the next are collected."""
PAGE = 500
RING = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events behind `after` are not kept any more, or never were: the next one is behind `position`."""

    after: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Events in their order (none: a sign of life), and the place that the listener has come to."""

    events: Sequence[Told]
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """It is time for a sample. `number` counts seconds of the loop's clock, the same for all who wait for that one."""

    number: int
    position: int


class Feed:
    """Tells listeners what was committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ring: deque[Told] = deque()
        self._floor = 0
        """The ring holds all events above this id."""
        self._head = 0
        self._n_listeners = 0
        self._bell = asyncio.Event()
        self._turn = asyncio.Event()
        self.is_over = False

    @property
    def n_listeners(self) -> int:
        """How many listen now."""
        return self._n_listeners

    def notice(self, changes: Changes) -> None:
        """A commit: there may be news."""
        if changes.records and self._n_listeners:
            self._bell.set()

    def let_go(self) -> None:
        """The daemon ends: so do all streams."""
        self.is_over = True
        self._ring_out()

    async def run(self) -> None:
        """Read what is new and let listeners go on, until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._bell.wait(), BEAT_S)
            except TimeoutError:
                self._ring_out()
                continue
            self._bell.clear()
            try:
                await self._read()
            except GavelqError as error:
                journal.fail("the event history cannot be read; events come late", error)
            self._ring_out()
            await asyncio.sleep(PAUSE_S)

    @property
    def position(self) -> int:
        """The last event that listeners can have heard of; only where somebody listens."""
        return self._head

    async def listen(self, after: int | None = None, *, every_s: int | None = None) -> AsyncIterator[News | Gap | Tick]:
        """Events behind an id (None: from now on), until the daemon ends. Raises StoreUnavailable, StoreCorrupt.

        With `every_s` there is a Tick at once, and then one about so often.
        """
        clock = asyncio.get_running_loop().time
        due: float = 0 if every_s is not None else inf
        self._n_listeners += 1
        try:
            position, gap = await self._begin(after, is_first=self._n_listeners == 1)
            if gap is not None:
                yield gap
            yield News(events=(), position=position)
            while not self.is_over:
                if every_s is not None and (now := clock()) >= due:
                    due = (now // every_s + 1) * every_s  # whole multiples: those of all listeners fall together
                    yield Tick(number=int(now), position=position)
                turn = self._turn
                events = await self._behind(position)
                if events:
                    position = events[-1].id
                    yield News(events=events, position=position)
                elif not turn.is_set() and await _rings(turn, due) and self._head <= position:
                    yield News(events=(), position=position)
        finally:
            self._n_listeners -= 1

    async def _begin(self, after: int | None, *, is_first: bool) -> tuple[int, Gap | None]:
        first, last = await self._store.record_ids()
        if is_first:  # nobody has read on since the last one left
            self._ring.clear()
            self._floor = self._head = last
        if after is None:
            return last, None
        if after > last:
            return last, Gap(after=after, position=last)
        if after < first - 1 and after > 0:
            return first - 1, Gap(after=after, position=first - 1)
        return after, None

    async def _behind(self, position: int) -> Sequence[Told]:
        if position >= self._head:
            return ()
        if position < self._floor and (page := await self._store.records_after(position, PAGE)):
            return [tell(one) for one in page]
        found: list[Told] = []
        for told in reversed(self._ring):
            if told.id <= position:
                break
            found.append(told)
        return found[::-1]

    async def _read(self) -> None:
        while page := await self._store.records_after(self._head, PAGE):
            for one in page:
                if one.id <= self._head:
                    continue  # a first listener came while the store was read, and began later
                self._ring.append(tell(one))
                self._head = one.id
                if len(self._ring) > RING:
                    self._floor = self._ring.popleft().id

    def _ring_out(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()


async def _rings(turn: asyncio.Event, due: float) -> bool:
    """Wait for a turn, or until that time of the loop's clock; whether it was the turn that came."""
    if due == inf:
        await turn.wait()
        return True
    try:
        async with asyncio.timeout_at(due):
            await turn.wait()
    except TimeoutError:
        return False
    return True
