"""Which days a usage report has."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gavelq.daemon.usage import days_of

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def test_days_begin_at_midnight_of_the_zone_and_are_cut_at_the_window() -> None:
    found = days_of(at("2026-06-01 18:00"), at("2026-06-03 06:00"), BERLIN)
    assert [(day.label, (day.end - day.start) / 3600) for day in found] == [
        ("2026-06-01", 6), ("2026-06-02", 24), ("2026-06-03", 6),
    ]  # fmt: skip


def test_a_day_on_which_clocks_are_changed_is_shorter_or_longer() -> None:
    spring = days_of(at("2026-03-29 00:00"), at("2026-03-30 00:00"), BERLIN)
    autumn = days_of(at("2026-10-25 00:00"), at("2026-10-26 00:00"), BERLIN)
    assert [(day.end - day.start) / 3600 for day in spring + autumn] == [23, 25]


def test_a_window_that_begins_at_midnight_has_no_empty_day() -> None:
    found = days_of(at("2026-06-01 00:00"), at("2026-06-02 00:00"), BERLIN)
    assert [day.label for day in found] == ["2026-06-01"]


@given(start=st.integers(1_600_000_000, 1_900_000_000), lasts=st.integers(1, 40 * 86400))
def test_days_follow_each_other_and_make_up_the_window(start: int, lasts: int) -> None:
    found = days_of(start, start + lasts, BERLIN)
    assert (found[0].start, found[-1].end) == (start, start + lasts)
    assert all(one.end == other.start and one.start < one.end for one, other in pairwise(found))
    assert len({day.label for day in found}) == len(found)
