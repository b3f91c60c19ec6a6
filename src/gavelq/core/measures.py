"""What is measured of GPUs and tasks over time, how finely that is kept, and which part of it a question is about.

Values are kept to a tenth. None means unknown, and is never counted as zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil


class Kind(StrEnum):
    """What a series is about."""

    GPU = "gpu"
    """Its subject is a UUID."""
    TASK = "task"
    """Its subject is a task's id."""


MEASURES: Mapping[Kind, tuple[str, ...]] = {
    Kind.GPU: (
        "utilization_percent",
        "memory_utilization_percent",
        "memory_used_mib",
        "foreign_memory_mib",
        "power_w",
        "temperature_c",
        "n_tasks",
    ),
    Kind.TASK: ("gpu_memory_mib", "gpu_utilization_percent", "cpu_percent", "rss_mib", "n_processes"),
}
"""What is measured of each; the units are in the names."""

Subject = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of one subject at one moment; what is not named is unknown."""

    kind: Kind
    subject: Subject
    at: float
    """Seconds since the epoch."""
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeUse:
    """What all processes below one process use together."""

    n_processes: int
    """Those below it; itself not counted."""
    rss_mib: float
    """Main memory. Pages that several of them share count for each."""
    cpu_s: float
    """Processor time so far, with that of processes that have ended and were waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUse:
    """How busy the machine itself is; None: unknown."""

    name: str
    n_cpus: int
    cpu_percent: float | None = None
    """Of all processors together, 0 to 100."""
    memory_total: int | None = None
    """MiB."""
    memory_used: int | None = None
    """MiB that programs could not have."""
    load: float | None = None
    """Mean number of processes that wanted to run, of the last minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What several looks together say about one measure. There is at least one look."""

    n: int
    total: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        """The mean of the looks."""
        return self.total / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Looks are kept together by spans of `width_s` seconds, for `keep_s` seconds."""

    width_s: int
    keep_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long what is kept."""

    raw_s: float = 3600.0
    fine_s: float = 86400.0
    days: int = 30
    totals_days: int = 90
    """What a task used in its whole life is kept so long after its end."""
    max_mib: int = 256
    """Above this size the oldest goes early."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels, the finest first. Each keeps for at least as long as the one before it."""
        coarse = max(self.days * 86400.0, self.raw_s)
        return (
            Level(width_s=1, keep_s=self.raw_s),
            Level(width_s=10, keep_s=min(max(self.fine_s, self.raw_s), coarse)),
            Level(width_s=60, keep_s=coarse),
            # The same time once more: a month of minutes takes long to read.
            Level(width_s=600, keep_s=coarse),
        )


MAX_POINTS = 2000
"""So many points of one series are told at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which time a question is about: `n` points of `step_s` seconds each from `start` on, read from one level."""

    start: int
    """Seconds since the epoch, a multiple of `step_s`."""
    step_s: int
    n: int
    width_s: int
    """The level that tells it; a divisor of `step_s`."""
    note: str = ""
    """Why the step is another one than was asked for."""

    @property
    def end(self) -> int:
        """The first second behind it."""
        return self.start + self.step_s * self.n


def span_of(
    levels: Sequence[Level],
    *,
    start: float,
    end: float,
    step_s: int | None,
    now: float,
    max_points: int = MAX_POINTS,
) -> Span:
    """The points between two times (`start` before `end`) in steps that are at least as wide as was asked for.

    The finest level that reaches back to `start` tells them, or that which reaches back farthest. Without a step its
    own width is the step.
    """
    longest = max(levels, key=lambda level: level.keep_s)
    level = next((level for level in levels if start >= now - level.keep_s), longest)
    # One less, because the ends do not lie on the borders of steps.
    least = max(step_s or 1, level.width_s, ceil((end - start) / (max_points - 1)))
    # Where the step is ours to choose, one that is read from a coarse level: such steps are round, and read fast.
    base = level.width_s if least == step_s else max(each.width_s for each in levels if each.width_s <= least)
    step = ceil(least / base) * base
    width = max(each.width_s for each in levels if step % each.width_s == 0)
    found, note = _buckets(start, end, step), ""
    if step_s is not None and step_s < step:
        is_old = step == level.width_s
        why = f"what is that old is kept in steps of {step} s" if is_old else f"at most {max_points} points are told"
        note = f"the step is {step} s instead of {step_s} s: {why}"
    return Span(start=found.start, step_s=step, n=len(found), width_s=width, note=note)


def _buckets(start: float, end: float, step: int) -> range:
    return range(int(start // step) * step, max(ceil(end / step), int(start // step) + 1) * step, step)
