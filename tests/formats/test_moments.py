"""Times as people write them: at an hour, at a date, from now on, and what is no time."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from gavelq.core.errors import InvalidField
from gavelq.formats.moments import parse_moment

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=BERLIN).timestamp()


def at(text: str | float, now: float = NOON) -> datetime:
    """What a text means to somebody in Berlin."""
    return datetime.fromtimestamp(parse_moment(text, field="not_before").seconds(now, BERLIN), BERLIN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:00", datetime(2026, 6, 1, 18, 0, tzinfo=BERLIN)),
        ("8:30", datetime(2026, 6, 2, 8, 30, tzinfo=BERLIN)),
        ("12:00", datetime(2026, 6, 2, 12, 0, tzinfo=BERLIN)),
        ("12:00:01", datetime(2026, 6, 1, 12, 0, 1, tzinfo=BERLIN)),
        ("+90", datetime(2026, 6, 1, 12, 1, 30, tzinfo=BERLIN)),
        ("+1h30m", datetime(2026, 6, 1, 13, 30, tzinfo=BERLIN)),
        ("2026-06-03", datetime(2026, 6, 3, tzinfo=BERLIN)),
        ("2026-12-24T18:00", datetime(2026, 12, 24, 18, 0, tzinfo=BERLIN)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 18, 0, tzinfo=BERLIN)),
        ("2026-06-03T18:00Z", datetime(2026, 6, 3, 18, 0, tzinfo=UTC)),
        ("2026-06-03T18:00+09:00", datetime(2026, 6, 3, 18, 0, tzinfo=timezone(timedelta(hours=9)))),
        (1_800_000_000, datetime.fromtimestamp(1_800_000_000, UTC)),
        ("1800000000.5", datetime.fromtimestamp(1_800_000_000.5, UTC)),
        ("2020-01-01", datetime(2020, 1, 1, tzinfo=BERLIN)),
    ],
)
def test_a_time_is_read_in_the_readers_zone(text: str | float, expected: datetime) -> None:
    assert at(text) == expected


def test_the_next_hour_is_right_over_a_change_of_the_clocks() -> None:
    # On 2026-03-29 clocks go from 02:00 to 03:00, on 2026-10-25 from 03:00 back to 02:00 (zone Europe/Berlin).
    for day in (28, 24):
        month = 3 if day == 28 else 10
        evening = datetime(2026, month, day, 20, 0, tzinfo=BERLIN)
        assert at("18:00", evening.timestamp()) == datetime(2026, month, day + 1, 18, 0, tzinfo=BERLIN)


def test_a_date_in_winter_is_read_with_winters_clock_although_it_is_summer() -> None:
    assert at("2026-12-24T18:00").utcoffset() == timedelta(hours=1)
    assert at("2026-12-24T18:00").hour == 18


@pytest.mark.parametrize(
    "text",
    ["", "soon", "25:00", "18:60", "8:5", "24:00", "18", 18, "20261201", "-5", "nan", "inf", "1e400", "2026-13-01",
     "2026-02-30", "0001-01-01", "9999-12-31T23:59-12:00", "99999999999999", "tomorrow", "18:00 Uhr"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_the_field(text: str | float) -> None:
    with pytest.raises(InvalidField, match=r"not_before: .* is not a time") as refused:
        parse_moment(text, field="not_before")
    assert "18:00 or +2h" in refused.value.hint


@pytest.mark.parametrize("text", ["+", "+soon", "+0", "+-5", "+20y", "+11000d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match="not_before: "):
        parse_moment(text, field="not_before")
