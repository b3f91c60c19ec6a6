"""Writing the history: every batch of looks goes into all levels at once, and what is too old goes."""

import sqlite3
from collections.abc import Iterable

from gavelq.adapters.history.folding import Seen, rows, seen
from gavelq.adapters.history.statements import WIDTHS, query
from gavelq.core.measures import Keeping, Kind, Look

_SHRINKING = 10
"""Above the size limit the oldest such part of each level goes, again and again."""
_MAX_ROUNDS = 100


def write(connection: sqlite3.Connection, looks: Iterable[Look], numbers: dict[str, int]) -> None:
    """Add looks to all levels, and to their tasks' totals, in one transaction. `numbers`: those of the GPUs, by UUID.

    Sums of whole numbers do not depend on their order: looks may come late, or twice in a second. Raises sqlite3.Error;
    nothing is written then, and `numbers` may hold one that is not in the file.
    """
    by_kind: dict[Kind, list[Seen]] = {kind: [] for kind in Kind}
    connection.execute("BEGIN IMMEDIATE")
    try:
        for look in looks:
            subject = _number(connection, str(look.subject), numbers) if look.kind is Kind.GPU else int(look.subject)
            by_kind[look.kind].append(seen(look, subject))
        for kind, found in by_kind.items():
            for width_s in WIDTHS if found else ():
                connection.executemany(query("add", kind, width_s), rows(found, width_s))
        connection.executemany(query("add_total"), rows(by_kind[Kind.TASK], None))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, uuid: str, numbers: dict[str, int]) -> int:
    if uuid not in numbers:
        connection.execute(query("add_gpu"), (uuid,))
        numbers.update(connection.execute(query("gpus")).fetchall())
    return numbers[uuid]


def prune(connection: sqlite3.Connection, keeping: Keeping, now: float) -> None:
    """Delete what is older than its level keeps; then the oldest of all levels, until the limit of size is kept."""
    for kind in Kind:
        for level in keeping.levels:
            connection.execute(query("prune", kind, level.width_s), (int(now - level.keep_s),))
    connection.execute(query("prune_totals"), (int(now - keeping.totals_days * 86400),))
    for _ in range(_MAX_ROUNDS):
        if used_bytes(connection) <= keeping.max_mib << 20:
            return
        for kind in Kind:
            for width_s in WIDTHS:
                (oldest,) = connection.execute(query("oldest", kind, width_s)).fetchone()
                if oldest is not None:
                    limit = oldest + max(width_s, int(now - oldest) // _SHRINKING)
                    connection.execute(query("prune", kind, width_s), (limit,))


def used_bytes(connection: sqlite3.Connection) -> int:
    """How much of the file is in use; what was freed is used again before the file grows."""
    n_pages, n_free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((n_pages - n_free) * size)
