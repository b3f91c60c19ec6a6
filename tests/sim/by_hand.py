"""First come first served and shortest first once more, in a few lines and without gavelq, to compare with."""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any

from gavelq.sim.trace import Job, Trace


def starts_by_hand(load: Trace, n_gpus: int, rank: Callable[[Job], Any], *, skips: bool) -> list[float]:
    """When each job starts on one pool of equal GPUs; `skips`: those that do not fit hold nobody up."""
    jobs = load.jobs
    found, ends, free = [inf] * len(jobs), list[tuple[float, int]](), n_gpus
    arriving, waiting = list(range(len(jobs))), list[int]()
    while arriving or waiting:
        now = min(jobs[arriving[0]].submit_s if arriving else inf, ends[0][0] if ends else inf)
        while ends and ends[0][0] <= now:
            free += heappop(ends)[1]
        while arriving and jobs[arriving[0]].submit_s <= now:
            waiting.append(arriving.pop(0))
        waiting.sort(key=lambda number: rank(jobs[number]))
        for number in list(waiting):
            if jobs[number].gpus <= free:
                found[number] = now
                free -= jobs[number].gpus
                heappush(ends, (now + jobs[number].duration_s, jobs[number].gpus))
                waiting.remove(number)
            elif not skips:
                break
    return found
