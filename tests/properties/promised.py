"""When a task that holds a reservation can start at the latest, worked out independently of the scheduler."""

from collections.abc import Mapping
from math import inf

from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid
from gavelq.core.reservation import Reservation
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy
from tests.properties import expected
from tests.properties.expected import Samples


def gone_by(task: Task, policy: Policy) -> float:
    """When a task that holds cards is gone at the latest: its supervisor keeps to the limit and the grace time."""
    attempt, found = task.attempt, inf
    assert attempt is not None
    if task.request.time_limit_s is not None:
        began = attempt.placed_at + policy.allowance_s if attempt.started_at is None else attempt.started_at
        found = began + task.request.time_limit_s + policy.grace_s
    if task.stop is not None:
        lead = 0.0 if task.request.warn is None else task.request.warn.before_s
        found = min(found, task.stop.since + lead + policy.grace_s + policy.allowance_s)
    return found


def would_be_gone_by(task: Task, policy: Policy, now: float) -> float:
    """When a task that started now would be gone at the latest."""
    limit = task.request.time_limit_s
    return inf if limit is None else now + policy.allowance_s + limit + policy.grace_s


def is_delayed_by(held: Reservation, ends_by: float) -> bool:
    """Whether a task that is gone by then may not have the reserved cards meanwhile."""
    return held.expected_at is None or ends_by > held.expected_at


def is_soft(task: Task) -> bool:
    """Whether a holder wants one whole card: no card idles for it, and who is more urgent may go first."""
    gpus = task.request.gpus
    return gpus.count == 1 and not gpus.share and not gpus.is_elastic


def is_whole(task: Task, held: Reservation) -> bool:
    """Whether cards are really held back: no arrival takes them, however urgent."""
    return held.is_preempting or not is_soft(task)


def free_at(state: State, task: Task, card: Card, samples: Samples, policy: Policy, now: float) -> float | None:
    """When a card can serve a task at the latest, by limits (infinite: nobody knows); None: that is not up to us."""
    if not expected.would_do(state, task, card, samples, policy):
        return None
    there, seen = expected.holders(state, card.uuid), samples[card.uuid]
    if not there:
        does = expected.is_quiet(state, task, card, now) and expected.has_settled(state, task, card, now)
        return now if does else None
    leaving = sorted((max(now, gone_by(one, policy)), one.id) for one in there)
    may_join = expected.is_quiet(state, task, card, now)
    for n_gone in range(len(leaving)):
        rest = [state.tasks[task_id] for _, task_id in leaving[n_gone:]]
        if may_join and expected.has_room(rest, task, seen, policy):
            return leaving[n_gone - 1][0] if n_gone else now
    return leaving[-1][0]


def _times(
    state: State, task: Task, held: Reservation, samples: Samples, policy: Policy, now: float
) -> dict[GpuUuid, float]:
    """When each card that the holder may have can serve it; those are left out of which that is not up to us."""
    queue = state.queues[task.queue]
    times = {
        card.uuid: free_at(state, task, card, samples, policy, now)
        for card in state.cards.values()
        if (card.uuid in held.gpus if held.is_preempting else expected.is_in_domain(state, queue, card))
    }
    return {gpu: at for gpu, at in times.items() if at is not None}


def is_over(state: State, task: Task, held: Reservation, samples: Samples, policy: Policy, now: float) -> bool:
    """Whether the holder waits for others than gavelq's own tasks: then its cards are for whoever comes."""
    return len(_times(state, task, held, samples, policy, now)) < task.request.gpus.count


def latest_start(
    state: State, task: Task, held: Reservation, closed: Mapping[GpuUuid, float], samples: Samples, policy: Policy,
    now: float,
) -> float:  # fmt: skip
    """When the holder of a reservation can start at the latest if limits are kept; infinite: nobody knows.

    `closed`: cards that are being emptied for others, and when those give them back.
    """
    times = _times(state, task, held, samples, policy, now)
    times = {gpu: max(at, closed.get(gpu, now)) for gpu, at in times.items()}
    used_until = {
        gpu: max(max(now, gone_by(one, policy)) for one in expected.holders(state, gpu))
        for gpu in expected.in_use(state)
    }
    moments = {now, *used_until.values(), *times.values()}
    for moment in sorted(moments - {inf}):
        free = [gpu for gpu, at in times.items() if at <= moment]
        still = {gpu for gpu, until in used_until.items() if until > moment}
        most = expected.budget(state, samples, policy, {*used_until, *free})  # others' cards count when used
        n_further = max(0, task.request.gpus.count - sum(gpu in still for gpu in free))
        if len(free) >= task.request.gpus.count and (not n_further or len(still) + n_further <= most):
            return moment
    return inf
