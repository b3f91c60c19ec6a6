"""The cards of a machine as those who wait are expected to get them, one after another. For forecasts."""

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
from gavelq.scheduling.slots import BUDGET, Limits, budget_slots
from gavelq.scheduling.snapshot import Snapshot
from gavelq.scheduling.spending import Spending

PASSING = frozenset({Reason.BEGIN_TIME, Reason.BACKOFF, Reason.QUEUE_LIMIT, Reason.ARRAY_LIMIT, Reason.TASK_LIMIT})
"""Gates that open with time, or as tasks end."""


class Place(NamedTuple):
    """What a task in the line is expected to get."""

    gpus: tuple[GpuUuid, ...]
    at: float
    """Infinite: nobody knows."""
    length: float
    """How long it is expected to take, in seconds; infinite: nobody knows."""


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
        self._budget = budget_slots(snapshot, policy, end)
        self._spending = Spending(snapshot, policy)
        running = (holder for card in snapshot.gpus.values() for holder in card.holders)
        endless = (holder for holder in running if self._budget is not None and end(holder) == inf)
        self._endless: TaskId | None = next(endless, None)
        """A task of which nobody knows when it gives its cards back."""
        self._free: dict[GpuUuid, float] = {}
        for card in snapshot.gpus.values():
            if card.unavailable is None:
                self._free[card.uuid] = max((end(holder) for holder in card.holders), default=snapshot.now)
                self._blame(card.uuid, next((one for one in card.holders if end(one) == inf), None))

    def closed(self, shape: Shape) -> Blocked | None:
        """What keeps tasks of a shape from starting at all, and does not pass by itself."""
        if shape not in self._closed:
            every = refusals(shape, self._snapshot, self._snapshot.usage, self._policy)
            self._closed[shape] = next((no for no in every if no.reason not in PASSING), None)
        return self._closed[shape]

    def start_of(self, shape: Shape, n_ahead: int) -> tuple[float | None, str]:
        """When a task starts behind those that have their place; None: that depends on a task of unknown length."""
        chosen = self._chosen(shape)
        if self._is_too_wide(shape, chosen):
            return None, f"{BUDGET} leaves too few GPUs for it"
        if len(chosen) < shape.gpus.count:
            return None, "more than gavelq's own tasks keeps GPUs from serving it"
        at = max([self._free[card.uuid] for card in chosen] or [self._snapshot.now])
        budget_at = self._budget_at(shape, chosen)
        if at == inf or budget_at == inf:
            culprit = next((self._unknown[card.uuid] for card in chosen if card.uuid in self._unknown), self._endless)
            return None, f"task {culprit} is in its way, which has no time limit and no learned run time"
        room_at, limit = max(self._limits.room_at(shape), (budget_at, BUDGET))
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

    def place(self, task_id: TaskId, shape: Shape) -> Place | None:
        """Give a task the cards that are free soonest, for as long as it takes; None: it cannot start.

        One that may not start yet when they are free is not given them: others go first.
        """
        if self.closed(shape) is not None:
            return None
        chosen = self._chosen(shape)
        if len(chosen) < shape.gpus.count or self._is_too_wide(shape, chosen):
            return None
        now = self._snapshot.now
        cards_at = max([now, self._budget_at(shape, chosen), *(self._free[card.uuid] for card in chosen)])
        may_at = max(self._limits.room_at(shape)[0], opens_at(shape, now) or now)
        at = max(cards_at, may_at)
        length = self._lengths.of(self._snapshot.tasks[task_id])
        until = at + length
        self._limits.take(shape, until)
        if self._budget is not None:
            self._budget.take(self._cost(shape, chosen), until)
        if until == inf and self._endless is None:
            self._endless = task_id
        place = Place(tuple(card.uuid for card in chosen), at, length)
        if may_at > cards_at:
            return place
        culprit = next((self._unknown[card.uuid] for card in chosen if card.uuid in self._unknown), task_id)
        for card in chosen:
            self._free[card.uuid] = until
            self._blame(card.uuid, culprit)
        return place

    def _chosen(self, shape: Shape) -> list[GpuView]:
        """The cards that are free soonest; those that cost the GPU budget least where it has no room for the others."""
        cards, count = self.cards(shape), shape.gpus.count
        chosen = cards[:count]
        if self._is_too_wide(shape, chosen):
            return sorted(cards, key=lambda card: card.counts_as_available)[:count]
        return chosen

    def _cost(self, shape: Shape, chosen: list[GpuView]) -> int:
        """What these cards take of the GPU budget: one beside foreign processes adds as much as it takes."""
        spending = self._spending
        return shape.gpus.count - (spending.most([card.uuid for card in chosen]) - spending.most())

    def _is_too_wide(self, shape: Shape, chosen: list[GpuView]) -> bool:
        """Whether it asks for more cards than the GPU budget allows altogether."""
        return self._budget is not None and self._cost(shape, chosen) > self._budget.most

    def _budget_at(self, shape: Shape, chosen: list[GpuView]) -> float:
        """When the GPU budget has room for it."""
        if self._budget is None or not shape.gpus.count:
            return -inf
        return self._budget.room_at(self._cost(shape, chosen))

    def _blame(self, uuid: GpuUuid, task_id: TaskId | None) -> None:
        if task_id is not None and self._free[uuid] == inf:
            self._unknown.setdefault(uuid, task_id)
