"""What a usage report is made of, row by row: documents are taken apart by SQLite, and never read as a whole."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gavelq.adapters.store.rows import parse_text
from gavelq.adapters.store.statements import queries
from gavelq.core.ids import GpuUuid
from gavelq.core.lifecycle import HOLDING
from gavelq.core.usage import Ended, Held

_HOLDING = frozenset(state.value for state in HOLDING)


def scan(
    connection: sqlite3.Connection,
    asked: Mapping[str, object],
    hold: Callable[[Held], None],
    end: Callable[[Ended], None],
) -> None:
    """Hand over the attempts and ends of one consistent look. `asked`: since, until, tenant. Raises RowError."""
    sql = queries()
    connection.execute("BEGIN")
    try:
        for row in connection.execute(sql["usage_attempts"], asked):
            hold(_held(row))
        for row in connection.execute(sql["usage_ends"], asked):
            end(Ended(*row))
    finally:
        connection.execute("COMMIT")


def _held(row: Sequence[Any]) -> Held:
    (
        task_id, number, tenant, queue, state, submitted_at, ended_at, gpus, placed_at, until, utilization, not_before,
        let_go_at,
    ) = row  # fmt: skip
    if until is None:
        # No result: it holds its cards, or it never came to one before its task ended.
        until = None if state in _HOLDING else placed_at if ended_at is None else ended_at
    eligible_at = None
    if number == 1:
        eligible_at = max(submitted_at, not_before or submitted_at, let_go_at or submitted_at)
    return Held(task_id, number, tenant, queue, _cards(gpus), placed_at, until, utilization, eligible_at)


@lru_cache(maxsize=1024)  # a machine has few cards, and many tasks hold the same
def _cards(text: str) -> tuple[GpuUuid, ...]:
    return tuple(map(GpuUuid, parse_text(text)))
