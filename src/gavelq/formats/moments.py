"""Times as people write them: absolute, at an hour of the day, or from now on. The clock is an argument."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_duration

_YEARS = (2001, 2200)
"""A bare number counts seconds: `18` or `20261201` would be in 1970, which nobody means."""
_HOUR = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBefore:
    """A time that may depend on when it is read."""

    at: datetime | None = None
    """An absolute one; without a zone it is in the reader's."""
    clock: tuple[int, int, int] | None = None
    """The next time that it is so late: hour, minute, second."""
    after_s: float | None = None
    """So many seconds from now on."""

    def seconds(self, now: float, zone: tzinfo | None = None) -> float:
        """As seconds since the epoch. `zone` None: the local one."""
        if self.after_s is not None:
            return now + self.after_s
        if self.clock is not None:
            # Reckoned in the zone's own clock, so that the day when clocks are put forward is an hour shorter.
            here = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
            hour, minute, second = self.clock
            found = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
            return _in_zone(found if found > here else found + timedelta(days=1), zone)
        if self.at is None:
            raise AssertionError("a NotBefore says when")
        return self.at.timestamp() if self.at.tzinfo else _in_zone(self.at, zone)


def _in_zone(naive: datetime, zone: tzinfo | None) -> float:
    """A naive datetime's `timestamp` reads it in the local zone as it is at that time of the year."""
    return naive.replace(tzinfo=zone).timestamp()


def parse_moment(text: str | int | float, *, field: str) -> NotBefore:
    """`2026-12-01T18:00`, `18:00`, `+2h`, or seconds since the epoch. Raises InvalidField."""
    written = str(text).strip()
    if written.startswith("+"):
        return NotBefore(after_s=parse_duration(written[1:], field=field))
    hour = _HOUR.fullmatch(written)
    try:
        if hour is not None:
            parts = int(hour[1]), int(hour[2]), int(hour[3] or 0)
            datetime(2000, 1, 1, *parts)  # only checks the ranges
            return NotBefore(clock=parts)
        try:
            at = datetime.fromtimestamp(float(written), UTC)
        except ValueError:
            at = datetime.fromisoformat(written)
        if not _YEARS[0] <= at.year <= _YEARS[1]:
            raise ValueError("out of range")
    except (ValueError, OverflowError, OSError):
        raise InvalidField(
            field=field, problem=f"{written[:60]!r} is not a time from {_YEARS[0]} to {_YEARS[1]}",
            hint="write for example 2026-12-01T18:00, 18:00 or +2h",
        ) from None  # fmt: skip
    return NotBefore(at=at)
