"""Events: everything that happens arrives at the engine as one of these. Past participles, all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.alerts import Alert
from gavelq.core.bursts import Burst
from gavelq.core.card_config import CardConfig
from gavelq.core.command_files import BindingKey, FileId, Run
from gavelq.core.fixed import fixed
from gavelq.core.gpu import GpuSample
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.task import AttemptResult, LanePlace, ProcessIdentity, TaskRequest
from gavelq.core.tenants import Scope, Tenant, TokenId


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
class TenantCreated:
    """`tenant create`. `password` is hashed already."""

    by: str
    name: str
    options: Mapping[str, object]
    password: str = ""
    is_taking_over: bool = False
    """What a deleted tenant of this name left behind becomes this one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChanged:
    """`tenant set`. `password`: its hash; empty takes it away, None leaves it."""

    by: str
    name: str
    options: Mapping[str, object]
    password: str | None = None
    based_on: Tenant | None = None
    """The tenant as it was when it was edited; None: whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDeleted:
    """`tenant delete`, of one without tasks; its tokens go with it."""

    by: str
    name: str
    is_own: bool = False
    """The daemon's own user, whose row alone goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCreated:
    """`token create`. The token itself was shown to its owner and is kept nowhere."""

    by: str
    tenant: str
    hash: str
    prefix: str
    scopes: tuple[Scope, ...]
    name: str = ""
    expires_at: float | None = None
    is_own: bool = False
    """For the daemon's own user, who needs no row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked:
    """`token revoke`."""

    by: str
    token: TokenId


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensUsed:
    """When tokens were used last; noted once a while."""

    at: Mapping[TokenId, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActNoted:
    """Something administrative that changes nothing in the state, for the audit log; `kind` is one of `audit.NOTED`."""

    by: str
    kind: str
    subject: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCreated:
    """`file new`: a further configuration of command files."""

    by: str
    tenant: str
    mode: str
    name: str = ""
    content: str = ""
    workdir: str | None = None
    env: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdited:
    """`file put`, `file edit`: another text or name for a configuration. `based_on`: the version that was edited."""

    by: str
    file: FileId
    based_on: int | None = None
    content: str | None = None
    name: str = ""
    workdir: str | None = None
    env: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReset:
    """`file reset`: a configuration is again as it ran last."""

    by: str
    file: FileId
    based_on: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDeleted:
    """`file delete`: a configuration that does not run goes, with its bindings; later ones move up."""

    by: str
    file: FileId
    based_on: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBound:
    """A log file of a person's own belongs to a task of a configuration now."""

    by: str
    key: BindingKey
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUnbound:
    """It does so no longer."""

    by: str
    key: BindingKey


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
class QueueCreated:
    """`queue create`, with the options that were given."""

    by: str
    name: QueueName
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanged:
    """`queue set`, `set-limit`, `pause`, `resume`: new values for some options."""

    by: str
    name: QueueName
    options: Mapping[str, object]
    based_on: Queue | None = None
    """What was edited: another one by now is not touched. None: whichever there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDeleted:
    """`queue delete` of an empty queue; its GPUs go back to the pool."""

    by: str
    name: QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMerged:
    """`queue merge`: all tasks of `source` move; the queue and its GPUs stay."""

    by: str
    source: QueueName
    target: QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusAllocated:
    """`gpu allocate`: these GPUs now belong to `queue`; without ids, `count` free ones of the pool."""

    by: str
    queue: QueueName
    gpus: tuple[GpuUuid, ...] = ()
    count: int = 1
    excluded: frozenset[GpuUuid] = frozenset()
    """Cards that are not chosen, only named: the rules let no task start on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReleased:
    """`gpu release`: back to the pool; gavelq's tasks on it end, or go back to pending."""

    by: str
    gpu: GpuUuid
    requeue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuIgnored:
    """`gpu ignore`: no new task here until undone."""

    by: str
    gpu: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUnignored:
    """`gpu unignore`: schedulable again; ends a drain as well, and accepts a card that came back."""

    by: str
    gpu: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuShared:
    """`gpu share`: the foreign processes that are there now are not minded any more, until they leave."""

    by: str
    gpu: GpuUuid
    pid: int | None = None
    """This one alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUnshared:
    """`gpu unshare`: they are minded again."""

    by: str
    gpu: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDrained:
    """`gpu drain`: no new task, and (with `stop_now`) the running ones are stopped."""

    by: str
    gpu: GpuUuid
    stop_now: bool = False
    requeue: bool = False


@fixed
class GpusSampled:
    """The monitor looked at the GPUs. `configured` holds the `gpus:` entries by UUID and by index."""

    sample: GpuSample
    configured: Mapping[str, CardConfig]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusWatched:
    """The monitor took a burst of looks at some GPUs, because several would do (`selection: sampled`)."""

    bursts: tuple[Burst, ...]


@fixed
class Placement:
    """The cycle's decision to start one task on these GPUs."""

    task_id: TaskId
    gpus: tuple[GpuUuid, ...]
    why: str = ""
    is_borrowed: bool = False
    """On cards that another queue lends."""
    ahead_of: TaskId | None = None
    """The waiting task that it went ahead of (backfill); None: it had its turn."""


