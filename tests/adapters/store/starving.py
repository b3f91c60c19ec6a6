"""A process whose disk is full for a while (a limit on file sizes does the same to SQLite). Usage: DATABASE

It prints one line of JSON with what it saw; its parent checks it.
"""

import asyncio
import json
import resource
import sys

from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.core.errors import GavelqError
from gavelq.core.ids import BlobKey, TaskId
from gavelq.core.step import Changes
from tests.adapters.store.made import task


def limit_files_to(n_bytes: int) -> None:
    """No file may grow beyond this size; Python ignores SIGXFSZ, so that writes fail with EFBIG."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


async def starve(path: str) -> dict[str, object]:
    """Commit, fail, read, recover."""
    store = SqliteStore(path)
    await store.commit(Changes(tasks={TaskId(1): task(1)}))
    limit_files_to(50_000)
    failures = []
    for _ in range(3):
        try:
            await store.commit(Changes(tasks={TaskId(2): task(2)}, blobs={BlobKey("b"): b"x" * 1_000_000}))
        except GavelqError as error:
            failures.append(error.as_json())
    during = [found.id for found in (await store.task(TaskId(1)), await store.task(TaskId(2))) if found]
    limit_files_to(resource.RLIM_INFINITY)
    await store.commit(Changes(tasks={TaskId(3): task(3)}))
    after = [found.id for found in store.load().tasks]
    await store.close()
    return {"failures": failures, "during": during, "after": after}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(starve(sys.argv[1]))) + "\n")
