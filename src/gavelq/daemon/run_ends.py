"""When a lane, and a run of a command file, is expected to end, and what that is based on. It promises nothing.

Each task takes as long as its name's learned run time says, else as the completed tasks of its lane took on average,
else as those of its run did, else its time limit.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gavelq.core.ids import TaskId
from gavelq.daemon.run_processes import Process
from gavelq.daemon.run_sums import RunTimeOf, Sums

Expected = tuple[float | None, str | None]
"""Seconds since the epoch and the basis; no time: nobody knows, and the basis says why. No basis: it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """How long the completed tasks of a lane or run took on average."""

    seconds: float
    n: int
    where: str
    """`queue` or `run`."""

    @property
    def told(self) -> str:
        """As part of a sentence."""
        return f"the mean of {self.n} completed task(s) of its {self.where}"


def mean_of(sums: Iterable[Sums], where: str) -> Mean | None:
    """The mean of some lanes together; None where nothing has completed."""
    known = list(sums)
    n = sum(one.n_completed for one in known)
    return Mean(seconds=sum(one.completed_s for one in known) / n, n=n, where=where) if n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a lane has still to do."""

    seconds: float
    parts: Counter[str]
    """How many tasks are counted by what."""
    unknown: TaskId | None
    """A task of which nobody knows how long it takes."""

    @property
    def told(self) -> str:
        """What it is based on."""
        return " and ".join(f"{what} ({n})" for what, n in self.parts.items())


def work_of(sums: Sums, mean: Mean | None, run_time_of: RunTimeOf, now: float) -> Work:
    """What is left of the present task and all waiting ones; `mean` is that of the lane, else of the run."""
    seconds, parts, unknown = sums.learned_s, Counter[str](), None
    if sums.n_learned:
        parts["learned run times"] = sums.n_learned
    for one in sums.holding:
        length, what = _length(one, mean, run_time_of)
        if length is None:
            unknown = unknown or one.task_id
            continue
        parts[what] += 1
        seconds += max(0.0, (one.started_at or now) + length - now)
    for limit, (n, first) in sums.unlearned.items():
        length, what = _usual(mean, limit)
        if length is None:
            unknown = unknown or first
            continue
        parts[what] += n
        seconds += n * length
    return Work(seconds=seconds, parts=parts, unknown=unknown)


def _length(one: Process, mean: Mean | None, run_time_of: RunTimeOf) -> tuple[float | None, str]:
    learned = run_time_of(one.learned_as) if one.learned_as is not None else None
    if learned is None:
        return _usual(mean, one.time_limit_s)
    return (learned if one.time_limit_s is None else min(learned, one.time_limit_s)), "learned run times"


def _usual(mean: Mean | None, limit: float | None) -> tuple[float | None, str]:
    if mean is None:
        return limit, "time limits"
    return (mean.seconds if limit is None else min(mean.seconds, limit)), mean.told


def lane_end(sums: Sums, work: Work, start: Expected | None, now: float) -> Expected:
    """When a lane ends. `start`: when its next task is expected to get its GPUs, where it has none; None: unasked."""
    if not sums.waiting and not sums.holding:
        return None, None
    if sums.holding and not sums.waiting and all(one.is_given_up for one in sums.holding):
        return None, "it is being stopped"
    held = sums.held
    if held is not None:
        return None, f"task {held.task_id} is held"
    if work.unknown is not None:
        why = "no time limit and no learned run time, and no task of this run has completed yet"
        return None, f"task {work.unknown} has {why}"
    if sums.holding:
        return now + work.seconds, f"{work.told}; waits for GPUs between tasks are not counted"
    if start is None:
        return now + work.seconds, f"{work.told}; how long it waits for GPUs is not counted"
    at, basis = start
    if at is None:
        return None, f"task {sums.waiting[0].task_id} waits: {basis}"
    return max(now, at) + work.seconds, f"{work.told}, from the expected start of its next task on ({basis})"


def run_end(lanes: Iterable[tuple[str, Sums, Work, Expected]], now: float) -> Expected:
    """When a run ends: with its latest lane, or when as many tasks at once as now have done all that is left."""
    live = [entry for entry in lanes if entry[3][1] is not None]
    if not live:
        return None, None
    for lane, _, _, (at, basis) in live:
        if at is None:
            return None, f"queue {lane}: {basis}"
    latest, lane, told = max((at or now, lane, basis) for lane, _, _, (at, basis) in live)
    n_running = sum(len(sums.holding) for _, sums, _, _ in live)
    n_waiting = sum(not sums.holding for _, sums, _, _ in live)
    if n_waiting and n_running:
        shared = now + sum(work.seconds for _, _, work, _ in live) / n_running
        if shared > latest:
            return shared, f"the work that is left, with {n_running} task(s) at once as now"
    return max(now, latest), f"queue {lane}: {told}"
