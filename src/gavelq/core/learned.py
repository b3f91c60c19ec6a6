"""What ended tasks teach: run times, memory peaks and utilisation by name; and how much of the GPUs each tenant had."""

import re
from dataclasses import dataclass

from gavelq.core.units import MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What is known about tasks of one name (or name pattern) of one tenant."""

    n_ends: int = 0
    """How many attempts that ended well or by their own failure it is made of."""
    run_times_s: tuple[float, ...] = ()
    """Of the last completed ones, oldest first."""
    peak_memory: MiB | None = None
    """The largest use of one GPU that was seen."""
    utilization: float | None = None
    """Mean GPU utilisation in percent, as an exponential mean over attempts."""
    at: float = 0.0
    """When it was last changed, in seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareUse:
    """GPU-seconds that a tenant had, decayed to the time `at`."""

    gpu_s: float
    at: float


_DIGITS = re.compile(r"\d+")


def name_key(tenant: str, name: str) -> str:
    """Under which what is known about tasks of exactly this name is kept."""
    return f"{tenant}/{name}"


def pattern_key(tenant: str, name: str) -> str:
    """Under which what is known about tasks of such names is kept: `train-lr0.1` and `train-lr0.01` are alike."""
    return f"{tenant}/{_DIGITS.sub('#', name)}"
