"""Usage reports: which window, its days in the machine's time zone, and the answer as people read it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from gavelq.core.errors import InvalidField
from gavelq.core.gpu import index_key
from gavelq.core.lifecycle import ENDED
from gavelq.core.usage import HOUR_S, IDLE_PERCENT, OF_NOBODY, By, CardMinutes, Day, Ended, Held, Key, Report, Sums
from gavelq.daemon.views import Json, people_index, stamp

MAX_DAYS = 400
"""So many days are told at once."""
DEFAULT_DAYS = 7
_NONE: Json = dict.fromkeys(By)


def days_of(start: float, end: float, zone: tzinfo | None = None) -> list[Day]:
    """The days of a window, the first and the last as far as they lie in it. `zone` None: the machine's own.

    Reckoned on the calendar: where clocks are changed a day has 23 or 25 hours.
    """
    return list(_days(start, end, zone))


def _days(start: float, end: float, zone: tzinfo | None) -> Iterator[Day]:
    date = datetime.fromtimestamp(start, zone).date()
    at = start
    while at < end:
        date += timedelta(days=1)
        # A naive datetime is read in the machine's zone, as it is at that time of the year.
        midnight = datetime(date.year, date.month, date.day, tzinfo=zone).timestamp()
        behind = min(end, max(midnight, at))
        if behind > at:
            yield Day(str(date - timedelta(days=1)), at, behind)
        at = behind


def parse_by(written: Sequence[str]) -> tuple[By, ...]:
    """`tenant,day` or several of them, in their order. Raises InvalidField."""
    names = [name.strip().lower() for text in written for name in text.split(",") if name.strip()]
    known = [each.value for each in By]
    odd = next((name for name in names if name not in known), None)
    if odd is not None:
        hint = f"write one or more of {', '.join(known)}, with commas between"
        raise InvalidField(field="by", problem=f"{odd[:40]!r} is nothing to split by", hint=hint)
    return tuple(By(name) for name in dict.fromkeys(names))


class Tally:
    """A report in the making. The store's thread fills it in, one row after another; nobody else looks meanwhile."""

    def __init__(
        self, *, days: Sequence[Day], by: Sequence[By], now: float, minutes: CardMinutes, names: Mapping[str, str]
    ) -> None:
        """`names`: the indices of the cards that are there, by their UUID."""
        self.report = Report(days=days, by=by, now=now, minutes=minutes)
        self.by = tuple(by)
        self._names = names
        self._knows_minutes = minutes.since is not None
        # Not methods of its own: of a hundred thousand calls one more step is felt.
        self.hold: Callable[[Held], None] = self.report.hold
        self.end: Callable[[Ended], None] = self.report.end

    async def told(self, *, with_foreign: bool) -> Json:
        """`rows` and `total`. What belongs to nobody is told to those who may see everything."""
        if with_foreign:
            self.report.add_foreign()
        return await asyncio.to_thread(self._told, with_foreign)  # sorting the waits of many tasks takes its time

    def _told(self, with_foreign: bool) -> Json:
        has_foreign = with_foreign and self._knows_minutes
        in_rows = has_foreign and OF_NOBODY.issuperset(self.by)
        rows = [self._row(key, sums, in_rows) for key, sums in sorted(self.report.groups.items(), key=self._place)]
        return {"rows": rows, "total": self._row(None, self.report.total, has_foreign)}

    def _place(self, group: tuple[Key, Sums]) -> tuple[str | tuple[bool, tuple[int, ...], str], ...]:
        """Rows stand by their names; cards by their indices, and those that are gone behind them."""
        names = self._names
        return tuple(
            (name not in names, index_key(names.get(name, "")), name) if each is By.GPU else name
            for each, name in zip(self.by, group[0], strict=True)
        )

    def _row(self, key: Key | None, sums: Sums, has_foreign: bool) -> Json:
        named: dict[By, int | str] = dict(zip(self.by, key or (), strict=False))
        if By.GPU in named:
            uuid = str(named[By.GPU])
            named[By.GPU] = people_index(self._names[uuid]) if uuid in self._names else uuid
        of_tasks = dict.fromkeys(_OF_TASKS) if By.GPU in named else _tasks_of(sums)
        return {
            **{each.value: named.get(each) for each in By},
            "gpu_hours": round(sums.gpu_s / HOUR_S, 4),
            "idle_gpu_hours": round(sums.idle_s / HOUR_S, 4) if self._knows_minutes else None,
            "foreign_gpu_hours": round(sums.foreign_s / HOUR_S, 4) if has_foreign else None,
            "efficiency_percent": _rounded(sums.efficiency, 2),
            **of_tasks,
        }


def _tasks_of(sums: Sums) -> Json:
    """What is told of tasks, and not of cards."""
    middle, most = sums.wait_s(0.5, 0.95)
    return {
        "n_started": sums.n_started,
        "n_ended": sums.ends.total(),
        **{f"n_{state.value}": sums.ends[state.value] for state in sorted(ENDED)},
        "wait_mean_s": _rounded(sums.mean_wait_s, 3),
        "wait_p50_s": _rounded(middle, 3),
        "wait_p95_s": _rounded(most, 3),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


_OF_TASKS = tuple(_tasks_of(Sums()))


def note_of(minutes: CardMinutes, start: float, problem: str | None) -> str | None:
    """What a reader should know of idle and foreign hours."""
    if minutes.since is None:
        return f"nothing is known of idle and foreign hours: {problem or 'nothing has been recorded yet'}"
    if minutes.since > start + 60:
        return f"idle and foreign hours are known since {stamp(minutes.since)}"
    return None


__all__ = ["DEFAULT_DAYS", "IDLE_PERCENT", "MAX_DAYS", "Tally", "days_of", "note_of", "parse_by"]
