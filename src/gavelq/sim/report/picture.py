"""Plots as files, and as parts of a page."""

import io
import re
from collections.abc import Callable, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gavelq.sim.outcome import Outcome
from gavelq.sim.report import drawing, looks
from gavelq.sim.report.curves import has_chart

MARK = "gavelq simulate"
"""Stands in each file, so that it is known for ours when it is to be written again."""
_WIDTH_IN, _CURVE_IN, _HEAD_IN = 10.0, 1.75, 0.95
_CARD_IN, _LEAST_CARDS_IN, _MOST_CARDS_IN = 0.13, 0.7, 2.9
_DPI = 160
_STYLE: dict[str, object] = {
    "svg.fonttype": "none",  # text stays text: it can be found, read aloud and coloured
    "svg.hashsalt": "gavelq",  # the same plot makes the same file
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.edgecolor": looks.FAINT.light,
    "axes.labelcolor": looks.INK.light,
    "axes.titlecolor": looks.INK.light,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": looks.LINE.light,
    "grid.linewidth": 0.6,
    "text.color": looks.INK.light,
    "text.parse_math": False,
    "xtick.color": looks.FAINT.light,
    "ytick.color": looks.FAINT.light,
    "legend.fontsize": 8.5,
    "agg.path.chunksize": 20_000,
}
_Painter = Callable[[Axes], None]
_PROLOG = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_OWN_STYLE = re.compile(r"\s*<style[^>]*>.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg [^>]*?)\swidth="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg [^>]*?)\sheight="[^"]*"', re.DOTALL)
_PATH = re.compile(r'\sd="[^"]*"')
_FINE = re.compile(r"(\.\d\d)\d+")
"""Beyond a hundredth of a point: half of the file, and nobody sees it."""
_NAMED = re.compile(r'(\bid="|url\(#|href="#)')


def picture(outcomes: Sequence[Outcome], title: str, kind: str) -> bytes:
    """All plots one below the other, as `svg` or `png`."""
    plots = _plots(outcomes)
    note = _note(outcomes)
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # the stubs know some keys only
        heights = [height for _, height, _ in plots]
        figure = Figure(figsize=(_WIDTH_IN, sum(heights) + 0.5), layout="constrained")
        figure.suptitle(_printable(title), x=0.01, ha="left", fontsize=11, fontweight="bold")
        rows = figure.subplots(len(plots), 1, squeeze=False, height_ratios=heights)
        for axes, (_, _, paint) in zip(rows[:, 0], plots, strict=True):
            paint(axes)
        if note:
            figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color=looks.FAINT.light)
        written = _saved(figure, kind)
    if kind == "svg":
        text = written.decode()
        return text.replace("<svg ", f"<!-- {MARK} -->\n<svg ", 1).encode()
    return written


def parts(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Each plot as an `<svg>` for a page that is light or dark, with a sentence that tells what it shows."""
    found = []
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # the stubs know some keys only
        for number, (said, height, paint) in enumerate(_plots(outcomes)):
            figure = Figure(figsize=(_WIDTH_IN, height), layout="constrained")
            paint(figure.subplots())
            found.append((said, _inline(_saved(figure, "svg").decode(), f"p{number}-", said)))
    return found


def _plots(outcomes: Sequence[Outcome]) -> list[tuple[str, float, _Painter]]:
    """What each plot shows, its height in inches, and what paints it."""
    time = drawing.clock(outcomes)
    shown = [outcome for outcome in outcomes if has_chart(outcome)]
    found: list[tuple[str, float, _Painter]] = []
    for outcome in shown:
        cards = min(_MOST_CARDS_IN, max(_LEAST_CARDS_IN, _CARD_IN * outcome.n_gpus))
        said = f"Gantt chart of {drawing.called(outcome)}: which GPU ran a job when"

        def paint(axes: Axes, of: Outcome = outcome) -> None:
            drawing.gantt(axes, of, time)

        found.append((said, cards + _HEAD_IN, paint))
    height = _CURVE_IN + _HEAD_IN + drawing.more_height(outcomes)
    if shown:
        found += [
            ("Number of waiting jobs over time, by policy", height,
             lambda axes: drawing.queue(axes, outcomes, time)),
            ("Busy part of the GPUs over time, by policy", height,
             lambda axes: drawing.utilisation(axes, outcomes, time)),
        ]  # fmt: skip
    waits = "Distribution of the waiting times, by policy"
    return [*found, (waits, height, lambda axes: drawing.waits(axes, outcomes))]


def _note(outcomes: Sequence[Outcome]) -> str:
    names = [outcome.policy for outcome in outcomes if outcome.runs and not has_chart(outcome)]
    return f"{', '.join(names)} moves jobs between GPUs at will, and has no chart over time" if names else ""


def _saved(figure: Figure, kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "png":
        figure.savefig(file, format="png", dpi=_DPI, facecolor=looks.PAPER.light, metadata={"Software": MARK})
    else:
        figure.savefig(file, format="svg", facecolor=looks.PAPER.light, metadata={"Date": None, "Creator": MARK})
        text = _PATH.sub(lambda path: _FINE.sub(r"\1", path[0]).replace("\n", ""), file.getvalue().decode())
        return text.encode()
    return file.getvalue()


def _inline(svg: str, prefix: str, said: str) -> str:
    """One that stands in a page: names of its own, no size of its own, and colours that the page decides."""
    for pattern in (_PROLOG, _METADATA, _OWN_STYLE):
        svg = pattern.sub("", svg, count=1)
    svg = _HEIGHT.sub(r"\1", _SIZE.sub(r"\1", svg, count=1), count=1)
    svg = _NAMED.sub(rf"\1{prefix}", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1)
    for number, tone in enumerate(looks.ALL):
        svg = svg.replace(tone.light, f"var(--c{number})")
    return svg


def _printable(title: str) -> str:
    """The font has no letters but these for sure."""
    return title.encode("ascii", "replace").decode()
