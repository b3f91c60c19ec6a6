"""The plots, each on axes of its own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gavelq.core.units import format_duration
from gavelq.sim.outcome import Outcome, Run
from gavelq.sim.report import looks
from gavelq.sim.report.curves import Grid, busy, doublings, grid, mean_levels, neighbours, parts_within, waiting

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
MOST_OUTLINED = 800
"""With more bars than that lines around them would hide them."""
MOST_DRAWN = 20_000
"""More bars than that become pixels, in files of lines too; nobody can tell them apart, and viewers are slow."""
N_COLUMNS = 2400
"""Of those pixels: so many moments of the whole time are looked at."""
AT_ONCE = 500
"""Bars in one shape; Agg takes no shape of any size."""
COARSE_STEPS = 120
"""Of curves that go up and down all the time, and cross one another."""
_LEGEND_IN, _KEY_IN, _LETTER_IN, _LEGEND_ROW_PT = 9.2, 0.65, 0.075, 14
"""How wide a legend may be, and what a key, a letter (at most) and a row of it need."""
_TICKS = (
    (1, "1 s"), (10, "10 s"), (_MINUTE, "1 min"), (10 * _MINUTE, "10 min"), (_HOUR, "1 h"), (4 * _HOUR, "4 h"),
    (_DAY, "1 day"), (3 * _DAY, "3 days"), (10 * _DAY, "10 days"), (30 * _DAY, "30 days"), (100 * _DAY, "100 days"),
    (365 * _DAY, "1 year"),
)  # fmt: skip
_Bar = tuple[float, float, int, int]
"""From when until when (on the axis), on which card first, and on how many."""


class Clock(NamedTuple):
    """How a time axis counts."""

    begin_s: float
    unit_s: float
    unit: str
    end_s: float

    def at(self, seconds: float) -> float:
        """Where a moment of the trace lies on the axis."""
        return (seconds - self.begin_s) / self.unit_s

    def label(self, axes: Axes) -> None:
        """Give the axis its ends and its name."""
        axes.set_xlim(0, max(self.at(self.end_s), 1e-9))
        axes.set_xlabel(f"{self.unit} since the first submission")


def clock(outcomes: Sequence[Outcome]) -> Clock:
    """One for all policies, so that their charts can be laid one below the other."""
    over = grid(outcomes)
    end = max((run.end_s for outcome in outcomes for run in outcome.runs), default=over.begin_s)
    span = end - over.begin_s
    for unit_s, unit in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if span > 3 * unit_s:
            return Clock(over.begin_s, unit_s, unit, end)
    return Clock(over.begin_s, 1.0, "seconds", end)


def called(outcome: Outcome) -> str:
    """A policy's name for people."""
    return outcome.policy + (" (oracle)" if outcome.is_oracle else "")


def gantt(axes: Axes, outcome: Outcome, time: Clock) -> None:
    """Which card ran a job when, coloured by the number of GPUs of the job."""
    bars: dict[int, list[_Bar]] = {}
    for run in outcome.runs:
        for first, n_cards in neighbours(run.cards):
            of_width = bars.setdefault(looks.width_class(len(run.cards)), [])
            of_width.append((time.at(run.start_s), time.at(run.end_s), first, n_cards))
    if sum(map(len, bars.values())) > MOST_DRAWN:
        ends = (0.0, time.at(time.end_s), outcome.n_gpus - 0.5, -0.5)
        axes.imshow(_pixels(bars, outcome.n_gpus, ends[1]), extent=ends, aspect="auto", interpolation="nearest")
    else:
        _draw(axes, bars, shares=any(run.job.memory_mib is not None for run in outcome.runs))
    axes.set_ylim(outcome.n_gpus - 0.5, -0.5)
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_ylabel("GPU")
    axes.grid(False)
    time.label(axes)
    keys = [Patch(color=looks.BARS[number].light, label=looks.width_name(number)) for number in sorted(bars)]
    _legend(axes, keys, f"{called(outcome)}: jobs on the GPUs, by how many each has; blank is idle")


def _draw(axes: Axes, bars: Mapping[int, Sequence[_Bar]], *, shares: bool) -> None:
    """Bars as shapes. `shares`: they may lie on one another."""
    n_bars = sum(map(len, bars.values()))
    for number, of_width in sorted(bars.items()):
        for begin in range(0, len(of_width), AT_ONCE):
            patch = PathPatch(
                _boxes(of_width[begin : begin + AT_ONCE]), facecolor=looks.BARS[number].light,
                edgecolor=looks.PAPER.light, linewidth=0.5 if n_bars <= MOST_OUTLINED else 0.0,
                alpha=0.6 if shares else None,
            )  # fmt: skip
            patch.set_in_layout(False)  # it lies within the axes, and is slow to measure
            axes.add_patch(patch)


def _boxes(bars: Iterable[_Bar]) -> Path:
    """Rectangles as one shape."""
    corners: list[tuple[float, float]] = []
    codes: list[int] = []
    for begin, end, first, n_cards in bars:
        top, bottom = first - 0.46, first + n_cards - 0.54
        corners += ((begin, top), (end, top), (end, bottom), (begin, bottom), (begin, top))
        codes += (int(Path.MOVETO), int(Path.LINETO), int(Path.LINETO), int(Path.LINETO), int(Path.CLOSEPOLY))
    return Path(corners, codes)


