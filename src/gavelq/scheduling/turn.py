"""One turn of the cycle: what has been decided so far, and how a single task is placed or blocked."""

from collections.abc import Collection, Sequence
from itertools import takewhile
from math import inf
from typing import NamedTuple

from gavelq.core.events import Placement, Preemption
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.learned import utilization_of
from gavelq.core.pending import Asked, Shape
from gavelq.core.units import format_duration
from gavelq.scheduling.admission import refusals
from gavelq.scheduling.budget import elastic_count
from gavelq.scheduling.choosing import close_together, preferred, unsampled
from gavelq.scheduling.gpu_view import GpuView, Holder
from gavelq.scheduling.holds import PREEMPTING, Hold
from gavelq.scheduling.matching import Match
from gavelq.scheduling.nodes import best_node, in_nodes, must_share_node
from gavelq.scheduling.ordering import Key, level, ordering
from gavelq.scheduling.placement import blocked, look_again, match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.promising import promise
from gavelq.scheduling.quota import cost_of
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot, domain_of
from gavelq.scheduling.spending import Spending


class Entry(NamedTuple):
    """The next task of a bucket: where it stands, and its place in the bucket."""

    key: Key
    at: int
    shape: Shape
    is_alone: bool = False
    """Only this task, not those behind it in the bucket."""

    @property
    def task_id(self) -> TaskId:
        """The task."""
        return TaskId(self.key[-1])


_UNTOLD = Blocked(reason=Reason.GPU_COUNT, words="too few cards fit it")


