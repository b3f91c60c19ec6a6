"""`task why`: the whole story of a wait, or of an end, in data and in one sentence."""

from gavelq.core.idling import IdleAction
from gavelq.core.isolation import violation_text
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Task
from gavelq.core.units import format_duration
from gavelq.daemon.caller import Caller
from gavelq.daemon.discretion import Discretion
from gavelq.daemon.endings import how_it_ended
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, pending_text, people_index, stamp
from gavelq.scheduling.explain import Explanation, explain
from gavelq.scheduling.forecast import forecast
from gavelq.scheduling.snapshot import take_snapshot


def why(desk: Desk, caller: Caller, task: Task) -> Json:
    """The explanation object of docs/rest.md, as the caller may hear it."""
    discretion = desk.discretion(caller)
    told: Json = {
        "task": desk.task_json(task, caller),
        "state": task.state.value,
        "summary": _summary(desk, task),
        "gates": [],
        "cards": [],
        "position": None,
        "expected_start_at": None,
        "expected_basis": None,
        "would_start": [],
    }
    if task.state is TaskState.PENDING:
        found = _explained(desk, task)
        told["gates"], told["cards"] = gates_json(found, discretion), cards_json(found, discretion)
        told["position"] = found.forecast.position
        told["expected_start_at"] = stamp(found.forecast.at)
        told["expected_basis"] = found.forecast.basis
        told["would_start"] = [{"change": dict(change.fields), "text": change.words} for change in found.changes]
    return discretion.words(told)


def gates_json(found: Explanation, discretion: Discretion) -> list[Json]:
    """The gates, as a caller may hear of them."""
    return [discretion.words(gate) for gate in (
        {"gate": g.name, "passed": g.passes, "reason": None if g.passes else g.name, "text": g.text,
         "details": dict(g.details)}
        for g in found.gates
    )]  # fmt: skip


def cards_json(found: Explanation, discretion: Discretion) -> list[Json]:
    """The cards one by one, as a caller may hear of them."""
    return [discretion.words(card) for card in (
        {"index": people_index(index), "fits": refusal is None, "reason": refusal.reason.value if refusal else None,
         "text": refusal.text if refusal else "would do now", "details": dict(refusal.details) if refusal else {}}
        for index, refusal in found.cards.items()
    )]  # fmt: skip


def _explained(desk: Desk, task: Task) -> Explanation:
    shape = desk.state.pending.shape_of(task)
    snapshot = take_snapshot(desk.state, desk.loop.policy, desk.clock.now())
    return explain(task.id, shape, desk.loop.reasons.get(shape), snapshot, desk.loop.policy)


def _summary(desk: Desk, task: Task) -> str:
    name = f"task {task.id}"
    match task.state:
        case TaskState.HELD:
            by = "it was put on hold" if task.is_held_by_user else f"queue {task.queue} holds its tasks"
            by = task.hold_reason or by
            return f"{name} is held: {by}; release it with: gavelq task run {task.id}"
        case TaskState.PENDING:
            blocked = desk.loop.reasons.get(desk.state.pending.shape_of(task))
            if desk.loop.is_read_only:
                return f"{name} waits: the state cannot be written (disk full?), nothing starts until it can"
            if blocked is None:
                return f"{name} is about to be placed"
            return f"{name} waits ({blocked.reason}): {pending_text(task, blocked)}"
        case TaskState.STARTING:
            return f"{name} is starting on {_gpus(task)}"
        case TaskState.RUNNING:
            began = task.attempt.started_at if task.attempt else None
            ran = format_duration(desk.clock.now() - began) if began is not None else "a moment"
            seen = "".join(
                f"; violation: {violation_text(v)}" for v in (task.attempt.violations if task.attempt else ())
            )
            return f"{name} has been running on {_gpus(task)} for {ran}{seen}{_idle(desk, task)}"
        case TaskState.STOPPING:
            stop = task.stop
            asked = f" ({stop.reason}, asked by {stop.by})" if stop else ""
            return f"{name} is being stopped{asked}; what is left after the grace time is killed"
    return f"{name} {how_it_ended(task.ending)}" if task.ending else name


def _idle(desk: Desk, task: Task) -> str:
    """What its queue's idle policy says about it, once it has warned."""
    since, queue = task.attempt.idle_since if task.attempt else None, desk.state.queues.get(task.queue)
    if since is None:
        return ""
    told = f"; its GPUs have been idle for {format_duration(desk.clock.now() - since)}"
    if queue is None or queue.idle_after_s is None or not queue.idle_action.is_release:
        return told
    what = "put back" if queue.idle_action is IdleAction.REQUEUE else "ended"
    return f"{told}, and after {format_duration(queue.idle_after_s)} it is {what} (queue {queue.name})"


def _gpus(task: Task) -> str:
    indices = task.attempt.indices if task.attempt else ()
    return f"GPU {', '.join(indices)}" if indices else "no GPU"


def expected(desk: Desk, task: Task) -> Json:
    """Place in the order and expected start of a pending task, for `task info`; all null for others."""
    if task.state is not TaskState.PENDING or task.id not in desk.state.tasks:  # it may have ended since it was read
        return {"position": None, "expected_start_at": None, "expected_basis": None}
    policy = desk.loop.policy
    shape = desk.state.pending.shape_of(task)
    found = forecast(task.id, shape, take_snapshot(desk.state, policy, desk.clock.now()), policy)
    return {"position": found.position, "expected_start_at": stamp(found.at), "expected_basis": found.basis}
