"""Looks as rows: in whole tenths, and many of them put together."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gavelq.core.measures import MEASURES, Kind, Look, Stat

PER_UNIT = 10
"""Values are kept to a tenth."""
_MOST = 1 << 40
"""A value above that is a mistake, and a sum of them would not fit into the file's numbers."""

Row = tuple[int | None, ...]
"""`at`, `subject`, and four numbers for each measure: n, total, low, high."""


class Seen(NamedTuple):
    """A look as it waits to be written."""

    at: int
    subject: int
    values: tuple[int | None, ...]


def seen(look: Look, subject: int) -> Seen:
    """The look in whole seconds and whole tenths; what is unknown or senseless is None."""
    return Seen(int(look.at), subject, tuple(_tenths(look.values.get(name)) for name in MEASURES[look.kind]))


def _tenths(value: float | None) -> int | None:
    if value is None or not -_MOST < value < _MOST:  # which is false for NaN, too
        return None
    return round(value * PER_UNIT)


def rows(looks: Iterable[Seen], width_s: int | None) -> Iterator[Row]:
    """One row for each subject and span of `width_s` seconds; None: one for each subject, with its last time."""
    groups: dict[tuple[int, int], list[tuple[int | None, ...]]] = {}
    last: dict[int, int] = {}
    for at, subject, values in looks:
        last[subject] = at
        groups.setdefault((at // width_s * width_s if width_s else 0, subject), []).append(values)
    for (start, subject), several in groups.items():
        yield (start if width_s else last[subject], subject, *_folded(several))


def _folded(several: Sequence[tuple[int | None, ...]]) -> Iterator[int | None]:
    for column in zip(*several, strict=True):
        known = [value for value in column if value is not None]
        yield from (len(known), sum(known), min(known), max(known)) if known else (0, 0, None, None)


def stats(kind: Kind, numbers: Sequence[int | None]) -> dict[str, Stat]:
    """What a row's numbers say of each measure; those of which nothing is known are left out."""
    found: dict[str, Stat] = {}
    for place, name in enumerate(MEASURES[kind]):
        n, total, low, high = numbers[place * 4 : place * 4 + 4]
        if n and total is not None and low is not None and high is not None:
            found[name] = Stat(n=n, total=total / PER_UNIT, low=low / PER_UNIT, high=high / PER_UNIT)
    return found
