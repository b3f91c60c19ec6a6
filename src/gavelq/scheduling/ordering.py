"""The order in which tasks are looked at: priority first, then what the policy says, then submission."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.pending import Shape
from gavelq.core.queue import Queue
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot

Key = tuple[float, float, float, int, int, int]
"""Smaller goes first: minus the priority level, the tenant's use, the policy's size, the id that this size is of, the
rank within a command file, the id. For a task of a command file size and id are those of the best among its fellows.
"""
Best = tuple[float, int]
"""Size and id of the best task of a command file."""


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
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of tenants, where that is not one: twice the weight, half as much counts as used."""
    salts: Mapping[SubmissionId, int] = field(default_factory=dict)
    """Of command files whose ranks are shuffled."""
    best: dict[tuple[SubmissionId, int], Best] = field(default_factory=dict)
    """By submission and priority level, for those that come from command files."""

    def key(self, shape: Shape, queue: Queue, task_id: TaskId, since: float) -> Key:
        """Where a task stands that has been waiting since `since` (seconds since the epoch)."""
        at = level(shape, queue)
        size, by = self._size(shape, since), int(task_id)
        rank = 0
        if shape.rank is not None:
            submission, rank = shape.rank
            if submission in self.salts:
                rank = shuffled(rank, self.salts[submission])
            size, by = self.best.get((submission, at), (size, by))
        share = 0.0
        if self.is_shared and self.policy.order == "fair":
            share = self.use.get(shape.tenant, 0.0) / self.weights.get(shape.tenant, 1.0)
        return (-float(at), share, size, by, rank, task_id)

    def _size(self, shape: Shape, since: float) -> float:
        match self.policy.order:
            case "fair":
                return area(shape, self.policy, self.now - since)
            case "fifo":
                return 0.0
            case "largest_first":
                return -float(shape.gpus.count)
            case "smallest_first":
                return float(shape.gpus.count)
            case "shortest_first":
                return self.policy.unknown_limit_s if shape.time_limit_s is None else shape.time_limit_s

    def rank_together(self, snapshot: Snapshot) -> None:
        """Let the tasks of a command file whose turn it is stand where the best of them stands, by their ranks there.

        A task in a pause is not among them: its fellows do not wait for it.
        """
        for shape, ids in snapshot.buckets.items():
            if shape.rank is None or (shape.retry_at or 0.0) > self.now or (shape.not_before or 0.0) > self.now:
                continue
            key = (shape.rank[0], level(shape, snapshot.queues[shape.queue]))
            own = (self._size(shape, snapshot.waiting_since(ids[0])), int(ids[0]))
            self.best[key] = min(own, self.best.get(key, own))

    def charge(self, tenant: str, n_gpus: int) -> None:
        """A tenant was given cards."""
        self.use[tenant] = self.use.get(tenant, 0.0) + n_gpus * self.policy.share_ahead_s


def shuffled(rank: int, salt: int) -> int:
    """A rank in another random order for each salt (the finalizer of MurmurHash3, by A. Appleby).

    With ranks that stayed as they are, a lane whose turn has a high one would wait for all others to be over.
    """
    found = (rank * 0x9E3779B1 + salt * 0x85EBCA77) & 0xFFFFFFFF
    found = ((found ^ (found >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    found = ((found ^ (found >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return found ^ (found >> 16)


def ordering(policy: Policy, snapshot: Snapshot) -> Ordering:
    """The order of one cycle over this snapshot."""
    pending, buckets = snapshot.pending, snapshot.buckets
    is_real = buckets is pending.buckets  # not those of a trial
    tenants = pending.n_of_tenant if is_real else {shape.tenant for shape in buckets}
    found = Ordering(policy, snapshot.now, dict(snapshot.use), len(tenants) > 1, snapshot.weights, snapshot.salts)
    if not is_real or pending.n_ranked:
        found.rank_together(snapshot)
    return found
