"""What a simulation does with jobs: when they start, what their limits mean, whom they go ahead of."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from gavelq.sim.bounds import bounds
from gavelq.sim.faults import Mishaps
from gavelq.sim.machine import parse_machine
from gavelq.sim.policies import BASE
from gavelq.sim.simulator import Options, Stuck, simulate
from gavelq.sim.trace import Trace
from tests.sim.loads import HOUR, job, loads, mean_jct, run, starts, trace


def test_ties_in_submission_go_by_row() -> None:
    found = run(trace(*(job(row, at, 10) for row, at in ((3, 5), (1, 0), (2, 5), (0, 5)))), 1, "fifo")
    assert [(one.job.row, one.start_s) for one in found.runs] == [(1, 0), (0, 10), (2, 20), (3, 30)]


def test_ends_and_submissions_of_one_moment_are_one_moment() -> None:
    assert starts(run(trace((0, 10, 2), (10, 5, 1), (10, 5, 2)), 2, "fifo")) == [0, 10, 15]


def test_strict_fifo_lets_nobody_pass_and_skipping_everybody_who_fits() -> None:
    load = trace((0, 10, 1), (1, 10, 2), (2, 100, 1))
    assert starts(run(load, 2, "fifo")) == [0, 10, 20]
    assert starts(run(load, 2, "fifo_skip")) == [0, 102, 2]


def test_easy_lets_those_pass_who_are_gone_in_time() -> None:
    load = trace(
        job(0, 0, 10, 1, limit_s=20), job(1, 1, 10, 2, limit_s=20),
        job(2, 2, 5, 1, limit_s=18), job(3, 3, 5, 1, limit_s=18),
    )  # fmt: skip
    found = run(load, 2, "fifo_easy")
    assert starts(found) == [0, 10, 2, 20]
    assert (found.backfilled, found.promises_broken) == (1, 0)


def test_a_limit_ends_a_job_that_wants_to_run_on() -> None:
    found = run(trace(job(0, 0, 100, limit_s=30), job(1, 0, 5)), 1, "fifo")
    assert [one.end_s for one in found.runs] == [30, 35]
    assert found.n_cut == 1


def test_jobs_wider_than_the_machine_are_left_out_and_counted() -> None:
    found = run(trace((0, 5, 4), (0, 5, 3), (0, 5, 1)), 3, "fifo")
    assert (found.left_out, starts(found)) == (1, [0, 5])


def test_jobs_that_need_more_memory_than_any_card_has_are_left_out() -> None:
    load = trace(job(0, 0, 5, 2, memory_mib=40_000), job(1, 0, 5, 1, memory_mib=40_000))
    found = run(load, parse_machine("2x24GiB,1x80GiB"), "fifo")
    assert (found.left_out, found.runs[0].cards) == (1, (2,))


def test_a_job_of_no_length_ends_when_it_starts() -> None:
    assert [one.end_s for one in run(trace((3, 0, 1), (3, 0, 1)), 1, "fifo").runs] == [3, 3]


def test_the_same_trace_gives_the_same_events() -> None:
    load = trace(*((n, 7 * (n % 5) + 1, n % 3 + 1) for n in range(30)))
    assert run(load, 4) == run(load, 4)


def test_an_elastic_job_takes_what_is_free_and_is_faster_in_proportion() -> None:
    found = run(trace(job(0, 0, 40, 1, max_gpus=4)), 4)
    assert (found.runs[0].end_s, found.runs[0].cards) == (10, (0, 1, 2, 3))


def test_jobs_share_a_card_where_memory_and_utilisation_allow_it_and_sharing_was_asked_for() -> None:
    load = trace(*(job(n, 0, 10, memory_mib=8000, utilization=45.0) for n in range(2)))
    assert starts(run(load, 1)) == [0, 10]
    assert starts(run(load, 1, options=Options(share=True))) == [0, 0]


@pytest.mark.parametrize(("memory", "busy"), [(13_000, 45.0), (8000, 60.0)])
def test_jobs_that_are_too_much_together_share_no_card(memory: int, busy: float) -> None:
    load = trace(*(job(n, 0, 10, memory_mib=memory, utilization=busy) for n in range(2)))
    assert starts(run(load, 1, options=Options(share=True))) == [0, 10]


def test_the_weight_of_a_tenant_says_how_much_it_gets() -> None:
    load = trace(*(job(n, 0, HOUR, tenant="ada" if n < 30 else "bob") for n in range(60)))
    found = run(load, 1, options=Options(weights={"ada": 3.0}))
    first = sorted(found.runs, key=lambda one: one.start_s)[:24]
    assert 16 <= sum(one.job.tenant == "ada" for one in first) <= 20
    even = sorted(run(load, 1).runs, key=lambda one: one.start_s)[:24]
    assert 11 <= sum(one.job.tenant == "ada" for one in even) <= 13


def test_use_is_forgotten_by_the_half_life_that_the_policy_has() -> None:
    """Ada used the card for longer, Bob later."""
    rows = ((0, 1000, "ada"), (1, 100, "bob"), (1100, 10, "ada"), (1100, 10, "bob"))
    load = trace(*(job(n, at, length, tenant=tenant) for n, (at, length, tenant) in enumerate(rows)))
    assert starts(run(load, 1))[2:] == [1110, 1100]
    assert starts(simulate(load, parse_machine("1"), replace(BASE, share_half_life_s=60.0)))[2:] == [1100, 1110]


def test_a_broken_card_cuts_a_run_short_and_the_job_begins_anew() -> None:
    load = trace(*((0, 20 * HOUR, 1) for _ in range(12)))
    mishaps = Mishaps(mtbf_s=24 * HOUR, repair_s=HOUR, seed=3)
    found = run(load, 2, options=Options(mishaps=mishaps))
    assert found.restarts > 0
    assert [one.ran_s for one in found.runs] == [20 * HOUR] * 12
    assert max(one.end_s for one in found.runs) > 120 * HOUR
    assert found == run(load, 2, options=Options(mishaps=mishaps)), "the seed repeats it"


def test_nobody_starts_on_a_card_that_somebody_else_uses() -> None:
    load = trace(*((n * HOUR, HOUR, 1) for n in range(40)))
    busy = run(load, 1, options=Options(mishaps=Mishaps(foreign=0.5, seed=2)))
    assert max(one.wait_s for one in busy.runs) > HOUR / 2
    assert max(one.wait_s for one in run(load, 1).runs) == 0


def test_a_job_runs_within_one_node() -> None:
    machine = parse_machine("2", nodes=2)
    load = trace((0, 10, 1), (0, 20, 2), (1, 10, 1), (2, 5, 2))
    found = run(load, machine, "fifo_skip")
    assert [one.cards for one in found.runs] == [(0,), (2, 3), (1,), (0, 1)]
    assert starts(found) == [0, 0, 1, 11]
    assert run(trace((0, 5, 3)), machine).left_out == 1


def test_the_widest_jobs_of_several_nodes_are_promised_a_node_of_their_own() -> None:
    load = trace(
        job(0, 0, 10, 1, limit_s=10), job(1, 0, 30, 1, limit_s=30), job(2, 0, 30, 1, limit_s=30),
        job(3, 1, 5, 2, limit_s=5), job(4, 2, 100, 1, limit_s=100), job(5, 3, 4, 1, limit_s=4),
    )  # fmt: skip
    found = run(load, parse_machine("2", nodes=2), "fifo_easy")
    assert starts(found)[3] == max(
        found.runs[n].end_s for n in range(3) if found.runs[n].cards[0] in found.runs[3].cards
    )
    assert found.promises_broken == 0


def test_what_can_never_start_is_told_and_not_waited_for() -> None:
    load = trace((0, 5, 1), (0, 5, 2))
    with pytest.raises(Stuck, match=r"1 job\(s\) can never start, the first of them is job 1: .* may use 1"):
        simulate(load, parse_machine("2"), replace(BASE, max_gpu=1))


@given(loads(most_gpus=1))
@settings(max_examples=30, deadline=None)
def test_on_one_gpu_jobs_easy_is_fifo(load: Trace) -> None:
    assert starts(run(load, 3, "fifo_easy")) == starts(run(load, 3, "fifo"))


@given(loads(most_gpus=4))
@settings(max_examples=30, deadline=None)
def test_no_promise_is_broken(load: Trace) -> None:
    for policy in ("fair", "fifo_easy", "largest_first"):
        assert run(load, 4, policy).promises_broken == 0


@given(loads(most_gpus=2))
@settings(max_examples=30, deadline=None)
def test_nodes_are_never_crossed_and_keep_promises_as_well(load: Trace) -> None:
    machine = parse_machine("2", nodes=2)
    bound = bounds(load.jobs, machine)
    for policy in ("fair", "fifo_easy", "fifo"):
        found = run(load, machine, policy)
        assert all(len({card // 2 for card in one.cards}) == 1 for one in found.runs)
        assert found.promises_broken == 0
        assert mean_jct(found) >= bound.mean_jct_s - 1e-6


@given(loads(most_gpus=4))
@settings(max_examples=20, deadline=None)
def test_no_card_has_two_jobs_and_nobody_starts_before_its_submission(load: Trace) -> None:
    for policy in ("fair", "fifo_skip", "smallest_first", "sjf"):
        found = run(load, 4, policy)
        assert all(one.start_s >= one.job.submit_s and len(one.cards) == one.job.gpus for one in found.runs)
        for card in range(4):
            on = sorted((one.start_s, one.end_s) for one in found.runs if card in one.cards)
            assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(on))
