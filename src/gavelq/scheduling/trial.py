"""What would become of a task that nobody has submitted, or of all that wait under other rules. Nothing is changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gavelq.core.events import Placement
from gavelq.core.ids import TaskId
from gavelq.core.pending import Shape
from gavelq.core.task import Task
from gavelq.scheduling.cycle import Plan, plan
from gavelq.scheduling.explain import Explanation, explain
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked
from gavelq.scheduling.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a cycle would do with one more task that waits."""

    start: Placement | None
    """Where it would start at once."""
    reason: Blocked | None
    """Why it would wait."""
    explanation: Explanation
    n_stopped: int
    """Tasks that would be stopped for it (`preemption.enabled`)."""


def try_task(task: Task, snapshot: Snapshot, policy: Policy) -> Trial:
    """Let a cycle look at a pending task that is not there. Its id has to be above all others."""
    at_once = unwatched(policy)
    with_it = _with(task, snapshot)
    found, shape = plan(with_it, at_once), with_it.pending.shape_of(task)
    start = next((one for one in found.starts if one.task_id == task.id), None)
    reason = None if start is not None else found.reasons.get(shape)
    stopped = [one for one in found.preemptions if one.task_id == task.id]
    return Trial(
        start=start,
        reason=reason,
        explanation=explain(task.id, shape, reason, with_it, at_once),
        n_stopped=sum(len(one.victims) for one in stopped),
    )


def unwatched(policy: Policy) -> Policy:
    """The same rules without watching cards for a moment first: a trial answers at once."""
    return replace(policy, selection="best_fit") if policy.selection == "sampled" else policy


def _with(task: Task, snapshot: Snapshot) -> Snapshot:
    shape = snapshot.pending.shape_of(task)
    buckets: Mapping[Shape, list[TaskId]] = {
        **snapshot.buckets, shape: [*snapshot.buckets.get(shape, ()), task.id],
    }  # fmt: skip
    return replace(snapshot, tasks={**snapshot.tasks, task.id: task}, buckets=buckets, capable={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a cycle does now, and what it would do under other rules."""

    now: Plan
    then: Plan
    different: tuple[TaskId, ...]
    """Tasks that start under one of them alone, or wait for another reason; by id."""


def compare(snapshot: Snapshot, policy: Policy, other: Snapshot, changed: Policy) -> Comparison:
    """The same moment under two policies; `other` is the picture that the changed one gives of it."""
    now, then = plan(snapshot, unwatched(policy)), plan(other, unwatched(changed))
    starts = {one.task_id: one.gpus for one in now.starts}, {one.task_id: one.gpus for one in then.starts}
    different: list[TaskId] = []
    for shape, ids in snapshot.buckets.items():
        is_same = reason_of(now, shape) == reason_of(then, shape)
        for task_id in ids:
            fates = [task_id in some for some in starts]
            if fates[0] != fates[1] or (not fates[0] and not is_same):
                different.append(task_id)
    return Comparison(now=now, then=then, different=tuple(sorted(different)))


def reason_of(found: Plan, shape: Shape) -> str | None:
    """The reason that a plan gives to those of a shape that do not start."""
    blocked = found.reasons.get(shape)
    return blocked.reason.value if blocked is not None else None
