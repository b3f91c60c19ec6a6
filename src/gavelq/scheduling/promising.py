"""What is held back for a task that waits merely for gavelq's own tasks, and when it is to have it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import Shape
from gavelq.core.reservation import Reservation
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.holds import Free, Hold, free_times, hold_for, soonest
from gavelq.scheduling.matching import Match
from gavelq.scheduling.nodes import in_nodes, must_share_node, soonest_node

if TYPE_CHECKING:
    from gavelq.scheduling.turn import Turn


def promise(turn: "Turn", domain: str, shape: Shape, task_id: TaskId) -> Hold | None:
    """The cards that are free for it soonest; None where more than gavelq's own tasks is in its way."""
    snapshot = turn.snapshot
    earlier, before = turn.earlier_holds(task_id), snapshot.reservations.get(domain)
    before = before if before is not None and before.task_id == task_id else None
    cards = everything = snapshot.cards_for(snapshot.queues[shape.queue])
    promised = {uuid: hold.until(turn.policy) for hold in earlier for uuid in hold.gpus}
    is_together = must_share_node(shape, turn.policy)
    if is_together:
        nodes = in_nodes(shape, snapshot, turn.policy, turn.taken)
        cards, found = soonest_node(nodes, shape.gpus.count, turn.now, promised)
    else:
        found = turn.match(shape)
    if len(found.fitting) + found.n_own < shape.gpus.count:
        return None
    if not earlier and not turn.spending.is_limited and not is_together:
        hold: Hold | None = _soonest(turn, domain, shape, task_id, found, before)
    else:
        times = free_times(found, cards, turn.now, promised)
        hold = _within_budget(turn, shape, task_id, times, before, earlier)
    if hold is None:
        return None
    return _strict(hold, everything) if turn.policy.backfill == "none" else hold


def _within_budget(
    turn: "Turn", shape: Shape, task_id: TaskId, times: list[Free], before: Reservation | None, earlier: list[Hold]
) -> Hold | None:  # fmt: skip
    """On the cards that are free soonest, or on those that cost the budget least, where it leaves room earlier then.

    None: the budget has no room for so many, whoever else is gone.
    """
    spending, now = turn.spending, turn.now

    def room_at(gpus: Collection[GpuUuid]) -> float:
        return spending.room_at(gpus, earlier, now)

    found = [hold_for(task_id, shape, some, before, room_at) for some in spending.orders(times)]
    possible = (hold for hold in found if len(hold.gpus) <= spending.most(hold.gpus))
    return min(possible, key=lambda hold: hold.at, default=None)


def _soonest(
    turn: "Turn", domain: str, shape: Shape, task_id: TaskId, found: Match, before: Reservation | None
) -> Hold:  # fmt: skip
    """The same where nobody comes before it, and all cards may be used.

    While nothing happens to the cards it is what it was in the last cycle, until it is due.
    """
    snapshot, is_kept = turn.snapshot, turn.policy is turn.snapshot.policy
    from_match, kept = snapshot.held_for.get(domain, (None, None))
    if is_kept and kept is not None and from_match is found and turn.now < kept.at and kept.is_as(before, shape):
        return kept
    times = soonest(found, snapshot.gpus, turn.now, shape.gpus.count)
    hold = hold_for(task_id, shape, times, before, lambda gpus: turn.now)
    if is_kept and not turn.taken:
        snapshot.held_for[domain] = (found, hold)
    return hold


def _strict(hold: Hold, cards: Sequence[GpuView]) -> Hold:
    """With `backfill: none` nobody gets a card of the domain before the holder; it is chosen anew in each cycle."""
    return replace(hold, barred=frozenset(card.uuid for card in cards), is_strict=True, promised_at=inf)
