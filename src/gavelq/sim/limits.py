"""Time limits for jobs whose trace names none: people ask for more than they need, in round numbers."""

import math
from dataclasses import replace
from random import Random
from typing import Literal, get_args

from gavelq.core.errors import InvalidField
from gavelq.sim.trace import Job, Trace

Limits = Literal["modelled", "none", "exact", "own"]
LIMITS: tuple[Limits, ...] = get_args(Limits)

_HOUR = 3600.0
_DAY = 24 * _HOUR
RUNGS_S = (_HOUR / 4, _HOUR / 2, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY)
"""What people write as a limit; beyond the last of them whole days."""
LEAST_FACTOR, MOST_FACTOR = 1.0, 5.0


def as_limits(word: str) -> Limits:
    """One of the words. Raises InvalidField."""
    for known in LIMITS:
        if word == known:
            return known
    raise InvalidField(field="limits", problem=f"there is no {word!r:.80}", hint="write " + " or ".join(LIMITS))


def with_limits(trace: Trace, how: Limits, *, seed: int = 1) -> Trace:
    """The trace with limits.

    `modelled`: where it names none, duration x U(1, 5), one draw per row in file order from `random.Random(seed)`,
    rounded up to the next rung. `exact`: everybody knows how long it takes. `none`: nobody names a limit. `own`: as the
    trace has them.
    """
    match how:
        case "own":
            return trace
        case "none":
            return trace.map(lambda job: replace(job, limit_s=None))
        case "exact":
            return trace.map(lambda job: replace(job, limit_s=job.duration_s))
        case "modelled":
            return _modelled(trace, seed)


def _modelled(trace: Trace, seed: int) -> Trace:
    random = Random(seed)
    n_rows = 1 + max((job.row for job in trace.jobs), default=-1)
    factors = [random.uniform(LEAST_FACTOR, MOST_FACTOR) for _ in range(n_rows)]

    def limited(job: Job) -> Job:
        return job if job.limit_s is not None else replace(job, limit_s=rung(job.duration_s * factors[job.row]))

    return trace.map(limited)


def rung(seconds: float) -> float:
    """The next round limit that is not shorter."""
    return next((one for one in RUNGS_S if seconds <= one), math.ceil(seconds / _DAY) * _DAY)
