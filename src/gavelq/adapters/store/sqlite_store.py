"""The Store port on SQLite: one thread that writes, two that read, each with its own connection."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from gavelq.adapters.store import pruning, reading, usage
from gavelq.adapters.store.backup import back_up
from gavelq.adapters.store.blob_cache import BlobCache
from gavelq.adapters.store.database import connect, create, prepare, translated
from gavelq.adapters.store.shape import RowError
from gavelq.adapters.store.worker import Worker
from gavelq.adapters.store.writing import write
from gavelq.core.errors import StoreCorrupt
from gavelq.core.ids import BlobKey, TaskId
from gavelq.core.step import Changes, Record
from gavelq.core.task import Attempt, Task
from gavelq.core.usage import Ended, Held
from gavelq.ports import Loaded, Numbered, TaskFilter

T = TypeVar("T")


class SqliteStore:
    """The durable state in one SQLite file (see the Store port for what each method promises).

    The constructor creates the file (0600, its directory 0700) or opens and migrates it. It raises StoreUnavailable,
    StoreCorrupt and StoreTooNew.
    """

    def __init__(self, path: str, *, busy_timeout_s: float = 5.0) -> None:
        self.path = os.path.abspath(path)
        with translated(self.path):
            identity = create(self.path)
            with contextlib.closing(connect(self.path, busy_timeout_s=busy_timeout_s)) as connection:
                prepare(connection, self.path)
        self._writer, self._reader, self._reporter = (
            Worker(self.path, name, read_only=read_only, busy_timeout_s=busy_timeout_s, identity=identity)
            for name, read_only in (("writer", False), ("reader", True), ("reporter", True))
        )
        self._blobs = BlobCache()

    def load(self) -> Loaded:
        """See Store.load."""
        with self._decoding():
            return self._reader.start(reading.load).result()

    async def commit(self, changes: Changes) -> None:
        """See Store.commit."""
        if changes.is_empty():
            return
        await self._writer.run(lambda connection: write(connection, changes))
        for key, content in changes.blobs.items():
            self._blobs.put(key, content)

    async def blob(self, key: BlobKey) -> bytes:
        """See Store.blob."""
        known = self._blobs.get(key)
        if known is None:
            known = await self._reader.run(lambda connection: reading.blob(connection, key))
            self._blobs.put(key, known)
        return known

    async def task(self, task_id: TaskId) -> Task | None:
        """See Store.task."""
        return await self._read(lambda connection: reading.task(connection, task_id))

    async def tasks(self, wanted: TaskFilter) -> Sequence[Task]:
        """See Store.tasks."""
        return await self._read(lambda connection: reading.tasks(connection, wanted))

    async def counts(self, submission_id: int | None = None, *, tenant: str | None = None) -> Mapping[str, int]:
        """See Store.counts."""
        return await self._read(lambda connection: reading.counts(connection, submission_id, tenant))

    async def submissions(self, wanted: TaskFilter) -> Sequence[int]:
        """See Store.submissions."""
        return await self._read(lambda connection: reading.submissions(connection, wanted))

    async def attempts(
        self, task_id: TaskId, *, limit: int | None = None, before: int | None = None
    ) -> Sequence[Attempt]:
        """See Store.attempts."""
        return await self._read(lambda connection: reading.attempts(connection, task_id, limit, before))

    async def records(self, *, task_id: TaskId | None, limit: int) -> Sequence[Record]:
        """See Store.records."""
        return await self._read(lambda connection: reading.records(connection, task_id, limit))

    async def acts(
        self, kinds: Collection[str], *, since: float, limit: int, before: int | None = None
    ) -> Sequence[Numbered]:
        """See Store.acts."""
        return await self._read(lambda connection: reading.acts(connection, kinds, since, before, limit))

    async def records_after(self, after: int, limit: int) -> Sequence[Numbered]:
        """See Store.records_after."""
        return await self._read(lambda connection: reading.records_after(connection, after, limit))

    async def record_ids(self) -> tuple[int, int]:
        """See Store.record_ids."""
        return await self._read(reading.record_ids)

    async def usage(
        self,
        *,
        since: float,
        until: float,
        tenant: str | None,
        hold: Callable[[Held], None],
        end: Callable[[Ended], None],
    ) -> None:
        """See Store.usage. On a thread of its own: other readers do not wait for a long report."""
        asked = {"since": since, "until": until, "tenant": tenant}
        with self._decoding():
            await self._reporter.run(lambda connection: usage.scan(connection, asked, hold, end))

    async def prune(self, *, ended_before: float, records_before: float, keys_before: float) -> Sequence[Task]:
        """See Store.prune. A blob without tasks goes at the second pruning that finds it so."""
        gone: list[Task] = []
        with self._decoding():
            while part := await self._writer.run(lambda c: pruning.prune_tasks(c, ended_before)):
                gone += part
            while await self._writer.run(lambda c: pruning.prune_records(c, records_before)):
                pass
            await self._writer.run(lambda c: pruning.prune_rest(c, keys_before))
        return gone

    async def backup(self, path: str) -> None:
        """See Store.backup."""

        def copy() -> None:
            try:
                with translated(path):
                    back_up(self.path, path)
            except Exception as error:
                if isinstance(error.__cause__, FileExistsError):
                    raise error.__cause__ from None
                raise

        await asyncio.to_thread(copy)

    async def close(self) -> None:
        """See Store.close."""
        for worker in (self._writer, self._reader, self._reporter):
            await asyncio.to_thread(worker.close)

    async def _read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        with self._decoding():
            return await self._reader.run(job)

    @contextlib.contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except RowError as error:
            raise StoreCorrupt(path=self.path, why=str(error)) from error
