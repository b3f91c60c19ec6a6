"""The frozen picture that one cycle looks at."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TypeVar

from gavelq.core.bursts import Burst
from gavelq.core.fair_share import present_use
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned
from gavelq.core.pending import Shape, shape_of
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.state import State
from gavelq.core.task import GpuRequest, Task
from gavelq.core.tenants import Quota
from gavelq.scheduling.gpu_view import GpuView, gpu_views
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.quota import TenantUse, WindowUse, limited, present, windows

V = TypeVar("V")


@dataclass(slots=True, kw_only=True)
class Usage:
    """What gavelq's tasks hold; a cycle adds to its own copy as it places."""

    n_running: dict[QueueName, int] = field(default_factory=dict)
    n_gpus: dict[QueueName, int] = field(default_factory=dict)
    n_of: dict[SubmissionId, int] = field(default_factory=dict)
    """Tasks of submissions that run only so many at once."""
    n_total: int = 0
    n_cpu: int = 0
    tenants: dict[str, TenantUse] = field(default_factory=dict)
    """What those tenants hold whose quotas limit it."""

    def add(self, queue: QueueName, n_gpus: int, submission: SubmissionId | None) -> None:
        """Count one more task; `submission` only where it is limited."""
        self.n_running[queue] = self.n_running.get(queue, 0) + 1
        self.n_gpus[queue] = self.n_gpus.get(queue, 0) + n_gpus
        self.n_total += 1
        self.n_cpu += n_gpus == 0
        if submission is not None:
            self.n_of[submission] = self.n_of.get(submission, 0) + 1

    def add_for(self, tenant: str, n_gpus: int, memory: int) -> None:
        """Count what one more task holds for its tenant, where that is limited. `memory` in MiB."""
        use = self.tenants.get(tenant)
        if use is not None:
            self.tenants[tenant] = use.plus(n_gpus, memory)

    def copy(self) -> "Usage":
        """Another one with the same counts."""
        return Usage(
            n_running=dict(self.n_running), n_gpus=dict(self.n_gpus), n_of=dict(self.n_of),
            n_total=self.n_total, n_cpu=self.n_cpu, tenants=dict(self.tenants),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that a cycle decides by. Nobody changes the state while a cycle runs."""

    now: float
    queues: Mapping[QueueName, Queue]
    gpus: Mapping[GpuUuid, GpuView]
    tasks: Mapping[TaskId, Task]
    """All that have not ended."""
    buckets: Mapping[Shape, list[TaskId]]
    reservations: Mapping[str, Reservation]
    usage: Usage
    use: Mapping[str, float]
    """GPU-seconds that each tenant of a waiting task had (decayed to now) and, with what it holds, has."""
    quotas: Mapping[str, Quota]
    """Of tenants of waiting tasks that may not have all they want."""
    had: Mapping[str, WindowUse]
    """What those had within their windows whose GPU-hours are limited."""
    salts: Mapping[SubmissionId, int]
    """Of runs whose lanes take turns by chance: how many of their tasks are left, so that each end throws the dice."""
    weights: Mapping[str, float]
    """Of tenants of waiting tasks in fair share, where that is not one."""
    whole_card: int
    """What a whole card counts for in a quota of memory, in MiB: the smallest one."""
    owners: frozenset[QueueName]
    """Queues that own at least one GPU."""
    domains: Mapping[str, tuple[GpuView, ...]]
    """The cards of each domain, in index order."""
    learned: Mapping[str, Learned]
    bursts: Mapping[GpuUuid, Burst]
    links: Mapping[tuple[GpuUuid, GpuUuid], int]
    """How close two cards are (smaller is closer), both ways; empty where the driver does not tell."""
    capable: dict[tuple[QueueName, GpuRequest], int] = field(default_factory=dict, compare=False, repr=False)
    """How many of a queue's cards could ever serve a request; filled as it is asked."""

    def cards_for(self, queue: Queue) -> tuple[GpuView, ...]:
        """The cards that a queue's tasks may run on."""
        domain = domain_of(queue, self.owners)
        return self.domains.get(domain, ()) if domain is not None else ()

    def waiting_since(self, task_id: TaskId) -> float:
        """From when on a task ages: its submission, or the time that it may begin."""
        task = self.tasks[task_id]
        return max(task.submitted_at, task.request.not_before or 0.0)


POOL = "pool"


def domain_of(queue: Queue, owners: frozenset[QueueName]) -> str | None:
    """Where a queue's tasks run: on its own cards, on the pool, or nowhere (None)."""
    if queue.name in owners:
        return f"queue:{queue.name}"
    return POOL if queue.pool else None


def take_snapshot(state: State, policy: Policy, now: float, *, tenant: str | None = None) -> Snapshot:
    """Picture the state at this moment.

    Of tenants it holds what is asked for waiting tasks: a machine may have thousands that want nothing now. `tenant`:
    one for whom a task is to be tried that does not wait there.
    """
    waiting = {shape.tenant for shape in state.pending.buckets}
    if tenant is not None:
        waiting.add(tenant)
    tenants = _of(waiting, state.tenants)
    quotas = limited(tenants)
    weights = {name: tenant.weight for name, tenant in tenants.items() if tenant.weight != 1}
    usage = Usage(tenants=present(state, quotas))
    use = present_use(_of(waiting, state.shares), state.holding.values(), now, policy.share_half_life_s)
    for task in state.holding.values():
        request, n_gpus = task.request, len(task.held_gpus)
        usage.add(task.queue, n_gpus, task.submission_id if request.max_parallel is not None else None)
        if n_gpus:
            use[request.tenant] = use.get(request.tenant, 0.0) + n_gpus * policy.share_ahead_s
    gpus = gpu_views(state, now, policy)
    domains: dict[str, list[GpuView]] = {}
    for card in gpus.values():
        domains.setdefault(POOL if card.queue is None else f"queue:{card.queue}", []).append(card)
    links = {(a, b): near for one, other, near in state.books.sample.links for a, b in ((one, other), (other, one))}
    return Snapshot(
        now=now,
        queues=state.queues,
        gpus=gpus,
        tasks=state.tasks,
        buckets=state.pending.buckets,
        reservations=state.reservations,
        usage=usage,
        use=use,
        quotas=quotas,
        had=windows(state, quotas, now),
        salts={run: len(state.members[run]) for run in state.runs if _is_by_chance(state, run)},
        weights=weights,
        whole_card=min((card.memory_total for card in gpus.values()), default=0),
        owners=frozenset(card.queue for card in state.cards.values() if card.queue is not None),
        domains={name: tuple(cards) for name, cards in domains.items()},
        learned=state.learned,
        bursts=state.books.bursts,
        links=links,
    )


def _of(names: Set[str], rows: Mapping[str, V]) -> dict[str, V]:
    return {name: rows[name] for name in names if name in rows}


def _is_by_chance(state: State, run: SubmissionId) -> bool:
    """Whether the lanes of a run start in random order: those of a single-GPU file that is under way."""
    return state.runs[run].mode == "single" and run in state.members


def pending_shape(snapshot: Snapshot, task_id: TaskId) -> Shape | None:
    """The shape of a task that is pending; None for others."""
    task = snapshot.tasks.get(task_id)
    return shape_of(task) if task is not None and task.state == "pending" else None
