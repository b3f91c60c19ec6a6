"""Which cards fit a request now, why the others do not, and until when."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gavelq.core.ids import GpuUuid
from gavelq.core.learned import utilization_of
from gavelq.core.pending import Shape
from gavelq.core.queue import MemType, Queue
from gavelq.core.units import format_memory, told_apart
from gavelq.scheduling.gpu_view import GpuView, Holder
from gavelq.scheduling.matching import Match, Refusal, first_calm
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot

Taken = Mapping[GpuUuid, tuple[Holder, ...]]
"""What was given away earlier in a cycle, by card."""


def match(shape: Shape, snapshot: Snapshot, policy: Policy) -> Match:
    """Hold a request against the cards of its domain. What a camera's earlier snapshots found out is used again."""
    queue = snapshot.queues[shape.queue]
    if policy is not snapshot.policy or shape.learned_as is not None:  # names are learned at any time
        return match_cards(shape, queue, snapshot.cards_for(queue), snapshot, policy, {})
    key, at = shape.asked, snapshot.marks.n
    known = snapshot.matches.get(key)
    if known is not None and known[0] == at:
        return known[1]
    changed = None if known is None else snapshot.marks.since(known[0])
    if known is None or changed is None:
        found = match_cards(shape, queue, snapshot.cards_for(queue), snapshot, policy, {})
    else:
        cards = [snapshot.gpus[uuid] for uuid in changed if uuid in known[1].verdicts]
        found = look_again(known[1], cards, shape, snapshot, policy, {})
    snapshot.matches[key] = (at, found)
    return found


def look_again(
    found: Match, cards: Sequence[GpuView], shape: Shape, snapshot: Snapshot, policy: Policy, taken: Taken
) -> Match:
    """The match after something happened to these cards."""
    if not cards:
        return found
    queue = snapshot.queues[shape.queue]
    if 2 * len(cards) > len(found.verdicts):  # a new one costs less than the copy
        return match_cards(shape, queue, snapshot.cards_for(queue), snapshot, policy, taken)
    mine = _own_utilization(shape, snapshot, policy)
    verdicts = [refuse(card, shape, queue, policy, taken.get(card.uuid, ()), mine) for card in cards]
    return found.renewed(cards, verdicts)


def match_cards(
    shape: Shape, queue: Queue, cards: Sequence[GpuView], snapshot: Snapshot, policy: Policy, taken: Taken
) -> Match:
    """Hold a request against these cards."""
    mine = _own_utilization(shape, snapshot, policy)
    verdicts = {card.uuid: refuse(card, shape, queue, policy, taken.get(card.uuid, ()), mine) for card in cards}
    fitting = tuple([card for card in cards if verdicts[card.uuid] is None])
    n_own = sum(no is not None and no.own for no in verdicts.values())
    return Match(fitting, verdicts, n_own, first_calm(verdicts.values()))


def _own_utilization(shape: Shape, snapshot: Snapshot, policy: Policy) -> float:
    known = snapshot.learned.get(shape.learned_as) if shape.learned_as is not None else None
    return utilization_of(known, policy.unknown_utilization)


def refuse(
    card: GpuView, shape: Shape, queue: Queue, policy: Policy, taken: tuple[Holder, ...] = (), utilization: float = 50.0
) -> Refusal | None:
    """Why this card cannot serve this shape now, or None. What gavelq's own tasks cause is asked last.

    `taken`: tasks that were placed on it a moment ago; `utilization`: what the task itself is expected to add.
    """
    request = shape.gpus
    if request.allowed and card.uuid not in request.allowed:
        return Refusal(Reason.GPU_COUNT, "not among the GPUs that it may run on", details={"cause": "not_listed"})
    if card.is_mig and max(request.count, request.max_count or 0) > 1:
        return Refusal(Reason.GPU_COUNT, "a MIG device serves one-GPU tasks only", details={"cause": "mig"})
    if request.memory is not None and card.memory_total < request.memory:
        details = {"cause": "small", "total_mib": card.memory_total, "need_mib": request.memory}
        return Refusal(Reason.GPU_MEMORY, f"has {format_memory(card.memory_total)} in all", details=details)
    if card.unavailable is not None:
        return Refusal(Reason.GPU_UNAVAILABLE, card.unavailable, details=card.unavailable_details)
    foreign = _foreign(card, declares=request.memory is not None, policy=policy)
    if foreign is not None:
        return foreign
    short = _memory(card, shape, queue)
    held = card.held + taken if taken else card.held
    if held:
        return short or _own(card, held, shape, queue, policy, utilization)
    return _utilization(card, shape, queue, policy) or short