class Turn:
    """The state of one cycle. Nothing of it outlives the plan."""

    def __init__(self, snapshot: Snapshot, policy: Policy, *, is_told: bool = True) -> None:
        self.snapshot = snapshot
        self.is_told = is_told
        """Whether somebody reads the reasons."""
        self.policy = policy
        self.now = snapshot.now
        self.ordering = ordering(policy, snapshot)
        self.usage = snapshot.usage.copy()
        self.heads: list[Entry] = []
        self.starts: list[Placement] = []
        self.started: set[TaskId] = set()
        self.reasons: dict[Shape, Blocked] = {}
        self.blocked: dict[Shape, Entry] = {}
        """The heads that did not fit, in their order."""
        self.holds: dict[str, Hold] = {}
        self.epoch = 0
        """Changes with each start, and with each reservation that is made or over."""
        self.n_dropped = 0
        """Reservations that were over in this cycle."""
        self.preemptions: list[Preemption] = []
        self.watch: set[GpuUuid] = set()
        self.next_at = inf
        self.taken: dict[GpuUuid, tuple[Holder, ...]] = {}
        self.spending = Spending(snapshot, policy)
        self.behind: dict[str, list[Entry]] = {}
        """Heads that only a reservation keeps waiting, by its key."""
        self._too_few_of: dict[tuple[int, int], Blocked] = {}
        """Reasons by the match that they tell of and the count: many shapes ask for the same GPUs."""
        self._kept: list[Match] = []
        """Those matches, so that no other object gets the id of one."""
        self._given: list[GpuView] = []
        """The cards that were given away, one start after the other."""
        self._matches: dict[Asked, tuple[int, Match]] = {}
        """What fits, and how many of the cards given away it knows of."""

    # --- who stands where ---------------------------------------------------------------------------------

    def entry(self, shape: Shape, at: int) -> Entry:
        """The entry of a bucket's task."""
        snapshot = self.snapshot
        task_id = snapshot.buckets[shape][at]
        key = self.ordering.key(shape, snapshot.queues[shape.queue], task_id, snapshot.waiting_since(task_id))
        return Entry(key, at, shape)

    def is_overtaken(self, entry: Entry) -> bool:
        """Whether its tenant was given cards since the entry was made, so that it stands further back now."""
        if not self.ordering.is_shared or entry.is_alone:
            return False
        return self.entry(entry.shape, entry.at).key > entry.key

    def level(self, shape: Shape) -> int:
        """Priority of task and queue together."""
        return level(shape, self.snapshot.queues[shape.queue])

    # --- reservations -------------------------------------------------------------------------------------

    def reserve(self, shape: Shape, task_id: TaskId, *, is_open: bool = False) -> None:
        """Hold cards back for a task that waits merely for gavelq's own tasks, unless its domain has a holder.

        `is_open`: its gates are known to be open.
        """
        domain = self.domain(shape)
        if domain is None or domain in self.holds or PREEMPTING + str(task_id) in self.holds:
            return
        if self.policy.backfill == "skip" or not shape.gpus.count:
            return
        if is_open or self.gate(shape) is None:
            hold = promise(self, domain, shape, task_id)
            if hold is not None:
                self.holds[domain] = hold
                self.epoch += 1

    def earlier_holds(self, task_id: TaskId) -> list[Hold]:
        """The holders that come before a task: all of them, unless it is a holder itself."""
        return list(takewhile(lambda hold: hold.task_id != task_id, self.holds.values()))

    def domain(self, shape: Shape) -> str | None:
        """Where tasks of that shape run."""
        return domain_of(self.snapshot.queues[shape.queue], self.snapshot.owners)

    def hold_on(self, card: GpuView, task_id: TaskId, ends_by: float) -> str | None:
        """The key of a reservation that keeps this task from the card: it would still be there when it is due.

        A card that the task holds itself is kept from it by earlier holders alone.
        """
        for key, hold in self.holds.items():
            if card.uuid in hold.barred:
                if hold.task_id == task_id:
                    return None
                if hold.is_delayed_by(ends_by):
                    return key
        return None

    def _is_held(self, card: GpuView, task_id: TaskId) -> bool:
        return any(card.uuid in hold.gpus and hold.task_id != task_id for hold in self.holds.values())

    # --- one task -----------------------------------------------------------------------------------------

    def gate(self, shape: Shape, *, for_guest: bool = False) -> Blocked | None:
        """The first gate that is closed. A guest need not be able to run on its own queue's cards."""
        closed = refusals(shape, self.snapshot, self.usage, self.policy)
        return next((no for no in closed if not (for_guest and no.reason is Reason.INFEASIBLE)), None)

    def match(self, shape: Shape) -> Match:
        """Cards for a request; after a start only those are looked at again that it took."""
        key, n_given = shape.asked, len(self._given)
        known = self._matches.get(key)
        if known is not None and known[0] == n_given:
            return known[1]
        n_known, found = (0, match(shape, self.snapshot, self.policy)) if known is None else known
        fresh = {card.uuid: card for card in self._given[n_known:] if card.uuid in found.verdicts}
        found = look_again(found, list(fresh.values()), shape, self.snapshot, self.policy, self.taken)
        self._matches[key] = (n_given, found)
        return found

    def ends_by(self, shape: Shape) -> float:
        """When a task that starts now is gone at the latest."""
        if shape.time_limit_s is None:
            return inf
        return self.now + self.policy.allowance_s + shape.time_limit_s + self.policy.grace_s

    def consider(self, entry: Entry) -> bool:
        """Try to start a task; False (with a reason noted) where its whole bucket has to wait."""
        shape, task_id = entry.shape, entry.task_id
        refused = self.gate(shape)
        if refused is not None:
            self.reasons[shape] = refused
            if refused.reason is Reason.INFEASIBLE:
                self.blocked.setdefault(shape, entry)  # cards of lending queues may help
            return False
        if shape.gpus.count == 0:
            self.start(shape, task_id, ())
            return True
        ends_by = self.ends_by(shape)
        if must_share_node(shape, self.policy):
            nodes = in_nodes(shape, self.snapshot, self.policy, self.taken)
            found = best_node(
                nodes, shape.gpus.count, self.now, lambda card: self.hold_on(card, task_id, ends_by) is None
            ).found
        else:
            found = self.match(shape)
        usable = [card for card in found.fitting if not self.holds or self.hold_on(card, task_id, ends_by) is None]
        if len(usable) >= shape.gpus.count:
            no = self.try_start(shape, task_id, usable)
            if no is None:
                return True
            self._block(entry, no)
        else:
            self._block(entry, self._too_few(entry, found, ends_by))
        if self.reasons[shape].reason is not Reason.PRIORITY:  # who waits for a holder alone needs no reservation
            self.reserve(shape, task_id, is_open=True)
        return False

    def _too_few(self, entry: Entry, found: Match, ends_by: float) -> Blocked:
        shape, task_id = entry.shape, entry.task_id
        if len(found.fitting) >= shape.gpus.count:
            keys = [key for card in found.fitting if (key := self.hold_on(card, task_id, ends_by)) is not None]
            return self._held_back(entry, keys)
        self.next_at = min(self.next_at, found.calm_at)
        would_fit = len(found.fitting) + found.n_own >= shape.gpus.count
        is_limited = self.spending.is_limited
        if would_fit and is_limited and shape.gpus.count > self.spending.most([card.uuid for card in found.fitting]):
            return self.spending.no(shape.gpus.count)
        if not self.is_told:
            return _UNTOLD
        which = (id(found), shape.gpus.count)
        known = self._too_few_of.get(which)
        if known is None:
            known = self._too_few_of[which] = blocked(shape, found)
            self._kept.append(found)
        return known

    def _held_back(self, entry: Entry, keys: Sequence[str]) -> Blocked:
        """It would fit, but for these reservations."""
        for key in dict.fromkeys(keys):
            self.behind.setdefault(key, []).append(entry)
        hold, now = self.holds[keys[0]], self.now
        if hold.is_strict:
            return Blocked(
                reason=Reason.PRIORITY,
                words=f"would fit, but task {hold.task_id} comes before it and nobody goes ahead (scheduling.backfill)",
                details={"holder": hold.task_id, "held": len(hold.barred), "until": None, "is_strict": True},
            )
        when = "" if hold.at == inf else f" in {format_duration(hold.at - now)} at the latest"
        limit = entry.shape.time_limit_s
        own = "it has no time limit" if limit is None else f"its own limit is {format_duration(limit)}"
        until = None if hold.at == inf else hold.at
        return Blocked(
            reason=Reason.PRIORITY,
            words=lambda: (
                f"would fit, but the GPUs are held back for task {hold.task_id}, which is to start{when}; {own}"
            ),
            details={"holder": hold.task_id, "held": len(hold.gpus), "until": until, "limit_s": limit},
        )

    def _block(self, entry: Entry, reason: Blocked) -> None:
        self.reasons[entry.shape] = reason
        self.blocked.setdefault(entry.shape, entry)

    # --- starting -----------------------------------------------------------------------------------------

    def try_start(
        self, shape: Shape, task_id: TaskId, usable: Sequence[GpuView], *, is_borrowed: bool = False
    ) -> Blocked | None:
        """Start a task on the best of these cards; the reason where it must wait all the same."""
        wanted = self._n_wanted(shape, task_id, len(usable))
        missing = unsampled(usable, shape, self.snapshot, self.policy, wanted)
        if missing:
            self.watch |= missing
            text = f"{len(usable)} GPUs would do; they are watched for {self.policy.sampling_s:g} s to choose the best"
            return Blocked(reason=Reason.GPU_SAMPLING, words=text, details={"watched": len(missing)})
        cards = preferred(usable, shape, self.snapshot, self.policy, self.taken)
        if self.holds:
            # Backfill goes where only short tasks may go, so that the other cards stay for those that may not.
            cards.sort(key=lambda card: not self._is_held(card, task_id))
        chosen, crowded = self._affordable(shape, task_id, cards, wanted)
        if chosen is not None:
            self.start(shape, task_id, chosen, is_borrowed=is_borrowed)
            return None
        if crowded is not None:
            return self._held_back(Entry((0.0, 0.0, 0.0, 0, 0, task_id), 0, shape), (crowded,))
        return self.spending.no(shape.gpus.count)

    def _affordable(
        self, shape: Shape, task_id: TaskId, cards: list[GpuView], wanted: int
    ) -> tuple[tuple[GpuView, ...] | None, str | None]:
        """As many cards as are wanted and the budget allows; else the reservation that is in the way, if one is."""
        least = shape.gpus.count
        choices = [(cards, n) for n in range(wanted, least - 1, -1)]
        if self.spending.is_limited:
            choices.append((sorted(cards, key=self.spending.cost)[:least], least))
        crowded = None
        for some, n in choices:
            chosen = close_together(some, n, self.snapshot, self.policy)
            if self.spending.allows(chosen):
                crowded = self.crowded_out(shape, task_id, {card.uuid for card in chosen})
                if crowded is None:
                    return chosen, None
        return None, crowded

    def crowded_out(self, shape: Shape, task_id: TaskId, gpus: Collection[GpuUuid], delay_s: float = 0) -> str | None:
        """The key of a reservation that would find no room in the budget behind these cards, taken in `delay_s`.

        A holder that is due gives way to those before it alone, so that two of different domains never wait for each
        other. Before that, or with more cards than it needs at least, it gives way to all.
        """
        if not self.spending.is_limited:
            return None
        ends_by = self.ends_by(shape) + delay_s
        is_due = any(hold.task_id == task_id and hold.at <= self.now for hold in self.holds.values())
        bound_by = self.earlier_holds(task_id) if is_due and len(gpus) == shape.gpus.count else self.holds.values()
        for hold in bound_by:
            if hold.task_id == task_id or not hold.is_delayed_by(ends_by):
                continue
            if not self.spending.leaves_room_for(hold, gpus, self.earlier_holds(hold.task_id)):
                return next(key for key, one in self.holds.items() if one is hold)
        return None

    def _n_wanted(self, shape: Shape, task_id: TaskId, n_free: int) -> int:
        """The rigid count; of an elastic task what it can get (SPEC section 3)."""
        gpus = shape.gpus
        if gpus.max_count is None:
            return gpus.count
        left = demand_behind(self, shape, task_id, n_free) if gpus.gpu_left is None else gpus.gpu_left
        most, limit = gpus.max_count, self.snapshot.queues[shape.queue].max_gpus
        if limit is not None:
            most = min(most, limit - self.usage.n_gpus.get(shape.queue, 0))
        quota, use = self.snapshot.quotas.get(shape.tenant), self.usage.tenants.get(shape.tenant)
        if quota is not None and use is not None and quota.max_gpus is not None:
            most = min(most, quota.max_gpus - use.n_gpus)
        return elastic_count(least=gpus.count, most=most, free=n_free, left=left)

    def start(self, shape: Shape, task_id: TaskId, cards: Sequence[GpuView], *, is_borrowed: bool = False) -> None:
        """Note a start; what is free has shrunk. `is_borrowed`: lent cards may be among these."""
        uuids = tuple(card.uuid for card in cards)
        own = {card.uuid for card in self.snapshot.cards_for(self.snapshot.queues[shape.queue])} if is_borrowed else ()
        is_borrowed = any(uuid not in own for uuid in uuids) if is_borrowed else False
        why = self.policy.selection if cards else "no GPU"
        ahead_of = self._overtaken(shape, task_id) if cards else None
        self.starts.append(
            Placement(task_id=task_id, gpus=uuids, why=why, is_borrowed=is_borrowed, ahead_of=ahead_of)
        )  # fmt: skip
        self.started.add(task_id)
        ends_by = self.ends_by(shape)
        known = self.snapshot.learned.get(shape.learned_as) if shape.learned_as is not None else None
        for card in cards:
            memory = card.memory_total if shape.gpus.memory is None else shape.gpus.memory
            busy = utilization_of(known, self.policy.unknown_utilization)
            holder = Holder(
                task_id, memory, shape.gpus.share, busy, ends_by, self.level(shape), shape.queue, inf, is_borrowed
            )
            self.taken[card.uuid] = (*self.taken.get(card.uuid, ()), holder)
            self.spending.take(card.uuid, ends_by)
        self.usage.add(shape.queue, len(cards), shape.submission)
        self.usage.add_for(shape.tenant, len(cards), cost_of(shape, len(cards), self.snapshot.whole_card))
        self.ordering.charge(shape.tenant, len(cards))
        self._given += cards
        self.epoch += 1
        for key in [key for key, hold in self.holds.items() if hold.task_id == task_id]:
            self.drop_hold(key)

    def drop_hold(self, key: str) -> None:
        """A reservation is over."""
        del self.holds[key]
        self.n_dropped += 1
        self.epoch += 1

    def _overtaken(self, shape: Shape, task_id: TaskId) -> TaskId | None:
        """Whom a start goes ahead of: the holder in its domain, or with `backfill: skip` the first that did not fit."""
        if self.policy.backfill == "skip":
            first = next(iter(self.blocked.values()), None)
            return None if first is None or first.task_id == task_id else first.task_id
        if not self.holds:
            return None
        hold = self.holds.get(self.domain(shape) or "")
        return None if hold is None or hold.task_id == task_id else hold.task_id


def demand_behind(turn: Turn, shape: Shape, task_id: TaskId, enough: int) -> int:
    """What the eligible tasks behind one need at least, in the same domain; counting stops at `enough`."""
    domain, demand = turn.domain(shape), 0
    own = turn.snapshot.buckets[shape]
    waiting = [(shape, sum(other > task_id and other not in turn.started for other in own))]
    waiting += [
        (entry.shape, len(turn.snapshot.buckets[entry.shape]) - entry.at)
        for entry in turn.heads
        if entry.shape != shape and not entry.is_alone
    ]
    for other, n in waiting:
        if demand >= enough:
            break
        if n and other.gpus.count and turn.domain(other) == domain and turn.gate(other) is None:
            demand += n * other.gpus.count
    return demand
