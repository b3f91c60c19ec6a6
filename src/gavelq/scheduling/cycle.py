"""The scheduling cycle: gather, admit, order, place, reserve, backfill. Every no is data; nothing is written here.

`plan` is the cycle; `turn.py` holds what one cycle has decided so far, and how a single task is placed or blocked.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from math import inf

from gavelq.core.events import Placement, Preemption
from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Shape
from gavelq.core.reservation import Reservation
from gavelq.scheduling.admission import opens_at
from gavelq.scheduling.guests import lend
from gavelq.scheduling.hopeless import Hopeless, needs_everybody
from gavelq.scheduling.keeping import keep_holds, release, serve_holders, soft_holders
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.rescue import preempt
from gavelq.scheduling.snapshot import Snapshot
from gavelq.scheduling.turn import Entry, Turn


@fixed
class Plan:
    """What a cycle decided. `reasons`: of every shape that still has waiting tasks, where they were asked for."""

    starts: tuple[Placement, ...]
    reasons: Mapping[Shape, Blocked]
    reservations: Mapping[str, Reservation]
    preemptions: tuple[Preemption, ...] = ()
    watch: frozenset[GpuUuid] = frozenset()
    """Cards that `selection: sampled` wants to watch before it chooses."""
    next_at: float | None = None
    """When a gate opens by itself (a backoff ends), in seconds since the epoch; None: only events can help."""


def plan(snapshot: Snapshot, policy: Policy, *, is_told: bool = True) -> Plan:
    """Decide what starts now. Costs what the shapes cost, not what the tasks cost.

    Gather: one head per bucket. Admit: the gates. Order: a heap by key. Place: head by head; a bucket whose head does
    not fit is blocked as a whole, because its tasks ask for the same and what is free only shrinks. Reserve: for the
    first that waits merely for gavelq's own tasks. Backfill: others go ahead where they cannot delay it. Then idle
    cards are lent, and at last tasks are stopped for more urgent ones.

    `is_told`: False where nobody reads the reasons; then those who cannot start are left out, some of them before they
    are put in order (`Hopeless`). Nothing else of the plan differs.
    """
    is_told = is_told or needs_everybody(snapshot, policy)
    turn = Turn(snapshot, policy, is_told=is_told)
    keep_holds(turn)
    serve_holders(turn)
    n_dropped, hopeless = turn.n_dropped, None
    if is_told:
        turn.heads += [turn.entry(shape, 0) for shape in snapshot.buckets]
        turn.heads += soft_holders(turn)
    else:
        hopeless = Hopeless(turn)
        turn.heads += _soft_first(turn)
        turn.heads += [turn.entry(shape, 0) for shape in hopeless.others()]
    while turn.heads:
        _place_in_order(turn, hopeless)
        lend(turn)
        release(turn)
    if hopeless is not None and turn.n_dropped > n_dropped:
        return plan(snapshot, policy)  # a reservation is over that had kept some of them waiting
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


def _soft_first(turn: Turn) -> list[Entry]:
    """Ask those soft holders at once that are first of all, so that the reservation has its holder; the other ones."""
    levels = [priority + turn.snapshot.queues[queue].priority for queue, priority in turn.snapshot.pending.n_of_level]
    highest, later = max(levels, default=0), []
    for entry in sorted(soft_holders(turn)):
        if -entry.key[0] < highest:
            later.append(entry)
        elif entry.task_id not in turn.started:
            turn.consider(entry)
    return later


def _place_in_order(turn: Turn, hopeless: Hopeless | None) -> None:
    snapshot, heads = turn.snapshot, turn.heads
    heapify(heads)
    while heads and len(turn.reasons) < turn.policy.depth:
        entry = heappop(heads)
        if turn.is_overtaken(entry):
            heappush(heads, turn.entry(entry.shape, entry.at))
            continue
        if hopeless is not None and not entry.is_alone and hopeless.has(entry.shape):
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
