"""A process that commits without end and says what was acknowledged; its parent kills it. Usage: DATABASE FIRST_ID"""

import asyncio
import sys

from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.core.ids import TaskId
from gavelq.core.step import Changes, Record
from tests.adapters.store.made import full_attempt, task


async def commit_without_end(path: str) -> None:
    """Each commit holds two tasks, an attempt and a record; a line on stdout follows it."""
    store = SqliteStore(path)
    number = int(store.load().next_task_id)
    while True:
        pair = {TaskId(n): task(n) for n in (number, number + 1)}
        await store.commit(
            Changes(
                tasks=dict(pair),
                attempts={(TaskId(number), 1): full_attempt()},
                records=[Record(at=1.0, kind="submitted", task_id=TaskId(n)) for n in pair],
                next_task_id=TaskId(number + 2),
            )
        )
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 2


if __name__ == "__main__":
    asyncio.run(commit_without_end(sys.argv[1]))
