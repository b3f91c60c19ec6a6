"""When a pending task will probably start, and what that is based on. A forecast promises nothing.

Everybody ahead takes, in order, the cards of its domain that are free soonest, for as long as its name's learned run
time says, else its time limit. Backfill may bring a task forward, new and more urgent arrivals may put it back.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import takewhile
from math import inf

from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.learned import name_key, run_time
from gavelq.core.pending import Shape
from gavelq.core.task import GpuRequest, Task
from gavelq.scheduling.admission import opens_at, refusals
from gavelq.scheduling.gpu_view import GpuView, ends_at
from gavelq.scheduling.ordering import Key, Ordering, ordering
from gavelq.scheduling.placement import blocked, match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.slots import Limits
from gavelq.scheduling.snapshot import Snapshot, pending_shape
from gavelq.scheduling.spending import Spending

MAX_AHEAD = 5000
"""With more tasks ahead there is no forecast."""
_PASSING = frozenset({Reason.BEGIN_TIME, Reason.BACKOFF, Reason.QUEUE_LIMIT, Reason.ARRAY_LIMIT, Reason.TASK_LIMIT})
"""Gates that open with time, or as tasks end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The place in the order, and the expected start. `at` None: nobody can tell, and `basis` says why."""

    position: int
    """1: nothing is ahead of it."""
    at: float | None
    basis: str


class _Keys:
    """Keys of pending tasks in the order of a cycle that begins now."""

    def __init__(self, snapshot: Snapshot, policy: Policy) -> None:
        self._snapshot = snapshot
        self._ordering: Ordering = ordering(policy, snapshot)

    def key(self, shape: Shape, task_id: TaskId) -> Key:
        queue = self._snapshot.queues[shape.queue]
        return self._ordering.key(shape, queue, task_id, self._snapshot.waiting_since(task_id))

    def n_before(self, shape: Shape, own: Key) -> int:
        """How many of a bucket stand before that key: inside it, the earlier goes first."""
        return bisect_left(self._snapshot.buckets[shape], own, key=lambda other: self.key(shape, other))

    def of_bucket(self, shape: Shape) -> Iterator[tuple[Key, int, Shape]]:
        """A bucket's entries in their order; the number in the middle keeps shapes from being compared."""
        for at, task_id in enumerate(self._snapshot.buckets[shape]):
            yield self.key(shape, task_id), at, shape


def forecast(task_id: TaskId, shape: Shape, snapshot: Snapshot, policy: Policy) -> Forecast:
    """Where a pending task stands and when it will probably start."""
    keys = _Keys(snapshot, policy)
    own = keys.key(shape, task_id)
    first = [(holder, other) for holder, other in _holders(snapshot) if holder != task_id]
    n_overtaking = sum(keys.key(other, holder) > own for holder, other in first)
    is_holder = any(held.task_id == task_id for held in snapshot.reservations.values())
    position = 1 if is_holder else 1 + n_overtaking + sum(keys.n_before(other, own) for other in snapshot.buckets)
    closed = next((no for no in refusals(shape, snapshot, snapshot.usage, policy) if no.reason not in _PASSING), None)
    if closed is not None:
        return Forecast(position=position, at=None, basis=f"it cannot start while: {closed.text}")
    found = match(shape, snapshot, policy, {}) if shape.gpus.count else None
    if found is not None and len(found.fitting) + found.n_own < shape.gpus.count:
        return Forecast(position=position, at=None, basis=f"it cannot start while: it {blocked(shape, found).text}")
    for held in snapshot.reservations.values():
        if held.task_id == task_id and held.expected_at is not None:
            basis = "a reservation: the time limits of the tasks on its GPUs are over by then"
            return Forecast(position=position, at=max(snapshot.now, held.expected_at), basis=basis)
    if position > MAX_AHEAD:
        return Forecast(position=position, at=None, basis=f"more than {MAX_AHEAD} tasks are ahead of it")
    ahead = [] if is_holder else _everybody_before(own, first, keys, snapshot)
    at, basis = _Line(snapshot, policy).start_of(task_id, shape, ahead)
    return Forecast(position=position, at=at, basis=basis)


def _everybody_before(
    own: Key, first: list[tuple[TaskId, Shape]], keys: _Keys, snapshot: Snapshot
) -> list[tuple[TaskId, Shape]]:
    """Holders, then those with a smaller key, in their order."""
    everybody = merge(*(keys.of_bucket(other) for other in snapshot.buckets))
    before = [(TaskId(key[-1]), other) for key, _, other in takewhile(lambda entry: entry[0] < own, everybody)]
    return first + [entry for entry in before if entry not in first]


def _holders(snapshot: Snapshot) -> Iterator[tuple[TaskId, Shape]]:
    """Who holds a reservation is served before everybody else."""
    for held in snapshot.reservations.values():
        shape = pending_shape(snapshot, held.task_id)
        if shape is not None:
            yield held.task_id, shape


