"""When a pending task will probably start, and what that is based on. A forecast promises nothing.

Everybody ahead takes, in order, the cards of its domain that are free soonest, for as long as its name's learned run
time says, else its time limit. Backfill may bring a task forward, new and more urgent arrivals may put it back. A task
behind others in its lane comes when all of them are over, one after another; that they may have to wait for cards in
between is left out.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice, takewhile
from math import inf

from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.pending import Shape
from gavelq.core.task import Task
from gavelq.scheduling.admission import opens_at, refusals
from gavelq.scheduling.lengths import Lengths, Typical
from gavelq.scheduling.line import PASSING, Line
from gavelq.scheduling.ordering import Key, Ordering, ordering
from gavelq.scheduling.placement import blocked, match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Reason
from gavelq.scheduling.snapshot import Snapshot, pending_shape

MAX_AHEAD = 5000
"""With more tasks ahead there is no forecast."""
_ASKED_EVERY = 32
"""After so many places it is asked whether there can be a forecast at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The place in the order, and the expected start. `at` None: nobody can tell, and `basis` says why."""

    position: int
    """1: nothing is ahead of it."""
    at: float | None
    basis: str


class Keys:
    """Keys of pending tasks in the order of a cycle that begins now."""

    def __init__(self, snapshot: Snapshot, policy: Policy) -> None:
        """`policy` says the order."""
        self._snapshot = snapshot
        self._ordering: Ordering = ordering(policy, snapshot)

    def key(self, shape: Shape, task_id: TaskId) -> Key:
        """Where a task stands."""
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
    keys = Keys(snapshot, policy)
    own = keys.key(shape, task_id)
    first = [(holder, other) for holder, other in holders(snapshot) if holder != task_id]
    n_overtaking = sum(keys.key(other, holder) > own for holder, other in first)
    is_holder = any(held.task_id == task_id for held in snapshot.reservations.values())
    position = 1 if is_holder else 1 + n_overtaking + sum(keys.n_before(other, own) for other in snapshot.buckets)
    closed = next((no for no in refusals(shape, snapshot, snapshot.usage, policy) if no.reason not in PASSING), None)
    if closed is not None and closed.reason is not Reason.SERIAL:
        return Forecast(position=position, at=None, basis=f"it cannot start while: {closed.text}")
    found = match(shape, snapshot, policy) if shape.gpus.count else None
    if found is not None and len(found.fitting) + found.n_own < shape.gpus.count:
        return Forecast(position=position, at=None, basis=f"it cannot start while: it {blocked(shape, found).text}")
    if closed is not None:
        at, basis = _after_its_lane(snapshot.tasks[task_id], shape, snapshot, policy)
        return Forecast(position=position, at=at, basis=basis)
    for held in snapshot.reservations.values():
        if held.task_id == task_id and held.expected_at is not None:
            basis = "a reservation: the time limits of the tasks on its GPUs are over by then"
            return Forecast(position=position, at=max(snapshot.now, held.expected_at), basis=basis)
    if position > MAX_AHEAD:
        return Forecast(position=position, at=None, basis=f"more than {MAX_AHEAD} tasks are ahead of it")
    earlier = takewhile(lambda one: one[0] != task_id, holders(snapshot))
    ahead = earlier if is_holder else _everybody_before(own, first, keys, snapshot)
    line = Line(snapshot, policy)
    for n, (other_id, other) in enumerate(ahead):
        if n % _ASKED_EVERY == 0 and line.start_of(shape, n)[0] is None:
            break  # more tasks ahead bring nothing forward
        line.place(other_id, other)
    at, basis = line.start_of(shape, position - 1)
    return Forecast(position=position, at=at, basis=basis)


def expected_starts(
    wanted: Collection[TaskId], snapshot: Snapshot, policy: Policy, typical: Typical
) -> dict[TaskId, tuple[float | None, str]]:
    """For pending tasks that are behind nobody in a lane: the expected start and its basis, all of them in one look.

    Those that have more than `MAX_AHEAD` tasks ahead are left out.
    """
    keys, line = Keys(snapshot, policy), Line(snapshot, policy, typical)
    first = list(holders(snapshot))
    everybody = merge(*(keys.of_bucket(shape) for shape in snapshot.buckets if not shape.is_behind))
    rest = ((TaskId(key[-1]), shape) for key, _, shape in everybody)
    left, found = set(wanted), dict[TaskId, tuple[float | None, str]]()
    for n_ahead, (task_id, shape) in enumerate(islice(chain(first, (e for e in rest if e not in first)), MAX_AHEAD)):
        if not left:
            break
        if task_id in left:
            left.discard(task_id)
            closed = line.closed(shape)
            blocking = f"it cannot start while: {closed.text}" if closed is not None else ""
            found[task_id] = (None, blocking) if blocking else line.start_of(shape, n_ahead)
        line.place(task_id, shape)
    return found


def _after_its_lane(task: Task, shape: Shape, snapshot: Snapshot, policy: Policy) -> tuple[float | None, str]:
    """When all before it in its lane are over; None, where that depends on a task of unknown length."""
    before = list(_before(task, snapshot))
    held = next((one for one in before if one.state is TaskState.HELD), None)
    if held is not None:
        return None, f"it cannot start while task {held.id}, which comes before it in its lane, is held"
    lengths, (head, *others) = Lengths(snapshot, policy), before
    if head.state.holds_gpus:
        at = lengths.end(head.id)
    else:
        first = forecast(head.id, snapshot.pending.shape_of(head), snapshot, policy)
        if first.at is None:
            return None, f"task {head.id} comes first in its lane, and of it is known: {first.basis}"
        at = first.at + lengths.of(head)
    culprit = head
    for one in others:
        if at < inf:
            culprit = one
            at += lengths.of(one)
    if at == inf:
        return None, f"task {culprit.id} comes before it in its lane, and has no time limit and no learned run time"
    at = max(at, opens_at(shape, snapshot.now) or at)
    told = lengths.told or "the start of the one before it"
    return at, f"{told}; {len(before)} task(s) come before it in its lane, waits for GPUs between them are not counted"


def _before(task: Task, snapshot: Snapshot) -> list[Task]:
    """Those before it in its lane, the first one first."""
    found: list[Task] = []
    while task.behind is not None and task.behind in snapshot.tasks:
        task = snapshot.tasks[task.behind]
        found.append(task)
    return found[::-1]


def _everybody_before(
    own: Key, first: list[tuple[TaskId, Shape]], keys: Keys, snapshot: Snapshot
) -> Iterator[tuple[TaskId, Shape]]:
    """Holders, then those with a smaller key, in their order."""
    everybody = merge(*(keys.of_bucket(other) for other in snapshot.buckets))
    before = ((TaskId(key[-1]), other) for key, _, other in takewhile(lambda entry: entry[0] < own, everybody))
    return chain(first, (entry for entry in before if entry not in first))


def holders(snapshot: Snapshot) -> Iterator[tuple[TaskId, Shape]]:
    """Who holds a reservation is served before everybody else."""
    for held in snapshot.reservations.values():
        shape = pending_shape(snapshot, held.task_id)
        if shape is not None:
            yield held.task_id, shape
