"""What is told about an outcome: one number for each thing that people ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from gavelq.sim.bounds import Bounds
from gavelq.sim.outcome import Outcome, Run

SHORT_S = 10.0
"""Shorter jobs count as one of so many seconds in the slowdown (Feitelson, Rudolph 1998)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The measures of one policy over one trace. Times in seconds; None: there was nothing to measure."""

    policy: str
    left_out: int
    """Jobs wider than the machine."""
    jobs: int
    mean_jct_s: float | None
    """From submission to end."""
    p50_jct_s: float | None
    p95_jct_s: float | None
    mean_wait_s: float | None
    p95_wait_s: float | None
    max_wait_s: float | None
    mean_bounded_slowdown: float | None
    """The time from submission to end as a multiple of the running time, at least 1."""
    makespan_s: float | None
    """From the first submission to the last end."""
    utilisation: float | None
    """The part of all GPU-time within the makespan in which a job ran, from 0 to 1."""
    backfilled: int
    promises_broken: int
    preemptions: int
    bound_makespan_s: float | None
    bound_mean_jct_s: float | None
    ratio_makespan: float | None
    """The makespan as a multiple of its bound."""
    ratio_mean_jct: float | None
    events: int
    events_per_s: float | None


def measure(outcome: Outcome, bound: Bounds, elapsed_s: float | None) -> Measures:
    """The measures of an outcome that took so many seconds of real time to compute."""
    runs = outcome.runs
    completions = sorted(run.end_s - run.job.submit_s for run in runs)
    waits = sorted(run.wait_s for run in runs)
    span = _span(runs)
    mean = _mean(completions)
    return Measures(
        policy=outcome.policy,
        left_out=outcome.left_out,
        jobs=len(runs),
        mean_jct_s=mean,
        p50_jct_s=percentile(completions, 0.50),
        p95_jct_s=percentile(completions, 0.95),
        mean_wait_s=_mean(waits),
        p95_wait_s=percentile(waits, 0.95),
        max_wait_s=waits[-1] if waits else None,
        mean_bounded_slowdown=_mean([_slowdown(run) for run in runs]),
        makespan_s=span,
        utilisation=busy_s(runs) / (outcome.n_gpus * span) if span else None,
        backfilled=outcome.backfilled,
        promises_broken=outcome.promises_broken,
        preemptions=outcome.preemptions,
        bound_makespan_s=bound.makespan_s if runs else None,
        bound_mean_jct_s=bound.mean_jct_s if runs else None,
        ratio_makespan=_ratio(span, bound.makespan_s),
        ratio_mean_jct=_ratio(mean, bound.mean_jct_s),
        events=outcome.events,
        events_per_s=_ratio(outcome.events, elapsed_s),
    )


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The smallest value that at least this part of them does not exceed (nearest rank)."""
    return ordered[max(0, ceil(part * len(ordered)) - 1)] if ordered else None


def busy_s(runs: Sequence[Run]) -> float:
    """GPU-seconds in which a card had at least one job; those of runs that were cut short do not count."""
    if not any(run.job.memory_mib is not None and run.cards for run in runs):  # nobody shares
        return sum(run.ran_s * (len(run.cards) or run.job.gpus) for run in runs)
    spans: dict[int, list[tuple[float, float]]] = {}
    for run in runs:
        for card in run.cards:
            spans.setdefault(card, []).append((run.start_s, run.end_s))
    return sum(_covered(sorted(of_card)) for of_card in spans.values())


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    total = until = 0.0
    for start, end in spans:
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def _span(runs: Sequence[Run]) -> float | None:
    return max(run.end_s for run in runs) - min(run.job.submit_s for run in runs) if runs else None


def _slowdown(run: Run) -> float:
    return max(1.0, (run.wait_s + run.ran_s) / max(run.ran_s, SHORT_S))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _ratio(value: float | None, bound: float | None) -> float | None:
    return value / bound if value is not None and bound else None
