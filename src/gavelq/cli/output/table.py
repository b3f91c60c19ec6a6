"""Tables: aligned and fitted on a terminal, tab-separated and whole in a pipe."""

import sys

from gavelq.cli.output.text import paint, safe, shorten, terminal_columns, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EMPTY = frozenset({"", "-", "?"})
_LEAST = 8
"""A shortened column keeps so many characters."""


class Column:
    """A column's title and manner: flush right, may be shortened, may be left out where it carries nothing.

    A spare column is also left out where the table would not fit otherwise.
    """

    __slots__ = ("is_optional", "is_right", "is_soft", "is_spare", "title")

    def __init__(
        self,
        title: str,
        *,
        is_right: bool = False,
        is_soft: bool = False,
        is_optional: bool = False,
        is_spare: bool = False,
    ) -> None:
        self.title = title
        self.is_right = is_right
        self.is_soft = is_soft
        self.is_optional = is_optional
        self.is_spare = is_spare


def print_table(
    columns: "Sequence[Column]", rows: "Iterable[Sequence[str]]", under: "Mapping[int, Sequence[str]] | None" = None
) -> None:
    """Print the rows under their titles on the standard output.

    `under`: lines across all columns that a terminal shows under a row (by its number, from 0).
    """
    if sys.stdout.isatty():
        room = terminal_columns(sys.stdout)
        lines = fitted(columns, [[safe(cell) for cell in row] for row in rows], room)
        if lines:
            lines[0] = paint(lines[0], "1", sys.stdout)
        for number in sorted(under or (), reverse=True):
            lines[number + 2 : number + 2] = [shorten(safe(line), room) for line in (under or {})[number]]
    else:
        lines = ["\t".join(column.title for column in columns)]
        lines.extend("\t".join([safe(cell) for cell in row]) for row in rows)
    from gavelq.cli.output.text import say

    say("\n".join(lines))


def fitted(columns: "Sequence[Column]", rows: "Sequence[Sequence[str]]", room: int) -> list[str]:
    """The lines of an aligned table, at most `room` columns wide as far as that is possible without cutting ids.

    Optional columns without content go first; then soft columns are shortened, the widest first; then the gaps
    shrink; then spare columns go, the last one first.
    """
    kept = [i for i, c in enumerate(columns) if not c.is_optional or any(row[i] not in EMPTY for row in rows)]
    widths = {i: max(len(columns[i].title), *(width(row[i]) for row in rows), 0) for i in kept}
    gap = 2
    while (excess := sum(widths.values()) + gap * (len(kept) - 1) - room) > 0:
        spare = [i for i in kept if columns[i].is_spare]
        if _shrink(columns, widths, excess):
            continue
        if gap == 2:
            gap = 1
        elif spare:
            kept.remove(spare[-1])
            del widths[spare[-1]]
        else:
            break
    lines = []
    for row in ([c.title for c in columns], *rows):
        cells = [_padded(shorten(row[i], widths[i]), widths[i], columns[i].is_right) for i in kept]
        lines.append((" " * gap).join(cells).rstrip())
    return lines


def _shrink(columns: "Sequence[Column]", widths: dict[int, int], excess: int) -> bool:
    """Shorten the widest soft column; False where none can be shortened any more."""
    soft = [i for i in widths if columns[i].is_soft and widths[i] > _LEAST]
    if not soft:
        return False
    widest = max(soft, key=lambda i: widths[i])
    others = max((widths[i] for i in soft if i != widest), default=_LEAST)
    # Down to the next widest at once: otherwise a long command would cost a loop per character.
    widths[widest] = max(_LEAST, widths[widest] - excess, min(others, widths[widest] - 1))
    return True


def _padded(text: str, columns: int, is_right: bool) -> str:
    gap = " " * (columns - width(text))
    return gap + text if is_right else text + gap
