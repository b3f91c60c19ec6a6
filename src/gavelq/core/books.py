"""What the GPUs look like, with the traces of ended tasks taken out.

A sample is always a little old. When a task ends, its processes and memory leave the books at once, so that the next
task can start on the freed card within milliseconds; and for ten seconds nothing that an ended task left in later
samples is taken for somebody else's. What others do on a card is remembered for a while: a card must be calm for
`settle_s` before somebody's leaving counts (`gavelq.core.foreign`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from gavelq.core.bursts import Burst
from gavelq.core.fixed import fixed
from gavelq.core.foreign import CardHistory
from gavelq.core.gpu import CardSample, GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lease_processes import surviving
from gavelq.core.marks import Marks
from gavelq.core.meters import Meters
from gavelq.core.task import Lease, Task
from gavelq.core.units import MiB

ENDED_GRACE_S = 10.0
"""How long an ended task's processes are known as such (SPEC section 5)."""
SETTLE_S = 2.0
"""How long after an end a card's utilisation is the ended task's echo: NVML averages over up to a second."""
UNATTRIBUTED_MIB = 1024
"""Memory without a visible process above this is foreign (setting `foreign.unattributed_mib`)."""


@fixed
class EndedUse:
    """Tasks that ended on a card a moment ago, and the processes they were seen with."""

    at: float
    since: float
    """When the first of them ended, each within the grace time after the one before it."""
    pids: frozenset[int]
    tasks: Mapping[TaskId, float]
    """When each of them ended."""


