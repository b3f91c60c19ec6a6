"""What would start now under other rules: the present moment under two policies."""

from collections.abc import Sequence

from gavelq.config import Config
from gavelq.config.history import SettingChange
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import PendingIndex
from gavelq.core.task import Task
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.settings import policy_of
from gavelq.daemon.views import Json, budget_json, pending_text, people_index
from gavelq.scheduling.cycle import Plan
from gavelq.scheduling.snapshot import Snapshot, take_snapshot
from gavelq.scheduling.spending import standing
from gavelq.scheduling.trial import compare

MAX_DIFFERENT = 50


def try_rules(desk: Desk, config: Config, changes: Sequence[SettingChange]) -> Json:
    """What a cycle would do at this moment, with the rules in force and with those of `config`. For admins."""
    state, policy, changed, now = desk.state, desk.loop.policy, policy_of(config), desk.clock.now()
    snapshot = take_snapshot(state, policy, now)
    after = take_snapshot(state, changed, now)
    found = compare(snapshot, policy, after, changed)
    kept = {victim for one in found.now.preemptions for victim in one.victims}
    stopped = {victim for one in found.then.preemptions for victim in one.victims}
    return {
        "changed": [one.as_json() for one in changes],
        "now": _starts(found.now, snapshot),
        "then": _starts(found.then, snapshot),
        "reasons": [
            _difference(state.tasks[task_id], state.pending, found.now, found.then)
            for task_id in found.different[:MAX_DIFFERENT]
        ],
        "preempted": sorted(stopped - kept),
        "budget": {
            "now": budget_json(standing(snapshot, policy, _taken(found.now))),
            "then": budget_json(standing(after, changed, _taken(found.then))),
        },
    }


def _taken(plan: Plan) -> list[GpuUuid]:
    return [uuid for start in plan.starts for uuid in start.gpus]


def _starts(plan: Plan, snapshot: Snapshot) -> list[Json]:
    return [
        {
            "task_id": start.task_id,
            "name": snapshot.tasks[start.task_id].request.name,
            "gpus": [people_index(snapshot.gpus[uuid].index) for uuid in start.gpus],
        }
        for start in plan.starts
    ]


def _difference(task: Task, pending: PendingIndex, now: Plan, then: Plan) -> Json:
    """Why a task waits under each of them; null where it would start."""
    (reason_now, text_now), (reason_then, text_then) = _wait(task, pending, now), _wait(task, pending, then)
    return {
        "task_id": task.id, "name": task.request.name, "now": text_now, "then": text_then, "now_reason": reason_now,
        "then_reason": reason_then,
    }  # fmt: skip


def _wait(task: Task, pending: PendingIndex, plan: Plan) -> tuple[str | None, str | None]:
    blocked = plan.reasons.get(pending.shape_of(task))
    if blocked is None or _is_started(task.id, plan):
        return None, None
    return blocked.reason.value, pending_text(task, blocked)


def _is_started(task_id: TaskId, plan: Plan) -> bool:
    return any(start.task_id == task_id for start in plan.starts)