def _pixels(bars: Mapping[int, Sequence[_Bar]], n_gpus: int, end: float) -> NDArray[np.uint8]:
    """A row for each card, a column for each moment: the colour of what runs then, transparent where nothing does."""
    found = np.zeros((n_gpus, N_COLUMNS, 4), dtype=np.uint8)
    for number, of_width in sorted(bars.items()):
        colour = [int(looks.BARS[number].light[at : at + 2], 16) for at in (1, 3, 5)] + [255]
        for begin, until, first, n_cards in of_width:
            columns = slice(ceil(begin / end * N_COLUMNS - 0.5), ceil(until / end * N_COLUMNS - 0.5))
            found[first : first + n_cards, columns] = colour
    return found


def queue(axes: Axes, outcomes: Sequence[Outcome], time: Clock) -> None:
    """How many jobs wait at each time."""
    over = grid(outcomes)
    _levels(axes, outcomes, time, over, lambda outcome: mean_levels(waiting(outcome.runs), over))
    axes.set_ylabel("jobs waiting")
    axes.set_ylim(bottom=0)
    _legend(axes, None, f"Queue length (mean of each {_round(over.step_s)})")


def utilisation(axes: Axes, outcomes: Sequence[Outcome], time: Clock) -> None:
    """Which part of the cards is busy at each time."""
    over = grid(outcomes, COARSE_STEPS)
    _levels(
        axes, outcomes, time, over, lambda outcome: [100 * level for level in mean_levels(busy(outcome), over)]
    )  # fmt: skip
    axes.set_ylabel("GPUs busy, %")
    axes.set_ylim(0, 103)
    _legend(axes, None, f"Utilisation (mean of each {_round(over.step_s)})")


def _levels(
    axes: Axes, outcomes: Sequence[Outcome], time: Clock, over: Grid, levels: Callable[[Outcome], list[float]]
) -> None:
    edges = [time.at(edge) for edge in over.edges]
    for number, outcome in enumerate(outcomes):
        if any(run.cards for run in outcome.runs):
            found = levels(outcome)
            axes.plot(edges, [*found, found[-1]], drawstyle="steps-post", **_line(number, called(outcome)))
    time.label(axes)


def waits(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    """Which part of the jobs waited no longer than so long; a dot where the last one is."""
    longest = max((run.wait_s for outcome in outcomes for run in outcome.runs), default=0.0)
    limits = doublings(_MINUTE if longest > 20 * _MINUTE else 1.0, max(longest, 2.0))
    for number, outcome in enumerate(outcomes):
        of_policy = [run.wait_s for run in outcome.runs]
        if not of_policy:
            continue
        parts = [100 * part for part in parts_within(of_policy, limits)]
        axes.plot(limits, parts, **_line(number, f"{called(outcome)}, longest {_longest(outcome.runs)}"))
        last = max(of_policy)
        if last >= limits[0]:
            axes.plot([last], [100], marker="o", markersize=4, color=_colour(number), clip_on=False)
    axes.set_xscale("log")
    ticks = [(at, name) for at, name in _TICKS if limits[0] <= at <= limits[-1]]
    axes.set_xticks([at for at, _ in ticks], [name for _, name in ticks], minor=False)
    axes.set_xticks([], [], minor=True)
    axes.set_xlim(limits[0], limits[-1])
    axes.set_ylim(0, 103)
    axes.set_xlabel("waiting time")
    axes.set_ylabel("jobs that waited\nno longer, %")
    _legend(axes, None, "Waiting times")


def _longest(runs: Sequence[Run]) -> str:
    return format_duration(max(run.wait_s for run in runs))


def _colour(number: int) -> str:
    return looks.POLICIES[number % len(looks.POLICIES)].light


def _line(number: int, label: str) -> dict[str, Any]:
    dashes = looks.DASHES[number % len(looks.DASHES)]
    return {"color": _colour(number), "linestyle": dashes, "linewidth": 1.4, "label": label}


def _legend(axes: Axes, keys: list[Patch] | None, title: str) -> None:
    """The title at the left, and below it, above the plot, what the colours mean."""
    handles: Sequence[Artist] = axes.get_legend_handles_labels()[0] if keys is None else keys
    n_columns, n_rows = _columns([str(one.get_label()) for one in handles])
    axes.set_title(title, loc="left", pad=8 + _LEGEND_ROW_PT * n_rows)
    if handles:
        axes.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(-0.005, 0.99), ncols=n_columns, frameon=False,
            borderpad=0.2, handlelength=2.6 if keys is None else 1.0, columnspacing=1.4, handletextpad=0.5,
        )  # fmt: skip


def more_height(outcomes: Sequence[Outcome]) -> float:
    """What the names of many policies need above a plot, in inches."""
    _, n_rows = _columns([f"{called(outcome)}, longest 99d 99h" for outcome in outcomes])
    return _LEGEND_ROW_PT / 72 * max(0, n_rows - 1)


def _columns(labels: Sequence[str]) -> tuple[int, int]:
    """How many columns of a legend fit beside one another, and the rows that come of it."""
    widest = max(map(len, labels), default=0)
    n_columns = max(1, int(_LEGEND_IN / (_KEY_IN + _LETTER_IN * widest)))
    return n_columns, -(-len(labels) // n_columns)


def _round(seconds: float) -> str:
    """A step of a grid: `4 h`."""
    for unit_s, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"
