"""Bursts of looks at the GPUs, for `selection: sampled`: asked for by a cycle, answered by GpusWatched.

The looks are taken by the monitor's own thread, which turns to a faster rhythm for that time. A second thread would
need a lock around the probe (a driver is asked by one thread only, see GpuProbe), and a look that hangs under that lock
would hold up the usual samples all the same; and so one look serves both where both are due.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gavelq.core.bursts import Burst, summarize
from gavelq.core.events import GpusWatched
from gavelq.core.gpu import GpuSample
from gavelq.core.ids import GpuUuid
from gavelq.core.state import State
from gavelq.daemon import journal
from gavelq.ports import Clock


@dataclass(slots=True, kw_only=True)
class _Round:
    """One burst under way. Times are of the monotonic clock, in seconds."""

    wanted: set[GpuUuid]
    """Touched by the loop's thread alone; all else by the monitor's."""
    ends_at: float
    pause_s: float
    n_left: int
    next_at: float
    looks: list[GpuSample] = field(default_factory=list)


class Watching:
    """Takes `count` looks over `window_s` seconds when cards are wanted, and posts what they told.

    `want` is for the loop's thread; `next_at`, `take_turn` and `add` are for the thread that looks.
    """

    def __init__(
        self, *, state: State, clock: Clock, post: Callable[[GpusWatched], None], window_s: float, count: int
    ) -> None:
        self.window_s = window_s
        self.count = count
        self.wake: Callable[[], None] = lambda: None
        """Tells the thread that looks to ask `next_at` again; set by the monitor."""
        self._state = state
        self._clock = clock
        self._post = post
        self._round: _Round | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def want(self, uuids: Iterable[GpuUuid]) -> None:
        """Watch these cards. While a burst is under way they join it: every look shows all cards."""
        if self._round is not None:
            self._round.wanted.update(uuids)
            return
        now = time.monotonic()
        self._loop = asyncio.get_running_loop()
        begun = self._round = _Round(
            wanted=set(uuids), ends_at=now + self.window_s, pause_s=self.window_s / self.count, n_left=self.count,
            next_at=now,
        )  # fmt: skip
        self._timer = self._loop.call_later(2 * self.window_s, self._give_up, begun)
        self.wake()

    def next_at(self) -> float:
        """When the next look of a burst is due (monotonic clock); infinity where none is under way."""
        begun = self._round
        return math.inf if begun is None or not begun.n_left else begun.next_at

    def take_turn(self, now: float) -> object | None:
        """What to hand to `add` with a look that is taken now, or None where no look of a burst is due."""
        begun = self._round
        if begun is None or not begun.n_left or now < begun.next_at:
            return None
        begun.n_left -= 1
        # A slow driver is not asked more often to make up for it: the burst then has fewer looks.
        begun.next_at = max(now, begun.next_at + begun.pause_s)
        return begun

    def add(self, turn: object, look: GpuSample | None) -> None:
        """A look of that turn (None: it failed). The last one ends the burst."""
        if not isinstance(turn, _Round):
            raise TypeError("a turn comes from take_turn")
        if look is not None:
            turn.looks.append(look)
        if turn.next_at >= turn.ends_at:
            turn.n_left = 0
        if not turn.n_left and self._loop is not None:
            self._loop.call_soon_threadsafe(self._finish, turn)

    def _finish(self, ended: _Round) -> None:
        if ended is not self._round:
            return  # it came too late
        if self._timer is not None:
            self._timer.cancel()
        self._answer(ended, ended.looks)

    def _give_up(self, late: _Round) -> None:
        """The driver hangs: nobody shall wait for it, what was seen last has to do."""
        if late is self._round:
            journal.warn("the GPUs did not answer in time to be watched; their last sample decides")
            self._answer(late, [])

    def _answer(self, ended: _Round, looks: list[GpuSample]) -> None:
        self._round = None
        at = self._clock.now()
        found = (self._burst(uuid, looks, at) for uuid in sorted(ended.wanted))
        self._post(GpusWatched(bursts=tuple(burst for burst in found if burst is not None)))

    def _burst(self, uuid: GpuUuid, looks: list[GpuSample], at: float) -> Burst | None:
        books = self._state.books
        seen = [(look.taken_at, look.by_uuid[uuid]) for look in looks if uuid in look.by_uuid]
        turned_at = books.turned_at(uuid)
        if turned_at is not None:
            # What it looked like before a task started or ended there says nothing about it now.
            seen = [(taken_at, card) for taken_at, card in seen if taken_at > turned_at]
        cards = [card for _, card in seen]
        last = books.sample.by_uuid.get(uuid)
        if not cards and last is not None:
            cards = [last]
        return summarize(cards, at) if cards else None
