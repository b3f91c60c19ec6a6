"""What a tenant's quota says to a new, edited or moved task; and the hours of GPUs that it had."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from gavelq.core.errors import InvalidField, LimitReached, NotAllowed, Refused
from gavelq.core.ids import GpuUuid
from gavelq.core.lifecycle import TaskState
from gavelq.core.step import Step
from gavelq.core.task import Attempt, GpuRequest, TaskRequest
from gavelq.core.tenants import HOUR_S, MAX_WINDOW_S, HourKey, Tenant
from gavelq.core.units import format_duration, format_memory
from gavelq.core.view import View


def within_quota(view: View, request: TaskRequest) -> TaskRequest:
    """The request as its tenant may ask for it: with a limit where it names none.

    Raises Refused, InvalidField and NotAllowed, which name the quota.
    """
    tenant = view.tenants.get(request.tenant)
    if tenant is None:
        return request
    quota = tenant.quota
    if quota.queues and request.queue not in quota.queues:
        names = ", ".join(quota.queues)
        raise NotAllowed(action=f"queue {request.queue}", why=f"tenant {tenant.name} may use {names}", field="queue")
    if quota.max_priority is not None and request.priority > quota.max_priority:
        problem = f"{request.priority} is more than tenant {tenant.name} may ask for ({quota.max_priority})"
        raise InvalidField(field="priority", problem=problem, hint=f"ask for {quota.max_priority} or less")
    _require_gpus(tenant, request.gpus)
    return _with_limit(tenant, request)


def _with_limit(tenant: Tenant, request: TaskRequest) -> TaskRequest:
    cap = tenant.quota.max_time_limit_s
    if cap is None or (request.time_limit_s is not None and request.time_limit_s <= cap):
        return request
    if request.time_limit_s is None:
        return replace(request, time_limit_s=cap)
    problem = f"{format_duration(request.time_limit_s)} is more than tenant {tenant.name} may ask for"
    raise InvalidField(field="time_limit", problem=problem, hint=f"ask for {format_duration(cap)} or less")


def _require_gpus(tenant: Tenant, gpus: GpuRequest) -> None:
    quota = tenant.quota
    if gpus.count and quota.max_gpus is not None and gpus.count > quota.max_gpus:
        problem = f"it asks for {gpus.count} GPUs and tenant {tenant.name} may hold {quota.max_gpus} (max_gpus)"
        raise Refused(problem=problem, hint="ask for fewer", field="gpu_count")
    memory = (gpus.memory or 0) * gpus.count
    if quota.max_memory is not None and memory > quota.max_memory:
        asked, most = format_memory(memory), format_memory(quota.max_memory)
        problem = f"it asks for {asked} and tenant {tenant.name} may hold {most} (max_memory)"
        raise Refused(problem=problem, hint="ask for less memory", field="memory")
    if not gpus.count or not quota.gpus:
        return
    odd = [uuid for uuid in gpus.allowed if uuid not in quota.gpus]
    if odd:
        why = f"tenant {tenant.name} may not use it"
        raise NotAllowed(action=f"GPU {odd[0]}", why=why, hint="list other GPUs, or none", field="gpu_ids")
    if gpus.count > len(quota.gpus):
        problem = f"it asks for {gpus.count} GPUs and tenant {tenant.name} may use {len(quota.gpus)} (gpus)"
        raise Refused(problem=problem, hint="ask for fewer", field="gpu_count")


def require_memory(view: View, request: TaskRequest) -> None:
    """Raises Refused for a task that declares no memory where whole cards are more than its tenant may ever hold.

    They count as the smallest one of the machine, as in a cycle.
    """
    tenant, gpus = view.tenants.get(request.tenant), request.gpus
    most = None if tenant is None else tenant.quota.max_memory
    if most is None or not gpus.count or gpus.memory is not None:
        return
    cards = view.cards()
    parents = {card.parent for card in cards.values()}
    smallest = min((card.memory_total for uuid, card in cards.items() if uuid not in parents), default=0)
    if smallest * gpus.count > most:
        raise Refused(
            problem=f"it declares no memory, so that it counts with whole GPUs ({format_memory(smallest)} each), "
            f"and tenant {request.tenant} may hold {format_memory(most)} (max_memory)",
            hint="declare how much it needs on each GPU, with -m (memory in a task object)",
            field="memory",
        )


def offered_cards(view: View, tenant: str) -> tuple[GpuUuid, ...]:
    """The cards that tasks of this tenant may have; empty: any."""
    found = view.tenants.get(tenant)
    return () if found is None else found.quota.gpus


def require_room(view: View, requests: Sequence[TaskRequest]) -> None:
    """Raises LimitReached where a tenant would have too many tasks that have not started."""
    if not view.tenants:
        return
    wanted = Counter(request.tenant for request in requests)
    limited = {name: tenant.quota.max_queued for name in wanted if (tenant := view.tenants.get(name)) is not None}
    for name, most in limited.items():
        if most is None:
            continue
        waiting = (TaskState.HELD, TaskState.PENDING)
        n = sum(1 for task in view.live_tasks() if task.request.tenant == name and task.state in waiting)
        if n + wanted[name] > most:
            problem = f"tenant {name} has {n} tasks that have not started, and {wanted[name]} more were handed in"
            raise LimitReached(limit=f"max_queued ({most})", problem=problem, hint="wait until some have started")


def note_hours(view: View, step: Step, tenant: str, attempt: Attempt, until: float) -> None:
    """Add what an attempt had of GPUs to the hours of its tenant. Older hours than any quota looks at go.

    They are looked for when a tenant's hour begins: most ends of tasks add to one that is there.
    """
    if not attempt.gpus:
        return
    hours, known, n_gpus, has_begun = step.changes.hours, view.hours, len(attempt.gpus), False
    for hour, seconds in hours_of(attempt.placed_at, until):
        key = HourKey(tenant, hour)
        before = known.get(key)
        if before is None:
            has_begun, before = True, 0.0
        hours[key] = (hours.get(key) or before) + seconds * n_gpus
    if has_begun:
        hours.update(dict.fromkeys(view.hours_before(int((until - MAX_WINDOW_S) // HOUR_S) - 1)))


def hours_of(since: float, until: float) -> list[tuple[int, float]]:
    """A span as seconds by hour (since the epoch)."""
    found = []
    at = max(since, until - MAX_WINDOW_S)
    while at < until:
        hour = int(at // HOUR_S)
        end = min(until, (hour + 1) * HOUR_S)
        found.append((hour, end - at))
        at = end
    return found