class Books:
    """The last sample and what recently ended. Volatile: a new daemon begins with an empty sample."""

    def __init__(self) -> None:
        self.sample = GpuSample(taken_at=0.0, problem="no sample has been taken yet")
        self.settle_s = SETTLE_S
        self.unattributed_mib = UNATTRIBUTED_MIB
        self.bursts: dict[GpuUuid, Burst] = {}
        """The last burst of looks at a card, until a task starts or ends there."""
        self.marks = Marks()
        """The cards of which something else is told than before."""
        self.meters = Meters()
        """What running tasks are seen to use."""
        self._ended: dict[GpuUuid, EndedUse] = {}
        self._supervisors: dict[int, tuple[TaskId, float]] = {}
        self._unseen: dict[GpuUuid, int] = {}
        self._history: dict[GpuUuid, CardHistory] = {}
        self._turned: dict[GpuUuid, float] = {}

    def take(self, sample: GpuSample, live: frozenset[TaskId], held: Callable[[GpuUuid], Collection[TaskId]]) -> None:
        """Join a new sample. `live` are the tasks that hold something: processes of others have ended.

        `held` tells which tasks hold a card now.
        """
        now = sample.taken_at
        if now < self.sample.taken_at:
            self._heed_clock(now)
        self._ended = {gpu: use for gpu, use in self._ended.items() if now - use.at <= ENDED_GRACE_S}
        self._supervisors = {pid: s for pid, s in self._supervisors.items() if now - s[1] <= ENDED_GRACE_S}
        cards = tuple(self._joined(card, live, held(card.uuid), now) for card in sample.cards)
        self.sample = replace(sample, cards=cards, by_uuid={})
        self.marks.touch_all()
        if sample.problem is None:
            self._forget_all_but({card.uuid for card in cards})

    def _heed_clock(self, now: float) -> None:
        """The clock was set back: what ended a moment ago has not ended in the future, or it would be excused for long.

        Bursts of looks from then are none of now.
        """
        self._ended = {gpu: _not_after(use, now) for gpu, use in self._ended.items()}
        self._supervisors = {pid: (task_id, min(at, now)) for pid, (task_id, at) in self._supervisors.items()}
        self._turned = {gpu: min(at, now) for gpu, at in self._turned.items()}
        self.bursts = {gpu: burst for gpu, burst in self.bursts.items() if burst.at <= now}

    def _joined(self, card: CardSample, live: frozenset[TaskId], held: Collection[TaskId], now: float) -> CardSample:
        use = self._ended.get(card.uuid)
        gone = [p for p in card.processes if _is_gone(p, use, live)]
        cleaned = _without(card, gone)
        if use is not None and now - use.at <= self.settle_s:
            cleaned = _echo(cleaned)
        if not held and not self._is_excused(card.uuid, now):
            self._unseen[card.uuid] = _unseen(cleaned)
        unseen = self.unseen(cleaned, is_held=bool(held), now=now)
        history = self._history.setdefault(card.uuid, CardHistory())
        counted = unseen if unseen > self.unattributed_mib else 0
        return history.look(cleaned, now, held=held, gone={p.pid for p in gone}, unseen=counted)

    def _forget_all_but(self, present: set[GpuUuid]) -> None:
        """Cards may go for good (MIG devices): what was remembered about them goes as well."""
        for uuid in (self._unseen.keys() | self._history.keys() | self._turned.keys() | self.bursts.keys()) - present:
            self._unseen.pop(uuid, None)
            self._history.pop(uuid, None)
            self._turned.pop(uuid, None)
            self.bursts.pop(uuid, None)

    def end(self, task: Task, now: float) -> None:
        """Take an ended task's processes and memory off its cards; those of a lease stay, and are foreign."""
        if task.attempt is not None and task.attempt.supervisor is not None:
            self._supervisors[task.attempt.supervisor.pid] = (task.id, now)
        held = set(task.held_gpus)
        self._turn(held, now)
        for gpu in held & self._history.keys():
            if self._history[gpu].forget_peaks():
                self.marks.touch(gpu)
        is_lease = isinstance(task.request.command, Lease)
        changed: dict[GpuUuid, CardSample] = {}
        for card in [self.sample.by_uuid[gpu] for gpu in held if gpu in self.sample.by_uuid]:
            mine = [] if is_lease else [p for p in card.processes if p.task_id == task.id]
            before = self._ended.get(card.uuid)
            pids = frozenset(p.pid for p in mine) | (before.pids if before and now - before.at < 10 else frozenset())
            earlier = before.tasks if before is not None else {}
            tasks = {task_id: at for task_id, at in earlier.items() if now - at <= ENDED_GRACE_S} | {task.id: now}
            since = before.since if before is not None and now - before.at <= ENDED_GRACE_S else now
            self._ended[card.uuid] = EndedUse(at=now, since=since, pids=pids, tasks=tasks)
            left = surviving(card, task.id) if is_lease else _echo(_without(card, mine))
            if left is not card:
                changed[card.uuid] = left
            if left is not card or card.memory_used:  # for a while its memory is not put down to others
                self.marks.touch(card.uuid)
        if changed:
            cards = tuple(changed.get(card.uuid, card) for card in self.sample.cards)
            self.sample = replace(self.sample, cards=cards, by_uuid={})

    def start(self, task: Task, now: float) -> None:
        """A task was placed: what a burst of looks saw on its cards holds no longer."""
        self._turn(task.held_gpus, now)

    def _turn(self, gpus: Iterable[GpuUuid], now: float) -> None:
        for gpu in gpus:
            self._turned[gpu] = now
            self.bursts.pop(gpu, None)

    def turned_at(self, gpu: GpuUuid) -> float | None:
        """When a task of ours last started or ended on this card; None: not since the daemon began."""
        return self._turned.get(gpu)

    def watched(self, bursts: Iterable[Burst]) -> None:
        """Join what a burst of looks told."""
        self.bursts.update((burst.uuid, burst) for burst in bursts)

    def calm_at(self, gpu: GpuUuid, now: float) -> float | None:
        """When the card will have been calm for `settle_s`, if nobody comes back; None: it is calm now.

        Not calm is a card that shows foreign use that counts (then the time is that of the last look plus `settle_s`),
        or showed it less than `settle_s` ago. A card that was never seen in foreign use is calm.
        """
        history = self._history.get(gpu)
        return None if history is None else history.calm_at(now, self.settle_s)

    def peak_utilization(self, gpu: GpuUuid, now: float) -> int | None:
        """The highest utilisation in percent that looks of the last `settle_s` seconds showed; None: unknown.

        The newest look always counts. What an ended task of ours left behind does not.
        """
        seen, history = self.sample.by_uuid.get(gpu), self._history.get(gpu)
        newest = seen.utilization if seen is not None else None
        return newest if history is None else history.peak(newest, now, self.settle_s)

    def unseen_since(self, gpu: GpuUuid) -> float | None:
        """Since when memory without a visible process makes this card foreign; None: it does not."""
        history = self._history.get(gpu)
        return None if history is None else history.unseen_since

    def claimed_since(self, gpu: GpuUuid) -> float | None:
        """Since when another daemon claims this card; None: nobody does."""
        history = self._history.get(gpu)
        return None if history is None else history.claimed_since

    def ended_supervisors(self) -> dict[int, TaskId]:
        """Supervisors that ended a moment ago, and whose task that was.

        A look that was taken while a task still ran may arrive after its end, with processes that nobody saw before.
        """
        return {pid: task_id for pid, (task_id, _) in self._supervisors.items()}

    def ended_lately(self, gpu: GpuUuid, now: float) -> bool:
        """Whether a task ended on this card within the grace time."""
        use = self._ended.get(gpu)
        return use is not None and now - use.at <= ENDED_GRACE_S

    def ended_lately_on(self, gpu: GpuUuid, now: float) -> frozenset[TaskId]:
        """The tasks that ended on this card within the grace time."""
        use = self._ended.get(gpu)
        return frozenset(task_id for task_id, at in (use.tasks if use else {}).items() if now - at <= ENDED_GRACE_S)

    def unseen(self, card: CardSample, *, is_held: bool, now: float) -> int:
        """MiB that no visible process accounts for and that are somebody else's; 0 where the driver tells no sizes.

        While a task holds the card, and for a while after, it may be the task's own (a container's): then only what
        was there before counts. Tasks that end one soon after the other do not make that while longer: else each
        would begin, and fail, on a card that somebody else has filled.
        """
        found = _unseen(card)
        if is_held or self._is_excused(card.uuid, now):
            found = min(found, self._unseen.get(card.uuid, 0))
        return found

    def _is_excused(self, gpu: GpuUuid, now: float) -> bool:
        """Whether memory on this card may still be that of tasks that have ended."""
        use = self._ended.get(gpu)
        return use is not None and now - use.since <= ENDED_GRACE_S


