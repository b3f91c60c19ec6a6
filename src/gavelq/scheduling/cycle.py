"""The scheduling cycle: gather, admit, order, place, reserve, backfill. Every no is data; nothing is written here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from gavelq.core.events import Placement, Preemption
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.pending import Shape
from gavelq.core.reservation import Reservation
from gavelq.core.task import GpuRequest
from gavelq.scheduling.admission import refusals
from gavelq.scheduling.placement import Match, blocked, match
from gavelq.scheduling.policy import Policy, rank
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot, Usage, domain_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a cycle decided. `reasons` holds one entry for every shape that still has waiting tasks."""

    starts: tuple[Placement, ...]
    reasons: Mapping[Shape, Blocked]
    reservations: Mapping[str, Reservation]
    preemptions: tuple[Preemption, ...] = ()
    watch: frozenset[GpuUuid] = frozenset()
    """Cards that `selection: sampled` wants to watch before it chooses."""
    next_at: float | None = None
    """When a gate opens by itself (a backoff ends), in seconds since the epoch; None: only events can help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A reservation: the cards that wait for its holder, and where the holder stands in the order."""

    task_id: TaskId
    shape: Shape
    place: tuple[int, TaskId]
    gpus: frozenset[GpuUuid]

    def binds(self, place: tuple[int, TaskId]) -> bool:
        """Whether a task must leave the held cards: but those before the holder that came earlier."""
        return place > self.place or place[1] > self.task_id


Entry = tuple[tuple[int, TaskId], int, Shape]


class _Look(NamedTuple):
    """What a request finds: the gate that is closed, the cards, and the reason where these are too few."""

    refused: Blocked | None
    found: Match
    too_few: Blocked


_NOTHING = Match(fitting=(), refused={})


@dataclass(slots=True)
class _Cycle:
    snapshot: Snapshot
    policy: Policy
    usage: Usage
    taken: set[GpuUuid] = field(default_factory=set)
    starts: list[Placement] = field(default_factory=list)
    reasons: dict[Shape, Blocked] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    behind: dict[str, list[Entry]] = field(default_factory=dict)
    """Heads that only a reservation keeps waiting, by domain."""
    looks: dict[tuple[QueueName, GpuRequest, float | None], _Look] = field(default_factory=dict)
    freed: list[Entry] = field(default_factory=list)
    """Those of them that are to be asked again."""

    def keep_reservations(self) -> None:
        """A holder keeps its reservation until it starts, ends or is blocked by something other than our own tasks."""
        for domain, kept in self.snapshot.reservations.items():
            task_id = kept.task_id
            shape = self.snapshot.shapes_of_holders.get(task_id)
            if shape is None or shape.queue not in self.snapshot.queues:
                continue
            queue = self.snapshot.queues[shape.queue]
            if domain_of(queue, self.snapshot.owners) != domain or self.refusal(shape) is not None:
                continue
            found = self.look(shape).found
            if len(found.fitting) + found.n_own >= shape.gpus.count:
                self.reserve(domain, shape, task_id, found)

    def reserve(self, domain: str, shape: Shape, task_id: TaskId, found: Match) -> None:
        place = (rank(shape, self.snapshot.queues[shape.queue]), task_id)
        gpus = frozenset(card.uuid for card in found.fitting)
        self.held[domain] = Held(task_id=task_id, shape=shape, place=place, gpus=gpus)

    def drop_refused(self) -> None:
        """Starts of this cycle may have brought a holder to a limit: then it holds nothing back any more."""
        for domain in [domain for domain, held in self.held.items() if self.refusal(held.shape) is not None]:
            self.let_go(domain)

    def let_go(self, domain: str) -> None:
        """End a reservation; who waited for it alone is asked again."""
        del self.held[domain]
        for entry in self.behind.pop(domain, []):
            del self.reasons[entry[2]]
            self.freed.append(entry)

    def refusal(self, shape: Shape) -> Blocked | None:
        return self.look(shape).refused

    def look(self, shape: Shape) -> _Look:
        """Gates and cards for a request; remembered until the next start, since priorities change nothing about it."""
        key = (shape.queue, shape.gpus, shape.retry_at)
        seen = self.looks.get(key)
        if seen is None:
            refused = next(refusals(shape, self.snapshot, self.usage, self.policy), None)
            found = _NOTHING if refused else match(shape, self.snapshot, self.policy, self.taken)
            seen = self.looks[key] = _Look(refused, found, blocked(shape, found))
        return seen

    def consider(self, entry: Entry) -> bool:
        """Try to start the first task of a bucket; False (with a reason noted) where the whole bucket has to wait."""
        place, _, shape = entry
        task_id = place[1]
        refused, found, too_few = self.look(shape)
        if refused is not None:
            self.reasons[shape] = refused
            return False
        if shape.gpus.count == 0:
            self.start(shape, task_id, ())
            return True
        domain = domain_of(self.snapshot.queues[shape.queue], self.snapshot.owners) or ""
        held = self.held.get(domain)
        is_bound = held is not None and held.task_id != task_id and held.binds(place)
        usable = [c for c in found.fitting if held is None or not is_bound or c.uuid not in held.gpus]
        if len(usable) >= shape.gpus.count:
            self.start(shape, task_id, tuple(card.uuid for card in usable[: shape.gpus.count]))
            if held is not None and held.task_id == task_id:
                self.let_go(domain)
            return True
        self.reasons[shape] = too_few
        if held is not None and len(found.fitting) >= shape.gpus.count:
            self.reasons[shape] = _behind(held)
            self.behind.setdefault(domain, []).append(entry)
        merely_own = len(found.fitting) + found.n_own >= shape.gpus.count
        if shape.gpus.count > 1 and held is None and merely_own:
            self.reserve(domain, shape, task_id, found)
        return False

    def start(self, shape: Shape, task_id: TaskId, gpus: tuple[GpuUuid, ...]) -> None:
        self.starts.append(Placement(task_id=task_id, gpus=gpus, why=self.policy.selection if gpus else "no GPU"))
        self.taken.update(gpus)
        self.looks.clear()
        self.usage.add(shape.queue, len(gpus))


