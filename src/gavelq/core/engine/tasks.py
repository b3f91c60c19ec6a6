"""What people do to single tasks: run, hold, kill, move, prioritise, remove."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.effects import SendSignal, Wake
from gavelq.core.engine.quotas import offered_cards, within_quota
from gavelq.core.engine.stopping import stop_task
from gavelq.core.errors import WrongState
from gavelq.core.feasibility import require_own_cards
from gavelq.core.ids import RUNNING_QUEUE, QueueName
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.queue import Queue
from gavelq.core.step import Record, Step
from gavelq.core.task import Ending, Stop, Task, TaskRequest, advance, end
from gavelq.core.view import View

TaskEvent = ev.TaskReleased | ev.TaskHeld | ev.TaskKilled | ev.TaskMoved | ev.TaskPrioritized | ev.TaskRemoved


def handle(view: View, event: TaskEvent, now: float) -> Step:
    """Answer an event about one task. The reply is the task as it is then."""
    task = view.task(event.task_id)
    if task.state.is_ended:
        raise WrongState(
            what=f"task {task.id}",
            state=task.state.value,
            problem="it has ended; ends never reopen",
            hint=f"run it again as a new task with: gavelq task rerun {task.id}",
        )
    step = Step()
    match event:
        case ev.TaskReleased():
            _release(view, step, task, event, now)
        case ev.TaskHeld():
            _hold(step, task, event.by, now)
        case ev.TaskKilled():
            _kill(step, task, event, now)
        case ev.TaskMoved():
            move(view, step, task, event.queue, event.by, now)
        case ev.TaskPrioritized():
            within_quota(view, replace(task.request, priority=event.priority))
            changed = replace(task, priority=event.priority)
            _note(step, changed, "prioritized", event.by, now, before=task.priority, after=event.priority)
        case ev.TaskRemoved():
            _remove(step, task, event.by, now)
        case _:
            assert_never(event)
    step.effects.append(Wake())
    step.reply = step.changes.tasks.get(task.id, task)
    return step


def _note(step: Step, task: Task, kind: str, by: str, now: float, **details: object) -> None:
    step.put_task(task, Record(at=now, kind=kind, by=by, task_id=task.id, details=details))


def _release(view: View, step: Step, task: Task, event: ev.TaskReleased, now: float) -> None:
    if task.state is not TaskState.HELD:
        raise WrongState(
            what=f"task {task.id}",
            state=task.state.value,
            problem="only a held task can be released",
            hint=f"gavelq task why {task.id} tells what it waits for",
        )
    name = event.queue or (RUNNING_QUEUE if view.queue(task.queue).hold else task.queue)
    queue = view.queue(name)
    if queue.hold:
        raise WrongState(
            what=f"queue {name}",
            state="a hold queue",
            problem="tasks in it never start",
            hint="name another queue with --queue",
        )
    asked = replace(task, request=_request_in(view, task, queue))
    pending = advance(asked, TaskState.PENDING, queue=name, is_held_by_user=False, hold_reason="")
    _note(step, pending, "released", event.by, now, queue=name)


def _hold(step: Step, task: Task, by: str, now: float) -> None:
    if task.state is TaskState.HELD:
        held = replace(task, is_held_by_user=True)
    elif task.state is TaskState.PENDING:
        held = advance(task, TaskState.HELD, is_held_by_user=True)
    else:
        raise WrongState(
            what=f"task {task.id}",
            state=task.state.value,
            problem="only a pending task can be held",
            hint=f"end it with: gavelq task kill {task.id}",
        )
    _note(step, held, "held", by, now)


def _kill(step: Step, task: Task, event: ev.TaskKilled, now: float) -> None:
    if event.reason is EndReason.CANCELLED_BY_ADMIN:
        about = {"tenant": task.request.tenant, "signal": event.signal, "is_ending": event.is_ending}
        act = Record(at=now, kind="task_killed", by=event.by, subject=f"task:{task.id}", details=about)
        step.changes.records.append(act)
    if not event.is_ending:
        if task.state is not TaskState.RUNNING or task.attempt is None:
            raise WrongState(what=f"task {task.id}", state=task.state.value, problem="a signal needs a running task")
        step.effects.append(SendSignal(task_id=task.id, attempt=task.attempt.number, signal=event.signal))
        step.changes.records.append(
            Record(at=now, kind="signalled", by=event.by, task_id=task.id, details={"signal": event.signal})
        )
    elif task.state.holds_gpus:
        stop = Stop(reason=event.reason, by=event.by, since=now)
        stop_task(step, task, stop, signal=event.signal)
    else:
        when = "before its next try" if task.n_attempts else "before it started"
        cancelled = end(task, Ending(reason=event.reason, at=now, detail=f"{when}, by {event.by}"))
        _note(step, cancelled, "ended", event.by, now, reason=event.reason.value)


def move(view: View, step: Step, task: Task, target: QueueName, by: str, now: float) -> None:
    """Move a task into another queue. A running one keeps its GPUs; holding follows the queue or the person."""
    queue = view.queue(target)
    if task.state.holds_gpus:
        within_quota(view, replace(task.request, queue=target))
    else:
        task = replace(task, request=_request_in(view, task, queue))
    _note(step, in_queue(task, queue), "moved", by, now, source=task.queue, target=target)


def in_queue(task: Task, queue: Queue) -> Task:
    """The task in another queue; holding follows the queue, unless the task itself is held."""
    moved = replace(task, queue=queue.name)
    is_held_itself = task.is_held_by_user or bool(task.hold_reason)
    if queue.hold and task.state is TaskState.PENDING:
        return advance(moved, TaskState.HELD)
    if not queue.hold and task.state is TaskState.HELD and not is_held_itself:
        return advance(moved, TaskState.PENDING)
    return moved


def _request_in(view: View, task: Task, queue: Queue) -> TaskRequest:
    """The request of a task that is to start in this queue: with its limit, where the task has none.

    Raises what a submission to the queue would raise.
    """
    request = task.request
    within_quota(view, replace(request, queue=queue.name))
    require_own_cards(request.gpus, queue, view.cards(), offered_cards(view, request.tenant))
    if queue.name == task.queue:  # it was asked for its limit when it came in
        return request
    hint = f"give it a shorter one first, with: gavelq task edit {task.id} -t LIMIT"
    return replace(request, time_limit_s=queue.limit_for(request.time_limit_s, hint=hint))


def _remove(step: Step, task: Task, by: str, now: float) -> None:
    if task.state is not TaskState.HELD:
        raise WrongState(
            what=f"task {task.id}",
            state=task.state.value,
            problem="only a held or ended task can be removed",
            hint=f"end it first with: gavelq task kill {task.id}",
        )
    step.changes.tasks[task.id] = None
    details = {"tenant": task.request.tenant}
    step.changes.records.append(Record(at=now, kind="removed", by=by, task_id=task.id, details=details))


def daemon_stopped(view: View, event: ev.DaemonStopped, now: float) -> Step:
    """`daemon stop --kill-tasks`: stop everything that runs. The reply is how many tasks that are."""
    step = Step()
    running = [task for task in view.live_tasks() if task.state.holds_gpus]
    for task in running:
        stop_task(step, task, Stop(reason=EndReason.DAEMON_STOPPED, by=event.by, since=now))
    step.reply = len(running)
    return step
