"""After an end: those that waited for it are let go, or end themselves because they could never start."""

from collections import deque
from dataclasses import replace

from gavelq.core.dependencies import broken_told, end_told, is_met
from gavelq.core.effects import Wake
from gavelq.core.engine.lanes import move_up
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Dependency, Ending, Task, end
from gavelq.core.view import View


def settle(view: View, step: Step, now: float) -> None:
    """Look at all who wait for tasks that end in this step or stand behind them, and at those who wait for these.

    It belongs to every step, so that no end is forgotten, wherever it comes from. A removed task counts as cancelled.
    """
    gone = deque(task_id for task_id, task in step.changes.tasks.items() if task is None or task.state.is_ended)
    while gone:  # not by recursion: a chain may have ten thousand tasks
        task_id = gone.popleft()
        for waiting_id in view.dependents(task_id):
            waiting = step.changes.tasks.get(waiting_id, view.find_task(waiting_id))
            if waiting is None or waiting.state.is_ended:
                continue
            if _settle_one(step, waiting, task_id, now):
                gone.append(waiting_id)
        given_up = move_up(view, step, task_id, now)
        if given_up is not None:
            gone.append(given_up)


def _settle_one(step: Step, waiting: Task, gone: TaskId, now: float) -> bool:
    """Strike out what is met; True where the task ends because something never can be."""
    ended = step.changes.tasks[gone]
    state = TaskState.CANCELLED if ended is None else ended.state
    concerned = [dependency for dependency in waiting.waits_for if dependency.task_id == gone]
    if not concerned:
        return False  # edited in this very step
    if not any(isinstance(effect, Wake) for effect in step.effects):
        step.effects.append(Wake())
    told = f"task {gone} was removed" if ended is None else end_told(gone, state, ended.ending)
    broken = next((dependency for dependency in concerned if not is_met(dependency.kind, state)), None)
    if broken is not None and waiting.state in (TaskState.HELD, TaskState.PENDING):
        _abort(step, waiting, broken, told, now)
        return True
    left = tuple(dependency for dependency in waiting.waits_for if dependency.task_id != gone)
    details = {"task": gone, "told": told, "n_open": len(left)}
    record = Record(at=now, kind="dependency_met", task_id=waiting.id, details=details)
    step.put_task(replace(waiting, waits_for=left), record)
    return False


def _abort(step: Step, waiting: Task, broken: Dependency, told: str, now: float) -> None:
    reason = EndReason.DEPENDENCY_FAILED
    detail = broken_told(broken, told)
    details = {"reason": reason.value, "task": broken.task_id, "told": detail}
    record = Record(at=now, kind="ended", task_id=waiting.id, details=details)
    step.put_task(end(waiting, Ending(reason=reason, at=now, detail=detail)), record)
