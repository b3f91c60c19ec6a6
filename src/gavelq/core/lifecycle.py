"""The task lifecycle: one table, and the words for how a task ends. `docs/lifecycle.md` is drawn from this table."""

from enum import StrEnum


class TaskState(StrEnum):
    """Where a task stands (SPEC section 1)."""

    HELD = "held"
    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABORTED = "aborted"

    @property
    def is_ended(self) -> bool:
        """True for the four states that never reopen."""
        return self in ENDED

    @property
    def holds_gpus(self) -> bool:
        """True exactly where a task has an allocation."""
        return self in HOLDING


_S = TaskState

TABLE: dict[TaskState | None, frozenset[TaskState]] = {
    None: frozenset({_S.HELD, _S.PENDING}),
    _S.HELD: frozenset({_S.PENDING, _S.CANCELLED, _S.ABORTED}),
    _S.PENDING: frozenset({_S.HELD, _S.STARTING, _S.CANCELLED, _S.ABORTED}),
    _S.STARTING: frozenset({_S.RUNNING, _S.PENDING, _S.STOPPING, _S.FAILED, _S.ABORTED}),
    _S.RUNNING: frozenset({_S.COMPLETED, _S.FAILED, _S.STOPPING, _S.ABORTED, _S.PENDING}),
    _S.STOPPING: frozenset({_S.CANCELLED, _S.FAILED, _S.COMPLETED, _S.PENDING, _S.HELD, _S.ABORTED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.ABORTED: frozenset(),
}
"""From a state (None: a task that does not exist yet) to the states it may go to."""

ENDED = frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED, _S.ABORTED})
HOLDING = frozenset({_S.STARTING, _S.RUNNING, _S.STOPPING})


class EndReason(StrEnum):
    """Why a task ended; machine readable, never reworded."""

    EXIT_ZERO = "exit_zero"
    EXIT_NONZERO = "exit_nonzero"
    SIGNALLED = "signalled"
    TIME_LIMIT = "time_limit"
    OUT_OF_MEMORY_GPU = "out_of_memory_gpu"
    OUT_OF_MEMORY_HOST = "out_of_memory_host"
    NCCL_ERROR = "nccl_error"
    CODE_ERROR = "code_error"
    """A module that is missing, a syntax error: trying again cannot help."""
    GPU_LOST = "gpu_lost"
    SPAWN_FAILED = "spawn_failed"
    CANCELLED_BY_USER = "cancelled_by_user"
    CANCELLED_BY_ADMIN = "cancelled_by_admin"
    GPU_RELEASED = "gpu_released"
    GPU_DRAINED = "gpu_drained"
    DAEMON_STOPPED = "daemon_stopped"
    DEPENDENCY_FAILED = "dependency_failed"
    PREEMPTED = "preempted"
    RELEASED = "released"
    """A lease was given back."""
    LEASE_EXPIRED = "lease_expired"
    """A lease's owner died, or did not renew it."""
    VIOLATION = "violation"
    """It used a GPU that it does not hold, or more memory than it declared, and `enforce` is on."""
    IDLE = "idle"
    """It let its GPUs lie, and its queue takes them back then."""
    LOST = "lost"


END_STATES: dict[EndReason, TaskState] = {
    EndReason.EXIT_ZERO: _S.COMPLETED,
    EndReason.EXIT_NONZERO: _S.FAILED,
    EndReason.SIGNALLED: _S.FAILED,
    EndReason.TIME_LIMIT: _S.FAILED,
    EndReason.OUT_OF_MEMORY_GPU: _S.FAILED,
    EndReason.OUT_OF_MEMORY_HOST: _S.FAILED,
    EndReason.NCCL_ERROR: _S.FAILED,
    EndReason.CODE_ERROR: _S.FAILED,
    EndReason.GPU_LOST: _S.ABORTED,
    EndReason.SPAWN_FAILED: _S.FAILED,
    EndReason.CANCELLED_BY_USER: _S.CANCELLED,
    EndReason.CANCELLED_BY_ADMIN: _S.CANCELLED,
    EndReason.GPU_RELEASED: _S.ABORTED,
    EndReason.GPU_DRAINED: _S.ABORTED,
    EndReason.DAEMON_STOPPED: _S.ABORTED,
    EndReason.DEPENDENCY_FAILED: _S.ABORTED,
    EndReason.PREEMPTED: _S.ABORTED,
    EndReason.RELEASED: _S.COMPLETED,
    EndReason.LEASE_EXPIRED: _S.ABORTED,
    EndReason.VIOLATION: _S.ABORTED,
    EndReason.IDLE: _S.ABORTED,
    EndReason.LOST: _S.ABORTED,
}
"""The state that each end reason leads to."""
