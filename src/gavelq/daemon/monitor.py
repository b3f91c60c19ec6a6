"""The GPU monitor: looks at the GPUs from a thread of its own, because the driver can hang."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gavelq.core.card_config import CardConfig
from gavelq.core.events import GpusSampled
from gavelq.core.gpu import CardSample, GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lease_processes import Leasehold, leased_to, leaseholds
from gavelq.core.state import State
from gavelq.daemon import journal
from gavelq.daemon.watching import Watching
from gavelq.ports import Clock, GpuClaims, GpuProbe, ProcessTable

SOON_S = 0.2
"""How long after an end its card is looked at again: the driver needs a moment, and many ends share one look."""

Ancestry = Mapping[int, Sequence[int]]


class Monitor:
    """Takes a sample every `interval_s` seconds, and soon after `kick`; posts GpusSampled on the loop's thread.

    Its thread takes the looks of a burst as well (`gavelq.daemon.watching`).
    """

    def __init__(
        self,
        *,
        probe: GpuProbe,
        claims: GpuClaims | None,
        processes: ProcessTable,
        clock: Clock,
        state: State,
        post: Callable[[GpusSampled], None],
        interval_s: float,
        configured: Mapping[str, CardConfig],
        watching: Watching,
    ) -> None:
        self._probe = probe
        self._claims = claims
        self._processes = processes
        self._clock = clock
        self._state = state
        self._post = post
        self.interval_s = interval_s
        self.configured = configured
        self._watching = watching
        watching.wake = self._wake
        self._bell = threading.Event()
        """Rung when there may be something to do before the next sample is due."""
        self._due = 0.0
        """When the next sample is due (monotonic clock)."""
        self._is_kicked = False
        self._told: dict[GpuUuid, CardSample] = {}
        """Cards whose errors looks of a burst were told: the driver reports each one once, the next sample has them."""
        self._is_stopping = False
        self._is_kick_due = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._first: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._work, name="gpu-monitor", daemon=True)

    async def start(self, first_timeout_s: float) -> None:
        """Begin; returns after the first sample, or when it takes too long (the daemon then starts without)."""
        self._loop = asyncio.get_running_loop()
        self._first = self._loop.create_future()
        self._thread.start()
        await asyncio.wait([self._first], timeout=first_timeout_s)

    def kick(self) -> None:
        """Look again soon; called on the loop's thread, cheap to repeat."""
        if self._is_kick_due or self._loop is None:
            return
        self._is_kick_due = True
        self._loop.call_later(SOON_S, self._kick_now)

    def _kick_now(self) -> None:
        self._is_kick_due = False
        self._is_kicked = True
        self._wake()

    def _wake(self) -> None:
        self._bell.set()

    def stop(self) -> None:
        """End the thread after its present look; a hanging driver is left behind with it."""
        self._is_stopping = True
        self._wake()

    def _work(self) -> None:
        while not self._is_stopping:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001  # whatever one look does wrong, the next one must come
                journal.fail("a look at the GPUs failed", error)
            self._bell.wait(max(0.0, min(self._due, self._watching.next_at()) - time.monotonic()))
            self._bell.clear()
        self._probe.close()

    def _turn(self) -> None:
        """Look, where a sample or a look of a burst is due; one look serves both."""
        now = time.monotonic()
        is_kicked, self._is_kicked = self._is_kicked, False
        is_sample = is_kicked or now >= self._due
        if is_sample:
            self._due = now + self.interval_s
        turn = self._watching.take_turn(now)
        if turn is None and not is_sample:
            return
        look: GpuSample | None = None
        try:
            look = self._probe.sample(self._clock.now())
        finally:
            if turn is not None:
                self._watching.add(turn, look)
        if is_sample:
            self._report(self._with_xids(look))
            self._due = time.monotonic() + self.interval_s
        else:
            for card in look.cards:
                if card.xids:
                    before = self._told.get(card.uuid)
                    self._told[card.uuid] = replace(card, xids=(before.xids if before else ()) + card.xids)

    def _with_xids(self, sample: GpuSample) -> GpuSample:
        """The sample with the errors that were reported to looks since the last one."""
        if not self._told or (sample.problem is not None and not sample.cards):
            return sample
        told, self._told = self._told, {}
        cards = [replace(c, xids=told[c.uuid].xids + c.xids) if c.uuid in told else c for c in sample.cards]
        # A card that does not answer any more: what it said before it fell silent tells why.
        silent = (told[uuid] for uuid in sample.lost if uuid in told and uuid not in sample.by_uuid)
        cards += [replace(c, memory_used=None, utilization=None, processes=()) for c in silent]
        return replace(sample, cards=tuple(cards), by_uuid={})

    def _report(self, sample: GpuSample) -> None:
        uuids = [card.uuid for card in sample.cards]
        pids = {process.pid for card in sample.cards for process in card.processes}
        ancestry = {pid: self._processes.ancestors(pid) for pid in pids}
        # Reading the ledger from this thread is safe: a dict is never torn, and a wrong guess is a moment old.
        ours = frozenset(gpu for gpu in uuids if self._state.ledger.on(gpu))
        foreign = self._claims.foreign(uuids, ours) if self._claims is not None else {}
        if self._loop is not None and not self._is_stopping:
            self._loop.call_soon_threadsafe(self._join, sample, ancestry, foreign)

    def _join(self, sample: GpuSample, ancestry: Ancestry, foreign: Mapping[GpuUuid, str]) -> None:
        supervisors = self._state.books.ended_supervisors() | {
            task.attempt.supervisor.pid: task.id
            for task in self._state.holding.values()
            if task.attempt is not None and task.attempt.supervisor is not None
        }
        leases = leaseholds(self._state.holding.values())
        cards = tuple(
            _attributed(card, ancestry, supervisors, foreign, leases.get(card.uuid, ())) for card in sample.cards
        )
        self._post(GpusSampled(sample=replace(sample, cards=cards, by_uuid={}), configured=self.configured))
        if self._first is not None and not self._first.done():
            self._first.set_result(None)


def _attributed(
    card: CardSample, ancestry: Ancestry, supervisors: Mapping[int, TaskId], foreign: Mapping[GpuUuid, str],
    leases: Sequence[Leasehold],
) -> CardSample:  # fmt: skip
    """Say which processes are gavelq's: those that descend from a task's supervisor, and those of the card's leases."""

    def owner(process: GpuProcess) -> TaskId | None:
        above = ancestry.get(process.pid, ())
        task_id = next((supervisors[up] for up in above if up in supervisors), None)
        return task_id if task_id is not None else leased_to(process, above, leases)

    processes = tuple(replace(process, task_id=owner(process)) for process in card.processes)
    return replace(card, processes=processes, claimed_by=foreign.get(card.uuid))
