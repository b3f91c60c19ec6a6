"""What the plots show, as numbers: levels over time, and how long jobs waited."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gavelq.sim.outcome import Outcome, Run

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
STEPS_S = (
    1.0, 5.0, 15.0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY, 2 * _DAY,
    7 * _DAY,
)  # fmt: skip
"""How much time one point of a curve may stand for; beyond the last of them multiples of it."""
MOST_STEPS = 400
"""Of more points nobody can tell one from the next."""

Span = tuple[float, float, float]
"""From when until when (seconds), and how much."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps of time."""

    begin_s: float
    step_s: float
    n: int

    @property
    def edges(self) -> list[float]:
        """Where the steps begin, and where the last of them ends."""
        return [self.begin_s + number * self.step_s for number in range(self.n + 1)]


def grid(outcomes: Sequence[Outcome], most: int = MOST_STEPS) -> Grid:
    """At most so many steps from the first submission to the last end under any of the policies."""
    runs = [run for outcome in outcomes for run in outcome.runs]
    begin = min((run.job.submit_s for run in runs), default=0.0)
    span = max((run.end_s for run in runs), default=begin) - begin
    step = next((one for one in STEPS_S if span <= one * most), 0.0)
    if not step:
        step = STEPS_S[-1] * -(-span // (STEPS_S[-1] * most))
    return Grid(begin, step, max(1, int(-(-span // step))))


def mean_levels(spans: Iterable[Span], over: Grid) -> list[float]:
    """How much there is at once, as the mean of each step."""
    found = [0.0] * over.n
    changes: list[tuple[float, float]] = []
    for begin, end, weight in spans:
        if end > begin:
            changes += ((begin - over.begin_s, weight), (end - over.begin_s, -weight))
    changes.sort()
    level = now = 0.0
    for at, change in changes:
        _spread(found, over.step_s, now, at, level)
        level, now = level + change, at
    return found


def _spread(found: list[float], step_s: float, begin: float, end: float, level: float) -> None:
    """Add a level that lasts from one moment to another (seconds from the grid's beginning)."""
    number = max(0, int(begin // step_s))
    while begin < end and number < len(found):
        until = min(end, (number + 1) * step_s)
        found[number] += level * (until - begin) / step_s
        begin, number = until, number + 1


def waiting(runs: Iterable[Run]) -> Iterator[Span]:
    """Each job from its submission to the start of the run that counted."""
    for run in runs:
        yield run.job.submit_s, run.start_s, 1.0


def busy(outcome: Outcome) -> Iterator[Span]:
    """The part of the machine on which a job runs; several jobs on one card count once."""
    cards: dict[int, list[tuple[float, float]]] = {}
    for run in outcome.runs:
        if run.job.memory_mib is None:  # it is alone there
            yield run.start_s, run.end_s, len(run.cards) / outcome.n_gpus
        else:
            for card in run.cards:
                cards.setdefault(card, []).append((run.start_s, run.end_s))
    for spans in cards.values():
        for begin, end in _joined(sorted(spans)):
            yield begin, end, 1 / outcome.n_gpus


def _joined(spans: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    begin, end = spans[0]
    for next_begin, next_end in spans[1:]:
        if next_begin > end:
            yield begin, end
            begin = next_begin
        end = max(end, next_end)
    yield begin, end


def parts_within(waits: Sequence[float], limits: Sequence[float]) -> list[float]:
    """For each limit the part of the jobs (0 to 1) that waited no longer than that."""
    ordered = sorted(waits)
    return [bisect_right(ordered, limit) / len(ordered) for limit in limits] if ordered else [0.0] * len(limits)


def doublings(first: float, last: float, each: int = 16) -> list[float]:
    """From `first` to `last` or just beyond, with `each` values until it has doubled."""
    factor = 2 ** (1 / each)
    values = [first]
    while values[-1] < last:
        values.append(values[-1] * factor)
    return values


def neighbours(cards: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cards beside one another together: the first of them, and how many."""
    ordered = sorted(cards)
    begin = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[at - 1] + 1:
            yield ordered[begin], at - begin
            begin = at


def has_chart(outcome: Outcome) -> bool:
    """Whether it is known which job ran where and when; an oracle that moves jobs at will does not tell."""
    return any(run.cards for run in outcome.runs)
