"""The scheduling cycle: gather, admit, order, place, reserve, backfill. Every no is data; nothing is written here.

`plan` is the cycle; `turn.py` holds what one cycle has decided so far, and how a single task is placed or blocked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import inf

from gavelq.core.events import Placement, Preemption
from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Shape
from gavelq.core.reservation import Reservation
from gavelq.scheduling.admission import opens_at
from gavelq.scheduling.guests import lend
from gavelq.scheduling.keeping import keep_holds, release, serve_holders, soft_holders
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.rescue import preempt
from gavelq.scheduling.snapshot import Snapshot
from gavelq.scheduling.turn import Entry, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a cycle decided. `reasons` holds one entry for every shape that still has waiting tasks."""

    starts: tuple[Placement, ...]
    reasons: Mapping[Shape, Blocked]
    reservations: Mapping[str, Reservation]
    preemptions: tuple[Preemption, ...] = ()
    watch: frozenset[GpuUuid] = frozenset()
    """Cards that `selection: sampled` wants to watch before it chooses."""
    next_at: float | None = None
    """When a gate opens by itself (a backoff ends), in seconds since the epoch; None: only events can help."""


def plan(snapshot: Snapshot, policy: Policy) -> Plan:
    """Decide what starts now. Costs what the shapes cost, not what the tasks cost.

    Gather: one head per bucket. Admit: the gates. Order: a heap by key. Place: head by head; a bucket whose head does
    not fit is blocked as a whole, because its tasks ask for the same and what is free only shrinks. Reserve: for the
    first that waits merely for gavelq's own tasks. Backfill: others go ahead where they cannot delay it. Then idle
    cards are lent, and at last tasks are stopped for more urgent ones.
    """
    turn = Turn(snapshot, policy)
    keep_holds(turn)
    serve_holders(turn)
    turn.heads += [turn.entry(shape, 0) for shape in snapshot.buckets]
    turn.heads += soft_holders(turn)
    while turn.heads:
        _place_in_order(turn)
        lend(turn)
        release(turn)
    preempt(turn)
    waits = [at for shape in turn.reasons if (at := opens_at(shape, snapshot.now)) is not None]
    waits += [at for no in turn.reasons.values() if (at := no.details.get("opens_at")) is not None]
    next_at = min([*waits, turn.next_at], default=inf)
    return Plan(
        starts=tuple(turn.starts),
        reasons=turn.reasons,
        reservations={key: hold.reservation() for key, hold in turn.holds.items()},
        preemptions=tuple(turn.preemptions),
        watch=frozenset(turn.watch),
        next_at=None if next_at == inf else next_at,
    )


def _place_in_order(turn: Turn) -> None:
    snapshot, heads = turn.snapshot, turn.heads
    heapify(heads)
    while heads and len(turn.reasons) < turn.policy.depth:
        entry = heappop(heads)
        if turn.is_overtaken(entry):
            heappush(heads, turn.entry(entry.shape, entry.at))
            continue
        task_id = entry.task_id
        has_gone_on = task_id in turn.started or turn.consider(entry)
        following = entry.at + 1
        if has_gone_on and not entry.is_alone and following < len(snapshot.buckets[entry.shape]):
            heappush(heads, turn.entry(entry.shape, following))
        if not heads:
            release(turn)
    _leave_out(turn, heads)


def _leave_out(turn: Turn, heads: list[Entry]) -> None:
    """Who was not looked at waits for those that were."""
    depth = turn.policy.depth
    beyond = Blocked(
        reason=Reason.DEPTH,
        words=f"{depth} kinds of tasks ahead of it wait (scheduling.depth)",
        details={"depth": depth},
    )
    for entry in heads:
        if entry.shape not in turn.reasons:
            turn.reasons[entry.shape] = beyond
    heads.clear()
