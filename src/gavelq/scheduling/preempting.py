"""Preemption: whom to stop so that a more urgent task, or the owner of a card, can start."""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import Shape
from gavelq.scheduling.gpu_view import GpuView, Holder
from gavelq.scheduling.placement import has_room
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot


class Room(NamedTuple):
    """What stopping some tasks gives: nobody is stopped in vain."""

    victims: tuple[TaskId, ...]
    gpus: tuple[GpuUuid, ...]


def make_room(
    shape: Shape, level: int, n_missing: int, cards: Iterable[GpuView], snapshot: Snapshot, policy: Policy
) -> Room | None:
    """The least harmful victims whose end frees `n_missing` of these cards; None where that cannot be.

    The lowest priority goes first, then the most recently started (least work is lost). `cards` are those that only
    gavelq's own tasks keep from serving the request.
    """
    cards = list(cards)
    harm = {h.task_id: _harm(h) for card in cards for h in card.held if _may(h, card, shape, level, snapshot, policy)}

    def freed(gone: set[TaskId]) -> list[GpuView]:
        rests = ((card, tuple(holder for holder in card.held if holder.task_id not in gone)) for card in cards)
        return [card for card, rest in rests if has_room(card, rest, shape, snapshot, policy)]

    chosen: set[TaskId] = set()
    for task_id in sorted(harm, key=lambda task_id: harm[task_id]):
        if len(freed(chosen)) >= n_missing:
            break
        chosen.add(task_id)
    for task_id in sorted(chosen, key=lambda task_id: harm[task_id], reverse=True):
        # Whoever turned out not to be needed goes on: nobody is stopped in vain.
        if len(freed(chosen - {task_id})) >= n_missing:
            chosen.remove(task_id)
    found = freed(chosen)
    if len(found) < n_missing or not chosen:
        return None
    return Room(victims=tuple(sorted(chosen)), gpus=tuple(card.uuid for card in found[:n_missing]))


def _may(holder: Holder, card: GpuView, shape: Shape, level: int, snapshot: Snapshot, policy: Policy) -> bool:
    """Whether this task may be stopped for that one: much less urgent, or a guest on the owner's card."""
    if snapshot.now < holder.preemptible_from:
        return False
    is_guest = holder.borrowed and card.queue == shape.queue and holder.queue != shape.queue
    return is_guest or (policy.preemption and level - holder.level >= policy.min_levels)


def _harm(holder: Holder) -> tuple[float, float, int]:
    return (holder.level, -holder.preemptible_from, -holder.task_id)


def next_chance(shape: Shape, level: int, cards: Iterable[GpuView], snapshot: Snapshot, policy: Policy) -> float:
    """When the minimum run time of a task that might be stopped is over; infinite: there is none."""
    times = [
        holder.preemptible_from
        for card in cards
        for holder in card.held
        if snapshot.now < holder.preemptible_from < inf
        and (level - holder.level >= policy.min_levels or (holder.borrowed and card.queue == shape.queue))
    ]
    return min(times, default=inf)
