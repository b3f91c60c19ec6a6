"""The order in which tasks are looked at: priority first, then what the policy says, then submission."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.ids import TaskId
from gavelq.core.pending import Shape
from gavelq.core.queue import Queue
from gavelq.scheduling.policy import Policy

Key = tuple[float, float, float, int]
"""Smaller goes first: minus the priority level, the tenant's use, the policy's size, the id."""


def level(shape: Shape, queue: Queue) -> int:
    """The task's priority (0..100) and its queue's (0..9) together; higher goes first."""
    return shape.priority + queue.priority


def area(shape: Shape, policy: Policy, wait_s: float) -> float:
    """Aged smallest area: (time limit x GPUs) / (1 + wait / ageing_s) ^ exponent, in GPU-seconds.

    Small tasks first makes the mean completion time short; ageing lets every large one come through. Measured on real
    traces (docs/decisions/04-order.md). A task without a limit counts as `scheduling.unknown_limit_s`.
    """
    limit = policy.unknown_limit_s if shape.time_limit_s is None else shape.time_limit_s
    aged = (1 + max(0.0, wait_s) / policy.ageing_s) ** policy.ageing_exponent
    return float(limit * shape.gpus.count / aged)


@dataclass(slots=True)
class Ordering:
    """Gives keys to tasks. `use` holds decayed GPU-seconds by tenant, and grows as a cycle hands out cards."""

    policy: Policy
    now: float
    use: dict[str, float] = field(default_factory=dict)
    is_shared: bool = False
    """Whether several tenants wait: on a single-user box nobody sees anything of the shares."""

    def key(self, shape: Shape, queue: Queue, task_id: TaskId, since: float) -> Key:
        """Where a task stands that has been waiting since `since` (seconds since the epoch)."""
        first = -float(level(shape, queue))
        match self.policy.order:
            case "fair":
                share = self.use.get(shape.tenant, 0.0) if self.is_shared else 0.0
                return (first, share, area(shape, self.policy, self.now - since), task_id)
            case "fifo":
                return (first, 0.0, 0.0, task_id)
            case "largest_first":
                return (first, 0.0, -float(shape.gpus.count), task_id)
            case "smallest_first":
                return (first, 0.0, float(shape.gpus.count), task_id)

    def charge(self, tenant: str, n_gpus: int) -> None:
        """A tenant was given cards."""
        self.use[tenant] = self.use.get(tenant, 0.0) + n_gpus * self.policy.share_ahead_s


def ordering(policy: Policy, now: float, tenants: set[str], use: Mapping[str, float]) -> Ordering:
    """The order of one cycle. `tenants` are those who wait; `use` is what each had and holds."""
    return Ordering(policy, now, dict(use), len(tenants) > 1)
