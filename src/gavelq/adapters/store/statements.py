"""The SQL of the store, read from the files next to this module."""

from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent / "sql"


@cache
def queries() -> dict[str, str]:
    """The statements of `queries.sql` by name."""
    parts = (_HERE / "queries.sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): text.strip() for name, _, text in (part.partition("\n") for part in parts)}


@cache
def migrations() -> tuple[str, ...]:
    """The scripts that lead from an empty database to the present schema, in order: number N makes version N."""
    files = sorted((_HERE / "migrations").glob("[0-9][0-9][0-9]_*.sql"))
    numbers = [int(file.name[:3]) for file in files]
    if numbers != list(range(1, len(files) + 1)):
        raise RuntimeError(f"migrations are not numbered 1 to {len(files)}: {numbers}")
    return tuple(file.read_text(encoding="utf-8") for file in files)
