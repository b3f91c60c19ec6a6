"""Time limits of jobs whose trace tells none."""

from random import Random

import pytest

from gavelq.sim.limits import rung, with_limits
from gavelq.sim.trace import Trace
from tests.sim.loads import HOUR, TRACES, job, shipped, trace

DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [(0, 900), (900, 900), (901, 1800), (3 * HOUR, 4 * HOUR), (2 * DAY, 2 * DAY), (2 * DAY + 1, 3 * DAY)],
)
def test_limits_are_round(seconds: float, limit: float) -> None:
    assert rung(seconds) == limit


def test_each_row_of_the_file_has_a_draw_of_its_own_in_the_file_s_order() -> None:
    load = trace(job(2, 0, HOUR), job(0, 5, HOUR, limit_s=77), job(1, 9, HOUR))
    random = Random(1)
    drawn = [rung(HOUR * random.uniform(1, 5)) for _ in range(3)]
    limits = {one.row: one.limit_s for one in with_limits(load, "modelled").jobs}
    assert limits == {0: 77, 1: drawn[1], 2: drawn[2]}


def test_limits_may_be_left_away_or_be_exact() -> None:
    load = trace(job(0, 0, 10, limit_s=50), job(1, 0, 20))
    assert [one.limit_s for one in with_limits(load, "none").jobs] == [None, None]
    assert [one.limit_s for one in with_limits(load, "exact").jobs] == [10, 20]


@pytest.mark.skipif(not TRACES.exists(), reason="the shared traces are not there")
def test_another_seed_gives_other_limits_and_no_job_is_cut_by_one() -> None:
    load: Trace = shipped("ef-c10")
    assert all(one.limit_s is not None and one.limit_s >= one.duration_s for one in load.jobs)
    bare = load.map(lambda one: job(one.row, one.submit_s, one.duration_s, one.gpus))
    assert [one.limit_s for one in with_limits(bare, "modelled", seed=2).jobs] != [one.limit_s for one in load.jobs]
