"""`POST /api/tasks` with `dry_run`: where and when a task would start that nobody has submitted yet."""

import asyncio
from collections.abc import Callable

from gavelq.core import events as ev
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Task
from gavelq.daemon.caller import Caller
from gavelq.daemon.service import changes, dependencies
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.why import cards_json, gates_json
from gavelq.daemon.views import Json, people_index, stamp
from gavelq.formats.expansion import Expanded
from gavelq.scheduling.snapshot import take_snapshot
from gavelq.scheduling.trial import Trial, try_task


async def dry_run(desk: Desk, caller: Caller, parse: Callable[[], Expanded]) -> Json:
    """Judge a submission of one task as if it were made. Raises what that would raise; nothing is changed."""
    caller.require_submit("submitting")
    intake = changes.intake_for(desk, caller)
    request = await asyncio.to_thread(lambda: intake.request(parse().tasks[0], None))
    event = ev.TasksSubmitted(by=caller.name, requests=(request,), blobs=intake.blobs)
    step = await dependencies.judge(desk, caller, event)
    task = next(task for task in step.changes.tasks.values() if task is not None)
    discretion = desk.discretion(caller)
    nothing: Json = {"position": None, "expected_start_at": None, "expected_basis": None}
    told: Json = {
        "valid": True, "task": _shown(desk, caller, task), "starts_now": False, "gpus": [], "summary": "", "gates": [],
        "cards": [], **nothing,
    }  # fmt: skip
    if task.state is not TaskState.PENDING:
        by = "it asks for that" if task.is_held_by_user else f"queue {task.queue} holds its tasks"
        return {**told, "summary": f"it would be held: {by}"}
    policy = desk.loop.policy
    snapshot = take_snapshot(desk.state, policy, desk.clock.now(), tenant=task.request.tenant)
    tried = try_task(task, snapshot, policy)
    told["gates"], told["cards"] = gates_json(tried.explanation, discretion), cards_json(tried.explanation, discretion)
    told["summary"] = _summary(tried, [snapshot.gpus[uuid].index for uuid in tried.start.gpus] if tried.start else [])
    if tried.start is not None:
        told |= {"starts_now": True, "expected_start_at": stamp(snapshot.now), "expected_basis": "it would start now"}
        told["gpus"] = [people_index(snapshot.gpus[uuid].index) for uuid in tried.start.gpus]
        told["position"] = tried.explanation.forecast.position
        return discretion.words(told)
    forecast = tried.explanation.forecast
    told |= {
        "position": forecast.position, "expected_start_at": stamp(forecast.at), "expected_basis": forecast.basis,
    }  # fmt: skip
    return discretion.words(told)


def _shown(desk: Desk, caller: Caller, task: Task) -> Json:
    """The task without what only a real one has."""
    shown = desk.task_json(task, caller)
    own_log = task.request.log_path is not None
    return {**shown, "id": None, "submission_id": None, "log_path": task.log_path if own_log else None}


def _summary(tried: Trial, indices: list[str]) -> str:
    if tried.start is not None:
        return f"it would start now on GPU {', '.join(indices)}" if indices else "it would start now, without a GPU"
    if tried.n_stopped:
        return f"it would wait a moment while {tried.n_stopped} less urgent task(s) are stopped for it"
    if tried.reason is None:
        return "it would wait"
    return f"it would wait ({tried.reason.reason}): {tried.reason.text}"
