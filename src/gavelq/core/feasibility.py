"""Requests that can never start on this machine are refused when they arrive."""

from collections.abc import Mapping
from dataclasses import replace

from gavelq.core.errors import GpuNotFound, Infeasible, Refused
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid
from gavelq.core.queue import Queue
from gavelq.core.task import GpuRequest, TaskRequest
from gavelq.core.tenants import cards_within
from gavelq.core.units import told_apart


def require_feasible(
    request: TaskRequest, queue: Queue, cards: Mapping[GpuUuid, Card], problem: str | None,
    offered: tuple[GpuUuid, ...] = (),
) -> None:  # fmt: skip
    """Check a request against the machine. `problem`: why GPUs cannot be seen, where they cannot.

    `offered`: the cards that its tenant may use; empty: any.
    Raises GpuNotFound, Refused for contradictions (another queue's card, more cards than listed) and Infeasible for
    what this machine cannot do, unless the request allows that.
    """
    gpus = request.gpus
    if gpus.allowed and gpus.count > len(gpus.allowed):
        raise Refused(
            problem=f"gpu_count is {gpus.count}, but gpu_ids lists only {len(gpus.allowed)}",
            hint="list more GPUs or ask for fewer",
        )
    require_own_cards(gpus, queue, cards, offered)
    within = replace(request, gpus=replace(gpus, allowed=cards_within(gpus.allowed, offered))) if offered else request
    reason = None if request.allow_infeasible else impossible(within, cards, problem)
    if reason is not None:
        raise Infeasible(problem=reason)


def require_own_cards(
    gpus: GpuRequest, queue: Queue, cards: Mapping[GpuUuid, Card], offered: tuple[GpuUuid, ...] = ()
) -> None:
    """Raises GpuNotFound for a listed card that is no longer there, and Refused where another queue owns one.

    Nobody asked for those that are only `offered`: it is enough if as many of them are left as it needs.
    """
    gone = next((uuid for uuid in gpus.allowed if uuid not in cards), None)
    if gone is not None:
        raise GpuNotFound(gpu=gone)
    listed = [cards[uuid] for uuid in gpus.allowed or offered if uuid in cards]
    others = [card for card in listed if card.queue not in (None, queue.name)]
    if others and (gpus.allowed not in ((), offered) or gpus.count > len(listed) - len(others)):
        card = others[0]
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
            asked, most = told_apart(gpus.memory, best)
            return (
                f"it asks for {asked} on each of {gpus.count} GPU(s), "
                f"{len(fitting)} have that much (the largest: {most})"
            )
    return None
