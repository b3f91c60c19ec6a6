"""One commit: the changes of a batch as rows, in one transaction."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from gavelq.adapters.store.facts import fact_rows, reservation_text
from gavelq.adapters.store.rows import attempt_text, card_text, key_row, queue_text, record_row, task_rows
from gavelq.adapters.store.statements import queries
from gavelq.core.step import Changes

_VALUES = re.compile(r"VALUES\s*(\([?, ]+\))")
_AT_ONCE = 32
"""Rows of one statement at most. SQLite takes 999 values in one, if it is old."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; on disk (synchronous=FULL) when it ends."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some errors (a full disk) have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """Write all changes, or raise and leave nothing."""
    # Encoded first: the write lock is held for the rows alone.
    put = [task for task in changes.tasks.values() if task is not None]
    rows = task_rows(put)
    records = [record_row(record) for record in changes.records]
    sql = queries()
    with transaction(connection):
        gone = [(task_id,) for task_id, task in changes.tasks.items() if task is None]
        if gone:
            connection.executemany(sql["delete_task"], gone)
            connection.executemany(sql["delete_attempts"], gone)
        _put(connection, sql["put_blob"], list(changes.blobs.items()))
        _put(connection, sql["put_task"], rows)
        attempts = [(task_id, number, attempt_text(attempt)) for (task_id, number), attempt in changes.attempts.items()]
        _put(connection, sql["put_attempt"], attempts)
        _put(connection, sql["put_record"], records)
        _write_the_rest(connection, changes)


def _put(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    """Run an INSERT for these rows, many at once.

    With every step of a statement its thread lets the others run, and then waits to be let in again: beside a busy
    loop that is most of a commit's time. Each number of rows is prepared once (`connect` keeps so many statements).
    """
    for at in range(0, len(rows), _AT_ONCE):
        some = rows[at : at + _AT_ONCE]
        connection.execute(_widened(statement, len(some)), [value for row in some for value in row])


@cache
def _widened(statement: str, n_rows: int) -> str:
    """The same INSERT for so many rows."""
    found = _VALUES.search(statement)
    if found is None:
        raise ValueError(f"no VALUES in {statement}")
    return statement[: found.start(1)] + ", ".join([found[1]] * n_rows) + statement[found.end(1) :]


def _write_the_rest(connection: sqlite3.Connection, changes: Changes) -> None:
    sql = queries()
    for name, queue in changes.queues.items():
        if queue is None:
            connection.execute(sql["delete_queue"], (name,))
        else:
            connection.execute(sql["put_queue"], (name, queue_text(queue)))
    for uuid, card in changes.cards.items():
        if card is None:
            connection.execute(sql["delete_card"], (uuid,))
        else:
            connection.execute(sql["put_card"], (uuid, card_text(card)))
    if changes.reservations is not None:
        connection.execute(sql["clear_reservations"])
        held = [(domain, reservation_text(held)) for domain, held in changes.reservations.items()]
        connection.executemany(sql["put_reservation"], held)
    for kind, key, document in fact_rows(changes):
        if document is None:
            connection.execute(sql["delete_fact"], (kind, key))
        else:
            connection.execute(sql["put_fact"], (kind, key, document))
    _put(connection, sql["put_key"], [key_row(use) for use in changes.keys])
    counters = {
        "task": changes.next_task_id, "submission": changes.next_submission_id, "file": changes.next_file_id,
        "token": changes.next_token_id,
    }  # fmt: skip
    _put(connection, sql["raise_counter"], [(name, value) for name, value in counters.items() if value is not None])
