"""What happens to cards by itself: they break and are repaired, other people come and go."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heapreplace
from random import Random
from typing import Literal, NamedTuple

from gavelq.sim.machine import Machine

MEAN_VISIT_S = 2 * 3600.0
"""How long somebody else uses a card at a time, on average."""
MEAN_REPAIR_S = 4 * 3600.0


class Happening(NamedTuple):
    """Something that happens to a card at a time (seconds from the beginning)."""

    at: float
    card: int
    kind: Literal["breaks", "is_repaired", "is_taken", "is_left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """How often. Lengths are drawn from exponential distributions, for each card on its own."""

    mtbf_s: float | None = None
    """The mean time from one fault of a card to the next while it is well; None: cards are well for ever."""
    repair_s: float = MEAN_REPAIR_S
    foreign: float = 0.0
    """The part of the time (0 up to 1) in which somebody else uses a card."""
    visit_s: float = MEAN_VISIT_S
    seed: int = 1

    @property
    def is_quiet(self) -> bool:
        """Whether nothing ever happens."""
        return self.mtbf_s is None and not self.foreign


def happenings(mishaps: Mishaps, machine: Machine) -> Iterator[Happening]:
    """Everything that happens to the cards of a machine, in order of time; it never ends unless all is quiet."""
    streams: list[Iterator[Happening]] = []
    for card in range(machine.n_gpus):
        if mishaps.mtbf_s is not None:
            streams.append(_faults(mishaps.mtbf_s, mishaps.repair_s, card, Random(f"{mishaps.seed} fault {card}")))
        if mishaps.foreign:
            streams.append(_visits(mishaps.foreign, mishaps.visit_s, card, Random(f"{mishaps.seed} visit {card}")))
    heap = [(next(stream), number) for number, stream in enumerate(streams)]
    heapify(heap)
    while heap:
        first, number = heap[0]
        yield first
        heapreplace(heap, (next(streams[number]), number))


def _faults(mtbf_s: float, repair_s: float, card: int, random: Random) -> Iterator[Happening]:
    at = 0.0
    while True:
        at += random.expovariate(1 / mtbf_s)
        yield Happening(at, card, "breaks")
        at += random.expovariate(1 / repair_s)
        yield Happening(at, card, "is_repaired")


def _visits(part: float, visit_s: float, card: int, random: Random) -> Iterator[Happening]:
    at, pause_s = 0.0, visit_s * (1 - part) / part
    while True:
        at += random.expovariate(1 / pause_s)
        yield Happening(at, card, "is_taken")
        at += random.expovariate(1 / visit_s)
        yield Happening(at, card, "is_left")
