"""How much runs, by queue and submission: what the limits on tasks are held against. Derived from the tasks."""

from typing import TypeVar

from gavelq.core.ids import QueueName, SubmissionId
from gavelq.core.task import Task

K = TypeVar("K")


class Running:
    """Counts of the tasks that hold an allocation or, asking for no GPU, a place to run."""

    def __init__(self) -> None:
        self.n_of_queue: dict[QueueName, int] = {}
        self.n_gpus: dict[QueueName, int] = {}
        """GPUs that tasks of a queue hold."""
        self.n_of_submission: dict[SubmissionId, int] = {}
        """Only of submissions that run so many tasks at once."""
        self.n_total = 0
        self.n_cpu = 0
        self.n_borrowed = 0
        """Tasks on cards that another queue lends."""

    def put(self, task: Task) -> None:
        """Count a task that holds something now."""
        self._count(task, 1)

    def drop(self, task: Task) -> None:
        """A task holds nothing any more."""
        self._count(task, -1)

    def _count(self, task: Task, by: int) -> None:
        attempt, queue = task.attempt, task.queue
        n_gpus = 0 if attempt is None else len(attempt.gpus)
        _add(self.n_of_queue, queue, by)
        if n_gpus:
            _add(self.n_gpus, queue, by * n_gpus)
        if task.request.max_parallel is not None:
            _add(self.n_of_submission, task.submission_id, by)
        self.n_total += by
        self.n_cpu += by * (n_gpus == 0)
        self.n_borrowed += by * (attempt is not None and attempt.borrowed)


def _add(counts: dict[K, int], key: K, by: int) -> None:
    n = counts.get(key, 0) + by
    if n:
        counts[key] = n
    else:
        counts.pop(key, None)
