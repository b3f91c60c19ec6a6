"""Lower bounds: below every schedule of small instances, and met where a schedule can be that good."""

from itertools import permutations

import pytest
from hypothesis import given, settings

from gavelq.sim.bounds import bounds
from gavelq.sim.comparing import parts
from gavelq.sim.machine import Machine, parse_machine
from gavelq.sim.oracles import srtf
from gavelq.sim.policies import BASE
from gavelq.sim.simulator import Options
from gavelq.sim.trace import Job, Trace
from tests.sim.loads import job, loads, mean_jct, run, trace

THREE = parse_machine("3")


def schedules(load: Trace, n_gpus: int) -> list[list[float]]:
    """The ends of the jobs in all schedules worth looking at: in any order, each as early as it fits.

    Some of them is the best by each measure that gets no better by a later end (Sprecher et al. 1995).
    """
    return [_in_this_order(order, n_gpus) for order in permutations(load.jobs)]


def _in_this_order(order: tuple[Job, ...], n_gpus: int) -> list[float]:
    placed: list[tuple[float, float, int]] = []
    ends: dict[int, float] = {}
    for one in order:
        times = sorted({one.submit_s, *(end for _, end, _ in placed if end > one.submit_s)})
        start = next(at for at in times if _fits(placed, at, one, n_gpus))
        placed.append((start, start + one.duration_s, one.gpus))
        ends[one.row] = start + one.duration_s
    return [ends[row] for row in sorted(ends)]


def _fits(placed: list[tuple[float, float, int]], at: float, one: Job, n_gpus: int) -> bool:
    moments = [at, *(start for start, _, _ in placed if at < start < at + one.duration_s)]
    return all(
        sum(gpus for start, end, gpus in placed if start <= moment < end) + one.gpus <= n_gpus for moment in moments
    )


@given(loads(most_gpus=3, most_jobs=5))
@settings(max_examples=60, deadline=None)
def test_no_schedule_of_a_small_instance_is_below_the_bounds(load: Trace) -> None:
    found, first = bounds(load.jobs, THREE), min(one.submit_s for one in load.jobs)
    submitted = sorted(load.jobs, key=lambda one: one.row)
    all_ends = schedules(load, 3)
    best_mean = min(
        sum(end - one.submit_s for end, one in zip(ends, submitted, strict=True)) / len(ends) for ends in all_ends
    )
    assert min(max(ends) for ends in all_ends) - first >= found.makespan_s - 1e-9
    assert best_mean >= found.mean_jct_s - 1e-9


@given(loads(most_gpus=3, most_jobs=8))
@settings(max_examples=25, deadline=None)
def test_no_policy_beats_the_bounds(load: Trace) -> None:
    found, first = bounds(load.jobs, THREE), min(one.submit_s for one in load.jobs)
    outcomes = [run(load, 3, policy) for policy in ("fair", "fifo", "fifo_skip", "sjf")]
    for outcome in [*outcomes, srtf(load, THREE)]:
        assert mean_jct(outcome) >= found.mean_jct_s - 1e-6
        assert max(one.end_s for one in outcome.runs) - first >= found.makespan_s - 1e-6


@pytest.mark.parametrize(
    ("rows", "makespan", "mean"),
    [
        ([(0, 10, 3)], 10, 10),
        ([(100, 10, 1)], 10, 10),
        # Neither fits beside the other. On one fast machine their middles are at 3.33 and 10; half a length is 5.
        ([(0, 10, 2), (0, 10, 2)], 20, 35 / 3),
        # The short one goes between: it ends at 6, the others at 11 and 21.
        ([(0, 10, 3), (0, 10, 3), (5, 1, 3)], 21, 11),
        # Middles at 1.5, 4.5, 7.5 and 10.5; half a length is 4.5.
        ([(0, 9, 1), (0, 9, 1), (0, 9, 1), (0, 9, 1)], 12, 10.5),
    ],
)
def test_bounds_of_instances_that_can_be_worked_out(
    rows: list[tuple[float, float, int]], makespan: float, mean: float
) -> None:
    found = bounds(trace(*rows).jobs, THREE)
    assert found.makespan_s == pytest.approx(makespan)
    assert found.mean_jct_s == pytest.approx(mean)


def test_an_elastic_job_is_as_short_as_it_can_be() -> None:
    assert bounds([job(0, 0, 30, 1, max_gpus=8)], THREE).mean_jct_s == 10


def test_a_limit_that_ends_a_job_makes_it_shorter() -> None:
    assert bounds([job(0, 0, 30, 1, limit_s=12)], THREE).makespan_s == 12


def test_jobs_that_share_a_card_count_for_the_part_that_they_take() -> None:
    machine: Machine = parse_machine("1x10GiB")
    half = [job(n, 0, 100, memory_mib=4000, utilization=40.0) for n in range(4)]
    apart, together = bounds(half, machine), bounds(half, machine, parts(machine, BASE))
    assert (apart.makespan_s, together.makespan_s) == (400, 200)
    assert max(one.end_s for one in run(trace(*half), machine, "fair", Options(share=True)).runs) == 200
