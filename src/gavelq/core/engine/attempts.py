"""The life of attempts: started and ended by the runner."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.effects import Forget, Resample, Spawn, Wake
from gavelq.core.engine.cards import faults_told
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.state import View
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, AttemptResult, Ending, Task, advance, end

MAX_BACKOFF_S = 60.0


RunnerReport = ev.AttemptStarted | ev.AttemptEnded | ev.SpawnFailed | ev.AttemptUnknown


def handle(view: View, event: RunnerReport, now: float) -> Step:
    """Answer a report of the runner. Reports about attempts that are over are only forgotten: they may be repeated."""
    step = Step()
    task = view.find_task(event.task_id)
    if task is None or task.attempt is None or task.attempt.number != event.attempt or not task.state.holds_gpus:
        if not isinstance(event, ev.AttemptStarted):
            step.effects.append(Forget(task_id=event.task_id, attempt=event.attempt))
        return step
    match event:
        case ev.AttemptStarted():
            _started(step, task, task.attempt, event)
        case ev.AttemptEnded():
            _ended(view, step, task, task.attempt, event.result)
            step.effects.append(Forget(task_id=task.id, attempt=event.attempt))
        case ev.SpawnFailed():
            _spawn_failed(view, step, task, task.attempt, event, now)
            step.effects.append(Forget(task_id=task.id, attempt=event.attempt))
        case ev.AttemptUnknown():
            _unknown(view, step, task, task.attempt, now)
        case _:
            assert_never(event)
    return step


def _started(step: Step, task: Task, attempt: Attempt, event: ev.AttemptStarted) -> None:
    if attempt.pid is not None:
        return
    begun = replace(attempt, started_at=event.at, pid=event.pid, supervisor=event.supervisor)
    if task.state is TaskState.STARTING:
        changed = advance(task, TaskState.RUNNING, attempt=begun)
    else:  # it is being stopped already
        changed = replace(task, attempt=begun)
    details = {"attempt": attempt.number, "pid": event.pid, "gpus": list(attempt.indices)}
    step.put_task(changed, Record(at=event.at, kind="started", task_id=task.id, details=details))


def _ended(view: View, step: Step, task: Task, attempt: Attempt, result: AttemptResult) -> None:
    started_at = attempt.started_at if attempt.started_at is not None else result.started_at
    done = replace(attempt, result=result, started_at=started_at)
    if task.state is TaskState.STARTING and result.cause != "lost":
        task = advance(task, TaskState.RUNNING, attempt=done)  # its start was not heard of, but it ran
    _finish(view, step, task, done, result, _verdict(task, result))


def _verdict(task: Task, result: AttemptResult) -> EndReason | None:
    """The end reason, or None where the task goes back into its queue."""
    stop = task.stop
    if task.state is TaskState.STOPPING and stop is not None:
        if stop.keep_success and result.exit_code == 0:
            return EndReason.EXIT_ZERO
        return None if stop.requeue else stop.reason
    match result.cause:
        case "lost":
            return None if task.request.requeue else EndReason.LOST
        case "time_limit":
            return EndReason.TIME_LIMIT
        case "owner_gone":
            return EndReason.LEASE_EXPIRED
    if result.signal is not None:
        return EndReason.SIGNALLED
    return EndReason.EXIT_ZERO if result.exit_code == 0 else EndReason.EXIT_NONZERO


def _finish(
    view: View, step: Step, task: Task, attempt: Attempt, result: AttemptResult, reason: EndReason | None
) -> None:
    step.ended.append(task)
    details = {"attempt": attempt.number, "exit_code": result.exit_code, "signal": result.signal, "cause": result.cause}
    if reason is None:
        back = _put_back(view, task, attempt)
        why = "lost" if task.stop is None else task.stop.reason.value
        step.put_task(
            back, Record(at=result.ended_at, kind="requeued", task_id=task.id, details=details | {"reason": why})
        )
    else:
        ending = Ending(
            reason=reason, at=result.ended_at, exit_code=result.exit_code, signal=result.signal,
            detail=_told(view, task, result),
        )  # fmt: skip
        record = Record(at=result.ended_at, kind="ended", task_id=task.id, details=details | {"reason": reason.value})
        step.put_task(end(replace(task, attempt=attempt), ending), record)
    step.effects += [Wake(), Resample()]


def _put_back(view: View, task: Task, attempt: Attempt, retry_at: float | None = None) -> Task:
    """Into its queue again; held where it was moved into a hold queue meanwhile, or its queue became one."""
    back = advance(task, TaskState.PENDING, attempt=attempt, retry_at=retry_at)
    return advance(back, TaskState.HELD) if view.queue(task.queue).hold else back


def _told(view: View, task: Task, result: AttemptResult) -> str:
    if task.stop is not None and task.stop.reason is EndReason.GPU_LOST:
        by = faults_told(view, task)
    else:
        by = f"asked by {task.stop.by}" if task.stop is not None else ""
    return "; ".join(part for part in (by, result.detail) if part)


def _spawn_failed(view: View, step: Step, task: Task, attempt: Attempt, event: ev.SpawnFailed, now: float) -> None:
    result = AttemptResult(
        exit_code=None, signal=None, started_at=None, ended_at=now, cause="spawn_failed", detail=event.problem
    )
    done = replace(attempt, result=result)
    if task.state is TaskState.STOPPING or not event.is_transient:
        reason = _verdict(task, result) if task.state is TaskState.STOPPING else EndReason.SPAWN_FAILED
        _finish(view, step, task, done, result, reason)
        return
    retry_at = now + min(MAX_BACKOFF_S, 2.0 ** min(attempt.number - 1, 6))
    back = _put_back(view, task, done, retry_at)
    details = {"attempt": attempt.number, "problem": event.problem, "retry_at": retry_at}
    step.put_task(back, Record(at=now, kind="spawn_failed", task_id=task.id, details=details))
    step.ended.append(task)
    step.effects.append(Wake())


def _unknown(view: View, step: Step, task: Task, attempt: Attempt, now: float) -> None:
    """The runner made no directory for this attempt: it never began, or its traces are gone."""
    if task.state is TaskState.STARTING:
        step.effects.append(Spawn(task_id=task.id, attempt=attempt.number))
        return
    ran = attempt.started_at is not None
    detail = "the runner has no trace of it" if ran else "it was stopped before it began"
    result = AttemptResult(
        exit_code=None, signal=None, started_at=attempt.started_at, ended_at=now, cause="lost", detail=detail
    )
    _ended(view, step, task, attempt, result)
