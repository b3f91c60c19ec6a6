"""Carrying out what a scheduling cycle decided."""

from gavelq.core import events as ev
from gavelq.core.effects import Spawn
from gavelq.core.engine.rules import EngineRules
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import View
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, Task, advance


def plan_made(view: View, event: ev.PlanMade, now: float, rules: EngineRules) -> Step:
    """Carry out a plan: PENDING to STARTING, the only door to an allocation."""
    step = Step()
    for start in event.starts:
        task = view.task(start.task_id)
        number = task.n_attempts + 1
        indices = tuple(view.card(gpu).index for gpu in start.gpus)
        attempt = Attempt(number=number, gpus=start.gpus, indices=indices, placed_at=now)
        log_path = task.request.log_path or _log_path(rules, task, number)
        starting = advance(task, TaskState.STARTING, attempt=attempt, log_path=log_path, retry_at=None)
        details = {"attempt": number, "gpus": list(indices), "why": start.why}
        step.put_task(starting, Record(at=now, kind="placed", task_id=task.id, details=details))
        step.effects.append(Spawn(task_id=task.id, attempt=number))
    if dict(event.reservations) != view.reservations:
        step.changes.reservations = dict(event.reservations)
    return step


def _log_path(rules: EngineRules, task: Task, number: int) -> str:
    return f"{rules.log_dir}/{task.id}.log" if number == 1 else f"{rules.log_dir}/{task.id}.{number}.log"
