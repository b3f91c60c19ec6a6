"""Whole schedules in virtual time: what must hold for any load while limits are enforced and nothing breaks."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from gavelq.scheduling.policy import Policy
from tests.properties.phases import examples
from tests.support.builders import GIB
from tests.support.virtual import Job, Run, run

EXACT = Policy(grace_s=0, allowance_s=0)
N_CARDS = 4
CARD_MIB = 24 * GIB
TIMES = st.integers(0, 12).map(float)
LENGTHS = st.integers(1, 20).map(float)
LIMITED = st.integers(1, 20).map(float)
LIMITS = st.one_of(LIMITED, LIMITED, LIMITED, st.none())
ONE = st.just(1)
WIDE = st.sampled_from([1, 1, 1, 2, 2, 3, 4])
ORDERS = st.sampled_from(["fair", "fifo", "largest_first", "smallest_first"])


def jobs(
    gpus: st.SearchStrategy[int] = WIDE, limits: st.SearchStrategy[float | None] = LIMITS, **more: Any
) -> st.SearchStrategy[list[Job]]:
    """Loads in which much waits at the same time."""
    one = st.builds(Job, at=TIMES, length=LENGTHS, gpus=gpus, limit=limits, **more)
    return st.lists(one, min_size=4, max_size=24)


def check_promises(load: list[Job], found: Run) -> None:
    for number, told in found.promises.items():
        assert told == sorted(told, reverse=True), f"job {number} was told {told}"
        assert found.starts[number] <= told[0], f"job {number} was told {told[0]}, it began {found.starts[number]}"
    assert found.n_idle_cycles == 0, "a second cycle without events starts nothing"


@examples(80)
@given(jobs(), ORDERS)
def test_everything_starts_no_card_is_double_booked_and_promises_are_kept(load: list[Job], order: str) -> None:
    found = run(load, N_CARDS, replace(EXACT, order=order))  # type: ignore[arg-type]  # one of the four
    assert set(found.starts) == set(range(len(load)))
    check_promises(load, found)
    for moment in found.starts.values():
        held = [gpu for number in found.running(load, moment) for gpu in found.gpus[number]]
        assert len(held) == len(set(held)), f"at {moment}: {held}"


@examples(80)
@given(jobs(limits=LIMITED), st.integers(1, 3), ORDERS)
def test_the_budget_holds_at_every_moment_and_promises_hold_under_it(load: list[Job], left: int, order: str) -> None:
    found = run(load, N_CARDS, replace(EXACT, gpu_left=left, order=order))  # type: ignore[arg-type]  # one of the four
    check_promises(load, found)
    for moment in found.starts.values():
        assert sum(load[number].gpus for number in found.running(load, moment)) <= N_CARDS - left
    fitting = {number for number, job in enumerate(load) if job.gpus <= N_CARDS - left}
    assert set(found.starts) == fitting, "and whatever fits into it starts in the end"


@examples(80)
@given(
    jobs(memory=st.sampled_from([None, 1, 8 * GIB, 12 * GIB, 20 * GIB]), priority=st.sampled_from([0, 0, 0, 1])),
    st.sampled_from([(1, 50), (2, 50), (3, 33), (3, 40)]),
    st.integers(0, 2),
)
def test_jobs_that_share_stay_within_a_card_and_promises_are_kept(
    load: list[Job], most: tuple[int, int], left: int
) -> None:
    most_jobs, busy = most
    policy = replace(EXACT, max_per_gpu=most_jobs, unknown_utilization=busy, gpu_left=left)
    found = run(load, N_CARDS, policy)
    assert set(found.starts) == {number for number, job in enumerate(load) if job.gpus <= N_CARDS - left}
    assert found.n_idle_cycles == 0
    for moment in found.starts.values():
        running = found.running(load, moment)
        on_cards = [[load[n] for n in running if str(gpu) in found.gpus[n]] for gpu in range(N_CARDS)]
        assert sum(bool(on) for on in on_cards) <= N_CARDS - left
        for on in (on for on in on_cards if len(on) > 1):
            assert len(on) <= most_jobs, f"{len(on)} jobs on a card"
            assert all(job.memory is not None for job in on), "an exclusive job stands alone"
            assert sum(job.memory or 0 for job in on) + policy.reserve_mib <= CARD_MIB
            assert busy * len(on) <= policy.max_utilization


@examples(60)
@given(jobs(ONE))
def test_with_one_gpu_tasks_backfill_is_first_come_first_served(load: list[Job]) -> None:
    found = run(load, N_CARDS, replace(EXACT, order="fifo"))
    by_submission = sorted(range(len(load)), key=lambda number: (load[number].at, number))
    starts = [found.starts[number] for number in by_submission]
    assert starts == sorted(starts)
    free = [0.0] * N_CARDS
    for number in by_submission:  # the textbook's queue with several servers
        free.sort()
        expected = max(load[number].at, free[0])
        assert found.starts[number] == expected
        free[0] = expected + load[number].runs_for


@examples(40)
@given(jobs(), st.sampled_from([0.5, 2.0, 3600.0]))
def test_scaling_all_times_scales_the_schedule(load: list[Job], factor: float) -> None:
    scaled = [
        replace(job, at=job.at * factor, length=job.length * factor,
                limit=None if job.limit is None else job.limit * factor)
        for job in load
    ]  # fmt: skip
    policy = replace(EXACT, unknown_limit_s=100.0, ageing_s=100.0)
    larger = replace(policy, unknown_limit_s=100.0 * factor, ageing_s=100.0 * factor)
    first, second = run(load, N_CARDS, policy), run(scaled, N_CARDS, larger)
    assert {number: start * factor for number, start in first.starts.items()} == second.starts
    assert first.gpus == second.gpus


@examples(20)
@given(jobs(tenant=st.sampled_from(["me", "you"])))
def test_the_same_load_gives_the_same_schedule(load: list[Job]) -> None:
    assert run(load, N_CARDS, EXACT) == run(load, N_CARDS, EXACT)


@examples(60)
@given(jobs(ONE), st.integers(1, 3))
def test_more_urgent_arrivals_never_wait_for_less_urgent_ones_on_equal_cards(load: list[Job], n_urgent: int) -> None:
    urgent = [replace(job, priority=10) if number < n_urgent else job for number, job in enumerate(load)]
    found = run(urgent, 1, EXACT)
    for number, job in enumerate(urgent):
        for other, start in found.starts.items():
            if job.priority > urgent[other].priority and job.at <= start:
                assert found.starts[number] <= start, f"job {other} started before job {number}, which waited"
