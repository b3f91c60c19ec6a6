"""The SQL of the history: files next to this module, in which one line stands for all measures or for all tables."""

import re
from functools import cache
from pathlib import Path

from gavelq.core.measures import MEASURES, Keeping, Kind

_HERE = Path(__file__).parent / "sql"
_REPEATED = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)

WIDTHS = tuple(level.width_s for level in Keeping().levels)
"""The levels' widths in seconds; how long each is kept is a setting, how wide it is stands in the file."""


@cache
def _texts(name: str) -> dict[str, str]:
    parts = (_HERE / name).read_text(encoding="utf-8").split("-- name: ")[1:]
    return {title.strip(): text.strip() for title, _, text in (part.partition("\n") for part in parts)}


def _written(text: str, kind: Kind, table: str) -> str:
    repeated = _REPEATED.sub(lambda found: ", ".join(found[1].replace("$m", m) for m in MEASURES[kind]), text)
    return repeated.replace("$table", table)


def table_of(kind: Kind, width_s: int) -> str:
    """Where the series of a kind and level are."""
    return f"{kind.value}_{width_s}"


@cache
def query(name: str, kind: Kind = Kind.TASK, width_s: int = 1) -> str:
    """A statement of `queries.sql`, about the table of that kind and level where it is about one."""
    return _written(_texts("queries.sql")[name], kind, table_of(kind, width_s))


def schema() -> list[str]:
    """The statements that make an empty database."""
    texts = _texts("schema.sql")
    series = [_written(texts["series"], kind, table_of(kind, width_s)) for kind in Kind for width_s in WIDTHS]
    return [texts["subjects"], *series, _written(texts["totals"], Kind.TASK, "")]
