"""Cards that are held back for a task: which, and until when at the latest."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from math import inf
from typing import NamedTuple

from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import Shape
from gavelq.core.reservation import Reservation
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.matching import Due, Match
from gavelq.scheduling.policy import Policy

PREEMPTING = "preempt:"
"""Keys of reservations whose cards are being emptied: this, and the task's id."""


@fixed
class Hold:
    """The cards that wait for a task. EASY (Lifka 1995): others may use them meanwhile, where they are gone by `at`."""

    task_id: TaskId
    shape: Shape
    gpus: frozenset[GpuUuid]
    barred: frozenset[GpuUuid]
    """Cards that others get only where they cannot delay it: those, or with `backfill: none` all of its domain."""
    at: float
    """When all of them are free at the latest, by time limits; infinite: a task without a limit is in the way."""
    promised_at: float
    """The earliest such time that was ever told; infinite: none was."""
    is_preempting: bool = False
    is_strict: bool = False
    """Nobody goes ahead of it, however short (`backfill: none`)."""

    def is_delayed_by(self, ends_by: float) -> bool:
        """Whether a task that is gone by then could delay the holder. Where nobody knows when it is due, any could."""
        return self.at == inf or ends_by > self.at or self.is_strict

    def until(self, policy: Policy) -> float:
        """When the holder is gone at the latest, once it has started in time; infinite: nobody knows."""
        limit = self.shape.time_limit_s
        return inf if limit is None else self.at + policy.allowance_s + limit + policy.grace_s

    def is_as(self, kept: Reservation | None, shape: Shape) -> bool:
        """Whether that is what is kept of it in the state, for a task that still asks for the same."""
        return (
            kept is not None
            and kept.task_id == self.task_id
            and shape is self.shape
            and kept.expected_at == self.at
            and kept.promised_at == self.promised_at
            and self.gpus.issuperset(kept.gpus)
        )

    def reservation(self) -> Reservation:
        """As it is kept in the state."""
        return Reservation(
            task_id=self.task_id,
            gpus=tuple(sorted(self.gpus)),
            expected_at=None if self.at == inf else self.at,
            promised_at=None if self.promised_at == inf else self.promised_at,
            is_preempting=self.is_preempting,
        )


class Free(NamedTuple):
    """When a card could serve the holder."""

    at: float
    place: tuple[int, ...]
    """Ties go by the card's index."""
    card: GpuView


def free_times(found: Match, cards: Iterable[GpuView], now: float, promised: Mapping[GpuUuid, float]) -> list[Free]:
    """When each card of a domain could serve a request that waits merely for gavelq's own tasks, soonest first.

    `promised`: cards that somebody else is to have before, and when they are given back.
    """
    times = []
    for card in cards:
        refusal = found.verdicts[card.uuid]
        if refusal is None or refusal.own:
            at = now if refusal is None else max(now, refusal.until)
            times.append(Free(max(at, promised.get(card.uuid, now)), card.order, card))
    times.sort(key=lambda free: free[:2])
    return times


def soonest(found: Match, gpus: Mapping[GpuUuid, GpuView], now: float, n: int) -> list[Free]:
    """The first of `free_times`, where nothing is promised: as many as are free when `n` of them are."""
    due = found.due(gpus)
    n_over = bisect_right(due, now, key=_due_at)
    ready = [Free(now, card.order, card) for card in found.fitting]
    if n_over:  # tasks that are on their way out: their cards stand among the free ones, by their index
        ready += [Free(now, one.place, one.card) for one in due[:n_over]]
        ready.sort(key=lambda free: free.place)
    n_missing = n - len(ready)
    if n_missing <= 0:
        return ready
    last = due[n_over + n_missing - 1].at
    return ready + [Free(one.at, one.place, one.card) for one in due[n_over : bisect_right(due, last, key=_due_at)]]


def _due_at(one: Due) -> float:
    return one.at


def hold_for(
    task_id: TaskId, shape: Shape, times: list[Free], before: Reservation | None,
    room_at: Callable[[Collection[GpuUuid]], float],
) -> Hold:  # fmt: skip
    """Hold the first of these cards, from when they are free and the budget leaves room for them (`room_at`).

    Recomputed in each cycle, the time only comes nearer while limits hold: nobody else gets a card beyond it. Where
    others would do as well, the cards stay the same.
    """

    def first(some: list[Free]) -> frozenset[GpuUuid]:
        return frozenset([free.card.uuid for free in some[: shape.gpus.count]])

    gpus = first(times)
    at = max(*(free.at for free in times[: shape.gpus.count]), room_at(gpus))
    if before is not None:
        as_good = [free for free in times if free.at <= at]
        as_good.sort(key=lambda free: free.card.uuid not in before.gpus)
        same = first(as_good)
        gpus = same if room_at(same) <= at else gpus
    promised = before.promised_at if before is not None and before.promised_at is not None else inf
    return Hold(task_id=task_id, shape=shape, gpus=gpus, barred=gpus, at=at, promised_at=min(promised, at))
