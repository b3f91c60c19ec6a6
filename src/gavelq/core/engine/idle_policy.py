"""A queue's idle policy: what follows when a task lets its GPUs lie."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.effects import WriteToLog
from gavelq.core.engine.notices import OURSELVES, tell_task
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.stopping import stop_task
from gavelq.core.idling import IdleAction, warn_after_s
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, Lease, Stop, Task
from gavelq.core.units import format_duration
from gavelq.core.view import View


def handle(view: View, event: ev.TaskIdled | ev.TaskBusied, now: float, rules: EngineRules) -> Step:
    """Answer news of a task's idleness; whatever is not about its present attempt is ignored."""
    step = Step()
    task = view.find_task(event.task_id)
    if task is None or task.state is not TaskState.RUNNING or task.attempt is None or not task.held_gpus:
        return step
    if task.attempt.number != event.attempt:
        return step
    if isinstance(event, ev.TaskIdled):
        _idle(view, step, task, task.attempt, event.idle_s, now, rules)
    elif task.attempt.idle_since is not None:
        changed = replace(task, attempt=replace(task.attempt, idle_since=None))
        step.put_task(changed, Record(at=now, kind="busy_again", by=OURSELVES, task_id=task.id))
    return step


def _idle(view: View, step: Step, task: Task, attempt: Attempt, idle_s: float, now: float, rules: EngineRules) -> None:
    queue = view.queue(task.queue)
    after_s, action = queue.idle_after_s, queue.idle_action
    if after_s is None:
        return
    if attempt.idle_since is None and idle_s >= warn_after_s(after_s, action):
        task = _warned(view, step, task, attempt, idle_s, now, rules)
    if not action.is_release or idle_s < after_s or task.attempt is None or task.attempt.idle_since is None:
        return
    is_put_back = action is IdleAction.REQUEUE and not isinstance(task.request.command, Lease)
    by = f"{OURSELVES}, because its GPUs had been idle for {format_duration(idle_s)}"
    stop_task(step, task, Stop(reason=EndReason.IDLE, by=by, since=now, requeue=is_put_back))


def _warned(
    view: View, step: Step, task: Task, attempt: Attempt, idle_s: float, now: float, rules: EngineRules
) -> Task:
    queue = view.queue(task.queue)
    after_s, action = queue.idle_after_s, queue.idle_action
    told = f"its GPUs have been idle for {format_duration(idle_s)}"
    if action.is_release and after_s is not None:
        what = "put back" if action is IdleAction.REQUEUE and not isinstance(task.request.command, Lease) else "ended"
        told += f"; after {format_duration(after_s)} it is {what} (queue {task.queue})"
    warned = replace(task, attempt=replace(attempt, idle_since=now - idle_s))
    details = {"since_at": now - idle_s, "action": action.value, "told": told}
    step.put_task(warned, Record(at=now, kind="idle", by=OURSELVES, task_id=task.id, details=details))
    step.effects.append(WriteToLog(task_id=task.id, text=f"gavelq: task {task.id}: {told}"))
    if action is not IdleAction.WARN:
        text = f"task {task.id} ({task.request.name}): {told}"
        tell_task(view, step, warned, "idle", now, text, also_channels=rules.has_channels)
    return warned
