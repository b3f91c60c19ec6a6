"""Times and amounts as people read them.

`gavelq.core.units` says the same, but its imports cost more than `gavelq list` may; a test holds the two together.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def epoch(text: str) -> float:
    """Seconds since 1970 of a time such as `2026-01-31T12:00:00.000000Z` (the API's only form). Raises ValueError."""
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    # Days before this date in the Gregorian calendar, with years that begin in March so that the leap day is the last.
    year -= month <= 2
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * year + year // 4 - year // 100 + year // 400 + day_of_year - 719468
    return days * 86400 + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + float(text[17:].rstrip("Z"))


def duration(seconds: float | None) -> str:
    """`3723` as `1h02m`, `63` as `1m03s`, `4.2` as `4s`; None as `-`."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def memory(mib: int | None) -> str:
    """`24576` as `24.0G`, `512` as `512M`; None as `?`, because unknown is not zero."""
    if mib is None:
        return "?"
    return f"{mib / 1024:.1f}G" if mib >= 1024 else f"{mib}M"


def run_time(task: "dict[str, Any]", now: float) -> float | None:
    """For how many seconds a task ran, or runs; None where it has not started."""
    started = task.get("started_at")
    if not started:
        return None
    ended = task.get("ended_at")
    return max(0.0, (epoch(ended) if ended else now) - epoch(started))


def local(text: str | None) -> str:
    """A time of the API in the caller's time zone, `2026-01-31 12:00:00`; `-` where there is none."""
    if not text:
        return "-"
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch(text)))
