"""Pretended GPUs: everything can be tried on a machine that has none. Their processes are `gavelq.testing.simtask`."""

import hashlib
import logging
import os

from gavelq.adapters.gpu.processes import ProcessBook
from gavelq.adapters.gpu.simulated_files import Faults, SimulatedCard, SimulatedDirectory, Usage
from gavelq.core.gpu import CardSample, GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid
from gavelq.core.units import MiB

log = logging.getLogger(__name__)

POWER_LIMIT_W = 350.0


class SimulatedProbe:
    """Port GpuProbe over files in a directory (simulated_files.py). Its cards are private to the directory's owner."""

    name = "simulated"

    def __init__(self, count: int, memory_mib: int, directory: str) -> None:
        """`count` cards of `memory_mib` each; the directory is made where it is missing.

        UUIDs come from the directory's path: two daemons never share a card, and a restart finds the same ones.
        """
        root = os.path.realpath(directory)
        tag = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
        self._cards = tuple(
            SimulatedCard(index=str(number), uuid=f"GPU-sim-{tag}-{number}", memory_mib=memory_mib)
            for number in range(count)
        )
        self._name = f"Simulated {_size(memory_mib)}"
        self._directory = SimulatedDirectory(root)
        self._book = ProcessBook()
        self._told_xids: dict[str, tuple[int, ...]] = {}

    def sample(self, now: float) -> GpuSample:
        """Look at all cards; `now` is seconds since the epoch."""
        try:
            return self._sample(now)
        except Exception as error:
            # The port promises never to raise: whatever stands in those files, the monitor must live on.
            log.debug("while looking at the simulated GPUs", exc_info=True)
            return GpuSample(taken_at=now, problem=f"the simulated GPUs cannot be read: {error!r}")

    def close(self) -> None:
        """Nothing is held open."""

    def _sample(self, now: float) -> GpuSample:
        try:
            if self._directory.cards() != self._cards:
                self._directory.prepare(self._cards)
        except OSError as error:
            return GpuSample(taken_at=now, problem=f"the simulated GPUs have no usable directory: {error}")
        faults = self._directory.faults()
        usages = self._directory.usages()
        lost = [card for card in self._cards if {card.index, card.uuid} & faults.lost]
        xids = {card.uuid: self._new_xids(card, faults) for card in self._cards}
        cards = [self._sampled(card, faults, usages, xids[card.uuid], now) for card in self._cards if card not in lost]
        cards += [self._last_words(card, xids[card.uuid]) for card in lost if xids[card.uuid]]
        self._book.forget_all_but({process.pid for card in cards for process in card.processes})
        return GpuSample(
            taken_at=now,
            cards=tuple(cards),
            lost=tuple(GpuUuid(card.uuid) for card in lost),
            links=self._links(faults),
            problem=faults.problem,
        )

    def _new_xids(self, card: SimulatedCard, faults: Faults) -> tuple[int, ...]:
        """What the file says and did not say at the last look: a driver tells of an error once."""
        if faults.problem is not None:
            return ()
        said = faults.xids.get(card.uuid, faults.xids.get(card.index, ()))
        before = self._told_xids.get(card.uuid, ())
        self._told_xids[card.uuid] = said
        return () if said == before else said

    def _links(self, faults: Faults) -> tuple[tuple[GpuUuid, GpuUuid, int], ...]:
        uuids = {name: GpuUuid(card.uuid) for card in self._cards for name in (card.index, card.uuid)}
        return tuple(
            (uuids[one], uuids[other], level) for one, other, level in faults.links if {one, other} <= uuids.keys()
        )

    def _last_words(self, card: SimulatedCard, xids: tuple[int, ...]) -> CardSample:
        """What a card that does not answer any more told before."""
        return CardSample(
            uuid=GpuUuid(card.uuid),
            index=card.index,
            name=self._name,
            memory_total=MiB(card.memory_mib),
            memory_used=None,
            xids=xids,
        )

    def _sampled(
        self, card: SimulatedCard, faults: Faults, usages: list[Usage], xids: tuple[int, ...], now: float
    ) -> CardSample:
        here = [usage for usage in usages if usage.uuid == card.uuid]
        processes = [self._book.describe(usage.pid, MiB(usage.mib), now) for usage in here]
        used = sum(usage.mib for usage in here)
        utilization = min(100, sum(usage.util for usage in here))
        ecc = 0
        for name in (card.index, card.uuid):
            utilization = faults.utilization.get(name, utilization)
            ecc = faults.ecc.get(name, ecc)
            foreign = faults.foreign.get(name)
            if foreign is not None:
                used += foreign.mib
                processes += self._foreign_process(foreign.pid, foreign.mib, now)
        return CardSample(
            uuid=GpuUuid(card.uuid),
            index=card.index,
            name=self._name,
            memory_total=MiB(card.memory_mib),
            memory_used=MiB(min(used, card.memory_mib)),
            utilization=utilization,
            memory_utilization=utilization // 2,
            temperature_c=33 + utilization * 45 // 100,
            power_w=round(25.0 + utilization * 3.0, 1),
            power_limit_w=POWER_LIMIT_W,
            fan_percent=30 + utilization // 2,
            clock_mhz=210 + utilization * 15,
            ecc_errors=ecc,
            nodes=(),
            xids=xids,
            processes=tuple(processes),
        )

    def _foreign_process(self, pid: int | None, mib: int, now: float) -> list[GpuProcess]:
        return [] if pid is None else [self._book.describe(pid, MiB(mib), now)]


def _size(mib: int) -> str:
    return f"{mib // 1024}GiB" if mib % 1024 == 0 else f"{mib}MiB"
