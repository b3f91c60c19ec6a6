"""Who cannot start in a cycle, found out without asking: for cycles whose reasons nobody reads."""

from collections.abc import Iterator
from math import inf

from gavelq.core.pending import Shape
from gavelq.scheduling.matching import Match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot
from gavelq.scheduling.turn import Turn


def needs_everybody(snapshot: Snapshot, policy: Policy) -> bool:
    """Whether more depends on those who wait than who starts and who is promised cards.

    Lending and preemption ask the blocked ones, elastic tasks count those behind them, the depth counts all, and
    without reservations or with strict ones it matters who was asked first.
    """
    return bool(
        policy.backfill != "easy"
        or policy.preemption
        or len(snapshot.buckets) > policy.depth
        or snapshot.pending.n_elastic
        or snapshot.n_borrowed
        or any(queue.lend for queue in snapshot.queues.values())
    )


class Hopeless:
    """Tells the shapes that a cycle which has served its holders may leave out: asking them changes only reasons.

    Those are the ones that too few cards fit, or that reservations bar from too many, where their domain has its
    holder: within a cycle what is free only shrinks, unless a reservation is dropped.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._at = (-1, -1, -1)
        self._holders: set[Shape] = set()
        self._latest = -inf
        self._n_open: dict[int, int] = {}
        """By match the fitting cards that no reservation bars."""

    def others(self) -> Iterator[Shape]:
        """All that are not hopeless now. What asks for more cards than fit is passed over as a whole."""
        snapshot = self._turn.snapshot
        for group in snapshot.pending.groups.values():
            first = next(iter(next(iter(group.values()))))
            fits = None if snapshot.quotas else self._match(first)
            for n, shapes in group.items():
                if fits is None or n <= len(fits.fitting):
                    yield from (shape for shape in shapes if not self.has(shape))

    def has(self, shape: Shape) -> bool:
        """Whether this shape may be left out now, and from now on until a reservation is dropped."""
        turn, n = self._turn, shape.gpus.count
        fits = self._match(shape)
        if fits is None:
            return False
        if len(fits.fitting) < n:
            return True
        self._look()
        if shape in self._holders or turn.ends_by(shape) <= self._latest:
            return False
        if id(fits) not in self._n_open:
            barred = frozenset[object]().union(*(hold.barred for hold in turn.holds.values()))
            self._n_open[id(fits)] = sum(card.uuid not in barred for card in fits.fitting)
        return self._n_open[id(fits)] < n

    def _match(self, shape: Shape) -> Match | None:
        """What fits such a shape, where that decides; None: it has to be asked.

        It may be promised cards, or the cycle has to tell when its gate opens or when cards will do.
        """
        turn = self._turn
        if not turn.holds or not shape.gpus.count or turn.domain(shape) not in turn.holds:
            return None
        if shape.is_timed or shape.tenant in turn.snapshot.quotas:
            return None
        fits = turn.match(shape)
        return None if fits.calm_at < inf else fits

    def _look(self) -> None:
        at = (self._turn.n_dropped, len(self._turn.holds), self._turn.n_given)
        if at != self._at:
            self._at, holds = at, self._turn.holds.values()
            self._holders = {hold.shape for hold in holds}
            self._latest = max(hold.at for hold in holds)
            self._n_open = {}
