"""Scheduling that nobody can have: it knows how long everything takes. Only to measure others by."""

from bisect import insort
from math import inf

from gavelq.sim.machine import Machine
from gavelq.sim.outcome import Outcome, Run
from gavelq.sim.simulator import TOLD_EVERY, Progress, fits
from gavelq.sim.trace import Trace

_Left = tuple[float, float, int]
"""How much of a job is left, when it was submitted, and its number."""


def srtf(trace: Trace, machine: Machine, *, progress: Progress | None = None) -> Outcome:
    """Shortest remaining time first with free preemption: at each submission and end the jobs that have least left run,
    those that do not fit are skipped, and stopping and moving costs nothing.

    Its cards are all equal and nobody else's, never break and are never shared; an elastic job has its least number.
    """
    jobs = [job for job in trace.jobs if fits(job, machine)]
    found: list[Run | None] = [None] * len(jobs)
    first_start = [inf] * len(jobs)
    waiting: list[_Left] = []
    running: list[_Left] = []
    at = n_ended = n_events = n_preemptions = told = 0
    now = 0.0
    while n_ended < len(jobs):
        arrival = jobs[at].submit_s if at < len(jobs) else inf
        then = min(arrival, now + running[0][0] if running else inf)
        since, now = now, then
        before = {number for _, _, number in running}
        for left, submitted, number in running:
            if since + left <= now:  # as `then` was found: differences of floating-point numbers may never be over
                job = jobs[number]
                found[number] = Run(job, first_start[number], now, job.duration_s)
                before.discard(number)
                n_ended += 1
                n_events += 1
            else:
                insort(waiting, (left - (now - since), submitted, number))
        while at < len(jobs) and jobs[at].submit_s <= now:
            insort(waiting, (jobs[at].duration_s, jobs[at].submit_s, at))
            at += 1
            n_events += 1
        running, waiting = _first(waiting, [jobs[number].gpus for _, _, number in waiting], machine)
        for _, _, number in running:
            first_start[number] = min(first_start[number], now)
        n_preemptions += len(before - {number for _, _, number in running})
        if progress is not None and n_ended - told >= TOLD_EVERY:
            told = n_ended
            progress(told, len(jobs))
    return Outcome(
        policy="srtf", is_oracle=True, n_gpus=machine.n_gpus, runs=tuple(run for run in found if run is not None),
        left_out=len(trace.jobs) - len(jobs), events=n_events, preemptions=n_preemptions,
    )  # fmt: skip


def _first(waiting: list[_Left], gpus: list[int], machine: Machine) -> tuple[list[_Left], list[_Left]]:
    """Those that run now, and those that have to wait; each on the first node with room."""
    free, chosen, others = list(machine.nodes), [], []
    for one, wanted in zip(waiting, gpus, strict=True):
        node = next((node for node, left in enumerate(free) if left >= wanted), None)
        if node is None:
            others.append(one)
        else:
            free[node] -= wanted
            chosen.append(one)
    return chosen, others