def has_room(card: GpuView, held: tuple[Holder, ...], shape: Shape, snapshot: Snapshot, policy: Policy) -> bool:
    """Whether these tasks of gavelq on a card leave room for another one; where nobody is left, there is."""
    utilization = _own_utilization(shape, snapshot, policy)
    return not held or _own(card, held, shape, snapshot.queues[shape.queue], policy, utilization) is None


def _foreign(card: GpuView, *, declares: bool, policy: Policy) -> Refusal | None:
    if card.claimed_by is not None:
        text, details = f"claimed by {card.claimed_by}", {"cause": "claimed", "by": card.claimed_by}
        return Refusal(Reason.GPU_UNAVAILABLE, text, is_foreign=True, details=details)
    if declares and policy.foreign == "share":
        return None
    if card.is_foreign:
        return Refusal(Reason.GPU_UNAVAILABLE, card.foreign_text, is_foreign=True, details=card.foreign_details)
    if card.calm_at is not None and not card.held:
        text = f"a foreign process just left it; it must stay calm for {policy.settle_s:g} s"
        calm = {"cause": "settling", "settle_s": policy.settle_s}
        return Refusal(Reason.GPU_UNAVAILABLE, text, until=card.calm_at, is_foreign=True, details=calm)
    return None


def _most_util(shape: Shape, queue: Queue) -> int | None:
    limits = [limit for limit in (shape.gpus.max_util, queue.max_util) if limit is not None]
    return min(limits) if limits else None


def _utilization(card: GpuView, shape: Shape, queue: Queue, policy: Policy) -> Refusal | None:
    most = _most_util(shape, queue)
    if most is None or card.utilization is None:
        return None
    if card.utilization > most:
        text, now = f"{card.utilization} % busy, at most {most} % allowed", _busy(card, most)
        return Refusal(Reason.GPU_BUSY, text, is_foreign=True, details=now)
    if card.peak_utilization is not None and card.peak_utilization > most:
        text = f"was {card.peak_utilization} % busy within the last {policy.settle_s:g} s, at most {most} % allowed"
        lately = {"cause": "was_busy", "percent": card.peak_utilization, "most": most, "settle_s": policy.settle_s}
        return Refusal(Reason.GPU_BUSY, text, is_foreign=True, details=lately)
    return None


def _busy(card: GpuView, most: int) -> dict[str, object]:
    return {"cause": "busy", "percent": card.utilization, "most": most}


