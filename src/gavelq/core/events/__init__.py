"""Events: everything that happens arrives at the engine as one of these. Past participles, all of them."""

from dataclasses import dataclass

from gavelq.core.events.alerts import AlertMuted as AlertMuted
from gavelq.core.events.alerts import AlertsJudged as AlertsJudged
from gavelq.core.events.alerts import AlertUnmuted as AlertUnmuted
from gavelq.core.events.alerts import MessagesSettled as MessagesSettled
from gavelq.core.events.attempts import AttemptEnded as AttemptEnded
from gavelq.core.events.attempts import AttemptStarted as AttemptStarted
from gavelq.core.events.attempts import AttemptUnknown as AttemptUnknown
from gavelq.core.events.attempts import DaemonStopped as DaemonStopped
from gavelq.core.events.attempts import NumbersFound as NumbersFound
from gavelq.core.events.attempts import Placement as Placement
from gavelq.core.events.attempts import PlanMade as PlanMade
from gavelq.core.events.attempts import Preemption as Preemption
from gavelq.core.events.attempts import SpawnFailed as SpawnFailed
from gavelq.core.events.clock import ClockSet as ClockSet
from gavelq.core.events.files import FileCreated as FileCreated
from gavelq.core.events.files import FileDeleted as FileDeleted
from gavelq.core.events.files import FileEdited as FileEdited
from gavelq.core.events.files import FileReset as FileReset
from gavelq.core.events.files import LogBound as LogBound
from gavelq.core.events.files import LogUnbound as LogUnbound
from gavelq.core.events.gpus import GpuDrained as GpuDrained
from gavelq.core.events.gpus import GpuIgnored as GpuIgnored
from gavelq.core.events.gpus import GpuReleased as GpuReleased
from gavelq.core.events.gpus import GpusAllocated as GpusAllocated
from gavelq.core.events.gpus import GpuShared as GpuShared
from gavelq.core.events.gpus import GpusSampled as GpusSampled
from gavelq.core.events.gpus import GpusWatched as GpusWatched
from gavelq.core.events.gpus import GpuUnignored as GpuUnignored
from gavelq.core.events.gpus import GpuUnshared as GpuUnshared
from gavelq.core.events.queues import QueueChanged as QueueChanged
from gavelq.core.events.queues import QueueCreated as QueueCreated
from gavelq.core.events.queues import QueueDeleted as QueueDeleted
from gavelq.core.events.queues import QueueMerged as QueueMerged
from gavelq.core.events.tasks import LaneEntry as LaneEntry
from gavelq.core.events.tasks import LeaseReleased as LeaseReleased
from gavelq.core.events.tasks import LeaseRenewed as LeaseRenewed
from gavelq.core.events.tasks import LeasesChecked as LeasesChecked
from gavelq.core.events.tasks import RunEdited as RunEdited
from gavelq.core.events.tasks import TaskBusied as TaskBusied
from gavelq.core.events.tasks import TaskHeld as TaskHeld
from gavelq.core.events.tasks import TaskIdled as TaskIdled
from gavelq.core.events.tasks import TaskKilled as TaskKilled
from gavelq.core.events.tasks import TaskMoved as TaskMoved
from gavelq.core.events.tasks import TaskPrioritized as TaskPrioritized
from gavelq.core.events.tasks import TaskReleased as TaskReleased
from gavelq.core.events.tasks import TaskRemoved as TaskRemoved
from gavelq.core.events.tasks import TasksEdited as TasksEdited
from gavelq.core.events.tasks import TasksSubmitted as TasksSubmitted
from gavelq.core.events.tenants import ActNoted as ActNoted
from gavelq.core.events.tenants import TenantChanged as TenantChanged
from gavelq.core.events.tenants import TenantCreated as TenantCreated
from gavelq.core.events.tenants import TenantDeleted as TenantDeleted
from gavelq.core.events.tenants import TokenCreated as TokenCreated
from gavelq.core.events.tenants import TokenRevoked as TokenRevoked
from gavelq.core.events.tenants import TokensUsed as TokensUsed

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
    | NumbersFound
    | DaemonStopped
    | ClockSet
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
