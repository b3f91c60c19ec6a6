"""A thread with a database connection of its own, which does one job after another."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gavelq.adapters.store.database import check_identity, connect, translated
from gavelq.core.errors import GavelqError, StoreUnavailable

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


class Worker:
    """Runs jobs on its own thread. After an error the connection is opened anew for the next job."""

    def __init__(
        self, path: str, name: str, *, read_only: bool, busy_timeout_s: float, identity: tuple[int, int]
    ) -> None:
        self._path = path
        self._identity = identity
        self._read_only = read_only
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._is_closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"gavelq-store-{name}")

    def start(self, job: Job[T]) -> Future[T]:
        """Queue a job. Its future raises what the job raised, with SQLite's errors translated."""
        if self._is_closed:
            raise StoreUnavailable(why="the store is closed")
        return self._thread.submit(self._run, job)

    async def run(self, job: Job[T]) -> T:
        """Queue a job and wait for it on the loop. A job that was begun is finished even if the caller is cancelled."""
        return await asyncio.wrap_future(self.start(job))

    def close(self) -> None:
        """Finish what is queued, then close the connection. Blocking; safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._thread.shutdown(wait=True)
        self._drop()

    def _run(self, job: Job[T]) -> T:
        try:
            with translated(self._path):
                check_identity(self._path, self._identity)
                if self._connection is None:
                    self._connection = connect(
                        self._path, read_only=self._read_only, busy_timeout_s=self._busy_timeout_s
                    )
                return job(self._connection)
        except (GavelqError, sqlite3.Error):
            # A failed disk may leave the connection unusable, or pointing at a file that is gone.
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
