"""A request held against cards: which would do, why the others do not, and when those will."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

from gavelq.core.ids import GpuUuid
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.reasons import Reason

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Refusal(NamedTuple):
    """Why one card does not do. `own`: only because tasks of gavelq hold it, which will end."""

    reason: Reason
    text: str
    own: bool = False
    until: float = inf
    """When it will do at the latest, by time limits (`own`) or by the settling time; infinite: nobody knows."""
    is_foreign: bool = False
    """Because of what others do there."""
    details: Mapping[str, Any] = _NOTHING
    """What the text says, as data: `cause`, and the numbers that belong to it."""


class Due(NamedTuple):
    """When a card that only gavelq's own tasks keep from a request will serve it. Ties go by the card's index."""

    at: float
    place: tuple[int, ...]
    uuid: GpuUuid
    card: GpuView


class Match:
    """A request held against the cards of its domain. Never changed: what is new makes another one."""

    __slots__ = ("_due", "calm_at", "fitting", "n_own", "verdicts")

    def __init__(
        self, fitting: tuple[GpuView, ...], verdicts: Mapping[GpuUuid, Refusal | None], n_own: int, calm_at: float,
        due: list[Due] | None = None,
    ) -> None:  # fmt: skip
        self.fitting = fitting
        """Cards that would do now; reservations are not looked at."""
        self.verdicts = verdicts
        """Of every card, in their order; None: it would do."""
        self.n_own = n_own
        """Cards that would do but for gavelq's own tasks."""
        self.calm_at = calm_at
        """When the first card that only has to be calm for a while will do."""
        self._due = due

    @property
    def refused(self) -> dict[GpuUuid, Refusal]:
        """Why the others would not do."""
        return {uuid: refusal for uuid, refusal in self.verdicts.items() if refusal is not None}

    def due(self, gpus: Mapping[GpuUuid, GpuView]) -> list[Due]:
        """The cards that gavelq's own tasks hold, those that are given back first before the others."""
        if self._due is None:
            own = ((uuid, no) for uuid, no in self.verdicts.items() if no is not None and no.own)
            self._due = sorted(Due(no.until, gpus[uuid].order, uuid, gpus[uuid]) for uuid, no in own)
        return self._due

    def renewed(self, cards: Sequence[GpuView], verdicts: Sequence[Refusal | None]) -> "Match":
        """The same with other verdicts on some cards. Costs what those cost, and a copy."""
        gone = {card.uuid for card in cards}
        fitting = [card for card in self.fitting if card.uuid not in gone]
        known = dict(self.verdicts)
        due = None if self._due is None else list(self._due)
        n_own, may_calm = self.n_own, self.calm_at < inf
        for card, verdict in zip(cards, verdicts, strict=True):
            before, known[card.uuid] = known[card.uuid], verdict
            if before is not None and before.own:
                n_own -= 1
                if due is not None:
                    del due[bisect_left(due, (before.until, card.order, card.uuid))]
            if verdict is None:
                insort(fitting, card, key=_place)
            elif verdict.own:
                n_own += 1
                if due is not None:
                    insort(due, Due(verdict.until, card.order, card.uuid, card))
            else:
                may_calm = may_calm or verdict.until < inf
        calm_at = first_calm(known.values()) if may_calm else inf
        return Match(tuple(fitting), known, n_own, calm_at, due)


NO_MATCH = Match((), {}, 0, inf)
"""Of a request for no card."""


def _place(card: GpuView) -> tuple[int, ...]:
    return card.order


def first_calm(verdicts: Iterable[Refusal | None]) -> float:
    """When the first card that only has to be calm for a while will do; infinite: there is none, or nobody knows."""
    return min((no.until for no in verdicts if no is not None and not no.own), default=inf)
