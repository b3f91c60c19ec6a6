"""What tenants may hold at once and within a window, and what they hold: the gate of their quotas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Shape
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.core.tenants import HOUR_S, Quota, Tenant
from gavelq.core.units import format_duration, format_memory
from gavelq.scheduling.reasons import Blocked, Reason


@dataclass(frozen=True, slots=True)
class TenantUse:
    """What a tenant holds now."""

    n_gpus: int = 0
    memory: int = 0
    """MiB, whole cards where nothing was declared."""
    n_running: int = 0

    def plus(self, n_gpus: int, memory: int) -> "TenantUse":
        """With one more task."""
        return TenantUse(self.n_gpus + n_gpus, self.memory + memory, self.n_running + 1)


@dataclass(frozen=True, slots=True)
class WindowUse:
    """What a tenant had within its window."""

    gpu_s: float
    opens_at: float
    """When the first of it is forgotten, in seconds since the epoch."""


def limited(tenants: Mapping[str, Tenant]) -> dict[str, Quota]:
    """The quotas that a cycle has to look at."""
    return {
        name: tenant.quota
        for name, tenant in tenants.items()
        if any(
            limit is not None
            for limit in (
                tenant.quota.max_gpus, tenant.quota.max_memory, tenant.quota.max_running, tenant.quota.gpu_hours,
            )
        )
        or tenant.quota.queues
        or tenant.quota.gpus
    }  # fmt: skip


def present(state: State, quotas: Mapping[str, Quota]) -> dict[str, TenantUse]:
    """What each of these tenants holds."""
    found = dict.fromkeys(quotas, TenantUse())
    for task in state.holding.values() if quotas else ():
        tenant = task.request.tenant
        if tenant in found:
            found[tenant] = found[tenant].plus(len(task.held_gpus), _memory(state, task))
    return found


def _memory(state: State, task: Task) -> int:
    declared = task.request.gpus.memory
    return sum(state.cards[gpu].memory_total if declared is None else declared for gpu in task.held_gpus)


def windows(state: State, quotas: Mapping[str, Quota], now: float) -> dict[str, WindowUse]:
    """What each tenant whose GPU-hours are limited had within its window; running tasks so far included.

    An hour counts as long as any of it lies within the window.
    """
    found: dict[str, WindowUse] = {}
    running = _running(state, now)
    for name, quota in quotas.items():
        if quota.gpu_hours is None:
            continue
        first = int((now - quota.window_s) // HOUR_S)
        hours = {hour: seconds for hour, seconds in state.hours_of.get(name, {}).items() if hour >= first}
        total, oldest = sum(hours.values()) + running.get(name, 0.0), min(hours, default=None)
        opens_at = inf if oldest is None else (oldest + 1) * HOUR_S + quota.window_s
        found[name] = WindowUse(total, opens_at)
    return found


def _running(state: State, now: float) -> dict[str, float]:
    """GPU-seconds of running attempts so far, by tenant."""
    found: dict[str, float] = {}
    for task in state.holding.values():
        if task.attempt is not None:
            so_far = max(0.0, now - task.attempt.placed_at) * len(task.held_gpus)
            found[task.request.tenant] = found.get(task.request.tenant, 0.0) + so_far
    return found


def quota_refusals(
    shape: Shape, quotas: Mapping[str, Quota], uses: Mapping[str, TenantUse], had: Mapping[str, WindowUse], card: int
) -> Iterator[Blocked]:
    """Every quota of its tenant that keeps a shape waiting. `card`: what a whole card counts for, in MiB."""
    quota = quotas.get(shape.tenant)
    if quota is None:
        return
    use, n = uses.get(shape.tenant, TenantUse()), shape.gpus.count
    need = cost_of(shape, n, card)
    if quota.max_running is not None and use.n_running >= quota.max_running:
        yield _no(shape, "max_running", quota.max_running, use.n_running, f"it runs {use.n_running} task(s)")
    if n and quota.max_gpus is not None and use.n_gpus + n > quota.max_gpus:
        words = f"it holds {use.n_gpus} GPU(s) and needs {n} more"
        yield _no(shape, "max_gpus", quota.max_gpus, use.n_gpus, words, need=n)
    if n and quota.max_memory is not None and use.memory + need > quota.max_memory:
        words = f"it holds {format_memory(use.memory)} of GPU memory and needs {format_memory(need)} more"
        yield _no(shape, "max_memory", quota.max_memory, use.memory, words, need=need)
    window = had.get(shape.tenant)
    if n and quota.gpu_hours is not None and window is not None and window.gpu_s >= quota.gpu_hours * HOUR_S:
        words = f"it had {window.gpu_s / HOUR_S:.1f} GPU-hours within {format_duration(quota.window_s)}"
        more = {"window_s": quota.window_s, "opens_at": None if window.opens_at == inf else window.opens_at}
        yield _no(shape, "gpu_hours", quota.gpu_hours, round(window.gpu_s / HOUR_S, 2), words, **more)


def place_refusals(shape: Shape, quotas: Mapping[str, Quota], name_of: Callable[[GpuUuid], str]) -> Iterator[Blocked]:
    """Where its tenant may no longer run: what was allowed when a task came in may have been taken back since.

    `name_of`: what people call a card.
    """
    quota, n = quotas.get(shape.tenant), shape.gpus.count
    if quota is None:
        return
    if quota.queues and shape.queue not in quota.queues:
        words = f"queue {shape.queue} is not among them; move it with: gavelq queue move TASK QUEUE"
        yield _not_here(shape, "queues", quota.queues, words, queue=shape.queue)
    n_left = sum(uuid in quota.gpus for uuid in shape.gpus.allowed)
    if quota.gpus and n_left < n:
        words = f"that leaves {n_left} of the GPUs that it may run on, and it needs {n}"
        yield _not_here(shape, "gpus", [name_of(uuid) for uuid in quota.gpus], words, left=n_left, need=n)


def _not_here(shape: Shape, limit: str, value: Sequence[str], words: str, **details: object) -> Blocked:
    return Blocked(
        reason=Reason.TENANT_QUOTA,
        words=f"the quota {limit} of tenant {shape.tenant} is {', '.join(value)}: {words}",
        details={"tenant": shape.tenant, "limit": limit, "value": list(value), **details},
    )


def cost_of(shape: Shape, n_gpus: int, card: int) -> int:
    """What a start counts for in GPU memory, in MiB."""
    return (card if shape.gpus.memory is None else shape.gpus.memory) * n_gpus


def _no(shape: Shape, limit: str, value: float, used: float, words: str, **details: object) -> Blocked:
    return Blocked(
        reason=Reason.TENANT_QUOTA,
        words=f"the quota {limit} of tenant {shape.tenant} is {value:g}: {words}",
        details={"tenant": shape.tenant, "limit": limit, "value": value, "used": used, **details},
    )
