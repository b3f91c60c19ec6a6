"""Lanes: tasks of a command file that run one after another. Each knows the one before it that has not ended."""

from collections.abc import Iterable
from dataclasses import replace

from gavelq.core.effects import Wake
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Ending, Task, TaskRequest, end
from gavelq.core.view import View


def predecessors(requests: Iterable[TaskRequest], first: TaskId) -> list[TaskId | None]:
    """For each request of a new submission the task before it in its lane; `first` is the id of the first one."""
    found: list[TaskId | None] = []
    last: dict[str, TaskId] = {}
    for offset, request in enumerate(requests):
        if request.lane is None:
            found.append(None)
            continue
        found.append(last.get(request.lane.lane))
        last[request.lane.lane] = TaskId(first + offset)
    return found


def move_up(view: View, step: Step, gone: TaskId, now: float) -> TaskId | None:
    """A task is gone in this step: the one behind it in its lane moves up, or is given up.

    Returns the task that was given up, whose end concerns others in turn.
    """
    follower = _standing(view, step, view.follower(gone))
    if follower is None or follower.behind != gone or follower.state.is_ended:
        return None  # nobody stood behind it, or its lane was laid out anew in this very step
    failed, before = _before(view, step, gone)
    if failed is not None:
        _give_up(step, follower, failed, now)
        return follower.id
    details = {"after": gone, "behind": before}
    record = Record(at=now, kind="lane_advanced", task_id=follower.id, details=details)
    step.put_task(replace(follower, behind=before), record)
    if before is None and not any(isinstance(effect, Wake) for effect in step.effects):
        step.effects.append(Wake())
    return None


def _standing(view: View, step: Step, task_id: TaskId | None) -> Task | None:
    """A task as this step leaves it; None where it is gone altogether."""
    if task_id is None:
        return None
    return step.changes.tasks[task_id] if task_id in step.changes.tasks else view.find_task(task_id)


def _before(view: View, step: Step, gone: TaskId) -> tuple[Task | None, TaskId | None]:
    """Up the lane from a task that is gone: the first that failed and takes the rest with it, or who is still there."""
    at: TaskId | None = gone
    while at is not None:
        after = _standing(view, step, at)
        if after is not None and not after.state.is_ended:
            return None, at
        if after is not None and has_broken_lane(after):
            return after, None
        was = view.find_task(at)
        at = was.behind if was is not None else None
    return None, None


def has_broken_lane(task: Task) -> bool:
    """Whether the rest of its lane is given up: it failed, and its file says so. A cancelled one is only skipped."""
    strict = task.request.lane is not None and task.request.lane.is_strict
    return strict and task.state in (TaskState.FAILED, TaskState.ABORTED)


def _give_up(step: Step, task: Task, failed: Task, now: float) -> None:
    reason = EndReason.DEPENDENCY_FAILED
    why = f" ({failed.ending.reason})" if failed.ending is not None else ""
    lane = failed.request.lane.lane if failed.request.lane is not None else ""
    detail = f"task {failed.id} before it in lane {lane} {failed.state}{why}, and on_failure is stop"
    record = Record(
        at=now, kind="ended", task_id=task.id, details={"reason": reason.value, "task": failed.id, "told": detail}
    )
    step.put_task(end(task, Ending(reason=reason, at=now, detail=detail)), record)
