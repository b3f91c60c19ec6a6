"""Who had how much of the GPUs: what attempts held, how tasks ended and how long they waited, put together by groups.

Times are seconds since the epoch. Spans are cut at the borders of the window and of its days, so that what the days had
adds up to what the window had. A card counts whole for each attempt that holds it, as it does for quotas. Split by card
a report has hours alone: starts, waits and ends are of tasks, which may hold several.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    GPU = "gpu"


OF_NOBODY = frozenset({By.DAY, By.GPU})
"""Where it is split by these alone, groups have their part of what others used."""


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
    """The end of a task, or of several on one day."""

    tenant: str
    queue: str
    state: str
    at: float
    n_tasks: int = 1


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

    def hold(self, gpu_s: float, idle_s: float, utilization: float | None) -> None:
        """Cards were held for so many GPU-seconds, and that busy."""
        self.gpu_s += gpu_s
        self.idle_s += idle_s
        if utilization is not None:
            self._known_s += gpu_s
            self._busy_s += gpu_s * utilization / 100

    def start(self, waited_s: float) -> None:
        """A task started for the first time."""
        self._waits.append(waited_s)

    def add(self, other: "Sums") -> None:
        """What another group had, too."""
        self.gpu_s += other.gpu_s
        self.idle_s += other.idle_s
        self.foreign_s += other.foreign_s
        self._known_s += other._known_s
        self._busy_s += other._busy_s
        self.ends.update(other.ends)
        self._waits.extend(other._waits)

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
        self._is_by_card = By.GPU in by
        self._end = min(now, days[-1].end)
        self._idle = minutes.idle
        self._foreign = minutes.foreign
        self._foreign_s = 0.0
        self._known: dict[tuple[str, str, int, str], Sums] = {}
        self.groups: dict[Key, Sums] = {}
        """By the values of `by`, in its order."""
        self._ungrouped = Sums()

    def hold(self, held: Held) -> None:
        """One attempt."""
        tenant, queue, gpus, since = held.tenant, held.queue, held.gpus, held.since
        place = self._place(since)
        if gpus:
            until = self._end if held.until is None or held.until > self._end else held.until
            if place >= 0 and since < until <= self._days[place].end:  # most attempts lie in one day
                parts: Iterable[tuple[int, float, float]] = ((place, since, until),)
            else:
                parts = self._cut(max(0, place), since, until)
            for here, start, end in parts:
                for name, cards in [(card, (card,)) for card in gpus] if self._is_by_card else (("", gpus),):
                    idle_s = 0.0
                    for gpu in cards:
                        if gpu in self._idle:
                            idle_s += seconds_in(self._idle[gpu], start, end)
                    self._sums(tenant, queue, here, name).hold((end - start) * len(cards), idle_s, held.utilization)
        if held.eligible_at is not None and place >= 0 and since <= self._end:
            self._sums(tenant, queue, place).start(max(0.0, since - held.eligible_at))

    def end(self, ended: Ended) -> None:
        """The end of one task."""
        place = self._place(ended.at)
        if place >= 0 and ended.at <= self._end:
            self._sums(ended.tenant, ended.queue, place).ends[ended.state] += ended.n_tasks

    def add_foreign(self) -> None:
        """What others had goes to the total, and to groups of days and cards alone. To be called once, last."""
        is_told = bool(self._by) and OF_NOBODY.issuperset(self._by)
        for card, minutes in self._foreign.items():
            for day in self._days:
                seconds = seconds_in(minutes, day.start, min(day.end, self._end))
                if seconds > 0:
                    self._foreign_s += seconds
                    if is_told:
                        values = {By.DAY: day.label, By.GPU: str(card)}
                        self._group(tuple(values[each] for each in self._by)).foreign_s += seconds

    def _place(self, at: float) -> int:
        """The number of the day that a time lies in; below 0 where it lies in none."""
        place = bisect_right(self._starts, at) - 1
        return place if at < self._days[place].end else -1

    def _cut(self, place: int, since: float, until: float) -> Iterator[tuple[int, float, float]]:
        """The parts of a span by day, from that day on."""
        while place < len(self._days):
            _, start, end = self._days[place]
            if start >= until:
                return
            start, end = max(since, start), min(until, end)
            if start < end:
                yield place, start, end
            place += 1

    @property
    def total(self) -> Sums:
        """What all of them had together."""
        found = Sums()
        for sums in (self._ungrouped, *self.groups.values()):
            found.add(sums)
        found.foreign_s = self._foreign_s
        return found

    def _sums(self, tenant: str, queue: str, place: int, card: str = "") -> Sums:
        """Where something is to be added. Kept, because it is asked for several times for each of many attempts."""
        found = self._known.get((tenant, queue, place, card))
        if found is None:
            values = {By.TENANT: tenant, By.QUEUE: queue, By.DAY: self._days[place].label, By.GPU: card}
            key = tuple(values[each] for each in self._by)
            of_no_card = self._is_by_card and not card
            found = self._group(key) if key and not of_no_card else self._ungrouped
            self._known[tenant, queue, place, card] = found
        return found

    def _group(self, key: Key) -> Sums:
        found = self.groups.get(key)
        if found is None:
            found = self.groups[key] = Sums()
        return found
