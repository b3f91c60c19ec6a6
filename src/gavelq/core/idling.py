"""Which tasks hold GPUs and let them lie: utilisation, power and time together tell.

A look alone says little (a step may just be over), and utilisation alone neither: only when all cards of a task look
idle for long is it said to be. On a card that it shares, or that others use as well, somebody's work counts as its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gavelq.core.gpu import CardSample, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.task import Task

IDLE_PERCENT = 3.0
MAX_UNKNOWN_S = 30.0
"""Looks that tell nothing do not end an idle time, unless there are none but such for so long."""
_NEAR = 1.75
_NEAR_W = 25.0
"""A CUDA context alone raises a card's power from its idle level by such a factor, or so many watts."""
_OF_LIMIT = 0.3
"""Where the idle level is not known: below this part of its limit a card computes nothing that matters."""


class IdleAction(StrEnum):
    """What a queue does about its tasks that let their GPUs lie; each does what those before it do, too."""

    WARN = "warn"
    """Say so in the task's log and events."""
    NOTIFY = "notify"
    """Tell those whom the task notifies, and the channels of the configuration."""
    REQUEUE = "requeue"
    """Stop it and put it back into its queue."""
    END = "end"
    """End it."""

    @property
    def is_release(self) -> bool:
        """Whether the GPUs are taken back."""
        return self in (IdleAction.REQUEUE, IdleAction.END)


def warn_after_s(idle_after_s: float, action: IdleAction) -> float:
    """After so long the task is warned: in time where its GPUs will be taken back."""
    return idle_after_s / 2 if action.is_release else idle_after_s


def looks_idle(card: CardSample, level_w: float | None, percent: float = IDLE_PERCENT) -> bool | None:
    """Whether a look shows an idle card; None: it does not tell. `level_w`: its power when nobody used it, if known."""
    if card.utilization is None:
        return None
    if card.utilization > percent:
        return False
    power = card.power_w
    if power is None:
        return True
    if level_w is not None:
        return power <= max(level_w * _NEAR, level_w + _NEAR_W)
    return card.power_limit_w is None or power <= card.power_limit_w * _OF_LIMIT


@dataclass(slots=True)
class _Idle:
    attempt: int
    since: float
    known_at: float


class IdleBook:
    """Since when tasks have been idle. Volatile: a new daemon counts anew."""

    def __init__(self) -> None:
        self._idle: dict[TaskId, _Idle] = {}
        self._levels: dict[GpuUuid, float] = {}
        self._taken_at = 0.0

    def take(self, sample: GpuSample, holding: Mapping[TaskId, Task], percent: float = IDLE_PERCENT) -> None:
        """Join a look. `holding`: the tasks that hold something; `percent`: up to this utilisation a card is idle."""
        at = sample.taken_at
        if at == self._taken_at:
            return
        if at < self._taken_at:  # the clock was set back
            self._idle.clear()
        self._taken_at = at
        held = {gpu for task in holding.values() for gpu in task.held_gpus}
        for card in sample.cards:
            if card.power_w and card.uuid not in held and not card.processes:
                self._levels[card.uuid] = min(card.power_w, self._levels.get(card.uuid, card.power_w))
        self._idle = {
            task_id: found
            for task_id, task in holding.items()
            if (found := self._judged(task, sample, percent)) is not None
        }

    def _judged(self, task: Task, sample: GpuSample, percent: float) -> _Idle | None:
        attempt, at = task.attempt, sample.taken_at
        if attempt is None or not attempt.gpus or attempt.started_at is None:
            return None
        before = self._idle.get(task.id)
        if before is not None and before.attempt != attempt.number:
            before = None
        looks = [
            looks_idle(sample.by_uuid[gpu], self._levels.get(gpu), percent) if gpu in sample.by_uuid else None
            for gpu in attempt.gpus
        ]
        if False in looks:
            return None
        if before is not None and at - before.known_at > MAX_UNKNOWN_S:
            before = None
        if None in looks:
            return before
        since = before.since if before is not None else at
        return _Idle(attempt=attempt.number, since=since, known_at=at)

    def idle_s(self, task_id: TaskId) -> float | None:
        """For how many seconds a task had been idle at the last look; None: it is not.

        Not until now: nobody was idle while the machine slept, or while its clock leapt ahead.
        """
        found = self._idle.get(task_id)
        return None if found is None else found.known_at - found.since

    def since(self, task_id: TaskId) -> float | None:
        """Since when a task has been idle (seconds since the epoch); None: it is not."""
        found = self._idle.get(task_id)
        return None if found is None else found.since
