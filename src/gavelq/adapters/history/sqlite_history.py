"""The History port on SQLite: looks are collected, a thread writes them every few seconds, another one reads."""

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gavelq.adapters.history.database import is_damage
from gavelq.adapters.history.reading import Series, read, read_minutes, read_total
from gavelq.adapters.history.writer import OpenFile, Writer
from gavelq.core.ids import TaskId
from gavelq.core.measures import Keeping, Kind, Look, Span, Stat, Subject
from gavelq.core.usage import CardMinutes

log = logging.getLogger(__name__)
T = TypeVar("T")

WRITE_S = 5.0
"""Looks are written so often, in one transaction."""
MAX_WAITING = 50_000
"""So many looks wait for a disk that cannot be written; then the oldest are lost."""


class SqliteHistory:
    """Measures in one SQLite file (see the History port for what each method promises).

    The file is opened by the writing thread: the constructor neither blocks nor raises.
    """

    def __init__(self, path: str, keeping: Keeping) -> None:
        self.keeping = keeping
        path = os.path.abspath(path)
        self._lock = threading.Lock()
        self._waiting: list[Look] = []
        self._due = 0.0
        self._is_asked = False
        """True while the writer was asked to write and has not begun."""
        self._is_closed = False
        self._writer = Writer(path)
        self._file = OpenFile(path, is_writer=False)
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gavelq-history-writer")
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gavelq-history-reader")
        self._last: Future[None] = self._writing.submit(self._write)
        """What the writer does last, for the present; the first time it only opens the file."""

    @property
    def problem(self) -> str | None:
        """See History.problem."""
        return self._writer.problem

    def add(self, looks: Sequence[Look]) -> None:
        """See History.add."""
        with self._lock:
            if self._is_closed:
                return
            self._waiting.extend(looks)
            del self._waiting[:-MAX_WAITING]
            if not self._is_asked and time.monotonic() >= self._due:
                self._due = time.monotonic() + WRITE_S
                self._is_asked = True
                self._last = self._writing.submit(self._write)

    async def read(self, kind: Kind, subjects: Sequence[Subject], span: Span) -> Series:
        """See History.read."""
        return await self._answer(lambda connection: read(connection, kind, subjects, span)) or {}

    async def total(self, task_id: TaskId) -> Mapping[str, Stat]:
        """See History.total."""
        return await self._answer(lambda connection: read_total(connection, task_id)) or {}

    async def minutes(self, start: float, end: float, idle_percent: float) -> CardMinutes:
        """See History.minutes."""
        return (
            await self._answer(lambda connection: read_minutes(connection, start, end, idle_percent)) or CardMinutes()
        )

    async def close(self) -> None:
        """See History.close."""
        await asyncio.to_thread(self._close)

    async def _answer(self, job: Callable[[sqlite3.Connection], T]) -> T | None:
        """What a job finds once everything that was added is written; None where the file cannot be read."""
        with self._lock:
            if self._is_closed:
                return None
            if self._waiting:
                self._last = self._writing.submit(self._write)
            last = self._last
        await _done(last)
        found = self._submit(self._reading, lambda: self._read(job))
        return None if found is None else await _done(found)

    def _submit(self, thread: ThreadPoolExecutor, job: Callable[[], T]) -> "Future[T] | None":
        """Hand a job to a thread; None where there is none any more."""
        with self._lock:
            return None if self._is_closed else thread.submit(job)

    def _read(self, job: Callable[[sqlite3.Connection], T]) -> T | None:
        """On the reading thread. A damaged file is replaced; what was asked for is gone with it."""
        try:
            return job(self._file.connection())
        except (sqlite3.Error, OSError) as error:
            self._file.drop()
            log.warning("the history cannot be read: %s", error)
            if isinstance(error, sqlite3.Error) and is_damage(error):
                found, why = self._file.identity, str(error)
                self._submit(self._writing, lambda: self._writer.check(found, why))
            return None

    def _write(self) -> None:
        """On the writing thread: write what waits; what cannot be written waits on."""
        with self._lock:
            looks, self._waiting = self._waiting, []
            self._is_asked = False
        if not self._writer.write(looks, self.keeping):
            with self._lock:
                self._waiting[:0] = looks
                del self._waiting[:-MAX_WAITING]

    def _close(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._writing.submit(self._write)
        self._writing.shutdown(wait=True)
        self._reading.shutdown(wait=True)
        self._file.drop()
        self._writer.close()


async def _done(job: "Future[T]") -> T:
    """What a job comes to. A caller that is cancelled leaves it alone: others may wait for it as well."""
    return await asyncio.shield(asyncio.wrap_future(job))
