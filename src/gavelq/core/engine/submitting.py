"""Submissions: all tasks of one come in, or none."""

from dataclasses import replace

from gavelq.core.dependencies import still_open
from gavelq.core.effects import Wake
from gavelq.core.engine.learning import with_learned_memory
from gavelq.core.engine.rules import EngineRules
from gavelq.core.errors import LimitReached, UsageError
from gavelq.core.events import TasksSubmitted
from gavelq.core.feasibility import require_feasible
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import View
from gavelq.core.step import KeyUse, Record, Step
from gavelq.core.task import Dependency, Task, TaskRequest, describe


def tasks_submitted(view: View, event: TasksSubmitted, now: float, rules: EngineRules) -> Step:
    """Accept the tasks of one submission. The reply is the tuple of their ids."""
    step = Step()
    used = view.key_use(event.key) if event.key else None
    if used is not None:
        step.reply = used.task_ids
        return step
    event = replace(event, requests=tuple(with_learned_memory(view, request) for request in event.requests))
    _check(view, event, rules)
    open_of = _open_dependencies(view, event)
    first, submission = view.next_task_id, view.next_submission_id
    for offset, request in enumerate(event.requests):
        task = _new_task(view, TaskId(first + offset), submission, request, now, rules)
        task = replace(task, waits_for=open_of[request.depends_on]) if request.depends_on else task
        details = {"name": request.name, "queue": request.queue, "command": describe(request.command)[:500]}
        step.put_task(task, Record(at=now, kind="submitted", by=event.by, task_id=task.id, details=details))
    ids = tuple(TaskId(first + offset) for offset in range(len(event.requests)))
    step.changes.blobs.update(event.blobs)
    step.changes.next_task_id = TaskId(first + len(ids))
    step.changes.next_submission_id = SubmissionId(submission + 1)
    if event.key:
        step.changes.keys.append(KeyUse(key=event.key, at=now, task_ids=ids))
    step.effects.append(Wake())
    step.reply = ids
    return step


def _check(view: View, event: TasksSubmitted, rules: EngineRules) -> None:
    if not event.requests:
        raise UsageError("the submission names no task", hint="hand in at least one task")
    room = rules.max_unfinished - view.n_live()
    if len(event.requests) > room:
        problem = f"{len(event.requests)} tasks were handed in and {max(room, 0)} more may wait or run"
        hint = "wait until some have ended, or raise limits.max_unfinished"
        raise LimitReached(limit="limits.max_unfinished", problem=problem, hint=hint)
    checked: set[tuple[object, ...]] = set()
    for request in event.requests:
        kind = (request.queue, request.gpus, request.allow_infeasible, request.hold)
        if kind not in checked:  # ten thousand equal tasks need one look
            checked.add(kind)
            queue = view.queue(request.queue)
            require_feasible(request, queue, view.cards(), view.problem)


def _open_dependencies(view: View, event: TasksSubmitted) -> dict[tuple[Dependency, ...], tuple[Dependency, ...]]:
    """By what a request depends on, what of it is still open. Many requests depend on the same."""
    wanted = dict.fromkeys(request.depends_on for request in event.requests)
    return {one: still_open(view, one, event.ended) for one in wanted}


def own_log(rules: EngineRules, task_id: TaskId) -> str:
    """Where the output of a task's first attempt goes, unless the task says so itself."""
    return f"{rules.log_dir}/{task_id}.log"


def _new_task(
    view: View, task_id: TaskId, submission: SubmissionId, request: TaskRequest, now: float, rules: EngineRules
) -> Task:
    held = request.hold or view.queue(request.queue).hold
    return Task(
        id=task_id,
        submission_id=submission,
        request=request,
        state=TaskState.HELD if held else TaskState.PENDING,
        queue=request.queue,
        priority=request.priority,
        log_path=request.log_path or own_log(rules, task_id),
        submitted_at=now,
        is_held_by_user=request.hold,
    )