class _Line:
    """The cards of the machine, each with the time at which it is expected to be free."""

    def __init__(self, snapshot: Snapshot, policy: Policy) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._n_learned = self._n_limits = 0
        self._unknown: dict[GpuUuid, TaskId] = {}
        self._usable: dict[tuple[QueueName, GpuRequest, str | None], list[GpuView]] = {}
        self._ends: dict[TaskId, float] = {}
        self._limits = Limits(snapshot, policy, self._end)
        self._free: dict[GpuUuid, float] = {}
        for card in snapshot.gpus.values():
            if card.unavailable is None:
                self._free[card.uuid] = max((self._end(holder) for holder in card.holders), default=snapshot.now)
                self._blame(card.uuid, next((one for one in card.holders if self._end(one) == inf), None))
        self._keep_to_budget()

    def _keep_to_budget(self) -> None:
        """With a GPU budget there are only so many cards; those that are given back first are not taken again."""
        spending = Spending(self._snapshot, self._policy)
        n_too_many = len(self._free) - spending.most()
        for uuid in sorted(self._free, key=lambda uuid: self._free[uuid])[: max(0, n_too_many)]:
            del self._free[uuid]

    def start_of(self, task_id: TaskId, shape: Shape, ahead: list[tuple[TaskId, Shape]]) -> tuple[float | None, str]:
        """When a task starts behind these; None, where that depends on a task of unknown length."""
        for other_id, other in ahead:
            if not any(no.reason not in _PASSING for no in self._refusals(other)):
                self._place(other_id, other)
        cards = self._cards(shape)
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
        basis = self._basis(len(ahead), limit if room_at > at else "")
        return max(at, room_at, opens_at(shape, self._snapshot.now) or at), basis

    def _basis(self, n_ahead: int, limit: str) -> str:
        parts = [limit] if limit else []
        if self._n_learned:
            parts.append(f"learned run times ({self._n_learned})")
        if self._n_limits:
            parts.append(f"time limits ({self._n_limits})")
        return f"{' and '.join(parts) or 'free GPUs'}; {n_ahead} task(s) are ahead of it"

    def _refusals(self, shape: Shape) -> Iterator[Blocked]:
        return refusals(shape, self._snapshot, self._snapshot.usage, self._policy)

    def _cards(self, shape: Shape) -> list[GpuView]:
        """The cards that would do, now or but for gavelq's own tasks: those that are free soonest first."""
        key = (shape.queue, shape.gpus, shape.learned_as)
        usable = self._usable.get(key)
        if usable is None:
            found = match(shape, self._snapshot, self._policy, {})
            own = (self._snapshot.gpus[uuid] for uuid, no in found.refused.items() if no.own)
            usable = self._usable[key] = [card for card in (*found.fitting, *own) if card.uuid in self._free]
        return sorted(usable, key=lambda card: (self._free[card.uuid], card.order))

    def _place(self, task_id: TaskId, shape: Shape) -> None:
        chosen = self._cards(shape)[: shape.gpus.count]
        if len(chosen) < shape.gpus.count:
            return
        now = self._snapshot.now
        cards_at = max([self._free[card.uuid] for card in chosen], default=now)
        may_at = max(self._limits.room_at(shape)[0], opens_at(shape, now) or now)
        until = max(cards_at, may_at) + self._length(self._snapshot.tasks[task_id])
        self._limits.take(shape, until)
        if may_at > cards_at:
            return  # when the cards are free it may not start yet: others go first
        culprit = next((self._unknown[card.uuid] for card in chosen if card.uuid in self._unknown), task_id)
        for card in chosen:
            self._free[card.uuid] = until
            self._blame(card.uuid, culprit)

    def _blame(self, uuid: GpuUuid, task_id: TaskId | None) -> None:
        if task_id is not None and self._free[uuid] == inf:
            self._unknown.setdefault(uuid, task_id)

    def _length(self, task: Task) -> float:
        limit = task.request.time_limit_s
        learned = self._learned(task)
        if learned is not None:
            self._n_learned += 1
            return learned if limit is None else min(learned, limit)
        self._n_limits += limit is not None
        return inf if limit is None else limit

    def _learned(self, task: Task) -> float | None:
        if not task.request.is_named:
            return None
        return run_time(self._snapshot.learned.get(name_key(task.request.tenant, task.request.name)))

    def _end(self, task_id: TaskId) -> float:
        """When a running task is expected to be gone; one that outran what was learned may end at any moment."""
        if task_id not in self._ends:
            self._ends[task_id] = self._expected_end(self._snapshot.tasks[task_id])
        return self._ends[task_id]

    def _expected_end(self, task: Task) -> float:
        now = self._snapshot.now
        latest = ends_at(task, self._policy)
        learned = self._learned(task)
        if learned is None or task.attempt is None:
            self._n_limits += latest < inf
            return max(now, latest)
        self._n_learned += 1
        began = task.attempt.started_at if task.attempt.started_at is not None else task.attempt.placed_at
        return max(now, min(latest, began + learned))
