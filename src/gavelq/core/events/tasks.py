"""Events about tasks that people hand in and change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.command_files import Run
from gavelq.core.fixed import fixed
from gavelq.core.ids import BlobKey, QueueName, SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.task import LanePlace, TaskRequest


@fixed
class TasksSubmitted:
    """A caller handed in one or more tasks, all or nothing. `key` makes a repeated request harmless."""

    by: str
    requests: tuple[TaskRequest, ...]
    blobs: Mapping[BlobKey, bytes]
    key: str | None = None
    ended: Mapping[TaskId, TaskState] = field(default_factory=dict)
    """How tasks that these depend on have ended, as far as they are history (the store's, not the state's)."""
    run: Run | None = None
    """They came from a command file."""
    digest: str = ""
    """Of what the caller said, where it sent a key; empty: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksEdited:
    """`task edit`: new requests for tasks that have not started, all of them or none. Queue and priority included."""

    by: str
    requests: Mapping[TaskId, TaskRequest]
    fields: tuple[str, ...]
    """The names of what was edited. Queue, priority and hold are left alone unless they are among them."""
    based_on: Mapping[TaskId, TaskRequest] = field(default_factory=dict)
    """The requests that were edited: a task that has another one by now is not touched."""
    blobs: Mapping[BlobKey, bytes] = field(default_factory=dict)
    ended: Mapping[TaskId, TaskState] = field(default_factory=dict)
    """See TasksSubmitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReleased:
    """`task run`: out of hold, into `queue` (None: `running` for a task of a hold queue, else where it is)."""

    by: str
    task_id: TaskId
    queue: QueueName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHeld:
    """`task hold` on a pending task."""

    by: str
    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKilled:
    """`task kill`: end a task, with `signal` as the first one; or only deliver a signal that does not end tasks."""

    by: str
    task_id: TaskId
    signal: int
    is_ending: bool
    reason: EndReason = EndReason.CANCELLED_BY_USER


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMoved:
    """`queue move`: into another queue; a running task keeps its GPUs."""

    by: str
    task_id: TaskId
    queue: QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPrioritized:
    """`queue priority`: a new priority for a task that has not ended."""

    by: str
    task_id: TaskId
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRemoved:
    """`task remove` of a held task (an ended one is history and leaves through the store alone)."""

    by: str
    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskIdled:
    """The GPUs of a task have been idle for so many seconds: its queue's policy may have something to say."""

    task_id: TaskId
    attempt: int
    idle_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBusied:
    """A task that was warned for being idle works again."""

    task_id: TaskId
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEntry:
    """A task of a run that stays, and where."""

    task_id: TaskId
    place: LanePlace
    name: str | None = None
    """Another name, where its place has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEdited:
    """`file apply`: what has not started of a run becomes as its file says now.

    `lanes` holds, for every lane, those that have not started in their new order: kept ones, and requests of new ones.
    Whoever is not named there is taken out. `based_on` are all tasks that had not started when this was made; those of
    them that are `in_place` stay where they are, with nothing new before them, and may have started meanwhile.
    """

    by: str
    submission: SubmissionId
    content: str
    lanes: Mapping[str, tuple[LaneEntry | TaskRequest, ...]]
    based_on: frozenset[TaskId]
    in_place: frozenset[TaskId] = frozenset()
    owners: tuple[TaskId | TaskRequest, ...] = ()
    """For each block of the text its task, or the request of its new one; see Run."""
    blobs: Mapping[BlobKey, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRenewed:
    """The owner of a lease is still there."""

    by: str
    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseReleased:
    """The owner gives a lease back."""

    by: str
    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasesChecked:
    """Time to look for leases that nobody renewed. `since`: renewals cannot have come before (the daemon was away)."""

    since: float
    due: tuple[TaskId, ...] = ()
    """Leases without an owner whose time may be over."""
    ownerless: tuple[TaskId, ...] = ()
    """Leases whose owner is gone (one that holds GPUs is watched by its supervisor as well)."""
