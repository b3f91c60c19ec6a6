"""Requests that can never start on this machine are refused when they arrive."""

from collections.abc import Mapping

from gavelq.core.errors import GpuNotFound, Infeasible, Refused
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid
from gavelq.core.queue import Queue
from gavelq.core.task import TaskRequest
from gavelq.core.units import format_memory


def require_feasible(request: TaskRequest, queue: Queue, cards: Mapping[GpuUuid, Card], problem: str | None) -> None:
    """Check a request against the machine. `problem`: why GPUs cannot be seen, where they cannot.

    Raises GpuNotFound, Refused for contradictions (another queue's card, more cards than listed) and Infeasible for
    what this machine cannot do, unless the request allows that.
    """
    gpus = request.gpus
    if gpus.allowed and gpus.count > len(gpus.allowed):
        raise Refused(
            problem=f"gpu_count is {gpus.count}, but gpu_ids lists only {len(gpus.allowed)}",
            hint="list more GPUs or ask for fewer",
        )
    for uuid in gpus.allowed:
        if uuid not in cards:  # a rerun of a task whose card is no longer there
            raise GpuNotFound(gpu=uuid)
        require_own_card(cards[uuid], queue)
    reason = None if request.allow_infeasible else impossible(request, cards, problem)
    if reason is not None:
        raise Infeasible(problem=reason)


def require_own_card(card: Card, queue: Queue) -> None:
    """Raises Refused where another queue owns the card."""
    if card.queue is not None and card.queue != queue.name:
        raise Refused(
            problem=f"GPU {card.index} belongs to queue {card.queue}, the task to queue {queue.name}",
            hint=f"submit to queue {card.queue}, or give the GPU back with: gavelq gpu release {card.index}",
        )


def impossible(request: TaskRequest, cards: Mapping[GpuUuid, Card], problem: str | None) -> str | None:
    """Why the request can never start here, or None. Cards that are ignored or lost count: that can be undone."""
    gpus = request.gpus
    if gpus.count == 0:
        return None
    parents = {card.parent for card in cards.values()}
    usable = [card for card in cards.values() if card.uuid not in parents]
    if gpus.allowed:
        usable = [card for card in usable if card.uuid in gpus.allowed]
    if not usable and not cards:
        return f"gavelq sees no GPU on this machine ({problem or 'there is none'})"
    if gpus.count > 1:
        whole = [card for card in usable if card.parent is None]
        if gpus.count > len(whole):
            return f"it asks for {gpus.count} GPUs and there are {len(whole)} (a MIG device serves one-GPU tasks only)"
    elif not usable:
        return "none of the GPUs that it lists can be scheduled (a GPU in MIG mode is used through its devices)"
    if gpus.memory is not None:
        fitting = [card for card in usable if card.memory_total - card.keep_free >= gpus.memory]
        if len(fitting) < gpus.count:
            best = max(card.memory_total - card.keep_free for card in usable)
            return (
                f"it asks for {format_memory(gpus.memory)} on each of {gpus.count} GPU(s), "
                f"{len(fitting)} have that much (the largest: {format_memory(best)})"
            )
    return None
