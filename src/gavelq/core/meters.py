"""What running tasks are seen to use: the peak of their memory, and how busy their GPUs are.

Volatile: a new daemon measures anew. The peaks are kept with the attempts as they rise (`gavelq.core.engine.learning`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.gpu import CardSample, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.task import Attempt, Task
from gavelq.core.units import MiB

WARM_UP_S = 2.0
"""So long after its start a card's utilisation still tells of the time before: the driver averages."""
ENOUGH_ALONE = 5
"""So many looks at a task alone on its cards make those with others on them needless."""
CLOCK_ERROR_S = 1.0
"""Start times of processes are counted from a boot time that is itself measured."""


@dataclass(slots=True)
class _Mean:
    n: int = 0
    total: float = 0.0

    def add(self, value: float) -> None:
        self.n += 1
        self.total += value


class Meter:
    """One attempt's use so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.peak: MiB | None = None
        """The most memory its processes had on one of its GPUs; None: never known."""
        self._alone = _Mean()
        self._all = _Mean()

    @property
    def utilization(self) -> float | None:
        """The mean utilisation of its GPUs in percent; None: unknown.

        On a GPU that n tasks share, one n-th of it. Where the task was seen alone often enough, only that counts.
        """
        mean = self._alone if self._alone.n >= ENOUGH_ALONE else self._all
        return mean.total / mean.n if mean.n else None

    def look(self, task_id: TaskId, attempt: Attempt, sample: GpuSample, n_holders: Mapping[GpuUuid, int]) -> None:
        """Take in one sample. `n_holders`: how many tasks hold each GPU."""
        self.peak = highest(self.peak, memory_in(sample, task_id, attempt))
        if attempt.started_at is None or sample.taken_at < attempt.started_at + WARM_UP_S:
            return
        seen = [(uuid, sample.by_uuid[uuid].utilization) for uuid in attempt.gpus if uuid in sample.by_uuid]
        parts = [value / n_holders[uuid] for uuid, value in seen if value is not None]
        if not parts:
            return
        mean = sum(parts) / len(parts)
        self._all.add(mean)
        if all(n_holders[uuid] == 1 for uuid in attempt.gpus):
            self._alone.add(mean)


class Meters:
    """The meters of all tasks that run."""

    def __init__(self) -> None:
        self._by_task: dict[TaskId, Meter] = {}

    def take(self, sample: GpuSample, holding: Mapping[TaskId, Task]) -> None:
        """Take in a sample. `holding`: the tasks that hold something; meters of others are dropped."""
        found: dict[TaskId, Meter] = {}
        n_holders = Counter(gpu for task in holding.values() for gpu in task.held_gpus)
        for task_id, task in holding.items():
            attempt = task.attempt
            if attempt is None or not attempt.gpus:
                continue
            meter = self.of(task_id, attempt.number) or Meter(attempt.number)
            meter.look(task_id, attempt, sample, n_holders)
            found[task_id] = meter
        self._by_task = found

    def of(self, task_id: TaskId, number: int) -> Meter | None:
        """The meter of an attempt; None where no sample has been taken of it."""
        meter = self._by_task.get(task_id)
        return meter if meter is not None and meter.number == number else None


def memory_in(sample: GpuSample, task_id: TaskId, attempt: Attempt) -> MiB | None:
    """The memory of an attempt's processes on that one of its GPUs where they have most of it.

    None where it has no process there, or where the driver does not tell the size of one: a part would mislead.
    """
    cards = [sample.by_uuid[uuid] for uuid in attempt.gpus if uuid in sample.by_uuid]
    found: MiB | None = None
    for card in cards:
        sizes = _sizes(card, task_id, attempt)
        if None in sizes:
            return None
        if sizes:
            found = highest(found, MiB(sum(size or 0 for size in sizes)))
    return found


def _sizes(card: CardSample, task_id: TaskId, attempt: Attempt) -> list[MiB | None]:
    """Leaves out what an earlier attempt of the task may have left in the driver's list."""
    oldest = attempt.placed_at - CLOCK_ERROR_S if attempt.number > 1 else 0.0
    return [
        process.memory
        for process in card.processes
        if process.task_id == task_id and (process.started_at is None or process.started_at >= oldest)
    ]


def highest(*peaks: MiB | None) -> MiB | None:
    """The largest that is known."""
    return max((peak for peak in peaks if peak is not None), default=None)
