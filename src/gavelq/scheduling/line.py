"""The cards of a machine as those who wait are expected to get them, one after another. For forecasts."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.pending import Shape
from gavelq.core.task import GpuRequest
from gavelq.scheduling.admission import opens_at, refusals
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.lengths import Lengths, Typical
from gavelq.scheduling.placement import match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.slots import Limits
from gavelq.scheduling.snapshot import Snapshot
from gavelq.scheduling.spending import Spending

PASSING = frozenset({Reason.BEGIN_TIME, Reason.BACKOFF, Reason.QUEUE_LIMIT, Reason.ARRAY_LIMIT, Reason.TASK_LIMIT})
"""Gates that open with time, or as tasks end."""


class Place(NamedTuple):
    """What a task in the line is expected to get."""

    gpus: tuple[GpuUuid, ...]
    at: float
    """Infinite: nobody knows."""
    until: float


class Line:
    """The cards of the machine, each with the time at which it is expected to be free."""

    def __init__(self, snapshot: Snapshot, policy: Policy, typical: Typical | None = None) -> None:
        """Now: the cards that are held are free when their tasks are expected to be over."""
        self._snapshot = snapshot
        self._policy = policy
        self._lengths = Lengths(snapshot, policy, typical)
        self._unknown: dict[GpuUuid, TaskId] = {}
        self._usable: dict[tuple[QueueName, GpuRequest, str | None], list[GpuView]] = {}
        self._closed: dict[Shape, Blocked | None] = {}
        end = self._lengths.end
        self._limits = Limits(snapshot, policy, end)
        self._free: dict[GpuUuid, float] = {}
        for card in snapshot.gpus.values():
            if card.unavailable is None:
                self._free[card.uuid] = max((end(holder) for holder in card.holders), default=snapshot.now)
                self._blame(card.uuid, next((one for one in card.holders if end(one) == inf), None))
        self._keep_to_budget()

    def _keep_to_budget(self) -> None:
        """With a GPU budget there are only so many cards; those that are given back first are not taken again."""
        spending = Spending(self._snapshot, self._policy)
        n_too_many = len(self._free) - spending.most()
        for uuid in sorted(self._free, key=lambda uuid: self._free[uuid])[: max(0, n_too_many)]:
            del self._free[uuid]

    def closed(self, shape: Shape) -> Blocked | None:
        """What keeps tasks of a shape from starting at all, and does not pass by itself."""
        if shape not in self._closed:
            every = refusals(shape, self._snapshot, self._snapshot.usage, self._policy)
            self._closed[shape] = next((no for no in every if no.reason not in PASSING), None)
        return self._closed[shape]

    def start_of(self, shape: Shape, n_ahead: int) -> tuple[float | None, str]:
        """When a task starts behind those that have their place; None: that depends on a task of unknown length."""
        cards = self.cards(shape)
        if len(cards) < shape.gpus.count:
            return None, "the GPU budget (rules.gpu_left, min_gpu, max_gpu) leaves too few GPUs for it"
        chosen = cards[: shape.gpus.count]
        at = max([self._free[card.uuid] for card in chosen] or [self._snapshot.now])
        if at == inf:
            culprit = next(self._unknown[card.uuid] for card in chosen if card.uuid in self._unknown)
            return None, f"task {culprit} is in its way, which has no time limit and no learned run time"
        room_at, limit = self._limits.room_at(shape)
        if room_at == inf:
            return None, f"{limit} is in its way, and nobody knows when it leaves room"
        parts = [part for part in (limit if room_at > at else "", self._lengths.told) if part]
        basis = f"{' and '.join(parts) or 'free GPUs'}; {n_ahead} task(s) are ahead of it"
        return max(at, room_at, opens_at(shape, self._snapshot.now) or at), basis

    def cards(self, shape: Shape) -> list[GpuView]:
        """The cards that would do, now or but for gavelq's own tasks: those that are free soonest first."""
        key = (shape.queue, shape.gpus, shape.learned_as)
        usable = self._usable.get(key)
        if usable is None:
            found = match(shape, self._snapshot, self._policy)
            own = (self._snapshot.gpus[uuid] for uuid, no in found.refused.items() if no.own)
            usable = self._usable[key] = [card for card in (*found.fitting, *own) if card.uuid in self._free]
        return sorted(usable, key=lambda card: (self._free[card.uuid], card.order))

    def place(
        self, task_id: TaskId, shape: Shape, kept: Sequence[GpuUuid] = (), kept_at: float | None = None
    ) -> Place | None:
        """Give a task the cards that are free soonest, for as long as it takes; None: it cannot start.

        One that may not start yet when they are free is not given them: others go first. `kept`: the cards that a
        reservation holds back for it, until `kept_at`.
        """
        if self.closed(shape) is not None:
            return None
        chosen = [self._snapshot.gpus[uuid] for uuid in kept if uuid in self._free]
        if kept_at is None or len(chosen) < shape.gpus.count:
            chosen = self.cards(shape)[: shape.gpus.count]
        if len(chosen) < shape.gpus.count:
            return None
        now = self._snapshot.now
        cards_at = max([self._free[card.uuid] for card in chosen], default=now)
        if kept and kept_at is not None:
            cards_at = max(now, kept_at)
        may_at = max(self._limits.room_at(shape)[0], opens_at(shape, now) or now)
        at = max(cards_at, may_at)
        until = at + self._lengths.of(self._snapshot.tasks[task_id])
        self._limits.take(shape, until)
        place = Place(tuple(card.uuid for card in chosen), at, until)
        if may_at > cards_at:
            return place
        culprit = next((self._unknown[card.uuid] for card in chosen if card.uuid in self._unknown), task_id)
        for card in chosen:
            self._free[card.uuid] = until
            self._blame(card.uuid, culprit)
        return place

    def _blame(self, uuid: GpuUuid, task_id: TaskId | None) -> None:
        if task_id is not None and self._free[uuid] == inf:
            self._unknown.setdefault(uuid, task_id)
