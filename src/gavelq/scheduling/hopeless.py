"""Who cannot start in a cycle, found out without asking: for cycles whose reasons nobody reads."""

from math import inf
from typing import NamedTuple

from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Asked, Group, Shape
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


class _Room(NamedTuple):
    """What there is for requests that ask the same of single cards."""

    n_fitting: float
    n_open: float
    """Fitting cards that no reservation bars."""


_UNKNOWN = _Room(inf, inf)
"""They have to be asked: one of them may be promised cards, or the cycle has to tell when cards will do."""


class Hopeless:
    """Tells the shapes that a cycle which has served its holders may leave out: asking them changes only reasons.

    Those are the ones that too few cards fit, or that reservations bar from too many, where their domain has its
    holder: within a cycle what is free only shrinks, unless a reservation is dropped.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._epoch = -1
        self._rooms: dict[Asked, _Room] = {}
        self._holders: set[Shape] = set()
        self._latest = -inf
        """When the last of the reservations is due."""
        self._barred: frozenset[GpuUuid] = frozenset()
        """The cards that they bar."""

    def others(self) -> list[Shape]:
        """All that are not hopeless now. What asks for more cards than fit is passed over as a whole."""
        found: list[Shape] = []
        quotas = self._turn.snapshot.quotas
        for (asked, is_timed), group in self._turn.snapshot.pending.groups.items():
            room = self._room(asked)
            for n, shapes in group.items():
                if is_timed or quotas or n <= room.n_open:
                    found += [shape for shape in shapes if not self.has(shape)] if quotas else shapes
                elif n <= room.n_fitting:
                    found += [shape for shape in shapes if not self.has(shape)]
        return found

    def has(self, shape: Shape) -> bool:
        """Whether this shape may be left out now, and from now on until a reservation is dropped."""
        room, n = self._room(shape.asked), shape.gpus.count
        if n <= room.n_open or not n or shape.is_timed:
            return False
        if shape.tenant in self._turn.snapshot.quotas:
            return False  # the cycle tells when its gate opens
        return n > room.n_fitting or (shape not in self._holders and self._turn.ends_by(shape) > self._latest)

    def _room(self, asked: Asked) -> _Room:
        if self._epoch != self._turn.epoch:
            self._epoch, self._rooms = self._turn.epoch, {}
            holds = [*self._turn.holds.values()]
            self._holders = {hold.shape for hold in holds}
            self._latest = max([hold.at for hold in holds], default=-inf)
            self._barred = frozenset[GpuUuid]().union(*[hold.barred for hold in holds])
        room = self._rooms.get(asked)
        if room is None:
            room = self._rooms[asked] = self._counted(asked)
        return room

    def _counted(self, asked: Asked) -> _Room:
        turn = self._turn
        shape = next(iter(next(iter(self._group(asked).values()))))
        if turn.domain(shape) not in turn.holds:
            return _UNKNOWN
        fits = turn.match(shape)
        if fits.calm_at < inf:
            return _UNKNOWN
        barred, fitting = self._barred, fits.fitting
        n_open = len([card for card in fitting if card.uuid not in barred]) if barred and fitting else len(fitting)
        return _Room(len(fitting), n_open)

    def _group(self, asked: Asked) -> Group:
        groups = self._turn.snapshot.pending.groups
        return groups.get((asked, False)) or groups[asked, True]
