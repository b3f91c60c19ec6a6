"""How much of the GPUs each tenant had, where older use counts less and less.

A GPU-second counts half after one half-life, a quarter after two. Use fades while it happens, so that a task that runs
for weeks is charged what many short ones in a row would be.
"""

from collections.abc import Iterable, Mapping
from math import exp2, expm1, log

from gavelq.core.learned import ShareUse
from gavelq.core.task import Attempt, Task, TaskRequest

SHARED_COST = 0.5
"""What a task that shares its GPUs is charged of each."""


def decayed(use: ShareUse, now: float, half_life_s: float) -> ShareUse:
    """The same use as it counts at `now` (seconds since the epoch); a clock that was set back makes nothing grow."""
    return ShareUse(gpu_s=use.gpu_s * exp2(-max(0.0, now - use.at) / half_life_s), at=now)


def faded(gpu_s: float, since: float, until: float, now: float, half_life_s: float) -> float:
    """What `gpu_s` GPU-seconds per second from `since` to `until` still count at `now`.

    The integral of each moment's use times its decay; nearly (until - since) x gpu_s where that is short.
    """
    rate = log(2) / half_life_s
    took = max(0.0, until - since)
    return gpu_s * -expm1(-rate * took) / rate * exp2(-max(0.0, now - until) / half_life_s)


def charged(
    use: ShareUse | None, gpus: float, since: float, until: float, *, now: float, half_life_s: float
) -> ShareUse:
    """The use of a tenant who also had `gpus` GPUs from `since` to `until`, as it counts at `now`."""
    before = 0.0 if use is None else decayed(use, now, half_life_s).gpu_s
    return ShareUse(gpu_s=before + faded(gpus, since, min(until, now), now, half_life_s), at=now)


def cost(request: TaskRequest, attempt: Attempt) -> float:
    """How many GPUs an attempt is charged for: those it held, half of each where it shares them. None: nothing."""
    return len(attempt.gpus) * (SHARED_COST if request.gpus.share else 1.0)


def present_use(
    shares: Mapping[str, ShareUse], running: Iterable[Task], now: float, half_life_s: float
) -> dict[str, float]:
    """GPU-seconds by tenant as they count at `now`: those of ended attempts, and of the running ones so far."""
    found = {tenant: decayed(use, now, half_life_s).gpu_s for tenant, use in shares.items()}
    for task in running:
        attempt, tenant = task.attempt, task.request.tenant
        if attempt is not None and attempt.gpus:
            so_far = faded(cost(task.request, attempt), attempt.placed_at, now, now, half_life_s)
            found[tenant] = found.get(tenant, 0.0) + so_far
    return found