def _memory(card: GpuView, shape: Shape, queue: Queue) -> Refusal | None:
    need = shape.gpus.memory or 0
    if queue.mem_type is MemType.ABSOLUTE:
        need = max(need, queue.mem_value)
    elif queue.mem_type is MemType.PERCENTAGE:
        need = max(need, -(-card.memory_total * queue.mem_value // 100))
    if card.idle_free >= need:
        return None
    free, needed = told_apart(card.idle_free, need)
    text, details = f"{free} free, {needed} needed", {"cause": "memory", "free_mib": card.idle_free, "need_mib": need}
    return Refusal(Reason.GPU_MEMORY, text, is_foreign=card.is_foreign, details=details)


def _own(
    card: GpuView, held: tuple[Holder, ...], shape: Shape, queue: Queue, policy: Policy, utilization: float
) -> Refusal | None:
    """What gavelq's own tasks on the card leave for another one."""
    told, details = card.held_text or "given away a moment ago", card.held_details or {"cause": "given"}
    may_share = shape.gpus.share and shape.gpus.memory is not None
    if not may_share or not all(holder.share for holder in held):
        until = card.held_until if held is card.held else max(holder.ends_at for holder in held)
        return Refusal(Reason.GPU_COUNT, told, True, until, details=details)
    most = _most_util(shape, queue)
    if most is not None and card.utilization is not None and card.utilization > most:
        text = f"{card.utilization} % busy, at most {most} % allowed"
        until = max(holder.ends_at for holder in held)
        return Refusal(Reason.GPU_BUSY, text, own=True, until=until, details=_busy(card, most))
    no = _no_room(card, held, shape, policy, utilization)
    if no is None:
        return None
    leaving = sorted(held, key=lambda holder: holder.ends_at)
    for n_gone, holder in enumerate(leaving, 1):
        rest = tuple(leaving[n_gone:])
        if not rest or _no_room(card, rest, shape, policy, utilization) is None:
            return no._replace(own=True, until=holder.ends_at)
    raise AssertionError("without any task of gavelq the card has room: _memory was asked before")


def _no_room(
    card: GpuView, held: tuple[Holder, ...], shape: Shape, policy: Policy, utilization: float
) -> Refusal | None:
    if len(held) >= policy.max_per_gpu:
        text = f"shared by {len(held)} task(s), sharing.max_per_gpu is {policy.max_per_gpu}"
        details = {"cause": "shared_full", "n": len(held), "most": policy.max_per_gpu}
        return Refusal(Reason.GPU_COUNT, text, details=details)
    left = card.idle_free - sum(holder.memory for holder in held) - policy.reserve_mib
    need = shape.gpus.memory or 0
    if left < need:
        free, needed = told_apart(max(0, left), need)
        text = f"{free} free beside the tasks that share it, {needed} needed"
        room = {"cause": "shared_memory", "free_mib": max(0, left), "need_mib": need}
        return Refusal(Reason.GPU_MEMORY, text, details=room)
    busy = sum(holder.utilization for holder in held)
    if busy + utilization > policy.max_utilization:
        text = f"its tasks are expected to use {busy:.0f} % and this one {utilization:.0f} %"
        use = {"cause": "shared_busy", "used": round(busy), "own": round(utilization), "most": policy.max_utilization}
        return Refusal(Reason.GPU_BUSY, f"{text}, together at most {policy.max_utilization} %", details=use)
    return None


_PRECEDENCE = (Reason.GPU_UNAVAILABLE, Reason.GPU_BUSY, Reason.GPU_MEMORY, Reason.GPU_COUNT)


def blocked(shape: Shape, found: Match) -> Blocked:
    """The reason for a shape that finds too few fitting cards.

    Where waiting for gavelq's own tasks is enough: gpu_count, or what sharing lacks. Else the first by precedence of
    what stands in the way.
    """
    need, n_fit, n_own = shape.gpus.count, len(found.fitting), found.n_own
    is_own = n_fit + n_own >= need
    reasons = {no.reason for no in found.verdicts.values() if no is not None and no.own == is_own}
    if is_own and Reason.GPU_COUNT in reasons:
        reason = Reason.GPU_COUNT
    else:
        reason = next((r for r in _PRECEDENCE if r in reasons), Reason.GPU_COUNT)

    def causes() -> list[Refusal]:
        return [no for no in found.refused.values() if (no.reason, no.own) == (reason, is_own)]

    return Blocked(
        reason=reason,
        words=lambda: _sentence(need, n_fit, causes()),
        details={"need": need, "fitting": n_fit, "own": n_own},
        causes=lambda: _counted(causes()),
    )


_SHOWN_CAUSES = 4
"""A sentence names so many; `task why` lists every card."""


def _most_common(causes: Sequence[Refusal]) -> tuple[list[tuple[Refusal, int]], int]:
    """The causes that most cards have, with the number of these cards; and how many cards are left over."""
    by_text = {no.text: no for no in causes}
    counted = Counter(no.text for no in causes).most_common(_SHOWN_CAUSES)
    return [(by_text[text], n) for text, n in counted], len(causes) - sum(n for _, n in counted)


def _counted(causes: Sequence[Refusal]) -> list[dict[str, Any]]:
    """What the sentence names, as data; `n_gpus`: on so many cards. The last may be `more`, for those not named."""
    counted, n_more = _most_common(causes)
    told = [{**no.details, "n_gpus": n} for no, n in counted]
    return [*told, {"cause": "more", "n_gpus": n_more}] if n_more else told


def _sentence(need: int, n_fit: int, causes: Sequence[Refusal]) -> str:
    counted, n_more = _most_common(causes)
    why = "; ".join(no.text if n == 1 else f"{no.text} ({n} GPUs)" for no, n in counted)
    why += f"; and {n_more} more" if n_more else ""
    return f"needs {need} GPU(s), {n_fit} would do now" + (f": {why}" if why else "")
