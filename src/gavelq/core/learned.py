"""What ended tasks teach: run times, memory peaks and utilisation by name; and how much of the GPUs each tenant had."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gavelq.core.fixed import fixed
from gavelq.core.units import MiB

N_KEPT = 20
"""Run times and peaks of so many of the last ends are kept: old code is forgotten."""
ENOUGH_ENDS = 3
"""So many completed attempts make a run time worth telling."""
ALPHA = 0.3
"""Weight of the newest attempt in the mean utilisation."""
MAX_KEYS = 10_000
"""Names and patterns that are remembered; beyond that the oldest go."""
HEADROOM = 1.1
STEP_MIB = 256
"""What is asked for from experience is a little more than the peak, in steps."""


@fixed
class Learned:
    """What is known about tasks of one name (or name pattern) of one tenant."""

    n_ends: int = 0
    """How many attempts that ended well or by their own failure it is made of."""
    run_times_s: tuple[float, ...] = ()
    """Of the last completed ones, oldest first."""
    peaks: tuple[MiB, ...] = ()
    """The largest use of one GPU that was seen in each of the last attempts, oldest first."""
    utilization: float | None = None
    """Mean GPU utilisation in percent, as an exponential mean over attempts."""
    at: float = 0.0
    """When it was last changed, in seconds since the epoch."""

    @property
    def peak_memory(self) -> MiB | None:
        """The largest use of one GPU that was seen in the last attempts; None: unknown."""
        return max(self.peaks, default=None)


@fixed
class ShareUse:
    """GPU-seconds that a tenant had, decayed to the time `at`."""

    gpu_s: float
    at: float


@fixed
class Lesson:
    """What one attempt has to teach."""

    is_own_end: bool
    """It ended well or by its own failure; one that was stopped or lost only shows how much memory it took."""
    run_time_s: float | None = None
    """Of a completed one."""
    peak_memory: MiB | None = None
    utilization: float | None = None


_DIGITS = re.compile(r"\d+")


def name_key(tenant: str, name: str) -> str:
    """Under which what is known about tasks of exactly this name is kept."""
    return f"{tenant}/{name}"


def pattern_of(name: str) -> str:
    """The name without its numbers: `train-lr0.1` and `train-lr0.01` are alike."""
    return _DIGITS.sub("#", name)


def pattern_key(tenant: str, name: str) -> str:
    """Under which what is known about tasks of such names is kept."""
    return f"{tenant}/{pattern_of(name)}"


def taught(before: Learned | None, lesson: Lesson, now: float) -> Learned:
    """What is known after one more attempt (`now`: seconds since the epoch)."""
    before = Learned() if before is None else before
    known = before
    if lesson.peak_memory is not None:
        known = replace(known, peaks=(*known.peaks, lesson.peak_memory)[-N_KEPT:])
    if lesson.is_own_end:
        known = replace(known, n_ends=known.n_ends + 1)
        if lesson.run_time_s is not None:
            known = replace(known, run_times_s=(*known.run_times_s, lesson.run_time_s)[-N_KEPT:])
        if lesson.utilization is not None:
            old = lesson.utilization if known.utilization is None else known.utilization
            known = replace(known, utilization=old + ALPHA * (lesson.utilization - old))
    return known if known == before else replace(known, at=now)


def run_time(known: Learned | None) -> float | None:
    """The estimate of a run time in seconds: the median; None where fewer than three completed."""
    if known is None or len(known.run_times_s) < ENOUGH_ENDS:
        return None
    return _median(sorted(known.run_times_s))


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def utilization_of(known: Learned | None, unknown: float) -> float:
    """How much of a GPU's utilisation such a task takes, in percent; `unknown` where nothing is known."""
    return unknown if known is None or known.utilization is None else known.utilization


def memory_to_ask(known: Learned | None) -> MiB | None:
    """What to ask for on each GPU: the peak and a tenth more, in steps of 256 MiB; None where no peak is known."""
    peak = None if known is None else known.peak_memory
    return None if peak is None else MiB(math.ceil(peak * HEADROOM / STEP_MIB) * STEP_MIB)


def superfluous(known: Mapping[str, Learned], n_more: int) -> list[str]:
    """The keys to forget so that `n_more` fit: the oldest, a tenth of all at once, because looking for them takes time.

    Empty while there is room.
    """
    if len(known) + n_more <= MAX_KEYS:
        return []
    n_gone = len(known) + n_more - MAX_KEYS + MAX_KEYS // 10
    return sorted(known, key=lambda key: (known[key].at, key))[:n_gone]
