"""Stopping a task that holds something: shared by kills, released and drained GPUs, and a stopping daemon."""

from dataclasses import replace

from gavelq.core.effects import StopAttempt
from gavelq.core.lifecycle import TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Stop, Task, advance

SIGTERM = 15


def stop_task(step: Step, task: Task, stop: Stop, *, signal: int = SIGTERM, delay_s: float = 0.0) -> None:
    """Begin to stop a task in STARTING or RUNNING; a task in STOPPING gets the signal and the newer wish.

    A cancelled task is never put back: a requeue gives way to a cancellation, not the other way round.
    """
    attempt = task.attempt
    if attempt is None:
        raise AssertionError(f"task {task.id} is {task.state} without an attempt")
    if task.state is TaskState.STOPPING:
        keep = task.stop is not None and not task.stop.requeue
        stopped = task if keep else replace(task, stop=stop)
    else:
        stopped = advance(task, TaskState.STOPPING, stop=stop)
    details = {"reason": stop.reason.value, "signal": signal, "requeue": stop.requeue}
    step.put_task(stopped, Record(at=stop.since, kind="stopping", by=stop.by, task_id=task.id, details=details))
    step.effects.append(StopAttempt(task_id=task.id, attempt=attempt.number, signal=signal, delay_s=delay_s))