def _not_after(use: EndedUse, now: float) -> EndedUse:
    tasks = {task_id: min(at, now) for task_id, at in use.tasks.items()}
    return replace(use, at=min(use.at, now), since=min(use.since, now), tasks=tasks)


def _unseen(card: CardSample) -> int:
    if card.memory_used is None or any(p.memory is None for p in card.processes):
        return 0
    return max(0, card.memory_used - sum(p.memory or 0 for p in card.processes))


def _echo(card: CardSample) -> CardSample:
    """A look at a card that a task just left: how busy it was says nothing, unless others are on it."""
    has_others = any(not process.is_ignored for process in card.processes)
    return card if has_others or card.utilization is None else replace(card, utilization=None)


def _is_gone(process: GpuProcess, use: EndedUse | None, live: frozenset[TaskId]) -> bool:
    if process.task_id is not None:
        return process.task_id not in live
    return use is not None and (process.pid in use.pids or not process.is_alive)


def _without(card: CardSample, gone: list[GpuProcess]) -> CardSample:
    if not gone:
        return card
    rest = tuple(p for p in card.processes if p not in gone)
    used = card.memory_used
    if used is not None:
        known = sum(p.memory or 0 for p in gone)
        # Where the driver does not tell sizes, all that nobody else is known to use went with them.
        others = sum(p.memory or 0 for p in rest)
        used = MiB(max(others, used - known)) if all(p.memory is not None for p in gone) else MiB(others)
    return replace(card, processes=rest, memory_used=used)
