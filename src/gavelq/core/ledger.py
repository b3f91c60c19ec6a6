"""The ledger: which task holds which GPU. Derived from the tasks, never written by hand."""

from collections.abc import Iterator, Mapping

from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.marks import Marks
from gavelq.core.task import Task
from gavelq.core.units import MiB


@fixed
class Allocation:
    """One task's hold on one GPU. `memory` is what it declared; None: the whole card."""

    task_id: TaskId
    memory: MiB | None
    share: bool
    since: float


_NOTHING: Mapping[TaskId, Allocation] = {}


class Ledger:
    """Allocations by GPU, kept in step with the tasks that hold them."""

    def __init__(self) -> None:
        self._by_gpu: dict[GpuUuid, dict[TaskId, Allocation]] = {}
        self.marks = Marks()
        """The cards whose holders changed: who they are, or what is known of them."""

    def put(self, task: Task) -> None:
        """Enter the GPUs that a task holds. Safe to repeat."""
        request = task.request.gpus
        since = task.attempt.placed_at if task.attempt else 0.0
        held = Allocation(task_id=task.id, memory=request.memory, share=request.share, since=since)
        for gpu in task.held_gpus:
            self._by_gpu.setdefault(gpu, {})[task.id] = held
            self.marks.touch(gpu)

    def drop(self, task: Task) -> None:
        """Strike out the GPUs that a task held."""
        for gpu in task.held_gpus:
            held = self._by_gpu.get(gpu, {})
            held.pop(task.id, None)
            self.marks.touch(gpu)
            if not held:
                self._by_gpu.pop(gpu, None)

    def on(self, gpu: GpuUuid) -> Mapping[TaskId, Allocation]:
        """The allocations on one GPU, by task."""
        return self._by_gpu.get(gpu, _NOTHING)

    def items(self) -> Iterator[tuple[GpuUuid, Mapping[TaskId, Allocation]]]:
        """Every GPU that is held, with its allocations."""
        yield from self._by_gpu.items()
