"""Counters of what the daemon did since it started, for Prometheus. Fed by commits and cycles; nothing is polled."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from gavelq.core.step import Changes

WAIT_BOUNDS_S = (0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 86400.0, 7 * 86400.0)
CYCLE_BOUNDS_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


@dataclass(slots=True)
class Histogram:
    """How many observations were at most each bound; the last count is of those above all."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, int]]:
        """Count by upper bound, as Prometheus wants it: each includes those before."""
        found, n = [], 0
        for bound, count in zip((*map(_shown, self.bounds), "+Inf"), self.counts, strict=True):
            n += count
            found.append((bound, n))
        return found


def _shown(bound: float) -> str:
    return f"{bound:g}"


class Counts:
    """What was counted since the daemon started."""

    def __init__(self) -> None:
        self.n_commits = 0
        self.n_records = 0
        self.submitted: Counter[str] = Counter()
        """Tasks by queue."""
        self.ended: Counter[tuple[str, str, str]] = Counter()
        """Tasks by queue, state and end reason."""
        self.waits: dict[str, Histogram] = {}
        """From its submission to its first placement, by queue."""
        self.cycles = Histogram(CYCLE_BOUNDS_S)

    def notice(self, changes: Changes) -> None:
        """A commit."""
        self.n_commits += 1
        self.n_records += len(changes.records)
        for record in changes.records:
            task = None if record.task_id is None else changes.tasks.get(record.task_id)
            if task is None:
                continue
            if record.kind == "submitted":
                self.submitted[task.queue] += 1
            elif record.kind == "ended" and task.ending is not None:
                self.ended[task.queue, task.state.value, task.ending.reason.value] += 1
            elif record.kind == "placed" and record.details.get("attempt") == 1:
                histogram = self.waits.setdefault(task.queue, Histogram(WAIT_BOUNDS_S))
                histogram.observe(max(0.0, record.at - task.submitted_at))

    def cycle(self, seconds: float) -> None:
        """A scheduling cycle took so long."""
        self.cycles.observe(seconds)