@fixed
class Preemption:
    """The cycle's decision to stop these tasks, so that another one can start on their cards."""

    task_id: TaskId
    victims: tuple[TaskId, ...]
    gpus: tuple[GpuUuid, ...]
    why: str = ""


@fixed
class PlanMade:
    """A scheduling cycle decided: these tasks start, these hold a reservation (by domain), these make room."""

    starts: tuple[Placement, ...]
    reservations: Mapping[str, Reservation]
    preemptions: tuple[Preemption, ...] = ()


@fixed
class AttemptStarted:
    """The runner reports that the command runs."""

    task_id: TaskId
    attempt: int
    pid: int
    supervisor: ProcessIdentity
    at: float


@fixed
class AttemptEnded:
    """The runner reports the end of an attempt; its result is safe in a file."""

    task_id: TaskId
    attempt: int
    result: AttemptResult
    log_tail: str = ""
    """The last lines of its output, where it failed."""
    host_oom: str = ""
    """The kernel's evidence that it was killed for want of main memory; empty: none was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnFailed:
    """The command could not be started. `is_transient`: another try may work (no process slot, a claimed GPU)."""

    task_id: TaskId
    attempt: int
    problem: str
    is_transient: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptUnknown:
    """The runner, asked for all its attempts, knows nothing of this one."""

    task_id: TaskId
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStopped:
    """`daemon stop --kill-tasks`: every task that holds something is stopped."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsJudged:
    """A look at everything: these alerts begin, these (by key) are over, and of these the channels may be told."""

    fired: tuple[Alert, ...] = ()
    resolved: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMuted:
    """`alert mute`: of alerts of this rule about this subject (empty: of all) nobody is told until then."""

    by: str
    rule: str
    subject: str
    until: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertUnmuted:
    """`alert unmute`: that mute, or with both empty every mute there is."""

    by: str
    rule: str = ""
    subject: str = ""
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesSettled:
    """Messages of the outbox (by key) that were delivered, or were given up, and why."""

    delivered: tuple[str, ...] = ()
    given_up: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskIdled:
    """The GPUs of a task have been idle since then: its queue's policy may have something to say."""

    task_id: TaskId
    attempt: int
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBusied:
    """A task that was warned for being idle works again."""

    task_id: TaskId
    attempt: int


Creation = QueueCreated | TenantCreated | TokenCreated | FileCreated | AlertMuted
"""What can be made once with an idempotency key, beside tasks (whose event has the key itself)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOnce:
    """Something was asked for with an idempotency key; `digest`: of what the request said."""

    key: str
    digest: str
    event: Creation


RunnerEvent = AttemptStarted | AttemptEnded | SpawnFailed
"""What the runner reports by itself."""

Event = (
    TasksSubmitted
    | TasksEdited
    | TaskReleased
    | TaskHeld
    | TaskKilled
    | TaskMoved
    | TaskPrioritized
    | TaskRemoved
    | QueueCreated
    | QueueChanged
    | QueueDeleted
    | QueueMerged
    | GpusAllocated
    | GpuReleased
    | GpuIgnored
    | GpuUnignored
    | GpuDrained
    | GpuShared
    | GpuUnshared
    | GpusSampled
    | GpusWatched
    | PlanMade
    | AttemptStarted
    | AttemptEnded
    | SpawnFailed
    | AttemptUnknown
    | DaemonStopped
    | LeaseRenewed
    | LeaseReleased
    | LeasesChecked
    | FileCreated
    | FileEdited
    | FileReset
    | FileDeleted
    | LogBound
    | LogUnbound
    | RunEdited
    | TenantCreated
    | TenantChanged
    | TenantDeleted
    | TokenCreated
    | TokenRevoked
    | TokensUsed
    | ActNoted
    | AlertsJudged
    | AlertMuted
    | AlertUnmuted
    | MessagesSettled
    | TaskIdled
    | TaskBusied
    | AskedOnce
)
