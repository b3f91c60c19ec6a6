"""Workloads that nobody had: like the shipped traces, but of any size.

What the traces show is what is drawn here: people send many alike jobs within minutes and then nothing for hours (half
of the gaps of ef-c05 are below 18 s, their mean is 24 minutes); lengths are log-normal, alike within one burst; nearly
all jobs want one GPU. The constants are those of ef-c05.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush
from math import ceil, exp, log
from random import Random

from gavelq.core.errors import InvalidField
from gavelq.sim.limits import LEAST_FACTOR, MOST_FACTOR, rung
from gavelq.sim.machine import Machine
from gavelq.sim.trace import Job, Trace

KINDS = ("bursty",)
MAX_JOBS = 10_000_000
LEAST_LOAD, MOST_LOAD = 0.01, 10.0
GPU_MIX = ((1, 0.9548), (2, 0.0138), (4, 0.0102), (8, 0.0212))
"""How many GPUs jobs of ef-c05 want, and which part of the jobs does."""
MEDIAN_S = 6500.0
"""Of the lengths: exp of the mean of their logarithms."""
BETWEEN_SIGMA, WITHIN_SIGMA = 0.9, 0.55
"""How the logarithms of lengths differ from burst to burst, and within one; together 1.055, as in the trace."""
SHORTEST_S, LONGEST_S = 1.0, 30 * 86400.0
BURST_TAIL = 1.3
"""Pareto exponent of the jobs in a burst: most have a handful, some have hundreds (mean about 4)."""
LARGEST_BURST = 2000
GAP_S = 20.0
"""Mean time between two jobs of one burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is to be made."""

    n_jobs: int
    seed: int = 1
    load: float = 0.8
    """The GPU-seconds that are submitted in a second, as a part of the machine's."""


def as_kind(word: str) -> str:
    """One of the kinds. Raises InvalidField."""
    if word in KINDS:
        return word
    raise InvalidField(field="synthetic", problem=f"there is no {word!r:.80}", hint="write " + " or ".join(KINDS))


def bursty(recipe: Recipe, machine: Machine) -> Trace:
    """Such a workload for a machine; the same recipe and number of GPUs always make the same one. Raises InvalidField.

    Jobs are wider than the machine as often as in the trace. They come with time limits (`gavelq.sim.limits`).
    """
    if not 1 <= recipe.n_jobs <= MAX_JOBS:
        problem = f"{recipe.n_jobs} is no number of jobs"
        raise InvalidField(field="jobs", problem=problem, hint=f"write 1 to {MAX_JOBS}")
    if not LEAST_LOAD <= recipe.load <= MOST_LOAD:
        raise InvalidField(field="load", problem=f"{recipe.load:g} is no load", hint="write 0.01 to 10, such as 0.8")
    name = f"bursty-{recipe.n_jobs}-{recipe.seed}"
    notes = (f"made up: {recipe.n_jobs} jobs that ask for {recipe.load:.0%} of the machine, seed {recipe.seed}",)
    return Trace(name=name, jobs=tuple(_jobs(recipe, machine.n_gpus)), notes=notes)


def _jobs(recipe: Recipe, n_gpus: int) -> Iterator[Job]:
    """In the order of their submission, one by one: a million of them need no second list."""
    random = Random(f"bursty {recipe.seed}")
    pause_s = _mean_burst() * _mean_gpu_s() / (recipe.load * n_gpus)
    under_way: list[tuple[float, int, _Burst]] = []
    begins, n_bursts = 0.0, 0
    for row in range(recipe.n_jobs):
        while not under_way or begins <= under_way[0][0]:
            heappush(under_way, (begins, n_bursts, _Burst(random)))
            n_bursts += 1
            begins += random.expovariate(1 / pause_s)
        at, number, burst = heappop(under_way)
        yield burst.job(row, at)
        if burst.n_left:
            heappush(under_way, (at + random.expovariate(1 / GAP_S), number, burst))


class _Burst:
    """Alike jobs that somebody submits at about the same time."""

    __slots__ = ("_gpus", "_mu", "_random", "n_left")

    def __init__(self, random: Random) -> None:
        self._random = random
        self.n_left = min(LARGEST_BURST, int(random.paretovariate(BURST_TAIL)))
        self._gpus = random.choices([n for n, _ in GPU_MIX], [part for _, part in GPU_MIX])[0]
        self._mu = random.gauss(log(MEDIAN_S), BETWEEN_SIGMA)

    def job(self, row: int, at: float) -> Job:
        """The next one of them."""
        self.n_left -= 1
        length = min(LONGEST_S, max(SHORTEST_S, float(ceil(self._random.lognormvariate(self._mu, WITHIN_SIGMA)))))
        limit_s = _limit(rung(length * self._random.uniform(LEAST_FACTOR, MOST_FACTOR)))
        return Job(
            row=row, job_id=str(row + 1), submit_s=round(at, 3), duration_s=length, gpus=self._gpus, limit_s=limit_s
        )


@lru_cache(maxsize=1024)
def _limit(seconds: float) -> float:
    """One object for each limit: there are few, and a million jobs."""
    return seconds


def _mean_burst() -> float:
    """Jobs of a burst: the mean of the whole part of a Pareto variable is the sum of P(X >= k)."""
    return sum(float(k**-BURST_TAIL) for k in range(1, LARGEST_BURST + 1))


def _mean_gpu_s() -> float:
    variance = BETWEEN_SIGMA**2 + WITHIN_SIGMA**2
    return sum(n * part for n, part in GPU_MIX) * MEDIAN_S * exp(variance / 2)
