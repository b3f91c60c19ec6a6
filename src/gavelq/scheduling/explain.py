"""`task why`: every gate with its verdict, the cards one by one, and the place in the order."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.dependencies import waited_behind, waited_for, waiting_behind, waiting_for
from gavelq.core.ids import TaskId
from gavelq.core.pending import Shape
from gavelq.scheduling.admission import refusals
from gavelq.scheduling.changed import Change, would_start
from gavelq.scheduling.forecast import Forecast, forecast
from gavelq.scheduling.matching import NO_MATCH, Match, Refusal
from gavelq.scheduling.placement import match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate: its name, whether it lets the task pass, and the sentence that says why."""

    name: str
    passes: bool
    text: str
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a pending task waits. `cards` tells for each card of its domain why it does not do (None: it would)."""

    gates: tuple[Gate, ...]
    cards: Mapping[str, Refusal | None]
    forecast: Forecast
    changes: tuple[Change, ...]
    """What would start it at once."""


def explain(task_id: TaskId, shape: Shape, shown: Blocked | None, snapshot: Snapshot, policy: Policy) -> Explanation:
    """Ask every gate about one pending task. `shown` is the reason that the last cycle gave."""
    by_reason = {b.reason: b for b in refusals(shape, snapshot, snapshot.usage, policy)}
    found = match(shape, snapshot, policy) if shape.gpus.count else NO_MATCH
    if Reason.DEPENDENCY in by_reason:
        task = snapshot.tasks[task_id]  # the shape only says that there is something
        by_reason[Reason.DEPENDENCY] = Blocked(
            reason=Reason.DEPENDENCY, words=waiting_for(task), details=waited_for(task)
        )
    if Reason.SERIAL in by_reason:
        task = snapshot.tasks[task_id]
        by_reason[Reason.SERIAL] = Blocked(
            reason=Reason.SERIAL, words=waiting_behind(task), details=waited_behind(task)
        )
    gates = [_gate(reason, by_reason.get(reason)) for reason in _GENERAL]
    if shape.gpus.count:
        gates += _card_gates(shape, found)
    if shown is not None and shown.reason in _OF_THE_CYCLE:
        gates.append(Gate(name=shown.reason.value, passes=False, text=shown.text, details=shown.details))
    is_chosen_for = shown is not None and shown.reason is Reason.GPU_SAMPLING  # it is about to start as it is
    cards: dict[str, Refusal | None] = {card.index: None for card in found.fitting}
    cards |= {snapshot.gpus[uuid].index: refusal for uuid, refusal in found.refused.items()}
    return Explanation(
        gates=tuple(gates),
        cards=cards,
        forecast=forecast(task_id, shape, snapshot, policy),
        changes=() if is_chosen_for else tuple(would_start(task_id, shape, snapshot, policy)),
    )


_GENERAL = (
    Reason.QUEUE_PAUSED, Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.BACKOFF, Reason.INFEASIBLE, Reason.QUEUE_LIMIT,
    Reason.TENANT_QUOTA, Reason.ARRAY_LIMIT, Reason.TASK_LIMIT, Reason.SERIAL,
)  # fmt: skip
_OF_THE_CYCLE = (Reason.GPU_BUDGET, Reason.GPU_SAMPLING, Reason.PRIORITY, Reason.DEPTH)
"""What only a cycle finds out: others come into it."""
_OF_CARDS = (Reason.GPU_UNAVAILABLE, Reason.GPU_BUSY, Reason.GPU_MEMORY, Reason.GPU_COUNT)


def _gate(reason: Reason, no: Blocked | None) -> Gate:
    if no is None:
        return Gate(name=reason.value, passes=True, text="", details={})
    return Gate(name=reason.value, passes=False, text=no.text, details=no.details)


def _card_gates(shape: Shape, found: Match) -> list[Gate]:
    """Gate by gate: how many cards are left, and which ones this gate keeps out.

    A gate that keeps no card out is open, however few are left; cards that the request itself excludes (not listed)
    never were candidates.
    """
    gates = []
    need = shape.gpus.count
    candidates = [r for r in found.refused.values() if r.own or r.reason is not Reason.GPU_COUNT]
    left = len(found.fitting) + len(candidates)
    for reason in _OF_CARDS:
        n_out = sum(1 for refusal in candidates if refusal.reason is reason)
        left -= n_out
        passes = not n_out or left >= need
        text = f"{left} GPU(s) are left" if passes else f"{left} of the {need} needed GPU(s) are left"
        details = {"out": n_out, "left": left, "need": need}
        gates.append(Gate(name=reason.value, passes=passes, text=text if n_out else "", details=details))
    return gates
