"""Pending tasks in buckets of identical requests, so that a cycle costs what their shapes cost."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TypeVar

from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import pattern_key
from gavelq.core.task import GpuRequest, Task
from gavelq.core.tenants import cards_within

Asked = tuple[QueueName, int | None, tuple[GpuUuid, ...], int | None, bool, bool, str | None]
"""A queue, what is asked of single cards, whether it is more than one, and as what it is known."""


@fixed
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
    asked: Asked = field(init=False, compare=False, repr=False)
    """What decides which single cards serve it: shapes that agree in it fit the same ones."""
    is_timed: bool = field(init=False, compare=False, repr=False, default=False)
    """Whether there is a time before which it does not start."""
    _hash: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        gpus = self.gpus
        is_wide = gpus.count > 1 or (gpus.max_count or 0) > 1
        asked = (self.queue, gpus.memory, gpus.allowed, gpus.max_util, gpus.share, is_wide, self.learned_as)
        object.__setattr__(self, "asked", asked)
        object.__setattr__(self, "is_timed", self.not_before is not None or self.retry_at is not None)
        # A cycle looks shapes up many times; hashing all these fields each time would be a fifth of its cost.
        fields = (
            self.queue, self.priority, self.gpus, self.retry_at, self.tenant, self.time_limit_s, self.not_before,
            self.is_dependent, self.preemptible, self.submission, self.max_parallel, self.is_behind,
            self.rank, self.learned_as,
        )  # fmt: skip
        object.__setattr__(self, "_hash", hash(fields))

    def __hash__(self) -> int:
        return self._hash


def shape_of(task: Task, cards: tuple[GpuUuid, ...] = ()) -> Shape:
    """The shape of a task as it stands. `cards`: those that its tenant may use; empty: all."""
    request = task.request
    gpus = request.gpus
    if cards and gpus.count:
        gpus = replace(gpus, allowed=cards_within(gpus.allowed, cards))
    is_narrow = request.max_parallel is not None
    lane = request.lane
    return Shape(
        queue=task.queue,
        priority=task.priority,
        gpus=gpus,
        retry_at=task.retry_at,
        tenant=request.tenant,
        time_limit_s=request.time_limit_s,
        not_before=request.not_before,
        is_dependent=bool(task.waits_for),
        preemptible=request.preemptible,
        submission=task.submission_id if is_narrow else None,
        max_parallel=request.max_parallel,
        is_behind=task.behind is not None,
        rank=(task.submission_id, lane.rank) if lane is not None and task.behind is None else None,
        learned_as=pattern_key(request.tenant, request.name) if request.gpus.share and request.is_named else None,
    )


K = TypeVar("K")


def _add(counts: dict[K, int], key: K, by: int) -> None:
    n = counts.get(key, 0) + by
    if n:
        counts[key] = n
    else:
        del counts[key]


Group = dict[int, dict[Shape, None]]
"""Shapes that ask the same of single cards, by their number of GPUs."""


class PendingIndex:
    """Ids of pending tasks by shape, each bucket sorted by id (that is, by submission)."""

    def __init__(self) -> None:
        self._buckets: dict[Shape, list[TaskId]] = {}
        self._shapes: dict[TaskId, Shape] = {}
        self._cards_of: dict[str, tuple[GpuUuid, ...]] = {}
        """The cards that tenants may use, where not all."""
        self.n_elastic = 0
        """Shapes of elastic tasks."""
        self.n_ranked = 0
        """Shapes that have a rank."""
        self.n_of_tenant: dict[str, int] = {}
        """Shapes by tenant."""
        self.n_of_level: dict[tuple[QueueName, int], int] = {}
        """Shapes by queue and priority."""
        self.groups: dict[tuple[Asked, bool], Group] = {}
        """Shapes by what they ask of single cards and whether they are timed."""

    def __len__(self) -> int:
        return len(self._shapes)

    def shape_of(self, task: Task) -> Shape:
        """The shape of a task, pending or not, by what its tenant may use now."""
        return shape_of(task, self._cards_of.get(task.request.tenant, ()))

    def keep_to(self, tenant: str, cards: tuple[GpuUuid, ...], tasks: Mapping[TaskId, Task]) -> None:
        """From now on a tenant may use these cards alone (empty: all). `tasks`: those that there are."""
        if self._cards_of.get(tenant, ()) == cards:
            return
        waiting = [tasks[task_id] for task_id, shape in self._shapes.items() if shape.tenant == tenant]
        for task in waiting:
            self.discard(task)
        self._cards_of.pop(tenant, None)
        if cards:
            self._cards_of[tenant] = cards
        for task in waiting:
            self.add(task)

    def add(self, task: Task) -> None:
        """Enter a pending task."""
        shape = self.shape_of(task)
        self._shapes[task.id] = shape
        ids = self._buckets.get(shape)
        if ids is None:
            ids = self._buckets[shape] = []
            self._count(shape, 1)
        insort(ids, task.id)

    def discard(self, task: Task) -> None:
        """Strike out a task that was pending."""
        shape = self._shapes.pop(task.id)
        ids = self._buckets[shape]
        del ids[bisect_left(ids, task.id)]
        if not ids:
            del self._buckets[shape]
            self._count(shape, -1)

    def _count(self, shape: Shape, by: int) -> None:
        self.n_elastic += by * shape.gpus.is_elastic
        self.n_ranked += by * (shape.rank is not None)
        _add(self.n_of_tenant, shape.tenant, by)
        _add(self.n_of_level, (shape.queue, shape.priority), by)
        key, n_gpus = (shape.asked, shape.is_timed), shape.gpus.count
        if by > 0:
            self.groups.setdefault(key, {}).setdefault(n_gpus, {})[shape] = None
            return
        group = self.groups[key]
        del group[n_gpus][shape]
        if not group[n_gpus]:
            del group[n_gpus]
            if not group:
                del self.groups[key]

    @property
    def buckets(self) -> Mapping[Shape, list[TaskId]]:
        """The buckets; not to be changed by the caller."""
        return self._buckets

    @property
    def shapes(self) -> Mapping[TaskId, Shape]:
        """By pending task its shape; not to be changed by the caller."""
        return self._shapes

    def ids(self) -> Iterator[TaskId]:
        """All pending ids, bucket by bucket."""
        for bucket in self._buckets.values():
            yield from bucket
