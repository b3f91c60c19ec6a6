"""Whole schedules in virtual time: what must hold for any load while limits are enforced and nothing breaks."""

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from gavelq.scheduling.policy import Policy
from tests.support.virtual import Job, run

EXACT = Policy(grace_s=0, allowance_s=0)
N_CARDS = 4
TIMES = st.integers(0, 50).map(float)
LENGTHS = st.integers(1, 40).map(float)
LIMITS = st.none() | st.integers(1, 60).map(float)


def jobs(
    gpus: st.SearchStrategy[int], limits: st.SearchStrategy[float | None] = LIMITS
) -> st.SearchStrategy[list[Job]]:
    return st.lists(st.builds(Job, at=TIMES, length=LENGTHS, gpus=gpus, limit=limits), min_size=1, max_size=14)


WIDE = st.sampled_from([1, 1, 1, 2, 3, 4])
ORDERS = st.sampled_from(["fair", "fifo", "largest_first", "smallest_first"])
many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(jobs(WIDE), ORDERS)
def test_everything_starts_and_no_card_is_double_booked(load: list[Job], order: str) -> None:
    found = run(load, N_CARDS, replace(EXACT, order=order))  # type: ignore[arg-type]  # one of the four
    assert set(found.starts) == set(range(len(load)))
    assert found.n_idle_cycles == 0, "a second cycle without events starts nothing"
    spans = [
        (gpu, start, start + load[number].runs_for)
        for number, start in found.starts.items()
        for gpu in found.gpus[number]
    ]
    for gpu, start, end in spans:
        assert sum(g == gpu and s < end and start < e for g, s, e in spans) == 1, f"GPU {gpu} from {start} to {end}"


@many
@given(jobs(WIDE), ORDERS)
def test_a_promise_never_moves_later_and_is_kept(load: list[Job], order: str) -> None:
    found = run(load, N_CARDS, replace(EXACT, order=order))  # type: ignore[arg-type]  # one of the four
    for number, told in found.promises.items():
        assert told == sorted(told, reverse=True), f"job {number} was told {told}"
        assert found.starts[number] <= told[0]


@many
@given(jobs(st.just(1)))
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


@many
@given(jobs(WIDE), st.sampled_from([0.5, 2.0, 3600.0]))
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


@many
@given(jobs(WIDE))
def test_the_same_load_gives_the_same_schedule(load: list[Job]) -> None:
    assert run(load, N_CARDS, EXACT) == run(load, N_CARDS, EXACT)


@many
@given(jobs(WIDE, limits=st.integers(1, 60).map(float)), st.integers(0, 3))
def test_the_budget_holds_at_every_moment(load: list[Job], left: int) -> None:
    found = run(load, N_CARDS, replace(EXACT, gpu_left=left, min_gpu=0))
    assert found.n_idle_cycles == 0
    for moment in found.starts.values():
        in_use = sum(
            load[number].gpus
            for number, start in found.starts.items()
            if start <= moment < start + load[number].runs_for
        )
        assert in_use <= N_CARDS - left
    fitting = {number for number, job in enumerate(load) if job.gpus <= N_CARDS - left}
    assert set(found.starts) == fitting, "and whatever fits into it starts in the end"


@many
@given(jobs(WIDE, limits=st.integers(1, 60).map(float)), st.integers(1, 3))
def test_promises_hold_under_a_budget_as_well(load: list[Job], left: int) -> None:
    found = run(load, N_CARDS, replace(EXACT, gpu_left=left))
    for number, told in found.promises.items():
        assert told == sorted(told, reverse=True)
        assert found.starts[number] <= told[0]


@many
@given(jobs(st.just(1)), st.integers(1, 3))
def test_more_urgent_arrivals_never_wait_for_less_urgent_ones_on_equal_cards(load: list[Job], n_urgent: int) -> None:
    urgent = [replace(job, priority=10) if number < n_urgent else job for number, job in enumerate(load)]
    found = run(urgent, 1, EXACT)
    for number, job in enumerate(urgent):
        for other, start in found.starts.items():
            if job.priority > urgent[other].priority and job.at <= start:
                assert found.starts[number] <= start, f"job {other} started before job {number}, which waited"
