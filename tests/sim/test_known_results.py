"""Figures that others have published, or that a few lines of other code give, come out exactly."""

import pytest

from gavelq.sim.bounds import bounds
from gavelq.sim.machine import parse_machine
from gavelq.sim.oracles import srtf
from gavelq.sim.simulator import fits
from gavelq.sim.trace import Job
from tests.sim.by_hand import starts_by_hand
from tests.sim.loads import TRACES, mean_jct, run, shipped, starts

pytestmark = pytest.mark.skipif(not TRACES.exists(), reason=f"the shared traces are not at {TRACES}")


def by_submission(job: Job) -> tuple[float, int]:
    return job.submit_s, job.row


def by_length(job: Job) -> tuple[float, float, int]:
    return job.duration_s, job.submit_s, job.row


@pytest.mark.parametrize(
    ("policy", "rank", "skips"),
    [("fifo", by_submission, False), ("fifo_skip", by_submission, True), ("sjf", by_length, True)],
)
@pytest.mark.parametrize(("name", "n_gpus", "first"), [("ef-c05", 16, 600), ("ef-c10", 8, 120)])
def test_simple_policies_start_each_job_when_a_few_lines_of_other_code_do(
    name: str, n_gpus: int, first: int, policy: str, rank: object, skips: bool
) -> None:
    load = shipped(name, first)
    load = type(load)(name=name, jobs=tuple(job for job in load.jobs if job.gpus <= n_gpus))
    assert starts(run(load, n_gpus, policy)) == pytest.approx(
        starts_by_hand(load, n_gpus, rank, skips=skips)  # type: ignore[arg-type]  # one of the two above
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("fifo", 240_273.36),
        ("fifo_skip", 162_257.31),
        pytest.param("sjf", 88_483.92, marks=pytest.mark.slow),
    ],
)
def test_the_published_means_come_out_to_the_cent(policy: str, expected: float) -> None:
    assert round(mean_jct(run(shipped("ef-c05"), 16, policy)), 2) == expected


def test_the_published_mean_of_the_preempting_oracle_comes_out_to_the_cent() -> None:
    assert round(mean_jct(srtf(shipped("ef-c05"), parse_machine("16"))), 2) == 79_455.86


@pytest.mark.parametrize(
    ("name", "n_gpus", "makespan", "mean", "left_out"),
    [("ef-c05", 16, 5_294_921, 70_604, 0), ("ef-c10", 8, 3_172_191, 98_954, 2)],
)
def test_the_published_bounds_come_out(name: str, n_gpus: int, makespan: int, mean: int, left_out: int) -> None:
    load, machine = shipped(name), parse_machine(str(n_gpus))
    jobs = [job for job in load.jobs if fits(job, machine)]
    found = bounds(jobs, machine)
    assert (round(found.makespan_s), round(found.mean_jct_s)) == (makespan, mean)
    assert len(load.jobs) - len(jobs) == left_out
