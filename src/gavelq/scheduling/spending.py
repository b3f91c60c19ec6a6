"""The GPU budget while a cycle hands out cards: what is in use, until when, and what may still be added."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

from gavelq.core.ids import GpuUuid
from gavelq.scheduling.budget import budget
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.holds import Free, Hold
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot


class Spending:
    """The cards that gavelq uses, and when each is given back at the latest (infinite: nobody knows)."""

    def __init__(self, snapshot: Snapshot, policy: Policy) -> None:
        self.is_limited = policy.max_gpu is not None or policy.gpu_left > 0
        self._policy = policy
        self._gpus = snapshot.gpus
        self._n_cards = len(snapshot.gpus)
        self._taken: dict[GpuUuid, float] = {}

    # Where all cards may be used, hardly anybody asks for these two.

    @cached_property
    def in_use(self) -> dict[GpuUuid, float]:
        """The cards in use, and when each is given back at the latest."""
        found = {uuid: card.held_until for uuid, card in self._gpus.items() if card.held}
        for uuid, until in self._taken.items():
            found[uuid] = max(until, found.get(uuid, 0.0))
        return found

    @cached_property
    def _unavailable(self) -> set[GpuUuid]:
        found = {uuid for uuid, card in self._gpus.items() if not card.counts_as_available}
        return found - self._taken.keys()

    def most(self, gpus: Collection[GpuUuid] = ()) -> int:
        """The budget where these are used: a card beside foreign processes counts as available then."""
        if not self.is_limited:
            return self._n_cards
        n_unavailable = len(self._unavailable.difference(gpus))
        return budget(self._policy, available=self._n_cards - n_unavailable, n_cards=self._n_cards)

    def allows(self, cards: Sequence[GpuView]) -> bool:
        """Whether these may be used, too. A card that is in use already costs nothing."""
        if not self.is_limited:
            return True
        fresh = [card.uuid for card in cards if card.uuid not in self.in_use]
        return not fresh or len(self.in_use) + len(fresh) <= self.most(fresh)

    def cost(self, card: GpuView) -> int:
        """What a start there costs: nothing beside other tasks; a card that others use counts as available then."""
        return 0 if card.uuid in self.in_use else 1 + card.counts_as_available

    def room_at(self, gpus: Collection[GpuUuid], before: Iterable[Hold], now: float) -> float:
        """When the budget leaves room for these cards: enough of the others in use have been given back.

        `before`: holders that are to have theirs earlier. Infinite where limits do not tell.
        """
        if not self.is_limited:
            return now
        ends = sorted(until for uuid, until in self.with_holders(before).items() if uuid not in gpus)
        n_over = len(ends) + len(gpus) - self.most(gpus)
        if n_over <= 0:
            return now
        return ends[n_over - 1] if n_over <= len(ends) else inf

    def orders(self, times: list[Free]) -> list[list[Free]]:
        """These, and where some count as available only when they are used, the same with those first."""
        if not self.is_limited or self._unavailable.isdisjoint(free.card.uuid for free in times):
            return [times]
        return [times, sorted(times, key=lambda free: free.card.uuid not in self._unavailable)]

    def with_holders(self, holds: Iterable[Hold]) -> dict[GpuUuid, float]:
        """The cards in use, and those that these holders will use, and when each is given back at the latest."""
        until = dict(self.in_use)
        for hold in holds:
            for uuid in hold.gpus:
                until[uuid] = max(until.get(uuid, 0.0), hold.until(self._policy))
        return until

    def leaves_room_for(self, hold: Hold, cards: Collection[GpuUuid], before: Iterable[Hold]) -> bool:
        """Whether a holder finds room in the budget when it is due, although these cards are still in use then.

        `before`: holders that are to have theirs earlier.
        """
        still = {uuid for uuid, until in self.with_holders(before).items() if until > hold.at} | set(cards)
        return len(still - hold.gpus) + hold.shape.gpus.count <= self.most(hold.gpus.union(cards))

    def take(self, uuid: GpuUuid, until: float) -> None:
        """A card was given away until then."""
        self._taken[uuid] = max(until, self._taken.get(uuid, 0.0))
        if self.is_limited:
            self.in_use[uuid] = max(until, self.in_use.get(uuid, 0.0))
            self._unavailable.discard(uuid)

    def no(self, need: int) -> Blocked:
        """The reason of a task for which the budget has no room."""
        n_used, most = len(self.in_use), self.most()
        return Blocked(
            reason=Reason.GPU_BUDGET,
            words=f"gavelq uses {n_used} GPU(s) and may use {most} (rules.gpu_left, min_gpu, max_gpu); it needs {need}",
            details={"used": n_used, "budget": most, "need": need},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The budget at a moment."""

    n_used: int
    most: int
    """Cards that gavelq may use altogether."""
    is_limited: bool
    """False: all cards of the machine may be used."""


def standing(snapshot: Snapshot, policy: Policy, taken: Iterable[GpuUuid] = ()) -> Standing:
    """How many cards are in use and may be. `taken`: cards that are given away beside those in use."""
    spending = Spending(snapshot, policy)
    for uuid in taken:
        spending.take(uuid, inf)
    return Standing(n_used=len(spending.in_use), most=spending.most(), is_limited=spending.is_limited)
