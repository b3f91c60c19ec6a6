"""Events of the scheduler and the runner: what was decided, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.reservation import Reservation
from gavelq.core.task import AttemptResult, ProcessIdentity


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
class NumbersFound:
    """Tasks of numbers up to this one have been here, whatever the books say: the runner or a log file shows it."""

    last: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStopped:
    """`daemon stop --kill-tasks`: every task that holds something is stopped."""

    by: str
