"""Reservations from cycle to cycle: who keeps one, who is asked first, and who loses it."""

from math import inf

from gavelq.core.pending import Shape
from gavelq.scheduling.holds import Hold, free_times
from gavelq.scheduling.reasons import Reason
from gavelq.scheduling.snapshot import pending_shape
from gavelq.scheduling.turn import Entry, Turn

_LONGEST_LEAD_S = 3600.0
"""A warning signal comes at most so long before a preempted task is stopped."""


def keep_holds(turn: Turn) -> None:
    """A holder keeps its reservation until it starts, ends or is blocked by something but our own tasks."""
    for key, kept in sorted(turn.snapshot.reservations.items(), key=lambda item: not item[1].is_preempting):
        shape = pending_shape(turn.snapshot, kept.task_id)
        if shape is None or shape.queue not in turn.snapshot.queues or _is_soft(shape, kept.is_preempting):
            continue
        if kept.is_preempting:
            _keep_emptying(turn, key, shape)
        elif turn.domain(shape) == key and turn.policy.backfill == "easy":
            turn.reserve(shape, kept.task_id)


def _keep_emptying(turn: Turn, key: str, shape: Shape) -> None:
    """Cards that are being emptied stay promised while their tasks are on the way out."""
    kept = turn.snapshot.reservations[key]
    closed = turn.gate(shape)
    # Those who are being stopped make room under limits.max_running as well.
    if (closed is not None and closed.reason is not Reason.TASK_LIMIT) or len(kept.gpus) < shape.gpus.count:
        return
    found = turn.match(shape)
    cards = turn.snapshot.cards_for(turn.snapshot.queues[shape.queue])
    times = {free.card.uuid: free.at for free in free_times(found, cards, turn.now, {})}
    room_at = turn.spending.room_at(kept.gpus, turn.holds.values(), turn.now)
    at = max([room_at, *(times.get(uuid, inf) for uuid in kept.gpus)])
    soon = turn.now + turn.policy.grace_s + turn.policy.allowance_s + _LONGEST_LEAD_S
    if at <= soon:  # else somebody else came upon them, or nobody is being stopped any more
        turn.holds[key] = Hold(
            task_id=kept.task_id, shape=shape, gpus=frozenset(kept.gpus), barred=frozenset(kept.gpus), at=at,
            promised_at=at, is_preempting=True,
        )  # fmt: skip


def serve_holders(turn: Turn) -> None:
    """Whoever holds a reservation is asked first: no arrival takes what it waits for."""
    for hold in list(turn.holds.values()):
        since = turn.snapshot.waiting_since(hold.task_id)
        queue = turn.snapshot.queues[hold.shape.queue]
        key = turn.ordering.key(hold.shape, queue, hold.task_id, since)
        turn.consider(Entry(key, 0, hold.shape, is_alone=True))
    # Why they wait is asked again when it is the turn of their buckets: others of them may have started meanwhile.
    turn.reasons.clear()
    turn.blocked.clear()


def soft_holders(turn: Turn) -> list[Entry]:
    """Holders that want one whole card: first among those of their priority.

    No card idles for them, so that what is more urgent may go first.
    """
    found: list[Entry] = []
    if turn.policy.backfill != "easy":
        return found
    for kept in turn.snapshot.reservations.values():
        shape = pending_shape(turn.snapshot, kept.task_id)
        if shape is not None and _is_soft(shape, kept.is_preempting) and kept.task_id not in turn.started:
            key = (-float(turn.level(shape)), -inf, -inf, kept.task_id, 0, kept.task_id)
            found.append(Entry(key, 0, shape, is_alone=True))
    return found


def release(turn: Turn) -> None:
    """Those that only a reservation kept waiting are looked at again where it is over.

    Starts of this cycle may have brought a holder to a limit, and a holder may have started on lent cards.
    """
    for key, hold in list(turn.holds.items()):
        closed = turn.gate(hold.shape)
        if closed is not None and not (hold.is_preempting and closed.reason is Reason.TASK_LIMIT):
            turn.drop_hold(key)
    for key in [key for key in turn.behind if key not in turn.holds]:
        for entry in turn.behind.pop(key):
            if entry.is_alone:
                turn.heads.append(entry)
            if turn.reasons.pop(entry.shape, None) is not None:
                turn.blocked.pop(entry.shape, None)
                turn.heads.append(turn.entry(entry.shape, 0))
    turn.heads.sort()


def _is_soft(shape: Shape, is_preempting: bool) -> bool:
    """Whether a holder wants one whole card, so that no card idles while it waits."""
    return not is_preempting and shape.gpus.count == 1 and not shape.gpus.share and not shape.gpus.is_elastic
