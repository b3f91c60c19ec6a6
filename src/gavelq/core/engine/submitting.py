"""Submissions: all tasks of one come in, or none."""

from collections.abc import Mapping, Sequence

from gavelq.core.dependencies import still_open
from gavelq.core.effects import Wake
from gavelq.core.engine.isolating import require_isolation
from gavelq.core.engine.lanes import predecessors
from gavelq.core.engine.learning import with_learned_memory
from gavelq.core.engine.once import require_same
from gavelq.core.engine.quotas import offered_cards, require_memory, require_room, within_quota
from gavelq.core.engine.rules import EngineRules
from gavelq.core.errors import LimitReached, UsageError
from gavelq.core.events import NumbersFound, TasksSubmitted
from gavelq.core.feasibility import require_feasible
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.log_names import log_of
from gavelq.core.step import KeyUse, Record, Step
from gavelq.core.task import Dependency, Lease, Task, TaskRequest, altered, describe
from gavelq.core.view import View


def tasks_submitted(view: View, event: TasksSubmitted, now: float, rules: EngineRules) -> Step:
    """Accept the tasks of one submission. The reply is the tuple of their ids."""
    step = Step()
    used = view.key_use(event.key) if event.key else None
    if used is not None:
        require_same(used, event.digest)
        step.reply = used.task_ids
        return step
    requests = [with_learned_memory(view, within_quota(view, request)) for request in event.requests]
    if not requests:
        raise UsageError("the submission names no task", hint="hand in at least one task")
    require_acceptable(view, requests, rules)
    first, submission = view.next_task_id, view.next_submission_id
    tasks = new_tasks(view, requests, event.ended, first, submission, now, rules)
    for task, behind in zip(tasks, predecessors(requests, first), strict=True):
        request = task.request
        task = altered(task, behind=behind) if behind is not None else task  # noqa: PLW2901  # the same task, placed
        details = {"name": request.name, "queue": request.queue, "command": describe(request.command)[:500]}
        step.put_task(task, Record(at=now, kind="submitted", by=event.by, task_id=task.id, details=details))
    ids = tuple([task.id for task in tasks])
    step.changes.blobs.update(event.blobs)
    step.changes.next_task_id = TaskId(first + len(ids))
    step.changes.next_submission_id = SubmissionId(submission + 1)
    if event.key:
        step.changes.keys.append(KeyUse(key=event.key, at=now, task_ids=ids, digest=event.digest))
    step.effects.append(Wake())
    step.reply = ids
    return step


def numbers_found(view: View, event: NumbersFound) -> Step:
    """Numbers that the books do not know, but somebody else does, are not given again: a restored backup has fewer."""
    step = Step()
    if event.last >= view.next_task_id:
        step.changes.next_task_id = TaskId(event.last + 1)
    return step


def require_acceptable(view: View, requests: Sequence[TaskRequest], rules: EngineRules) -> None:
    """Raises LimitReached for too many tasks, and Infeasible for what can never start."""
    room = rules.max_unfinished - view.n_live()
    if len(requests) > room:
        problem = f"{len(requests)} tasks were handed in and {max(room, 0)} more may wait or run"
        hint = "wait until some have ended, or raise limits.max_unfinished"
        raise LimitReached(limit="limits.max_unfinished", problem=problem, hint=hint)
    require_room(view, requests)
    checked: set[tuple[object, ...]] = set()
    for request in requests:
        is_lease = isinstance(request.command, Lease)
        isolation = (request.isolation, request.mps_percent, is_lease)
        kind = (request.queue, request.tenant, request.gpus, request.allow_infeasible, request.hold, isolation)
        if kind not in checked:  # ten thousand equal tasks need one look
            checked.add(kind)
            queue = view.queue(request.queue)
            offered = offered_cards(view, request.tenant)
            require_feasible(request, queue, view.cards(), view.problem, offered)
            require_memory(view, request)
            require_isolation(view, rules, request)


def new_tasks(
    view: View, requests: Sequence[TaskRequest], ended: Mapping[TaskId, TaskState], first: TaskId,
    submission: SubmissionId, now: float, rules: EngineRules,
) -> list[Task]:  # fmt: skip
    """Tasks for these requests with ids from `first` on. `ended` tells how tasks that they depend on have ended.

    Raises TaskNotFound and Refused for dependencies that can never be met.
    """
    open_of: dict[tuple[Dependency, ...], tuple[Dependency, ...]] = {}
    tasks = []
    for offset, request in enumerate(requests):
        task = _new_task(view, TaskId(first + offset), submission, request, now, rules)
        wanted = request.depends_on
        if wanted and wanted not in open_of:  # many requests depend on the same
            open_of[wanted] = still_open(view, wanted, ended)
        tasks.append(altered(task, waits_for=open_of[wanted]) if wanted else task)
    return tasks


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
        log_path=log_of(request, task_id=task_id, submission=submission, own=own_log(rules, task_id)),
        submitted_at=now,
        is_held_by_user=request.hold,
    )
