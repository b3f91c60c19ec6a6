"""Leases: tasks without a command, kept alive by a process or by whoever renews them (SPEC section 3)."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.effects import Wake
from gavelq.core.engine.stopping import stop_task
from gavelq.core.errors import WrongState
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Ending, Lease, Stop, Task, end
from gavelq.core.view import View

LeaseEvent = ev.LeaseRenewed | ev.LeaseReleased | ev.LeasesChecked


def handle(view: View, event: LeaseEvent, now: float) -> Step:
    """Answer an event about leases. The reply is the lease as it is then; of a check, the ids that it ended."""
    step = Step()
    match event:
        case ev.LeaseRenewed():
            _renew(step, _lease(view, event.task_id), event.by, now)
            step.reply = step.changes.tasks[event.task_id]
        case ev.LeaseReleased():
            task = _lease(view, event.task_id)
            _end(step, task, EndReason.RELEASED, event.by, now)
            step.reply = step.changes.tasks.get(task.id, task)
        case ev.LeasesChecked():
            step.reply = _check(view, step, event, now)
        case _:
            assert_never(event)
    return step


def expires_at(task: Task, since: float) -> float | None:
    """When a lease ends unless it is renewed before, in seconds since the epoch; None where it needs no renewal.

    The time begins anew when the GPUs are granted, and at `since`, before which no renewal could have come.
    """
    command = task.request.command
    is_going = task.state.is_ended or task.state is TaskState.STOPPING
    if is_going or not isinstance(command, Lease) or command.owner is not None:
        return None
    granted = task.attempt.placed_at if task.attempt is not None and task.state.holds_gpus else 0.0
    return max(task.submitted_at, task.renewed_at or 0.0, granted, since) + command.renew_s


def _lease(view: View, task_id: TaskId) -> Task:
    task = view.task(task_id)
    if isinstance(task.request.command, Lease):
        return task
    raise WrongState(
        what=f"task {task.id}", state="no lease", problem="it runs a command, and ends with it",
        hint=f"end it with: gavelq task kill {task.id}",
    )  # fmt: skip


def _renew(step: Step, task: Task, by: str, now: float) -> None:
    command = task.request.command
    if isinstance(command, Lease) and command.owner is not None:
        raise WrongState(
            what=f"task {task.id}", state="a lease of a process", problem="it needs no renewal",
            hint=f"it ends with process {command.owner.pid}; or give it back with: gavelq lease release {task.id}",
        )  # fmt: skip
    if task.state is TaskState.STOPPING:
        raise WrongState(
            what=f"task {task.id}", state=task.state.value, problem="its GPUs are being taken back",
            hint="ask for another lease with: gavelq lease",
        )  # fmt: skip
    step.put_task(replace(task, renewed_at=now), Record(at=now, kind="renewed", by=by, task_id=task.id))


def _end(step: Step, task: Task, reason: EndReason, by: str, now: float, detail: str = "") -> None:
    """Take the GPUs back; a lease that has none yet ends at once."""
    if task.state.holds_gpus:
        stop_task(step, task, Stop(reason=reason, by=f"{by}, because {detail}" if detail else by, since=now))
        return
    if reason is EndReason.RELEASED:
        # Nothing was given, so that nothing can be completed.
        reason, detail = EndReason.CANCELLED_BY_USER, f"released before it was granted, by {by}"
    ending = Ending(reason=reason, at=now, detail=detail)
    step.put_task(
        end(task, ending), Record(at=now, kind="ended", by=by, task_id=task.id, details={"reason": reason.value})
    )
    step.effects.append(Wake())


def _check(view: View, step: Step, event: ev.LeasesChecked, now: float) -> tuple[TaskId, ...]:
    """End the leases that nobody keeps alive any more. What is said about tasks that have moved on is ignored."""
    over = []
    for task_id in dict.fromkeys((*event.due, *event.ownerless)):
        task = view.find_task(task_id)
        if task is None or not isinstance(task.request.command, Lease) or task.state is TaskState.STOPPING:
            continue
        owner = task.request.command.owner
        limit = expires_at(task, event.since)
        if owner is not None and task_id in event.ownerless:
            detail = f"its owner, process {owner.pid}, is gone"
        elif limit is not None and limit <= now:
            detail = f"nobody renewed it for {task.request.command.renew_s:g} s"
        else:
            continue
        _end(step, task, EndReason.LEASE_EXPIRED, "the daemon", now, detail)
        over.append(task_id)
    return tuple(over)
