"""Gates that do not look at single cards: may this task start at all, whatever is free?"""

from collections.abc import Iterator

from gavelq.core.pending import Shape
from gavelq.core.queue import Queue
from gavelq.core.task import GpuRequest
from gavelq.core.units import format_duration
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.quota import place_refusals, quota_refusals
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot, Usage, domain_of


def refusals(shape: Shape, snapshot: Snapshot, usage: Usage, policy: Policy) -> Iterator[Blocked]:
    """Every gate's no, by precedence; nothing when all let it pass."""
    queue = snapshot.queues[shape.queue]
    if queue.paused:
        yield Blocked(
            reason=Reason.QUEUE_PAUSED,
            words=f"queue {queue.name} is paused; resume it with: gavelq queue resume {queue.name}",
            details={"queue": queue.name},
        )
    # Most shapes have nothing to do with most gates: a cycle asks for thousands of them.
    if shape.is_dependent or shape.is_timed:
        yield from _times(shape, snapshot)
    outside = tuple(place_refusals(shape, snapshot.quotas, snapshot.name_of)) if snapshot.quotas else ()
    yield from outside
    if shape.gpus.count and not outside and not _has_cards(shape, queue, snapshot):
        yield _too_small(shape, queue, snapshot)
    if queue.max_running is not None or queue.max_gpus is not None:
        yield from _queue_limits(shape, snapshot, usage)
    if snapshot.quotas:
        yield from quota_refusals(shape, snapshot.quotas, usage.tenants, snapshot.had, snapshot.whole_card)
    if shape.max_parallel is not None or policy.max_running is not None or not shape.gpus.count:
        yield from _task_limits(shape, usage, policy)
    if shape.is_behind:
        yield Blocked(reason=Reason.SERIAL, words="a task before it in its lane has not ended")


def opens_at(shape: Shape, now: float) -> float | None:
    """When a gate opens by itself (a begin time, a backoff), in seconds since the epoch; None: only events can help."""
    later = [at for at in (shape.not_before, shape.retry_at) if at is not None and at > now]
    return max(later, default=None)


def _times(shape: Shape, snapshot: Snapshot) -> Iterator[Blocked]:
    """What time or other tasks have to do first."""
    if shape.not_before is not None and snapshot.now < shape.not_before:
        wait_s = shape.not_before - snapshot.now
        yield Blocked(
            reason=Reason.BEGIN_TIME,
            words=f"it is not to begin before a time that is {format_duration(wait_s)} away",
            details={"not_before": shape.not_before},
        )
    if shape.is_dependent:
        yield Blocked(reason=Reason.DEPENDENCY, words="it waits for other tasks to end")
    if shape.retry_at is not None and snapshot.now < shape.retry_at:
        wait_s = shape.retry_at - snapshot.now
        yield Blocked(
            reason=Reason.BACKOFF,
            words=f"its last try failed; the next one is in {format_duration(wait_s)}",
            details={"retry_at": shape.retry_at},
        )


def _has_cards(shape: Shape, queue: Queue, snapshot: Snapshot) -> bool:
    """Whether enough of the queue's cards could serve it, empty and well."""
    n_capable = snapshot.capable.get(shape.asked)
    if n_capable is None:
        n_capable = sum(1 for card in snapshot.cards_for(queue) if is_capable(shape.gpus, card))
        snapshot.capable[shape.asked] = n_capable
    return n_capable >= shape.gpus.count


def _too_small(shape: Shape, queue: Queue, snapshot: Snapshot) -> Blocked:
    """The queue's cards could never serve it, however idle they were."""
    domain = domain_of(queue, snapshot.owners)
    if domain is None:
        return Blocked(
            reason=Reason.INFEASIBLE,
            words=f"queue {queue.name} owns no GPU and may not use the pool; "
            f"give it one with: gavelq gpu allocate {queue.name}",
            details={"queue": queue.name},
        )
    n_capable = snapshot.capable[shape.asked]
    where = f"queue {queue.name} owns" if domain != "pool" else "the pool has"
    quota = snapshot.quotas.get(shape.tenant)
    what = "GPU(s) that could ever serve it"
    what += f", of those that tenant {shape.tenant} may use" if quota is not None and quota.gpus else ""
    return Blocked(
        reason=Reason.INFEASIBLE,
        words=f"it needs {shape.gpus.count} and {where} {n_capable} {what}",
        details={"queue": queue.name, "need": shape.gpus.count, "have": n_capable, "domain": domain},
    )


def is_capable(request: GpuRequest, card: GpuView) -> bool:
    """Whether a card, empty and well, could serve the request."""
    return (
        (request.memory is None or card.memory_total >= request.memory)
        and (not request.allowed or card.uuid in request.allowed)
        and not (card.is_mig and max(request.count, request.max_count or 0) > 1)
    )


def _queue_limits(shape: Shape, snapshot: Snapshot, usage: Usage) -> Iterator[Blocked]:
    queue = snapshot.queues[shape.queue]
    where = {"queue": queue.name}
    n_running = usage.n_running.get(queue.name, 0)
    if queue.max_running is not None and n_running >= queue.max_running:
        yield Blocked(
            reason=Reason.QUEUE_LIMIT,
            words=f"queue {queue.name} runs {n_running} task(s), its max_running is {queue.max_running}",
            details={**where, "limit": "max_running", "value": queue.max_running, "used": n_running},
        )
    n_gpus = usage.n_gpus.get(queue.name, 0)
    if queue.max_gpus is not None and shape.gpus.count and n_gpus + shape.gpus.count > queue.max_gpus:
        yield Blocked(
            reason=Reason.QUEUE_LIMIT,
            words=f"queue {queue.name} uses {n_gpus} GPU(s), its max_gpus is {queue.max_gpus}, "
            f"it needs {shape.gpus.count} more",
            details={**where, "limit": "max_gpus", "value": queue.max_gpus, "used": n_gpus, "need": shape.gpus.count},
        )


def _task_limits(shape: Shape, usage: Usage, policy: Policy) -> Iterator[Blocked]:
    if shape.submission is not None and shape.max_parallel is not None:
        n_running = usage.n_of.get(shape.submission, 0)
        if n_running >= shape.max_parallel:
            yield Blocked(
                reason=Reason.ARRAY_LIMIT,
                words=f"{n_running} task(s) of submission {shape.submission} run, at most {shape.max_parallel} may",
                details={"submission": shape.submission, "value": shape.max_parallel, "used": n_running},
            )
    if policy.max_running is not None and usage.n_total >= policy.max_running:
        yield Blocked(
            reason=Reason.TASK_LIMIT,
            words=f"{usage.n_total} task(s) run, limits.max_running is {policy.max_running}",
            details={"limit": "limits.max_running", "value": policy.max_running, "used": usage.n_total},
        )
    if shape.gpus.count == 0 and usage.n_cpu >= policy.max_cpu_tasks:
        yield Blocked(
            reason=Reason.TASK_LIMIT,
            words=f"{usage.n_cpu} task(s) without GPU run, limits.max_cpu_tasks is {policy.max_cpu_tasks}",
            details={"limit": "limits.max_cpu_tasks", "value": policy.max_cpu_tasks, "used": usage.n_cpu},
        )
