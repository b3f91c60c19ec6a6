"""The frozen picture that one cycle looks at."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from gavelq.core.bursts import Burst
from gavelq.core.fair_share import present_use
from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned
from gavelq.core.marks import Marks
from gavelq.core.pending import Asked, PendingIndex, Shape
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.core.tenants import Quota
from gavelq.scheduling.gpu_view import GpuView, Holder, gpu_view, gpu_views, held_anew, is_bare, stale_text
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.quota import TenantUse, WindowUse, limited, present, windows

if TYPE_CHECKING:
    from gavelq.scheduling.holds import Hold
    from gavelq.scheduling.matching import Match

V = TypeVar("V")


@dataclass(slots=True, kw_only=True)
class Usage:
    """What gavelq's tasks hold; a cycle adds to its own copy as it places. The state's own counts are behind it."""

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


@fixed
class Snapshot:
    """Everything that a cycle decides by. Nobody changes the state while a cycle runs."""

    now: float
    queues: Mapping[QueueName, Queue]
    gpus: Mapping[GpuUuid, GpuView]
    tasks: Mapping[TaskId, Task]
    """All that have not ended."""
    buckets: Mapping[Shape, list[TaskId]]
    pending: PendingIndex
    """What is pending in the state."""
    n_borrowed: int
    """Tasks that run on cards which another queue lends."""
    reservations: Mapping[str, Reservation]
    usage: Usage
    use: Mapping[str, float]
    """GPU-seconds that each tenant of a waiting task had (decayed to now) and, with what it holds, has.

    Empty where tasks of no more than one tenant wait: shares decide between tenants.
    """
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
    domains: Mapping[str, Sequence[GpuView]]
    """The cards of each domain, in index order."""
    learned: Mapping[str, Learned]
    bursts: Mapping[GpuUuid, Burst]
    links: Mapping[tuple[GpuUuid, GpuUuid], int]
    """How close two cards are (smaller is closer), both ways; empty where the driver does not tell."""
    capable: dict[Asked, int] = field(default_factory=dict, compare=False, repr=False)
    """How many of a queue's cards could ever serve what is asked for; filled as it is asked."""
    matches: "dict[Asked, tuple[int, Match]]" = field(default_factory=dict, compare=False, repr=False)
    """Which cards fit what is asked for, and the mark up to which that is right; filled as it is asked."""
    held_for: "dict[str, tuple[Match, Hold]]" = field(default_factory=dict, compare=False, repr=False)
    """By domain what was held back for whom, and the match that this came from."""
    policy: Policy = field(default_factory=Policy, compare=False, repr=False)
    """What those matches were made under."""
    marks: Marks = field(default_factory=Marks, compare=False, repr=False)
    """Which views of cards are new since earlier snapshots of the same camera."""

    def cards_for(self, queue: Queue) -> Sequence[GpuView]:
        """The cards that a queue's tasks may run on."""
        domain = domain_of(queue, self.owners)
        return self.domains.get(domain, ()) if domain is not None else ()

    def name_of(self, uuid: GpuUuid) -> str:
        """What people call a card: its index, where it is here."""
        card = self.gpus.get(uuid)
        return uuid if card is None else card.index

    def waiting_since(self, task_id: TaskId) -> float:
        """From when on a task ages: its submission, or the time that it may begin."""
        task = self.tasks[task_id]
        not_before = task.request.not_before
        return task.submitted_at if not_before is None else max(task.submitted_at, not_before)


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
    return Camera(state).take(policy, now, tenant=tenant)


