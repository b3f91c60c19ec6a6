"""Old history goes, in small transactions that other commits can come between."""

import sqlite3

from gavelq.adapters.store.rows import TaskReader
from gavelq.adapters.store.statements import queries
from gavelq.adapters.store.writing import transaction
from gavelq.core.task import Task

TASKS_AT_ONCE = 1000
RECORDS_AT_ONCE = 10_000


def prune_tasks(connection: sqlite3.Connection, ended_before: float) -> list[Task]:
    """Delete some of the tasks that ended before this time, with their attempts; empty: there are none left."""
    sql = queries()
    with transaction(connection):
        rows = connection.execute(sql["old_tasks"], (ended_before, TASKS_AT_ONCE)).fetchall()
        gone = TaskReader().tasks(rows)
        connection.executemany(sql["delete_task"], [(task.id,) for task in gone])
        connection.executemany(sql["delete_attempts"], [(task.id,) for task in gone])
    return gone


def prune_records(connection: sqlite3.Connection, before: float) -> int:
    """Delete some of the records from before this time; 0: there are none left."""
    with transaction(connection):
        return connection.execute(queries()["delete_old_records"], (before, RECORDS_AT_ONCE)).rowcount


def prune_rest(connection: sqlite3.Connection, keys_before: float) -> None:
    """Delete old keys, and the blobs that nothing has referred to since the last pruning.

    A blob is marked first and deleted the next time: a rerun that is being committed may still be about to refer to
    a blob whose last task was just pruned.
    """
    sql = queries()
    with transaction(connection):
        connection.execute(sql["delete_old_keys"], (keys_before,))
        connection.execute(sql["delete_orphaned_blobs"])
        connection.execute(sql["unmark_used_blobs"])  # those that are left among the marked ones are used again
        connection.execute(sql["mark_orphaned_blobs"])
