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
    SPAWN_FAILED = "spawn_failed"
    CANCELLED_BY_USER = "cancelled_by_user"
    CANCELLED_BY_ADMIN = "cancelled_by_admin"
    GPU_RELEASED = "gpu_released"
    GPU_DRAINED = "gpu_drained"
    DAEMON_STOPPED = "daemon_stopped"
    LOST = "lost"


END_STATES: dict[EndReason, TaskState] = {
    EndReason.EXIT_ZERO: _S.COMPLETED,
    EndReason.EXIT_NONZERO: _S.FAILED,
    EndReason.SIGNALLED: _S.FAILED,
    EndReason.TIME_LIMIT: _S.FAILED,
    EndReason.SPAWN_FAILED: _S.FAILED,
    EndReason.CANCELLED_BY_USER: _S.CANCELLED,
    EndReason.CANCELLED_BY_ADMIN: _S.CANCELLED,
    EndReason.GPU_RELEASED: _S.ABORTED,
    EndReason.GPU_DRAINED: _S.ABORTED,
    EndReason.DAEMON_STOPPED: _S.ABORTED,
    EndReason.LOST: _S.ABORTED,
}
"""The state that each end reason leads to."""
