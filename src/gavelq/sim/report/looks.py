"""Colours and lines: each policy has both, so that nobody has to tell colours apart."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Tone(NamedTuple):
    """A colour on white, and on the dark page; each has at least 3 : 1 against its page (WCAG 2.2, 1.4.11)."""

    light: str
    dark: str


POLICIES = (
    Tone("#0072b2", "#56b4e9"), Tone("#d55e00", "#ff8c42"), Tone("#007a5a", "#2ec99b"), Tone("#a8479a", "#e38fcb"),
    Tone("#8a6d00", "#e6c200"), Tone("#4b4b4b", "#c8c8c8"), Tone("#c1272d", "#ff7b7b"), Tone("#1f86a8", "#8fd3f4"),
)  # fmt: skip
DASHES: Sequence[str | tuple[int, tuple[float, ...]]] = (
    "solid", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 2.5)), (0, (8, 1.5, 1.2, 1.5, 1.2, 1.5)),
)  # fmt: skip
"""Lines of matplotlib, in the order of `POLICIES`."""
WIDTHS = (1, 2, 4, 8, 16)
"""Bars are coloured by how many GPUs a job has: up to so many, or more than the last."""
BARS = (
    Tone("#4f9bd0", "#8ccaf5"), Tone("#1f5fa8", "#3f86d8"), Tone("#1a8f6b", "#35bd93"), Tone("#b0800b", "#e0b030"),
    Tone("#d1570a", "#f08040"), Tone("#7b3294", "#b57ad0"),
)  # fmt: skip
INK, FAINT, LINE = Tone("#1b1f24", "#e6e9ee"), Tone("#59616b", "#a3adb9"), Tone("#d4d9de", "#343b44")
PAPER = Tone("#ffffff", "#14171c")
ALL = (*POLICIES, *BARS, INK, FAINT, LINE, PAPER)


def width_class(n_gpus: int) -> int:
    """Which of `BARS` a job of so many GPUs has."""
    return bisect_left(WIDTHS, n_gpus)


def width_name(number: int) -> str:
    """What such a bar is called: `1 GPU`, `3 to 4 GPUs`, `more than 16 GPUs`."""
    if number == len(WIDTHS):
        return f"more than {WIDTHS[-1]} GPUs"
    most, least = WIDTHS[number], 1 + (WIDTHS[number - 1] if number else 0)
    return f"{most} GPU{'s' if most > 1 else ''}" if most == least else f"{least} to {most} GPUs"
