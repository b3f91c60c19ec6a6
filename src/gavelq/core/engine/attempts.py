"""The life of attempts: started and ended by the runner."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.effects import Forget, Resample, Spawn, Wake
from gavelq.core.engine.retries import may_try_again, put_back, try_again
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.streaks import note_end
from gavelq.core.engine.verdicts import Verdict, judged
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retry_words import RETRYABLE
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, AttemptResult, Ending, Lease, Task, advance, altered, altered_attempt, end
from gavelq.core.view import View

MAX_BACKOFF_S = 60.0
SAME_S = 2.0
"""Readings of two processes that differ by more were made under two settings of the clock."""


RunnerReport = ev.AttemptStarted | ev.AttemptEnded | ev.SpawnFailed | ev.AttemptUnknown


def handle(view: View, event: RunnerReport, now: float, rules: EngineRules) -> Step:
    """Answer a report of the runner. Reports about attempts that are over are only forgotten: they may be repeated."""
    step = Step()
    task = view.find_task(event.task_id)
    if task is None or task.attempt is None or task.attempt.number != event.attempt or not task.state.holds_gpus:
        if not isinstance(event, ev.AttemptStarted):
            step.effects.append(Forget(task_id=event.task_id, attempt=event.attempt))
        return step
    match event:
        case ev.AttemptStarted():
            _started(step, task, task.attempt, event, now)
        case ev.AttemptEnded():
            _ended(view, step, task, task.attempt, replace(event, result=_dated(event.result, now)), rules)
            step.effects.append(Forget(task_id=task.id, attempt=event.attempt))
        case ev.SpawnFailed():
            _spawn_failed(view, step, task, task.attempt, event, now, rules)
            step.effects.append(Forget(task_id=task.id, attempt=event.attempt))
        case ev.AttemptUnknown():
            _unknown(view, step, task, task.attempt, now, rules)
        case _:
            assert_never(event)
    return step


def _dated(result: AttemptResult, now: float) -> AttemptResult:
    """Nothing has ended in the future: where the clock was set back since, the end is now, and it ran as long."""
    if result.ended_at <= now + SAME_S:
        return result
    started_at = None if result.started_at is None else result.started_at + now - result.ended_at
    return replace(result, ended_at=now, started_at=started_at)


def _as_run(attempt: Attempt, result: AttemptResult) -> Attempt:
    """The attempt with the times of its result, where the clock was set before its daemon heard of the end.

    A supervisor tells when it started by the clock that tells when it ended (`gavelq.adapters.runner.results`). No
    attempt ends before it starts.
    """
    began = attempt.started_at if attempt.started_at is not None else result.started_at
    told = result.started_at
    if began is not None and told is not None and told <= result.ended_at and abs(told - began) > SAME_S:
        began = told
    began = None if began is None else min(began, result.ended_at)
    if began == attempt.started_at:
        return attempt
    by_s = 0.0 if began is None or attempt.started_at is None else began - attempt.started_at
    return altered_attempt(attempt, started_at=began, placed_at=attempt.placed_at + by_s)


def _started(step: Step, task: Task, attempt: Attempt, event: ev.AttemptStarted, now: float) -> None:
    if attempt.pid is not None:
        return
    # Told after the clock was set: not before it was placed, nor in the future.
    at = event.at if attempt.placed_at - SAME_S <= event.at <= now + SAME_S else attempt.placed_at
    begun = altered_attempt(attempt, started_at=at, pid=event.pid, supervisor=event.supervisor)
    if task.state is TaskState.STARTING:
        changed = advance(task, TaskState.RUNNING, attempt=begun)
    else:  # it is being stopped already
        changed = replace(task, attempt=begun)
    details = {"attempt": attempt.number, "pid": event.pid, "gpus": list(attempt.indices)}
    step.put_task(changed, Record(at=at, kind="started", task_id=task.id, details=details))


def _ended(view: View, step: Step, task: Task, attempt: Attempt, event: ev.AttemptEnded, rules: EngineRules) -> None:
    result = event.result
    if isinstance(task.request.command, Lease):
        result = replace(result, exit_code=None, signal=None)  # there was no command to have one
    begun = _as_run(attempt, result)
    if attempt.number == 1 and begun.placed_at != attempt.placed_at:  # it waited for it as long as it waited
        task = altered(task, submitted_at=task.submitted_at + begun.placed_at - attempt.placed_at)
    if task.state is TaskState.STARTING and result.cause != "lost":
        task = advance(task, TaskState.RUNNING, attempt=begun)  # its start was not heard of, but it ran
    _finish(view, step, task, begun, result, judged(view, task, event), rules)


def _finish(
    view: View, step: Step, task: Task, attempt: Attempt, result: AttemptResult, verdict: Verdict, rules: EngineRules
) -> None:
    """End an attempt: its task goes back into its queue, gets another try, or ends with it."""
    step.ended.append(task)
    reason = verdict.reason
    told = result if verdict.detail == result.detail else replace(result, detail=verdict.detail)
    done = altered_attempt(attempt, result=told, reason=reason)
    details = {"attempt": attempt.number, "exit_code": result.exit_code, "signal": result.signal, "cause": result.cause}
    details |= {"reason": reason.value}
    if verdict.is_put_back:
        record = Record(at=result.ended_at, kind="requeued", task_id=task.id, details=details)
        step.put_task(put_back(view, task, done), record)
    elif may_try_again(task, reason):
        try_again(view, step, task, done, reason, rules)
    else:
        n_failures = task.n_failures + (reason in RETRYABLE)
        ending = Ending(
            reason=reason, at=result.ended_at, exit_code=result.exit_code, signal=result.signal, detail=verdict.detail
        )
        record = Record(at=result.ended_at, kind="ended", task_id=task.id, details=details)
        step.put_task(end(task, ending, attempt=done, n_failures=n_failures), record)
    if not verdict.is_put_back:
        note_end(view, step, task, done, reason, rules)
    step.effects += [Wake(), Resample()]


def _spawn_failed(
    view: View, step: Step, task: Task, attempt: Attempt, event: ev.SpawnFailed, now: float, rules: EngineRules
) -> None:
    result = AttemptResult(
        exit_code=None, signal=None, started_at=None, ended_at=now, cause="spawn_failed", detail=event.problem
    )
    if task.state is TaskState.STOPPING or not event.is_transient:
        ended = ev.AttemptEnded(task_id=task.id, attempt=attempt.number, result=result)
        _finish(view, step, task, attempt, result, judged(view, task, ended), rules)
        return
    retry_at = now + min(MAX_BACKOFF_S, 2.0 ** min(attempt.number - 1, 6))
    back = put_back(view, task, replace(attempt, result=result, reason=EndReason.SPAWN_FAILED), retry_at)
    details = {"attempt": attempt.number, "problem": event.problem, "retry_at": retry_at}
    step.put_task(back, Record(at=now, kind="spawn_failed", task_id=task.id, details=details))
    step.ended.append(task)
    step.effects.append(Wake())


def _unknown(view: View, step: Step, task: Task, attempt: Attempt, now: float, rules: EngineRules) -> None:
    """The runner made no directory for this attempt: it never began, or its traces are gone."""
    if task.state is TaskState.STARTING:
        step.effects.append(Spawn(task_id=task.id, attempt=attempt.number))
        return
    ran = attempt.started_at is not None
    detail = "the runner has no trace of it" if ran else "it was stopped before it began"
    result = AttemptResult(
        exit_code=None, signal=None, started_at=attempt.started_at, ended_at=now, cause="lost", detail=detail
    )
    ended = ev.AttemptEnded(task_id=task.id, attempt=attempt.number, result=result)
    _ended(view, step, task, attempt, ended, rules)