def _behind(held: Held) -> Blocked:
    return Blocked(
        reason=Reason.PRIORITY,
        words=f"would fit, but task {held.task_id} is ahead and the free GPUs are held back for it",
        details={"holder": held.task_id, "held": len(held.gpus)},
    )


def plan(snapshot: Snapshot, policy: Policy) -> Plan:
    """Decide what starts now. Costs what the shapes cost, not what the tasks cost.

    Gather: one head per bucket. Admit: the gates. Order: a heap by rank, then submission. Place: head by head; a bucket
    whose head does not fit is blocked as a whole, because its tasks ask for the same and what is free only shrinks.
    Reserve: for the first wide task that waits merely for gavelq's own tasks. Backfill: the rest goes to those behind.
    """
    cycle = _Cycle(snapshot, policy, _copied(snapshot.usage))
    cycle.keep_reservations()
    heads: list[Entry] = [
        ((rank(shape, snapshot.queues[shape.queue]), ids[0]), 0, shape) for shape, ids in snapshot.buckets.items()
    ]
    heapify(heads)
    while heads and len(cycle.reasons) < policy.depth:
        entry = place, at, shape = heappop(heads)
        ids = snapshot.buckets[shape]
        if cycle.consider(entry) and at + 1 < len(ids):
            heappush(heads, ((place[0], ids[at + 1]), at + 1, shape))
        if not heads:
            cycle.drop_refused()
        while cycle.freed:
            heappush(heads, cycle.freed.pop())
    beyond = Blocked(
        reason=Reason.DEPTH,
        words=f"{policy.depth} kinds of tasks ahead of it wait (scheduling.depth)",
        details={"depth": policy.depth},
    )
    cycle.reasons.update((shape, beyond) for _, _, shape in heads)
    waits = [s.retry_at for s in cycle.reasons if s.retry_at is not None and s.retry_at > snapshot.now]
    return Plan(
        starts=tuple(cycle.starts),
        reasons=cycle.reasons,
        reservations={
            domain: Reservation(task_id=held.task_id, gpus=tuple(sorted(held.gpus)))
            for domain, held in cycle.held.items()
        },
        next_at=min(waits, default=None),
    )


def _copied(usage: Usage) -> Usage:
    return Usage(n_running=dict(usage.n_running), n_gpus=dict(usage.n_gpus), n_total=usage.n_total, n_cpu=usage.n_cpu)
