"""Which points a question about the past is answered with."""

from hypothesis import given
from hypothesis import strategies as st

from gavelq.core.measures import MAX_POINTS, Keeping, Span, span_of

NOW = 1_800_000_000.0
LEVELS = Keeping().levels


def asked(start: float, end: float = NOW, step_s: int | None = None, **more: int) -> Span:
    return span_of(LEVELS, start=start, end=end, step_s=step_s, now=NOW, **more)


def test_the_finest_level_that_reaches_back_tells() -> None:
    assert asked(NOW - 600).step_s == 1
    assert asked(NOW - 7200).step_s == 10
    assert asked(NOW - 86400).step_s == 50  # 10 s would be more points than are told
    assert asked(NOW - 2 * 86400, NOW - 2 * 86400 + 3600).step_s == 60
    assert asked(NOW - 400 * 86400, NOW - 399 * 86400).step_s == 60


def test_a_wide_step_is_read_from_a_coarse_level() -> None:
    found = asked(NOW - 600, step_s=120)
    assert (found.step_s, found.width_s, found.note) == (120, 60, "")
    assert asked(NOW - 600, step_s=7).width_s == 1
    month = asked(NOW - 30 * 86400)
    assert (month.step_s, month.width_s) == (1800, 600)


def test_a_step_that_is_too_fine_is_raised_and_told() -> None:
    found = asked(NOW - 2 * 86400, NOW - 2 * 86400 + 600, step_s=1)
    assert found.step_s == 60
    assert found.note == "the step is 60 s instead of 1 s: what is that old is kept in steps of 60 s"
    found = asked(NOW - 3600, step_s=1)
    assert found.step_s == 2
    assert "at most 2000 points" in found.note


def test_levels_keep_at_least_as_long_as_finer_ones() -> None:
    levels = Keeping(raw_s=86400, fine_s=600, days=1).levels
    assert [level.keep_s for level in levels] == [86400] * 4


@given(
    age=st.floats(1, 400 * 86400),
    length=st.floats(0.01, 400 * 86400),
    step=st.none() | st.integers(1, 200_000),
    most=st.integers(3, MAX_POINTS),
)
def test_points_cover_the_range_and_are_few_enough(age: float, length: float, step: int | None, most: int) -> None:
    start, end = NOW - age, min(NOW, NOW - age + length)
    found = asked(start, end, step, max_points=most)
    assert 1 <= found.n <= most
    assert found.start <= start
    assert found.end >= end
    assert found.end - end < 2 * found.step_s
    assert found.start % found.step_s == 0
    assert found.step_s % found.width_s == 0
    assert found.step_s >= (step or 1)
