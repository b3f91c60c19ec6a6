"""Pending tasks in buckets of identical requests, so that a cycle costs what their shapes cost."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gavelq.core.ids import QueueName, SubmissionId, TaskId
from gavelq.core.learned import pattern_key
from gavelq.core.task import GpuRequest, Task


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides whether and when a task can start. Tasks of one shape are first come, first served."""

    queue: QueueName
    priority: int
    gpus: GpuRequest
    retry_at: float | None = None
    tenant: str = ""
    time_limit_s: float | None = None
    not_before: float | None = None
    is_dependent: bool = False
    """It waits for other tasks to end (which ones stands with the task)."""
    preemptible: bool = False
    submission: SubmissionId | None = None
    """Where its submission runs only `max_parallel` tasks at once."""
    max_parallel: int | None = None
    is_behind: bool = False
    """Another task of its lane comes before it."""
    rank: tuple[SubmissionId, int] | None = None
    """Where it stands among the tasks of its command file whose turn it is."""
    learned_as: str | None = None
    """The key of what is known about tasks of its name, for those that share."""
    _hash: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        # A cycle looks shapes up many times; hashing all these fields each time would be a fifth of its cost.
        fields = (
            self.queue, self.priority, self.gpus, self.retry_at, self.tenant, self.time_limit_s, self.not_before,
            self.is_dependent, self.preemptible, self.submission, self.max_parallel, self.is_behind,
            self.rank, self.learned_as,
        )  # fmt: skip
        object.__setattr__(self, "_hash", hash(fields))

    def __hash__(self) -> int:
        return self._hash


def shape_of(task: Task) -> Shape:
    """The shape of a task as it stands."""
    request = task.request
    is_narrow = request.max_parallel is not None
    lane = request.lane
    return Shape(
        task.queue,
        task.priority,
        request.gpus,
        task.retry_at,
        request.tenant,
        request.time_limit_s,
        request.not_before,
        bool(task.waits_for),
        request.preemptible,
        task.submission_id if is_narrow else None,
        request.max_parallel,
        task.behind is not None,
        (task.submission_id, lane.rank) if lane is not None and task.behind is None else None,
        pattern_key(request.tenant, request.name) if request.gpus.share and request.is_named else None,
    )


class PendingIndex:
    """Ids of pending tasks by shape, each bucket sorted by id (that is, by submission)."""

    def __init__(self) -> None:
        self._buckets: dict[Shape, list[TaskId]] = {}
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, task: Task) -> None:
        """Enter a pending task."""
        insort(self._buckets.setdefault(shape_of(task), []), task.id)
        self._n += 1

    def discard(self, task: Task) -> None:
        """Strike out a task that was pending."""
        shape = shape_of(task)
        ids = self._buckets[shape]
        del ids[bisect_left(ids, task.id)]
        self._n -= 1
        if not ids:
            del self._buckets[shape]

    @property
    def buckets(self) -> Mapping[Shape, list[TaskId]]:
        """The buckets; not to be changed by the caller."""
        return self._buckets

    def ids(self) -> Iterator[TaskId]:
        """All pending ids, bucket by bucket."""
        for bucket in self._buckets.values():
            yield from bucket
