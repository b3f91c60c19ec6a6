"""Fast failures in a row of one submission: after some of them the rest is held, instead of failing as well."""

from gavelq.core.engine.cards import OURSELVES
from gavelq.core.engine.rules import EngineRules
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, AttemptResult, Task, advance
from gavelq.core.view import View

_OWN_FAILURES = frozenset({
    EndReason.EXIT_NONZERO, EndReason.SIGNALLED, EndReason.OUT_OF_MEMORY_GPU, EndReason.OUT_OF_MEMORY_HOST,
    EndReason.NCCL_ERROR, EndReason.CODE_ERROR, EndReason.SPAWN_FAILED,
})  # fmt: skip
"""Ends that may be the submission's own fault. A card that failed, a kill or a requeue says nothing about it."""
_BREAKS = frozenset({EndReason.EXIT_ZERO, EndReason.TIME_LIMIT})
"""Ends that show that its tasks can run."""


def note_end(view: View, step: Step, task: Task, attempt: Attempt, reason: EndReason, rules: EngineRules) -> None:
    """Count an attempt that ended for this reason, and hold the rest of its submission where that is due.

    The count begins anew when it breaks (a success, a slow failure) and when it led to a hold. Lanes of a command file
    have nothing to do with each other, and their rules say what a failure means: they are never held for it.
    """
    submission, result = task.submission_id, attempt.result
    if task.request.lane is not None:
        return
    if result is None or (reason not in _OWN_FAILURES and reason not in _BREAKS):
        return
    before = view.streak(submission)
    is_counted = reason in _OWN_FAILURES and _took_s(attempt, result) < rules.fast_s and rules.hold_after > 0
    others = [one for one in view.tasks_of(submission) if one.id != task.id] if is_counted else []
    if not others:
        if before:
            step.changes.streaks[submission] = None
        return
    n_failures = before + 1
    waiting = [one for one in others if one.state is TaskState.PENDING and one.n_attempts == 0]
    if n_failures < rules.hold_after or not waiting:
        step.changes.streaks[submission] = n_failures
        return
    why = f"{n_failures} fast failures in a row in submission {submission} (last: task {task.id}, {reason.value})"
    for one in waiting:
        _hold(step, one, why, result.ended_at)
    if before:
        step.changes.streaks[submission] = None


def forget_ended(view: View, step: Step) -> None:
    """Drop the counts of submissions none of whose tasks is left after this step."""
    gone = {
        before.submission_id
        for task_id, task in step.changes.tasks.items()
        if (task is None or task.state.is_ended) and (before := view.find_task(task_id)) is not None
    }
    for submission in gone:
        count = step.changes.streaks.get(submission, view.streak(submission))
        if count and not any(_is_left(step, one) for one in view.tasks_of(submission)):
            step.changes.streaks[submission] = None


def _is_left(step: Step, task: Task) -> bool:
    after = step.changes.tasks.get(task.id, task)
    return after is not None and not after.state.is_ended


def _took_s(attempt: Attempt, result: AttemptResult) -> float:
    return result.ended_at - attempt.started_at if attempt.started_at is not None else 0.0


def _hold(step: Step, task: Task, why: str, now: float) -> None:
    held = advance(task, TaskState.HELD, is_held_by_user=True, hold_reason=why)
    step.put_task(held, Record(at=now, kind="held", by=OURSELVES, task_id=task.id, details={"reason": why}))
