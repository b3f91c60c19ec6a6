"""Who had how much of the GPUs: what attempts held, how tasks ended and how long they waited, put together by groups.

Times are seconds since the epoch. Spans are cut at the borders of the window and of its days, so that what the days had
adds up to what the window had. A card counts whole for each attempt that holds it, as it does for quotas.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import NamedTuple

from gavelq.core.ids import GpuUuid, TaskId

HOUR_S = 3600.0
MINUTE_S = 60
IDLE_PERCENT = 5
"""A card is idle in a minute in which its mean utilisation is below that."""


class By(StrEnum):
    """What a report can be split by."""

    TENANT = "tenant"
    QUEUE = "queue"
    DAY = "day"


class Held(NamedTuple):
    """One attempt: what it held, and since when."""

    task_id: TaskId
    number: int
    tenant: str
    queue: str
    gpus: tuple[GpuUuid, ...]
    since: float
    until: float | None
    """None: it goes on."""
    utilization: float | None
    """The mean of its cards in percent; None: unknown."""
    eligible_at: float | None
    """When its task began to wait; None where it is not the first attempt of its task."""


class Ended(NamedTuple):
    """The end of a task."""

    tenant: str
    queue: str
    state: str
    at: float


class Day(NamedTuple):
    """A day, or the part of one that lies in the window."""

    label: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMinutes:
    """What the measured history says of cards, as minutes (their first seconds, ascending)."""

    idle: Mapping[GpuUuid, Sequence[int]] = field(default_factory=dict)
    """Minutes in which a card was idle, whoever held it."""
    foreign: Mapping[GpuUuid, Sequence[int]] = field(default_factory=dict)
    """Minutes in which others used a card while no task of gavelq held it."""
    since: float | None = None
    """The first minute that anything is known of; None: nothing is."""


def seconds_in(minutes: Sequence[int], start: float, end: float) -> float:
    """How much of a span lies in these minutes, which are ascending."""
    first, behind = bisect_right(minutes, start - MINUTE_S), bisect_left(minutes, end)
    if first >= behind or end <= start:
        return 0.0
    before = max(0.0, start - minutes[first])
    after = max(0.0, minutes[behind - 1] + MINUTE_S - end)
    return (behind - first) * MINUTE_S - before - after


class Sums:
    """What one group had."""

    def __init__(self) -> None:
        self.gpu_s = 0.0
        self.idle_s = 0.0
        self.foreign_s = 0.0
        self._known_s = 0.0
        self._busy_s = 0.0
        self.ends = Counter[str]()
        """Ended tasks by state."""
        self._waits = array("d")

    def hold(self, gpu_s: float, utilization: float | None) -> None:
        """Cards were held for so many GPU-seconds, and that busy."""
        self.gpu_s += gpu_s
        if utilization is not None:
            self._known_s += gpu_s
            self._busy_s += gpu_s * utilization / 100

    def start(self, waited_s: float) -> None:
        """A task started for the first time."""
        self._waits.append(waited_s)

    @property
    def n_started(self) -> int:
        """Tasks that started for the first time."""
        return len(self._waits)

    @property
    def efficiency(self) -> float | None:
        """The mean utilisation of the GPU-hours whose utilisation is known, in percent; None: of none it is."""
        return self._busy_s / self._known_s * 100 if self._known_s > 0 else None

    @property
    def mean_wait_s(self) -> float | None:
        """None where nothing started."""
        return sum(self._waits) / len(self._waits) if self._waits else None

    def wait_s(self, *parts: float) -> list[float | None]:
        """For each part (0 to 1) the shortest wait that so many of the starts did not exceed (nearest rank)."""
        waits = sorted(self._waits)
        return [waits[max(0, ceil(part * len(waits)) - 1)] if waits else None for part in parts]


Key = tuple[str, ...]


class Report:
    """Takes in attempts and ends in any order; `groups` and `total` tell what came of them."""

    def __init__(self, *, days: Sequence[Day], by: Sequence[By], now: float, minutes: CardMinutes) -> None:
        """`days` follow each other without a gap, and make up the window; there is at least one."""
        self._days = days
        self._starts = [day.start for day in days]
        self._by = tuple(by)
        self._end = min(now, days[-1].end)
        self._minutes = minutes
        self.groups: dict[Key, Sums] = {}
        """By the values of `by`, in its order."""
        self.total = Sums()

    def hold(self, held: Held) -> None:
        """One attempt."""
        until = self._end if held.until is None else min(held.until, self._end)
        if held.gpus:
            for day, start, end in self._cut(held.since, until):
                gpu_s = (end - start) * len(held.gpus)
                idle_s = sum(seconds_in(self._minutes.idle.get(gpu, ()), start, end) for gpu in held.gpus)
                for sums in self._sums(held.tenant, held.queue, day):
                    sums.hold(gpu_s, held.utilization)
                    sums.idle_s += idle_s
        if held.eligible_at is not None and (at := self._day(held.since)) is not None:
            for sums in self._sums(held.tenant, held.queue, at):
                sums.start(max(0.0, held.since - held.eligible_at))

    def end(self, ended: Ended) -> None:
        """The end of one task."""
        if (day := self._day(ended.at)) is not None:
            for sums in self._sums(ended.tenant, ended.queue, day):
                sums.ends[ended.state] += 1

    def add_foreign(self) -> None:
        """What others had goes to the total, and to the days where days alone are told. To be called once, last."""
        for minutes in self._minutes.foreign.values():
            for day in self._days:
                seconds = seconds_in(minutes, day.start, min(day.end, self._end))
                if seconds > 0:
                    self.total.foreign_s += seconds
                    if self._by == (By.DAY,):
                        self._group((day.label,)).foreign_s += seconds

    def _cut(self, since: float, until: float) -> Iterator[tuple[Day, float, float]]:
        for day in self._days[max(0, bisect_right(self._starts, since) - 1) :]:
            start, end = max(since, day.start), min(until, day.end)
            if day.start >= until:
                return
            if start < end:
                yield day, start, end

    def _day(self, at: float) -> Day | None:
        day = self._days[max(0, bisect_right(self._starts, at) - 1)]
        return day if day.start <= at < day.end and at <= self._end else None

    def _sums(self, tenant: str, queue: str, day: Day) -> tuple[Sums, ...]:
        if not self._by:
            return (self.total,)
        values = {By.TENANT: tenant, By.QUEUE: queue, By.DAY: day.label}
        return self.total, self._group(tuple(values[each] for each in self._by))

    def _group(self, key: Key) -> Sums:
        found = self.groups.get(key)
        if found is None:
            found = self.groups[key] = Sums()
        return found
