"""Usage reports: parts add up to the whole, and nothing outside the window counts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.usage import OF_NOBODY, By, CardMinutes, Day, Ended, Held, Report, Sums, seconds_in

START = 1_800_000_000
CARDS = tuple(GpuUuid(f"GPU-{name}") for name in "abcd")
MOMENTS = st.floats(START - 400_000, START + 800_000, allow_nan=False)


def days(*borders: float) -> list[Day]:
    return [Day(f"day {n}", start, end) for n, (start, end) in enumerate(pairwise(borders))]


def held(
    since: float, until: float | None, *, tenant: str = "ada", queue: str = "running", n: int = 1, **more: object
) -> Held:
    values: dict[str, object] = {"utilization": None, "eligible_at": None, "task_id": TaskId(1), "number": 1, **more}
    return Held(tenant=tenant, queue=queue, gpus=CARDS[:n], since=since, until=until, **values)  # type: ignore[arg-type]  # fields by name


def report(*borders: float, by: tuple[By, ...] = (), now: float = START + 10**7, **minutes: object) -> Report:
    return Report(days=days(*borders), by=by, now=now, minutes=CardMinutes(**minutes))  # type: ignore[arg-type]  # fields by name


def test_an_attempt_counts_its_cards_for_as_long_as_it_held_them_within_the_window() -> None:
    found = report(START, START + 3600)
    found.hold(held(START - 1800, START + 1800, n=4))
    found.hold(held(START - 1800, START - 900))
    found.hold(held(START + 3600, START + 9000))
    assert found.total.gpu_s == 4 * 1800


def test_an_attempt_that_goes_on_counts_so_far() -> None:
    found = report(START, START + 3600, now=START + 60)
    found.hold(held(START, None, n=2))
    assert found.total.gpu_s == 120


def test_efficiency_is_the_mean_of_the_hours_whose_utilisation_is_known() -> None:
    found = report(START, START + 3600)
    found.hold(held(START, START + 100, utilization=100))
    found.hold(held(START, START + 300, utilization=20))
    found.hold(held(START, START + 3000))
    assert found.total.efficiency == pytest.approx(40)
    assert report(START, START + 1).total.efficiency is None


def test_waits_are_counted_on_the_day_of_the_start_and_of_first_attempts_alone() -> None:
    found = report(START, START + 100, START + 200, by=(By.DAY,))
    found.hold(held(START + 50, START + 60, eligible_at=START - 50))
    found.hold(held(START + 150, START + 160, eligible_at=START + 150))
    found.hold(held(START + 150, START + 160))
    found.hold(held(START - 10, START + 160, eligible_at=START - 50))
    first, second = found.groups["day 0",], found.groups["day 1",]
    assert (first.n_started, first.mean_wait_s, second.n_started, second.mean_wait_s) == (1, 100, 1, 0)
    assert found.total.n_started == 2


def test_percentiles_are_waits_that_really_were() -> None:
    sums = Sums()
    for wait in range(100, 0, -1):
        sums.start(wait)
    assert sums.wait_s(0.5, 0.95, 1.0) == [50, 95, 100]
    assert Sums().wait_s(0.5) == [None]


def test_ends_are_counted_by_state_on_their_day() -> None:
    found = report(START, START + 100, START + 200, by=(By.TENANT, By.DAY))
    for tenant, state, at in [
        ("ada", "failed", START),
        ("ada", "failed", START + 100),
        ("bob", "completed", START + 200),
    ]:
        found.end(Ended(tenant, "running", state, at))
    assert {key: dict(sums.ends) for key, sums in found.groups.items()} == {
        ("ada", "day 0"): {"failed": 1}, ("ada", "day 1"): {"failed": 1},
    }  # fmt: skip


def test_idle_time_is_what_an_attempt_held_of_a_card_s_idle_minutes() -> None:
    found = report(START, START + 3600, idle={CARDS[0]: [START, START + 60, START + 600], CARDS[1]: [START + 60]})
    found.hold(held(START + 30, START + 90, n=2))
    assert found.total.idle_s == 30 + 30 + 30


def test_foreign_time_belongs_to_days_but_to_no_tenant() -> None:
    minutes = {CARDS[0]: [START, START + 60, START + 120]}
    by_day = report(START + 30, START + 60, START + 150, by=(By.DAY,), foreign=minutes)
    by_tenant = report(START + 30, START + 150, by=(By.TENANT,), foreign=minutes)
    for found in (by_day, by_tenant):
        found.add_foreign()
        assert found.total.foreign_s == 120
    assert [sums.foreign_s for sums in by_day.groups.values()] == [30, 90]
    assert by_tenant.groups == {}


def test_by_card_there_are_the_hours_of_each_and_the_tasks_count_once() -> None:
    found = report(
        START, START + 600, by=(By.GPU,), idle={CARDS[1]: [START]}, foreign={CARDS[1]: [START + 540], CARDS[2]: [START]}
    )
    found.hold(held(START, START + 100, n=2, utilization=50, eligible_at=START - 10))
    found.hold(held(START + 100, START + 120))
    found.end(Ended("ada", "running", "failed", START + 100))
    found.add_foreign()
    assert {name: (sums.gpu_s, sums.idle_s, sums.foreign_s) for (name,), sums in found.groups.items()} == {
        CARDS[0]: (120, 0, 0), CARDS[1]: (100, 60, 60), CARDS[2]: (0, 0, 60),
    }  # fmt: skip
    assert all(sums.n_started == 0 and not sums.ends for sums in found.groups.values())
    assert (found.total.gpu_s, found.total.n_started, found.total.ends["failed"]) == (220, 1, 1)


ATTEMPTS = st.lists(
    st.builds(
        lambda since, lasts, tenant, queue, n, used, waited: held(
            since, None if lasts is None else since + lasts, tenant=tenant, queue=queue, n=n, utilization=used,
            eligible_at=None if waited is None else since - waited,
        ),
        MOMENTS, st.none() | st.floats(0, 500_000), st.sampled_from(["ada", "bob"]), st.sampled_from(["running", "b"]),
        st.integers(0, 4), st.none() | st.floats(0, 100), st.none() | st.floats(0, 9000),
    ),
    max_size=12,
)  # fmt: skip
ENDS = st.lists(
    st.builds(
        Ended, st.sampled_from(["ada", "bob"]), st.just("running"), st.sampled_from(["failed", "completed"]), MOMENTS,
        st.integers(1, 3),
    ),
    max_size=8,
)  # fmt: skip
BORDERS = st.lists(st.integers(START - 200_000, START + 400_000), min_size=2, max_size=6, unique=True).map(sorted)
GROUPINGS = st.lists(st.sampled_from(list(By)), unique=True, min_size=1).map(tuple)
MINUTES = st.lists(st.integers(-3000, 6000), unique=True, max_size=30).map(
    lambda found: sorted(START + 60 * n for n in found)
)


@given(attempts=ATTEMPTS, ends=ENDS, borders=BORDERS, by=GROUPINGS, now=MOMENTS, idle=MINUTES)
def test_the_parts_of_a_report_add_up_to_the_whole(
    attempts: list[Held], ends: list[Ended], borders: list[int], by: tuple[By, ...], now: float, idle: list[int]
) -> None:
    split = report(*borders, by=by, now=now, idle={CARDS[0]: idle}, foreign={CARDS[3]: idle})
    whole = report(borders[0], borders[-1], now=now, idle={CARDS[0]: idle}, foreign={CARDS[3]: idle})
    for found in (split, whole):
        for attempt in attempts:
            found.hold(attempt)
        for end in ends:
            found.end(end)
        found.add_foreign()
    parts = split.groups.values()
    for total in (split.total, whole.total):
        assert sum(part.gpu_s for part in parts) == pytest.approx(total.gpu_s)
        assert sum(part.idle_s for part in parts) == pytest.approx(total.idle_s)
        # Tasks belong to no card: they count in the total alone.
        assert sum(part.n_started for part in parts) == (0 if By.GPU in by else total.n_started)
        assert sum(part.ends.total() for part in parts) == (0 if By.GPU in by else total.ends.total())
        if OF_NOBODY.issuperset(by):
            assert sum(part.foreign_s for part in parts) == pytest.approx(total.foreign_s)
    assert split.total.n_started == whole.total.n_started
    assert split.total.ends == whole.total.ends
    assert (
        whole.total.efficiency == pytest.approx(split.total.efficiency, nan_ok=True) or whole.total.efficiency is None
    )


@given(attempts=ATTEMPTS, ends=ENDS, borders=BORDERS, now=MOMENTS)
def test_nothing_outside_the_window_counts(
    attempts: list[Held], ends: list[Ended], borders: list[int], now: float
) -> None:
    found = report(*borders, now=now)
    for attempt in attempts:
        found.hold(attempt)
    for end in ends:
        found.end(end)
    start, end_at = borders[0], min(now, borders[-1])
    most = sum(
        len(one.gpus) * max(0.0, min(end_at, one.until if one.until is not None else end_at) - max(start, one.since))
        for one in attempts
    )
    assert found.total.gpu_s == pytest.approx(most)
    assert found.total.gpu_s <= 4 * len(attempts) * max(0.0, end_at - start) + 1e-6
    inside = [one for one in ends if start <= one.at < borders[-1] and one.at <= end_at]
    assert found.total.ends.total() == sum(one.n_tasks for one in inside)


@given(minutes=MINUTES, start=MOMENTS, lasts=st.floats(0, 500_000))
def test_seconds_in_minutes_are_those_of_the_overlaps(minutes: list[int], start: float, lasts: float) -> None:
    end = start + lasts
    expected = sum(max(0.0, min(end, minute + 60) - max(start, minute)) for minute in minutes)
    assert seconds_in(minutes, start, end) == pytest.approx(expected, abs=1e-3)
