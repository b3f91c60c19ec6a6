"""What the GPUs look like, with the traces of ended tasks taken out.

A sample is always a little old. When a task ends, its processes and memory leave the books at once, so that the next
task can start on the freed card within milliseconds; and for ten seconds nothing that an ended task left in later
samples is taken for somebody else's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gavelq.core.gpu import CardSample, GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.task import Task
from gavelq.core.units import MiB

ENDED_GRACE_S = 10.0
"""How long an ended task's processes are known as such (SPEC section 5)."""
SETTLE_S = 2.0
"""How long after an end a card's utilisation is the ended task's echo: NVML averages over up to a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedUse:
    """A task that ended on a card a moment ago, and the processes it was seen with."""

    at: float
    pids: frozenset[int]


class Books:
    """The last sample and what recently ended. Volatile: a new daemon begins with an empty sample."""

    def __init__(self) -> None:
        self.sample = GpuSample(taken_at=0.0, problem="no sample has been taken yet")
        self.settle_s = SETTLE_S
        self._ended: dict[GpuUuid, EndedUse] = {}
        self._supervisors: dict[int, tuple[TaskId, float]] = {}
        self._unseen: dict[GpuUuid, int] = {}

    def take(self, sample: GpuSample, live: frozenset[TaskId], is_held: Callable[[GpuUuid], bool]) -> None:
        """Join a new sample. `live` are the tasks that hold something: processes of others have ended.

        `is_held` tells whether a task holds a card now.
        """
        now = sample.taken_at
        self._ended = {gpu: use for gpu, use in self._ended.items() if now - use.at <= ENDED_GRACE_S}
        self._supervisors = {pid: s for pid, s in self._supervisors.items() if now - s[1] <= ENDED_GRACE_S}
        cards = tuple(self._cleaned(card, live, now) for card in sample.cards)
        self.sample = replace(sample, cards=cards, by_uuid={})
        for card in cards:
            if not is_held(card.uuid) and not self.ended_lately(card.uuid, now):
                self._unseen[card.uuid] = _unseen(card)

    def _cleaned(self, card: CardSample, live: frozenset[TaskId], now: float) -> CardSample:
        use = self._ended.get(card.uuid)
        gone = [p for p in card.processes if _is_gone(p, use, live)]
        cleaned = _without(card, gone)
        if use is not None and now - use.at <= self.settle_s:
            cleaned = _echo(cleaned)
        return cleaned

    def end(self, task: Task, now: float) -> None:
        """Take an ended task's processes and memory off its cards."""
        if task.attempt is not None and task.attempt.supervisor is not None:
            self._supervisors[task.attempt.supervisor.pid] = (task.id, now)
        held = set(task.held_gpus)
        cards = []
        for card in self.sample.cards:
            if card.uuid not in held:
                cards.append(card)
                continue
            mine = [p for p in card.processes if p.task_id == task.id]
            before = self._ended.get(card.uuid)
            pids = frozenset(p.pid for p in mine) | (before.pids if before and now - before.at < 10 else frozenset())
            self._ended[card.uuid] = EndedUse(at=now, pids=pids)
            cards.append(_echo(_without(card, mine)))
        self.sample = replace(self.sample, cards=tuple(cards), by_uuid={})

    def ended_supervisors(self) -> dict[int, TaskId]:
        """Supervisors that ended a moment ago, and whose task that was.

        A look that was taken while a task still ran may arrive after its end, with processes that nobody saw before.
        """
        return {pid: task_id for pid, (task_id, _) in self._supervisors.items()}

    def ended_lately(self, gpu: GpuUuid, now: float) -> bool:
        """Whether a task ended on this card within the grace time."""
        use = self._ended.get(gpu)
        return use is not None and now - use.at <= ENDED_GRACE_S

    def unseen(self, card: CardSample, *, is_held: bool, now: float) -> int:
        """MiB that no visible process accounts for and that are somebody else's; 0 where the driver tells no sizes.

        While a task holds the card, and for a while after, it may be the task's own (a container's): then only what
        was there before counts.
        """
        found = _unseen(card)
        if is_held or self.ended_lately(card.uuid, now):
            found = min(found, self._unseen.get(card.uuid, 0))
        return found


def _unseen(card: CardSample) -> int:
    if card.memory_used is None or any(p.memory is None for p in card.processes):
        return 0
    return max(0, card.memory_used - sum(p.memory or 0 for p in card.processes))


def _echo(card: CardSample) -> CardSample:
    """A look at a card that a task just left: how busy it was says nothing, unless others are on it."""
    return card if card.processes else replace(card, utilization=None)


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
