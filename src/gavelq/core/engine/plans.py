"""Carrying out what a scheduling cycle decided."""

from gavelq.core import events as ev
from gavelq.core.effects import SendSignal, Spawn, Wake
from gavelq.core.engine.isolating import level_for
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.stopping import stop_task
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.log_names import log_of
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, Stop, Task, advance
from gavelq.core.view import View

MAX_LEAD_S = 3600.0
"""A warning comes at most so long before a preempted task is stopped."""


def plan_made(view: View, event: ev.PlanMade, now: float, rules: EngineRules) -> Step:
    """Carry out a plan: PENDING to STARTING, the only door to an allocation; and stop those that make room."""
    step = Step()
    for preemption in event.preemptions:
        for victim in preemption.victims:
            _preempt(step, view.task(victim), preemption, now)
    if event.preemptions:  # cards that were held back for these tasks are free for others
        step.effects.append(Wake())
    for start in event.starts:
        task = view.task(start.task_id)
        number = task.n_attempts + 1
        indices = tuple(view.card(gpu).index for gpu in start.gpus)
        log_path = _log_path(rules, task, number)
        attempt = Attempt(
            number=number, gpus=start.gpus, indices=indices, placed_at=now, log_path=log_path,
            borrowed=start.is_borrowed, isolation=level_for(view, rules, task.request),
        )  # fmt: skip
        starting = advance(task, TaskState.STARTING, attempt=attempt, log_path=log_path, retry_at=None)
        details = {"attempt": number, "gpus": list(indices), "why": start.why}
        step.put_task(starting, Record(at=now, kind="placed", task_id=task.id, details=details))
        step.effects.append(Spawn(task_id=task.id, attempt=number))
    if dict(event.reservations) != view.reservations:
        step.changes.reservations = dict(event.reservations)
    return step


def _preempt(step: Step, task: Task, preemption: ev.Preemption, now: float) -> None:
    """Back into its queue with its age: a warning first where it asked for one, then TERM, the grace time, KILL.

    Who ends well meanwhile has completed.
    """
    stop = Stop(reason=EndReason.PREEMPTED, by=f"task {preemption.task_id}", since=now, requeue=True, keep_success=True)
    warn = task.request.warn
    if warn is None or task.attempt is None:
        stop_task(step, task, stop)
        return
    step.effects.append(SendSignal(task_id=task.id, attempt=task.attempt.number, signal=warn.signal))
    stop_task(step, task, stop, delay_s=min(warn.before_s, MAX_LEAD_S))


def _log_path(rules: EngineRules, task: Task, number: int) -> str:
    """Of an attempt: all those of a task share a file that it names itself."""
    own = f"{rules.log_dir}/{task.id}.log" if number == 1 else f"{rules.log_dir}/{task.id}.{number}.log"
    return log_of(task.request, task_id=task.id, submission=task.submission_id, own=own)
