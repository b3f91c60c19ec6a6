"""Which cards fit a request now, and why the others do not."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Shape
from gavelq.core.queue import MemType, Queue
from gavelq.core.units import format_memory
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.policy import Policy, preference
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot


class Refusal(NamedTuple):
    """Why one card does not do. `own`: only because a task of gavelq holds it, which will end."""

    reason: Reason
    text: str
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A request held against every card of its domain."""

    fitting: tuple[GpuView, ...]
    """Cards that would do now, the most fitting first; reservations are not looked at."""
    refused: Mapping[GpuUuid, Refusal]

    @property
    def n_own(self) -> int:
        """Cards that would do but for gavelq's own tasks."""
        return sum(1 for refusal in self.refused.values() if refusal.own)


def match(shape: Shape, snapshot: Snapshot, policy: Policy, taken: Collection[GpuUuid]) -> Match:
    """Hold a request against the cards of its domain; `taken` were given away earlier in this cycle."""
    queue = snapshot.queues[shape.queue]
    fitting: list[GpuView] = []
    refused: dict[GpuUuid, Refusal] = {}
    for card in snapshot.cards_for(queue):
        refusal = refuse(card, shape, queue, policy, is_taken=card.uuid in taken)
        if refusal is None:
            fitting.append(card)
        else:
            refused[card.uuid] = refusal
    if len(fitting) > 1:
        fitting.sort(key=lambda card: preference(policy, shape, card))
    return Match(fitting=tuple(fitting), refused=refused)


def refuse(card: GpuView, shape: Shape, queue: Queue, policy: Policy, *, is_taken: bool) -> Refusal | None:
    """Why this card cannot serve this shape now, or None. What gavelq's own tasks cause is asked last."""
    request = shape.gpus
    if request.allowed and card.uuid not in request.allowed:
        return Refusal(reason=Reason.GPU_COUNT, text="not among the GPUs that it lists")
    if card.is_mig and request.count > 1:
        return Refusal(reason=Reason.GPU_COUNT, text="a MIG device serves one-GPU tasks only")
    if request.memory is not None and card.memory_total < request.memory:
        return Refusal(reason=Reason.GPU_MEMORY, text=f"has {format_memory(card.memory_total)} in all")
    if card.unavailable is not None:
        return Refusal(reason=Reason.GPU_UNAVAILABLE, text=card.unavailable)
    foreign = _foreign(card, declares=request.memory is not None, policy=policy)
    if foreign is not None:
        return Refusal(reason=Reason.GPU_UNAVAILABLE, text=foreign)
    short = _memory(card, shape, queue)
    if card.holders or is_taken:
        return short or Refusal(Reason.GPU_COUNT, card.held_text or "given away a moment ago", own=True)
    return _utilization(card, shape, queue) or short


def _foreign(card: GpuView, *, declares: bool, policy: Policy) -> str | None:
    if card.claimed_by is not None:
        return f"claimed by {card.claimed_by}"
    if not card.is_foreign or (declares and policy.foreign == "share"):
        return None
    return card.foreign_text


def _utilization(card: GpuView, shape: Shape, queue: Queue) -> Refusal | None:
    if card.utilization is None:
        return None
    limits = [limit for limit in (shape.gpus.max_util, queue.max_util) if limit is not None]
    if not limits or card.utilization <= min(limits):
        return None
    return Refusal(reason=Reason.GPU_BUSY, text=f"{card.utilization} % busy, at most {min(limits)} % allowed")


def _memory(card: GpuView, shape: Shape, queue: Queue) -> Refusal | None:
    need = shape.gpus.memory or 0
    if queue.mem_type is MemType.ABSOLUTE:
        need = max(need, queue.mem_value)
    elif queue.mem_type is MemType.PERCENTAGE:
        need = max(need, -(-card.memory_total * queue.mem_value // 100))
    if card.idle_free >= need:
        return None
    text = f"{format_memory(card.idle_free)} free, {format_memory(need)} needed"
    return Refusal(reason=Reason.GPU_MEMORY, text=text)


_PRECEDENCE = (Reason.GPU_UNAVAILABLE, Reason.GPU_BUSY, Reason.GPU_MEMORY, Reason.GPU_COUNT)


def blocked(shape: Shape, found: Match) -> Blocked:
    """The reason for a shape that finds too few fitting cards.

    gpu_count where waiting for gavelq's own tasks is enough, else the first by precedence of what stands in the way.
    """
    need, n_fit, n_own = shape.gpus.count, len(found.fitting), found.n_own
    if n_fit + n_own >= need:
        reason, is_own = Reason.GPU_COUNT, True
    else:
        reasons = {refusal.reason for refusal in found.refused.values() if not refusal.own}
        reason, is_own = next((r for r in _PRECEDENCE if r in reasons), Reason.GPU_COUNT), False
    return Blocked(
        reason=reason,
        words=lambda: _sentence(need, n_fit, [r.text for r in found.refused.values() if r[::2] == (reason, is_own)]),
        details={"need": need, "fitting": n_fit, "own": n_own},
    )


def _sentence(need: int, n_fit: int, causes: Sequence[str]) -> str:
    counted = Counter(causes).most_common(4)
    why = "; ".join(text if n == 1 else f"{text} ({n} GPUs)" for text, n in counted)
    return f"needs {need} GPU(s), {n_fit} would do now" + (f": {why}" if why else "")
