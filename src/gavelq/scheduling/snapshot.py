"""The frozen picture that one cycle looks at."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.pending import Shape, shape_of
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.state import State
from gavelq.scheduling.gpu_view import GpuView, gpu_views
from gavelq.scheduling.policy import Policy


@dataclass(slots=True, kw_only=True)
class Usage:
    """What gavelq's tasks hold; a cycle adds to its own copy as it places."""

    n_running: dict[QueueName, int]
    n_gpus: dict[QueueName, int]
    n_total: int
    n_cpu: int

    def add(self, queue: QueueName, n_gpus: int) -> None:
        """Count one more task."""
        self.n_running[queue] = self.n_running.get(queue, 0) + 1
        self.n_gpus[queue] = self.n_gpus.get(queue, 0) + n_gpus
        self.n_total += 1
        self.n_cpu += n_gpus == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that a cycle decides by. Nobody changes the state while a cycle runs."""

    now: float
    queues: Mapping[QueueName, Queue]
    gpus: Mapping[GpuUuid, GpuView]
    buckets: Mapping[Shape, list[TaskId]]
    reservations: Mapping[str, Reservation]
    shapes_of_holders: Mapping[TaskId, Shape]
    """The shapes of the tasks that hold a reservation and are still pending."""
    usage: Usage
    owners: frozenset[QueueName]
    """Queues that own at least one GPU."""
    domains: Mapping[str, tuple[GpuView, ...]]
    """The cards of each domain, in index order."""

    def cards_for(self, queue: Queue) -> tuple[GpuView, ...]:
        """The cards that a queue's tasks may run on."""
        domain = domain_of(queue, self.owners)
        return self.domains.get(domain, ()) if domain is not None else ()


POOL = "pool"


def domain_of(queue: Queue, owners: frozenset[QueueName]) -> str | None:
    """Where a queue's tasks run: on its own cards, on the pool, or nowhere (None)."""
    if queue.name in owners:
        return f"queue:{queue.name}"
    return POOL if queue.pool else None


def take_snapshot(state: State, policy: Policy, now: float) -> Snapshot:
    """Picture the committed state at this moment."""
    usage = Usage(n_running={}, n_gpus={}, n_total=0, n_cpu=0)
    for task in state.holding.values():
        usage.add(task.queue, len(task.held_gpus))
    gpus = gpu_views(state, now, unattributed_mib=policy.unattributed_mib, stale_s=policy.stale_s)
    domains: dict[str, tuple[GpuView, ...]] = {}
    for card in gpus.values():
        domain = POOL if card.queue is None else f"queue:{card.queue}"
        domains[domain] = (*domains.get(domain, ()), card)
    holders = {
        task_id: state.tasks[task_id]
        for task_id in (held.task_id for held in state.reservations.values())
        if task_id in state.tasks
    }
    return Snapshot(
        now=now,
        queues=state.queues,
        gpus=gpus,
        buckets=state.pending.buckets,
        reservations=state.reservations,
        shapes_of_holders={task_id: shape_of(task) for task_id, task in holders.items() if task.state == "pending"},
        usage=usage,
        owners=frozenset(card.queue for card in state.cards.values() if card.queue is not None),
        domains=domains,
    )
