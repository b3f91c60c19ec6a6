"""Times as people write them: absolute, at an hour of the day, or from now on. The clock is an argument."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_duration

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

    def seconds(self, now: float, zone: timezone | None = None) -> float:
        """As seconds since the epoch. `zone` None: the local one."""
        if self.after_s is not None:
            return now + self.after_s
        here = datetime.fromtimestamp(now, zone).astimezone(zone)
        if self.clock is not None:
            hour, minute, second = self.clock
            found = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
            return (found if found > here else found + timedelta(days=1)).timestamp()
        if self.at is None:
            raise AssertionError("a NotBefore says when")
        return (self.at if self.at.tzinfo else self.at.replace(tzinfo=here.tzinfo)).timestamp()


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
            seconds = float(written)
        except ValueError:
            return NotBefore(at=datetime.fromisoformat(written))
        return NotBefore(at=datetime.fromtimestamp(seconds).astimezone())
    except (ValueError, OverflowError, OSError):
        raise InvalidField(
            field=field, problem=f"{written[:60]!r} is not a time",
            hint="write for example 2026-12-01T18:00, 18:00 or +2h",
        ) from None  # fmt: skip
