"""A queue: a named, ordered set of tasks with limits, which may own GPUs."""

from dataclasses import dataclass
from enum import StrEnum

from gavelq.core.errors import InvalidField
from gavelq.core.idling import IdleAction
from gavelq.core.ids import RUNNING_QUEUE, WAITING_QUEUE, QueueName
from gavelq.core.retrying import NO_WISH, RetryWish


class MemType(StrEnum):
    """How a queue's `mem_value` is meant."""

    IGNORE = "ignore"
    ABSOLUTE = "absolute"
    """At least that many MiB free."""
    PERCENTAGE = "percentage"
    """At least that percentage of the GPU's memory free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue's name and options (SPEC section 2). Which GPUs it owns stands with each card."""

    name: QueueName
    hold: bool = False
    """A hold queue never dispatches; its tasks are HELD."""
    paused: bool = False
    paused_by: str = ""
    """Who paused it; empty while it is not paused, and where nobody noted it."""
    paused_at: float | None = None
    """Since when it is paused, in seconds since the epoch."""
    pool: bool = True
    """Without GPUs of its own it runs on the pool."""
    priority: int = 0
    max_running: int | None = None
    max_gpus: int | None = None
    max_util: int | None = None
    mem_type: MemType = MemType.IGNORE
    mem_value: int = 0
    lend: bool = False
    """Its idle GPUs may serve preemptible or time-limited tasks of other queues."""
    retry: RetryWish = NO_WISH
    """Defaults for its tasks."""
    time_limit_s: float | None = None
    """The limit of tasks that name none."""
    max_time_limit_s: float | None = None
    """No task may ask for more; one that names none gets this."""
    idle_after_s: float | None = None
    """What follows when a task's GPUs have been idle for so long; None: nothing."""
    idle_action: IdleAction = IdleAction.WARN

    @property
    def is_builtin(self) -> bool:
        """`running` and `waiting` always exist."""
        return self.name in (RUNNING_QUEUE, WAITING_QUEUE)

    def limit_for(
        self, wanted: float | None, *, hint: str = "ask for less, or submit to another queue"
    ) -> float | None:
        """The time limit (seconds) of a task that comes in wanting this one. Raises InvalidField above the cap."""
        cap = self.max_time_limit_s
        if wanted is not None and cap is not None and wanted > cap:
            problem = f"{wanted:g} s is more than queue {self.name} allows ({cap:g} s)"
            raise InvalidField(field="time_limit", problem=problem, hint=hint)
        return next((limit for limit in (wanted, self.time_limit_s, cap) if limit is not None), None)


BUILTIN_QUEUES = (Queue(name=RUNNING_QUEUE), Queue(name=WAITING_QUEUE, hold=True))