class Camera:
    """Takes one snapshot of a state after the other, and looks anew at those cards alone that changed.

    A snapshot shares with the camera what it keeps: it is over when the next one is taken, or when the state changes.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self._policy: Policy | None = None
        self._seen = (-1, -1)
        """The last changes of the ledger and of the books that it knows of."""
        self._is_stale = True
        self._passing: set[GpuUuid] = set()
        """Cards that look different as time goes by, or as names are learned."""
        self._gpus: dict[GpuUuid, GpuView] = {}
        self._domains: dict[str, list[GpuView]] = {}
        self._place: dict[GpuUuid, tuple[list[GpuView], int]] = {}
        """Where each card stands in its domain."""
        self._marks = Marks()
        self._links: Mapping[tuple[GpuUuid, GpuUuid], int] = {}
        self._capable: dict[Asked, int] = {}
        self._matches: dict[Asked, tuple[int, Match]] = {}
        self._held_for: dict[str, tuple[Match, Hold]] = {}
        self._owners: frozenset[QueueName] = frozenset()
        self._whole_card = 0

    def take(self, policy: Policy, now: float, *, tenant: str | None = None) -> Snapshot:
        """Picture the state at this moment; see `take_snapshot`."""
        state = self.state
        self._look(policy, now)
        waiting = set(state.pending.n_of_tenant)
        if tenant is not None:
            waiting.add(tenant)
        tenants = _of(waiting, state.tenants) if state.tenants else {}
        quotas = limited(tenants) if tenants else {}
        running = state.running
        return Snapshot(
            now=now,
            queues=state.queues,
            gpus=self._gpus,
            tasks=state.tasks,
            buckets=state.pending.buckets,
            pending=state.pending,
            n_borrowed=running.n_borrowed,
            reservations=state.reservations,
            usage=Usage(
                n_running=running.n_of_queue, n_gpus=running.n_gpus, n_of=running.n_of_submission,
                n_total=running.n_total, n_cpu=running.n_cpu, tenants=present(state, quotas) if quotas else {},
            ),
            use=self._use(waiting, policy, now) if len(waiting) > 1 else {},
            quotas=quotas,
            had=windows(state, quotas, now) if quotas else {},
            salts={run: len(state.members[run]) for run in state.runs if _is_by_chance(state, run)},
            weights={name: tenant.weight for name, tenant in tenants.items() if tenant.weight != 1},
            whole_card=self._whole_card,
            owners=self._owners,
            domains=self._domains,
            learned=state.learned,
            bursts=state.books.bursts,
            links=self._links,
            capable=self._capable,
            matches=self._matches,
            held_for=self._held_for,
            policy=policy,
            marks=self._marks,
        )  # fmt: skip

    def _use(self, waiting: Set[str], policy: Policy, now: float) -> Mapping[str, float]:
        state = self.state
        use = present_use(_of(waiting, state.shares), state.holding.values(), now, policy.share_half_life_s)
        for task in state.holding.values():
            if n_gpus := len(task.held_gpus):
                name = task.request.tenant
                use[name] = use.get(name, 0.0) + n_gpus * policy.share_ahead_s
        return use

    def _look(self, policy: Policy, now: float) -> None:
        """Bring the views of the cards up to date."""
        state = self.state
        held, told = state.ledger.marks, state.books.marks
        stale = stale_text(state, now, policy)
        one, other = held.since(self._seen[0]), told.since(self._seen[1])
        is_all = policy != self._policy or one is None or other is None or stale is not None or self._is_stale
        self._policy, self._is_stale, self._seen = policy, stale is not None, (held.n, told.n)
        if is_all or one is None or other is None:
            self._look_at_all(policy, now)
            return
        for uuid in {*other, *self._passing}.intersection(self._gpus):
            self._put(gpu_view(state, state.cards[uuid], now, stale, policy), now)
        known: dict[tuple[TaskId, int], Holder] = {}
        for uuid in one:
            view = self._gpus.get(uuid)
            if view is not None and uuid not in self._passing:
                if is_bare(view):
                    view = held_anew(view, state, policy, known)
                else:
                    view = gpu_view(state, state.cards[uuid], now, stale, policy)
                self._put(view, now)

    def _look_at_all(self, policy: Policy, now: float) -> None:
        state = self.state
        self._marks.touch_all()
        self._gpus = gpu_views(state, now, policy)
        self._passing, self._domains, self._place = set(), {}, {}
        self._capable, self._matches, self._held_for = {}, {}, {}
        for view in self._gpus.values():
            cards = self._domains.setdefault(POOL if view.queue is None else f"queue:{view.queue}", [])
            self._place[view.uuid] = (cards, len(cards))
            cards.append(view)
            self._note_passing(view, now)
        self._owners = frozenset(card.queue for card in state.cards.values() if card.queue is not None)
        self._whole_card = min((card.memory_total for card in self._gpus.values()), default=0)
        links = state.books.sample.links
        self._links = {(a, b): near for one, other, near in links for a, b in ((one, other), (other, one))}

    def _put(self, view: GpuView, now: float) -> None:
        """A card looks different."""
        self._gpus[view.uuid] = view
        cards, at = self._place[view.uuid]
        cards[at] = view
        self._marks.touch(view.uuid)
        self._note_passing(view, now)

    def _note_passing(self, view: GpuView, now: float) -> None:
        """What is known of a card stays as it is until something happens to it, but for these.

        A peak or foreign use that is being forgotten, memory that an ended task may have left, and sharing tasks, of
        whose names something may be learned from others at any time.
        """
        is_passing = (
            view.calm_at is not None
            or view.peak_utilization != view.utilization
            or any(holder.share for holder in view.held)
            or (bool(view.used) and self.state.books.ended_lately(view.uuid, now))
        )
        (self._passing.add if is_passing else self._passing.discard)(view.uuid)


def _of(names: Set[str], rows: Mapping[str, V]) -> dict[str, V]:
    return {name: rows[name] for name in names if name in rows}


def _is_by_chance(state: State, run: SubmissionId) -> bool:
    """Whether the lanes of a run start in random order: those of a single-GPU file that is under way."""
    return state.runs[run].mode == "single" and run in state.members


def pending_shape(snapshot: Snapshot, task_id: TaskId) -> Shape | None:
    """The shape of a task that is pending; None for others."""
    return snapshot.pending.shapes.get(task_id)
