"""The plan of the next hours, card by card: who is there until when, what is held back, what is expected to follow.

Running tasks stand until their time limit, reservations as they were promised, and those that wait as the forecast has
them: in their order, each on the cards that are free soonest. Only limits and reservations bind anybody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from math import inf
from typing import Literal

from gavelq.core.gpu import GpuState
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import Shape
from gavelq.core.reservation import Reservation
from gavelq.core.task import Task
from gavelq.scheduling.forecast import MAX_AHEAD, Keys, holders
from gavelq.scheduling.gpu_view import GpuView, ends_at
from gavelq.scheduling.line import Line
from gavelq.scheduling.placement import blocked, match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot

MAX_PENDING = 50
"""So many of those that wait are planned for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that a card is used for, or is to be. Times in seconds since the epoch; infinite: nobody knows."""

    kind: Literal["running", "reserved", "expected", "foreign"]
    task_id: TaskId | None
    start: float
    end: float
    is_limit: bool
    """The end is a time limit: it ends then at the latest, and probably before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What happens next on a card."""

    kind: Literal["ends", "starts", "foreign", "ignored", "draining", "lost", "idle"]
    task_id: TaskId | None = None
    at: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAhead:
    """A card and what is to come on it, in time order."""

    following: Following
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A task that waits. `at` infinite: nobody can tell, and `basis` says why."""

    task_id: TaskId
    position: int
    """1: nothing is ahead of it."""
    at: float
    basis: str
    gpus: tuple[GpuUuid, ...]
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAhead:
    """What is to come, as it looks now."""

    now: float
    cards: dict[GpuUuid, CardAhead]
    pending: tuple[Expected, ...]


def plan_ahead(snapshot: Snapshot, policy: Policy, states: Mapping[GpuUuid, GpuState]) -> PlanAhead:
    """Look ahead. Costs about what a cycle costs: a key for each shape, and a place for the first `MAX_PENDING`.

    `states`: those of the cards.
    """
    held = {kept.task_id: kept for kept in snapshot.reservations.values()}
    pending = tuple(_expected(snapshot, policy, held))
    spans: dict[GpuUuid, list[Span]] = {uuid: _now_on(card, snapshot, policy) for uuid, card in snapshot.gpus.items()}
    for one in pending:
        _note(one, snapshot.tasks[one.task_id], held.get(one.task_id), spans)
    for each in spans.values():
        each.sort(key=lambda span: (span.start, span.task_id or 0))
    cards = {
        uuid: CardAhead(following=_following(card, states.get(uuid), spans[uuid]), spans=tuple(spans[uuid]))
        for uuid, card in snapshot.gpus.items()
    }
    return PlanAhead(now=snapshot.now, cards=cards, pending=pending)


def _expected(snapshot: Snapshot, policy: Policy, held: dict[TaskId, Reservation]) -> Iterator[Expected]:
    """The first of those that wait, in their order. One behind another in its lane has no place of its own yet."""
    line, n_told = Line(snapshot, policy), 0
    for position, (task_id, shape) in enumerate(islice(_in_order(snapshot, policy), MAX_AHEAD), 1):
        if shape.is_behind:
            continue
        kept = held.get(task_id)  # nobody is ahead of who holds a reservation
        yield _one(task_id, shape, 1 if kept is not None else position, line, snapshot, policy, kept)
        n_told += 1
        if n_told == MAX_PENDING:
            return


def _in_order(snapshot: Snapshot, policy: Policy) -> Iterator[tuple[TaskId, Shape]]:
    """All that are pending: holders of reservations, then the others by their keys."""
    keys, first = Keys(snapshot, policy), list(holders(snapshot))
    everybody = merge(*(keys.of_bucket(shape) for shape in snapshot.buckets))
    rest = ((TaskId(key[-1]), shape) for key, _, shape in everybody)
    return chain(first, (entry for entry in rest if entry not in first))


def _one(
    task_id: TaskId, shape: Shape, position: int, line: Line, snapshot: Snapshot, policy: Policy,
    kept: Reservation | None,
) -> Expected:  # fmt: skip
    at, basis = _start(shape, position, line, snapshot, policy, kept)
    place = line.place(task_id, shape)
    if at is None or place is None:
        return Expected(task_id=task_id, position=position, at=inf, basis=basis, gpus=(), until=inf)
    # Those behind it are told what `task why` tells: that it takes what is free first, which may be before it was told.
    gpus = place.gpus if kept is None or kept.expected_at is None else kept.gpus
    return Expected(task_id=task_id, position=position, at=at, basis=basis, gpus=gpus, until=at + place.length)


def _start(
    shape: Shape, position: int, line: Line, snapshot: Snapshot, policy: Policy, kept: Reservation | None
) -> tuple[float | None, str]:
    closed = line.closed(shape)
    if closed is not None:
        return None, f"it cannot start while: {closed.text}"
    if len(line.cards(shape)) < shape.gpus.count:
        found = match(shape, snapshot, policy)
        if len(found.fitting) + found.n_own < shape.gpus.count:
            return None, f"it cannot start while: it {blocked(shape, found).text}"
    if kept is not None and kept.expected_at is not None:
        return max(snapshot.now, kept.expected_at), "a reservation: the time limits on its GPUs are over by then"
    return line.start_of(shape, position - 1)


def _now_on(card: GpuView, snapshot: Snapshot, policy: Policy) -> list[Span]:
    """Who is on a card now."""
    found = [_running(snapshot.tasks[task_id], snapshot.now, policy) for task_id in card.holders]
    if card.is_foreign:
        since = min((process.since for process in card.foreign if process.since is not None), default=snapshot.now)
        found.append(Span(kind="foreign", task_id=None, start=since, end=inf, is_limit=False))
    return found


def _running(task: Task, now: float, policy: Policy) -> Span:
    """From its start until its limit; one that is being stopped, until it is gone at the latest."""
    attempt, limit = task.attempt, task.request.time_limit_s
    began = now if attempt is None else attempt.started_at or attempt.placed_at
    end = inf if limit is None else began + limit
    if task.stop is not None or end < now:
        end = max(now, ends_at(task, policy))
    return Span(kind="running", task_id=task.id, start=began, end=end, is_limit=end < inf)


def _note(one: Expected, task: Task, kept: Reservation | None, spans: dict[GpuUuid, list[Span]]) -> None:
    """Write what a task is expected to have onto its cards."""
    if one.at == inf:
        return
    limit = task.request.time_limit_s
    span = Span(
        kind="expected" if kept is None else "reserved", task_id=task.id, start=one.at, end=one.until,
        is_limit=limit is not None and one.until - one.at >= limit,
    )  # fmt: skip
    for uuid in one.gpus:
        spans[uuid].append(span)


def _following(card: GpuView, state: GpuState | None, spans: list[Span]) -> Following:
    if state is GpuState.LOST:
        return Following(kind="lost")
    if state is GpuState.IGNORED:
        return Following(kind="ignored")
    running = [span for span in spans if span.kind == "running"]
    last = max(running, key=lambda span: span.end, default=None)
    if state is GpuState.DRAINING:
        return Following(kind="draining", task_id=last.task_id if last else None, at=last.end if last else inf)
    if card.is_foreign and not running:
        return Following(kind="foreign")
    later = sorted(spans, key=lambda span: span.kind != "reserved")  # it takes the card before those behind it
    coming = next((span for span in later if span.kind in ("reserved", "expected")), None)
    if coming is not None:
        return Following(kind="starts", task_id=coming.task_id, at=coming.start)
    if last is not None:
        return Following(kind="ends", task_id=last.task_id, at=last.end)
    return Following(kind="idle")
