"""Lending: what owners leave idle serves tasks of other queues that can be sent away again, or end by themselves."""

from gavelq.core.ids import TaskId
from gavelq.core.pending import Shape
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.placement import match_cards
from gavelq.scheduling.reasons import Reason
from gavelq.scheduling.turn import Entry, Turn

_BY_CARDS = (
    Reason.GPU_BUDGET, Reason.GPU_UNAVAILABLE, Reason.GPU_BUSY, Reason.GPU_MEMORY, Reason.GPU_COUNT, Reason.PRIORITY,
    Reason.INFEASIBLE,
)  # fmt: skip


def lend(turn: Turn) -> None:
    """After everybody had a turn on its own cards: start those that cards of lending queues can help."""
    snapshot = turn.snapshot
    lent = [
        card
        for queue in snapshot.queues.values()
        if queue.lend
        for card in snapshot.domains.get(f"queue:{queue.name}", ())
    ]
    if not lent:
        return
    for shape, entry in list(turn.blocked.items()):
        is_guest = shape.preemptible or shape.time_limit_s is not None
        if is_guest and shape.gpus.count and turn.reasons[shape].reason in _BY_CARDS:
            _serve(turn, shape, entry, [card for card in lent if card.queue != shape.queue])


def _serve(turn: Turn, shape: Shape, entry: Entry, lent: list[GpuView]) -> None:
    """Start tasks of one bucket, in their order, while there are cards."""
    snapshot = turn.snapshot
    queue = snapshot.queues[shape.queue]
    waiting = [task_id for task_id in snapshot.buckets[shape] if task_id not in turn.started]
    for n_gone, task_id in enumerate(waiting):
        if turn.gate(shape, for_guest=True) is not None:
            return
        own = _usable(turn, shape, task_id, list(turn.match(shape).fitting))
        found = match_cards(shape, queue, lent, snapshot, turn.policy, turn.taken)
        cards = own + _usable(turn, shape, task_id, list(found.fitting))
        if len(cards) < shape.gpus.count:
            return
        no = turn.try_start(shape, task_id, cards, is_borrowed=True)
        if no is not None:
            if no.reason is Reason.GPU_SAMPLING:
                turn.reasons[shape] = no  # it waits for its own queue's cards no longer
            return
        if n_gone + 1 == len(waiting):
            del turn.reasons[shape], turn.blocked[shape]


def _usable(turn: Turn, shape: Shape, task_id: TaskId, cards: list[GpuView]) -> list[GpuView]:
    ends_by = turn.ends_by(shape)
    return [card for card in cards if turn.hold_on(card, task_id, ends_by) is None]
