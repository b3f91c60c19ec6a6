"""Real GPUs, as NVML tells of them."""

import logging

from gavelq.adapters.gpu.gateway import DRIVER_GONE, CardUnreachable, Gateway
from gavelq.adapters.gpu.nvml_card import KnownCard, last_words, read_card
from gavelq.adapters.gpu.nvml_events import XidWatch
from gavelq.adapters.gpu.nvml_inventory import Inventory
from gavelq.adapters.gpu.nvml_topology import links
from gavelq.adapters.gpu.processes import ProcessBook
from gavelq.core.gpu import CardSample, GpuSample
from gavelq.core.ids import GpuUuid

log = logging.getLogger(__name__)

RETRY_S = 10.0
"""How long to wait before a driver that was not there is looked for again."""

LONGEST_RETRY_S = 300.0
"""The same for a lost card, doubled up to this: looking for it opens NVML anew, which the other cards notice."""


class _Pace:
    """When NVML may be opened again: at once after a calm time, then less and less often."""

    def __init__(self) -> None:
        self._tried_at: float | None = None
        self._pause_s = 0.0

    def allows(self, now: float) -> bool:
        # A clock that was set back must not stop the retries.
        return self._tried_at is None or not 0 <= now - self._tried_at < self._pause_s

    def tried(self, now: float, longest_s: float) -> None:
        self._tried_at = now
        self._pause_s = min(max(RETRY_S, self._pause_s * 2), longest_s)

    def all_is_well(self, now: float) -> None:
        if self._tried_at is None or not 0 <= now - self._tried_at < RETRY_S:
            self._pause_s = 0.0


class NvmlProbe:
    """Port GpuProbe over NVML. One thread calls it; it never raises, and finds a driver that comes back by itself."""

    name = "nvml"

    def __init__(self) -> None:
        self._nvml = Gateway()
        self._inventory = Inventory()
        self._xids = XidWatch()
        self._links: tuple[tuple[GpuUuid, GpuUuid, int], ...] = ()
        self._book = ProcessBook()
        self._pace = _Pace()
        self._problem: str | None = None
        self._missing = ""
        """Which cards do not answer, in words; empty where all do."""
        self._reported = ""

    def sample(self, now: float) -> GpuSample:
        """Look at all GPUs; `now` (seconds since the epoch) becomes `taken_at` and paces the retries."""
        try:
            found = self._sample(now)
        except Exception as error:
            # The port promises never to raise: whatever a driver comes up with, the monitor must live on.
            self._inventory.forget()
            found = GpuSample(taken_at=now, problem=f"NVML gave an answer that gavelq does not understand: {error!r}")
            if found.problem != self._problem:
                log.exception("while looking at the GPUs")
        self._problem = found.problem
        self._report(found.problem or self._missing)
        return found

    def close(self) -> None:
        """Let go of the driver. Safe to call twice."""
        self._xids.end(self._nvml)
        self._inventory.forget()
        self._nvml.close()

    def _sample(self, now: float) -> GpuSample:
        problem = self._opened(now)
        if problem is not None:
            return GpuSample(taken_at=now, problem=problem)
        try:
            if self._inventory.refresh(self._nvml):
                self._xids.begin(self._nvml, self._inventory.cards)
                self._links = links(self._nvml, self._inventory.cards)
            cards, failures = self._read_cards(now)
        except CardUnreachable as error:
            self.close()
            return GpuSample(taken_at=now, problem=f"the NVIDIA driver stopped answering: {error}; trying again")
        self._book.forget_all_but({process.pid for card in cards for process in card.processes})
        lost = [uuid for card, _ in failures for uuid in (card.uuid, *card.migs)]
        lost += self._inventory.dead
        self._missing = _told(failures, self._inventory)
        if not self._missing:
            self._pace.all_is_well(now)
        # No `problem`: that would mean that nothing is known about cards that are not in the sample. Here it is known.
        return GpuSample(taken_at=now, cards=tuple(cards), lost=tuple(lost), links=self._links)

    def _report(self, trouble: str) -> None:
        """Say once in the log what is wrong, and once that it is over."""
        if trouble != self._reported:
            log.log(logging.WARNING if trouble else logging.INFO, "GPUs: %s", trouble or "all answer")
        self._reported = trouble

    def _opened(self, now: float) -> str | None:
        """None while NVML is open, opening it where that is due; otherwise why it is not."""
        is_reopening = self._nvml.is_open and bool(self._missing)
        if self._nvml.is_open and not is_reopening:
            return None
        if not self._pace.allows(now):
            return None if self._nvml.is_open else self._problem or "NVML is closed"
        self._pace.tried(now, LONGEST_RETRY_S if is_reopening else RETRY_S)
        self.close()
        problem = self._nvml.open()
        if problem is not None:
            self._pace.tried(now, RETRY_S)
        return problem

    def _read_cards(self, now: float) -> tuple[list[CardSample], list[tuple[KnownCard, CardUnreachable]]]:
        """What the cards tell, and those that do not answer. Raises CardUnreachable where that is the driver itself."""
        samples: list[CardSample] = []
        failures: list[tuple[KnownCard, CardUnreachable]] = []
        last: list[CardSample] = []
        for card in self._inventory.cards:
            xids = self._xids.take(self._nvml, card)
            try:
                samples.extend(list(read_card(self._nvml, card, self._book, now, xids)))
            except CardUnreachable as error:
                failures.append((card, error))
                last.extend(last_words(card, xids))
        if failures and not samples and all(error.code in DRIVER_GONE for _, error in failures):
            raise failures[0][1]
        return samples + last, failures


def _told(failures: list[tuple[KnownCard, CardUnreachable]], inventory: Inventory) -> str:
    """Which cards do not answer, why, and what helps; empty where all do."""
    said = [f"GPU {card.index} ({card.uuid}) does not answer: {error}" for card, error in failures]
    said += [f"GPU {uuid} is listed but gives no handle" for uuid in inventory.dead]
    said += [f"GPU {index} is listed but gives no handle" for index in inventory.nameless]
    if said:
        said.append("`dmesg` tells more (Xid); `sudo nvidia-smi --gpu-reset` or a reboot brings it back")
    return "; ".join(said)
