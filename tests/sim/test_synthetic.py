"""Made-up loads: like the shipped traces, always the same, of any size."""

from collections import Counter
from itertools import pairwise
from math import log
from statistics import mean, pstdev

import pytest

from gavelq.core.errors import InvalidField
from gavelq.sim.machine import parse_machine
from gavelq.sim.oracles import srtf
from gavelq.sim.synthetic import GPU_MIX, Recipe, as_kind, bursty
from tests.sim.loads import run, trace

SIXTEEN = parse_machine("16")


def test_the_same_seed_makes_the_same_load_and_another_seed_another() -> None:
    first, again, other = (bursty(Recipe(n_jobs=300, seed=seed), SIXTEEN) for seed in (3, 3, 4))
    assert first == again
    assert first.jobs != other.jobs


def test_a_larger_load_begins_with_the_smaller_one() -> None:
    assert bursty(Recipe(n_jobs=500), SIXTEEN).jobs[:200] == bursty(Recipe(n_jobs=200), SIXTEEN).jobs


def test_jobs_come_in_order_with_lengths_widths_and_limits_like_those_of_the_trace() -> None:
    jobs = bursty(Recipe(n_jobs=20_000, seed=1), SIXTEEN).jobs
    assert [job.row for job in jobs] == list(range(20_000))
    assert all(one.submit_s <= other.submit_s for one, other in pairwise(jobs))
    widths = Counter(job.gpus for job in jobs)
    assert set(widths) == {n for n, _ in GPU_MIX}
    assert widths[1] / len(jobs) == pytest.approx(0.95, abs=0.03)
    lengths = [log(job.duration_s) for job in jobs]
    assert mean(lengths) == pytest.approx(8.78, abs=0.15)
    assert pstdev(lengths) == pytest.approx(1.055, abs=0.1)
    assert all(job.limit_s is not None and job.limit_s >= job.duration_s for job in jobs)


def test_most_jobs_follow_each_other_closely_and_then_there_is_a_pause() -> None:
    jobs = bursty(Recipe(n_jobs=20_000, seed=1), parse_machine("4")).jobs
    gaps = sorted(other.submit_s - one.submit_s for one, other in pairwise(jobs))
    assert mean(gaps) > 20 * gaps[len(gaps) // 2], "of the trace: 1411 s to 18 s"


@pytest.mark.parametrize("load", [0.5, 1.2])
def test_as_much_is_asked_for_as_was_said(load: float) -> None:
    jobs = bursty(Recipe(n_jobs=40_000, seed=2, load=load), SIXTEEN).jobs
    asked = sum(job.gpu_s for job in jobs) / (jobs[-1].submit_s * SIXTEEN.n_gpus)
    assert asked == pytest.approx(load, rel=0.25)


def test_the_oracle_comes_to_an_end_where_times_are_rounded() -> None:
    """99.2 + 49 - 99.2 is less than 49: what is left of the job is too little to move the clock."""
    outcome = srtf(trace((0.0, 1.0, 16), (99.2, 49.0, 16)), SIXTEEN)
    assert [one.end_s for one in outcome.runs] == [1.0, 148.2]


def test_it_can_be_simulated_by_product_and_oracles() -> None:
    load = bursty(Recipe(n_jobs=60, seed=2), SIXTEEN)
    assert len(run(load, 16).runs) == len(run(load, 16, "fifo").runs) == 60


@pytest.mark.parametrize("recipe", [Recipe(n_jobs=0), Recipe(n_jobs=5, load=0.0), Recipe(n_jobs=5, load=-1.0)])
def test_what_cannot_be_made_is_refused(recipe: Recipe) -> None:
    with pytest.raises(InvalidField):
        bursty(recipe, SIXTEEN)
    with pytest.raises(InvalidField):
        as_kind("calm")
