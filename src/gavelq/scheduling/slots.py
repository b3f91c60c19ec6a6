"""When the limits that count tasks leave room for one more: for forecasts."""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from math import inf

from gavelq.core.ids import TaskId
from gavelq.core.pending import Shape
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot
from gavelq.scheduling.spending import Spending

BUDGET = "the GPU budget (rules.gpu_left, min_gpu, max_gpu)"


class Slots:
    """At most `most` units at once; each that is taken has the time at which it is expected to be given back."""

    def __init__(self, name: str, most: int, ends: Iterable[float]) -> None:
        self.name = name
        self.most = most
        self._ends = sorted(ends)

    def room_at(self, n: int) -> float:
        """When `n` more have room; minus infinity where they have it, infinite where nobody knows."""
        n_others = self.most - n
        if n_others < 0:
            return inf
        return self._ends[-n_others - 1] if len(self._ends) > n_others else -inf

    def take(self, n: int, until: float) -> None:
        """Count `n` more until then."""
        for _ in range(n):
            insort(self._ends, until)


def budget_slots(snapshot: Snapshot, policy: Policy, end: Callable[[TaskId], float]) -> Slots | None:
    """The GPU budget, counted by cards in use, with what a forecast adds to it; None where all cards may be used."""
    spending = Spending(snapshot, policy)
    if not spending.is_limited:
        return None
    ends = [max(end(holder) for holder in card.holders) for card in snapshot.gpus.values() if card.held]
    return Slots(BUDGET, spending.most(), ends)


class Limits:
    """The limits of queues, submissions and the machine, with what runs now and what a forecast adds to it."""

    def __init__(self, snapshot: Snapshot, policy: Policy, end: Callable[[TaskId], float]) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._end = end
        self._found: dict[tuple[str, object], Slots] = {}

    def room_at(self, shape: Shape) -> tuple[float, str]:
        """When they let one more task of this shape start, and the name of the last one to do so."""
        return max(((slots.room_at(n), slots.name) for slots, n in self._of(shape)), default=(-inf, ""))

    def take(self, shape: Shape, until: float) -> None:
        """Count a task of this shape until then."""
        for slots, n in self._of(shape):
            slots.take(n, until)

    def _of(self, shape: Shape) -> Iterator[tuple[Slots, int]]:
        """The limits that bind a shape, and how much of each it takes."""
        queue, n_gpus = self._snapshot.queues[shape.queue], shape.gpus.count
        if queue.max_running is not None:
            name = f"max_running of queue {queue.name}"
            yield self._slots("running", queue.name, name, queue.max_running, self._units_of_queue), 1
        if queue.max_gpus is not None and n_gpus:
            name = f"max_gpus of queue {queue.name}"
            yield self._slots("gpus", queue.name, name, queue.max_gpus, self._gpus_of_queue), n_gpus
        if shape.submission is not None and shape.max_parallel is not None:
            name = f"max_parallel of submission {shape.submission}"
            yield self._slots("parallel", shape.submission, name, shape.max_parallel, self._units_of_submission), 1
        if self._policy.max_running is not None:
            yield self._slots("all", None, "limits.max_running", self._policy.max_running, lambda *_: 1), 1
        if not n_gpus:
            most = self._policy.max_cpu_tasks
            yield self._slots("cpu", None, "limits.max_cpu_tasks", most, lambda task, _: int(not task.held_gpus)), 1

    def _slots(self, kind: str, key: object, name: str, most: int, units: Callable[[Task, object], int]) -> Slots:
        found = self._found.get((kind, key))
        if found is None:
            running = (task for task in self._snapshot.tasks.values() if task.state.holds_gpus)
            ends = [self._end(task.id) for task in running for _ in range(units(task, key))]
            found = self._found[(kind, key)] = Slots(name, most, ends)
        return found

    @staticmethod
    def _units_of_queue(task: Task, queue: object) -> int:
        return int(task.queue == queue)

    @staticmethod
    def _gpus_of_queue(task: Task, queue: object) -> int:
        return len(task.held_gpus) if task.queue == queue else 0

    @staticmethod
    def _units_of_submission(task: Task, submission: object) -> int:
        return int(task.submission_id == submission)
