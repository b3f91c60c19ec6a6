"""`task edit`: new requests for tasks that have not started, all of them or none."""

from dataclasses import replace

from gavelq.core.dependencies import FIELDS, find_circle, still_open
from gavelq.core.effects import Wake
from gavelq.core.engine.isolating import require_isolation
from gavelq.core.engine.quotas import offered_cards, require_memory, within_quota
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.submitting import own_log
from gavelq.core.engine.tasks import in_queue
from gavelq.core.errors import GavelqError, Refused, UsageError, WrongState
from gavelq.core.events import TasksEdited
from gavelq.core.feasibility import require_feasible
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.log_names import log_of
from gavelq.core.queue import Queue
from gavelq.core.step import Record, Step
from gavelq.core.task import Dependency, Task, TaskRequest, advance
from gavelq.core.view import View


class Overtaken(GavelqError):
    """task {task_id} was changed by somebody else at the same moment"""

    code = "overtaken"
    hint = "try again"
    http_status = 409
    exit_code = 6


def tasks_edited(view: View, event: TasksEdited, now: float, rules: EngineRules) -> Step:
    """Give tasks other requests. The reply is the tuple of the tasks as they are then.

    Raises TaskNotFound, WrongState for a task that has started, Overtaken, and what a submission of such a request
    would raise; then none has changed.
    """
    if not event.requests:
        raise UsageError("the edit names no task", hint="name at least one task")
    step = Step()
    before = {task_id: _editable(view, event, task_id) for task_id in sorted(event.requests)}
    after = {task_id: _edited(view, event, task, event.requests[task_id], rules) for task_id, task in before.items()}
    _require_no_circle(view, before, after)
    for task_id, task in after.items():
        if task != before[task_id]:
            details = {"fields": list(event.fields)}
            step.put_task(task, Record(at=now, kind="edited", by=event.by, task_id=task_id, details=details))
    step.changes.blobs.update(event.blobs)
    step.effects.append(Wake())
    step.reply = tuple(after.values())
    return step


def _editable(view: View, event: TasksEdited, task_id: TaskId) -> Task:
    task = view.task(task_id)
    if task.state not in (TaskState.HELD, TaskState.PENDING):
        raise WrongState(
            what=f"task {task_id}",
            state=task.state.value,
            problem="only a task that has not started can be edited",
            hint=f"end it with `gavelq task kill {task_id}`, then run it with changes: gavelq task rerun {task_id} ...",
        )
    if event.based_on.get(task_id, task.request) != task.request:
        raise Overtaken(task_id=task_id)
    return task


def _edited(view: View, event: TasksEdited, task: Task, request: TaskRequest, rules: EngineRules) -> Task:
    """The task with its new request, as far as that can be seen without looking at other edited ones."""
    queue = view.queue(request.queue if "queue" in event.fields else task.queue)
    request = within_quota(view, request)
    _require_possible(view, task, request, queue)
    was = task.request
    if (request.isolation, request.mps_percent, request.gpus) != (was.isolation, was.mps_percent, was.gpus):
        require_isolation(view, rules, request)
    edited = replace(
        task,
        request=request,
        priority=request.priority if "priority" in event.fields else task.priority,
        waits_for=_open(view, event, task, request),
        retry_at=task.retry_at if request.retry == task.request.retry else None,
    )
    if (request.log_path, request.name) != (task.request.log_path, task.request.name):
        own = own_log(rules, task.id)
        # Reckoned in any case, so that it is refused here, and not when it starts.
        path = log_of(request, task_id=task.id, submission=task.submission_id, own=own)
        edited = edited if task.n_attempts else replace(edited, log_path=path)
    if queue.name != task.queue:
        edited = in_queue(edited, queue)
    return _held(edited, request.hold, queue) if "hold" in event.fields else edited


def _require_possible(view: View, task: Task, request: TaskRequest, queue: Queue) -> None:
    """What a submission is asked; an edit of something else is not refused for what was accepted long ago."""
    was = task.request
    if (request.gpus, request.allow_infeasible, queue.name) != (was.gpus, was.allow_infeasible, task.queue):
        offered = offered_cards(view, request.tenant)
        require_feasible(request, queue, view.cards(), view.problem, offered)
        require_memory(view, request)


def _open(view: View, event: TasksEdited, task: Task, request: TaskRequest) -> tuple[Dependency, ...]:
    """What it waits for: old dependencies as they stand (their tasks may be long forgotten), new ones looked at."""
    old = set(task.request.depends_on)
    if set(request.depends_on) == old:
        return task.waits_for
    still = set(task.waits_for) | set(still_open(view, (d for d in request.depends_on if d not in old), event.ended))
    return tuple(dependency for dependency in request.depends_on if dependency in still)


def _held(task: Task, is_held: bool, queue: Queue) -> Task:
    if is_held:
        held = task if task.state is TaskState.HELD else advance(task, TaskState.HELD)
        return replace(held, is_held_by_user=True)
    free = replace(task, is_held_by_user=False, hold_reason="")
    return advance(free, TaskState.PENDING) if task.state is TaskState.HELD and not queue.hold else free


def _require_no_circle(view: View, before: dict[TaskId, Task], after: dict[TaskId, Task]) -> None:
    changed = {
        task_id: task.waits_for for task_id, task in after.items() if task.waits_for != before[task_id].waits_for
    }
    circle = find_circle(view, changed)
    if not circle:
        return
    way = " -> ".join(str(task_id) for task_id in circle)
    last = next(d for t in circle if t in changed for d in changed[t] if d.task_id in circle)
    alone = len(circle) == 2
    raise Refused(
        problem=f"task {circle[0]} cannot wait for itself"
        if alone
        else f"these tasks would wait for each other: {way}",
        hint="take one of these dependencies out",
        field=FIELDS[last.kind],
        circle=list(circle),
    )
