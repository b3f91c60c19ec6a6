"""What no schedule can beat: lower bounds of the makespan and of the mean completion time.

Each holds for every schedule that gives a job its GPUs for its whole length, also for one that stops and resumes at
will. The recipe is that of the traces' notes; the tests compare it with all schedules of small instances.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from math import inf

from gavelq.sim.machine import Machine
from gavelq.sim.trace import Job

Part = Callable[[Job], float]
"""How much of each of its cards a job takes for itself at least, from 0 to 1."""
_Size = tuple[float, float]
"""When a job is submitted, and how long it would take on all GPUs together."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """In seconds."""

    makespan_s: float
    """From the first submission to the last end."""
    mean_jct_s: float
    """Mean time from submission to end."""


def whole(job: Job) -> float:
    """Nobody shares: each job takes whole cards."""
    return 1.0


def bounds(jobs: Sequence[Job], machine: Machine, parts: Sequence[Part] = (whole,)) -> Bounds:
    """The bounds of these jobs on this machine; each has to fit there.

    `parts`: ways to count what a job takes of a card. By each of them the jobs on one card never take more than that
    card together, so that the largest bound holds.
    """
    if not jobs:
        return Bounds(0.0, 0.0)
    lengths = [_shortest(job, machine) for job in jobs]
    last = max(job.submit_s + length for job, length in zip(jobs, lengths, strict=True))
    mean = sum(lengths) / len(jobs)
    for part in parts:
        sizes = sorted((job.submit_s, part(job) * _work(job) / machine.n_gpus) for job in jobs)
        wide = [
            (job.submit_s, length / len(machine.nodes))
            for job, length in zip(jobs, lengths, strict=True)
            if 2 * job.gpus > machine.widest() and part(job) == 1.0
        ]
        last = max(last, _last_end(sizes), _last_end(sorted(wide)))
        in_between = sum(_busy_times(sizes)) / len(jobs) + sum(lengths) / len(jobs) / 2
        mean = max(mean, _shortest_remaining(sizes) / len(jobs), in_between)
    return Bounds(last - min(job.submit_s for job in jobs), mean)


def _work(job: Job) -> float:
    """GPU-seconds that it takes at least: a limit may end it."""
    return job.gpus * (job.duration_s if job.limit_s is None else min(job.duration_s, job.limit_s))


def _shortest(job: Job, machine: Machine) -> float:
    """How long a job runs at least: an elastic one on as many GPUs as it may have."""
    most = job.gpus if job.max_gpus is None else max(job.gpus, min(job.max_gpus, machine.widest(job.memory_mib)))
    length = job.gpu_s / most
    return length if job.limit_s is None else min(length, job.limit_s)


def _last_end(sizes: Sequence[_Size]) -> float:
    """For every submission: that time, and what is submitted from then on, without a gap."""
    rest, last = sum(size for _, size in sizes), -inf
    for at, size in sizes:
        last = max(last, at + rest)
        rest -= size
    return last


def _shortest_remaining(sizes: Sequence[_Size]) -> float:
    """The sum of completion times where one machine as fast as all GPUs together always runs what has least left.

    No schedule of a single machine is better (Schrage 1968).
    """
    left: list[tuple[float, float]] = []
    total, now, at = 0.0, 0.0, 0
    while at < len(sizes) or left:
        if not left:
            now = max(now, sizes[at][0])
        while at < len(sizes) and sizes[at][0] <= now:
            heappush(left, (sizes[at][1], sizes[at][0]))
            at += 1
        until = sizes[at][0] if at < len(sizes) else inf
        size, submitted = left[0]
        if now + size <= until:
            heappop(left)
            now += size
            total += now - submitted
        else:
            heapreplace(left, (size - (until - now), submitted))
            now = until
    return total


def _busy_times(sizes: Sequence[_Size]) -> list[float]:
    """For each job the middle of its time on that one machine, from its submission, where the smallest always runs.

    No schedule has a smaller sum of these (Goemans 1997); a job ends half its length after its middle, or later.
    """
    waiting: list[list[float]] = []
    found: list[float] = []
    now, at = 0.0, 0
    while at < len(sizes) or waiting:
        if not waiting:
            now = max(now, sizes[at][0])
        while at < len(sizes) and sizes[at][0] <= now:
            submitted, size = sizes[at]
            heappush(waiting, [size, at, size, 0.0, submitted])
            at += 1
        until = sizes[at][0] if at < len(sizes) else inf
        job = waiting[0]
        size, _, left, moment, submitted = job
        step = min(left, until - now)
        is_over = left <= until - now
        job[2], job[3] = left - step, moment + step * (now + step / 2)
        now += step
        if is_over:
            heappop(waiting)
            found.append((job[3] / size if size else now) - submitted)
    return found
