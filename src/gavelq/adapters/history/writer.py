"""What the writing thread does: write, prune, and begin anew where the file cannot be used."""

import logging
import sqlite3
from collections.abc import Sequence

from gavelq.adapters.history.database import (
    Identity,
    Unusable,
    connect,
    create,
    identity,
    is_damage,
    move_aside,
    prepare,
    verdict,
)
from gavelq.adapters.history.writing import prune, write
from gavelq.core.measures import Keeping, Look

log = logging.getLogger(__name__)

PRUNE_S = 60.0
"""What is too old is looked for so often, by the times of the looks."""


class OpenFile:
    """A connection of one thread, opened anew where another file stands in its place by now."""

    def __init__(self, path: str, *, is_writer: bool) -> None:
        """Only the writer makes the file."""
        self._path = path
        self._is_writer = is_writer
        self._connection: sqlite3.Connection | None = None
        self.identity: Identity | None = None
        """Of the file that was opened last."""

    def connection(self) -> sqlite3.Connection:
        """The connection. Raises OSError, sqlite3.Error and (the writer's) Unusable."""
        if self._connection is not None and identity(self._path) != self.identity:
            self.drop()
        if self._connection is None:
            if self._is_writer:
                create(self._path)
            self.identity = identity(self._path)
            self._connection = connect(self._path)
            if self._is_writer:
                prepare(self._connection, self._path)
        return self._connection

    def drop(self) -> None:
        """Close it; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Writer:
    """Used by one thread alone. Nothing is raised: a history that cannot be written is told as `problem`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = OpenFile(path, is_writer=True)
        self._connection: sqlite3.Connection | None = None
        self._numbers: dict[str, int] = {}
        self._pruned_at: float | None = None
        self.problem: str | None = None

    def write(self, looks: Sequence[Look], keeping: Keeping) -> bool:
        """Write looks; False where they have to wait. An unusable file is replaced by a new one."""
        problem = None
        for _ in range(2):
            try:
                self._write(looks, keeping)
            except (sqlite3.Error, OSError, Unusable) as error:
                problem = f"{self._path}: {error}"
                is_unusable = isinstance(error, Unusable) or (isinstance(error, sqlite3.Error) and is_damage(error))
                self.close()
                if not is_unusable or not self._replace(self._file.identity, str(error)):
                    break
            else:
                problem = None
                break
        if problem is not None and self.problem is None:
            log.warning("the history cannot be written, and waits: %s", problem)
        elif problem is None and self.problem is not None:
            log.info("the history is written again")
        self.problem = problem
        return problem is None

    def check(self, found: Identity | None, why: str) -> None:
        """A reader found this file unusable: look for oneself (it may have been in the making), and replace it then."""
        if found is None or identity(self._path) != found:
            return
        try:
            wrong = verdict(self._file.connection())
        except Unusable as error:
            wrong = str(error)
        except (sqlite3.Error, OSError) as error:
            wrong = why if isinstance(error, sqlite3.Error) and is_damage(error) else None
        if wrong is not None:
            self._replace(found, wrong)

    def _replace(self, found: Identity | None, why: str) -> bool:
        """Move the file aside if it is still the one that was found unusable; False where that cannot be done."""
        self.close()
        if found is None or identity(self._path) != found:
            return True
        try:
            move_aside(self._path, why)
        except OSError as error:
            log.warning("the history cannot be used (%s), nor moved aside: %s", why, error)
            return False
        return True

    def close(self) -> None:
        """Let go of the file; the next writing opens it again."""
        self._connection = None
        self._file.drop()

    def _write(self, looks: Sequence[Look], keeping: Keeping) -> None:
        connection = self._file.connection()
        if connection is not self._connection:
            # Another file, or the same one after a writing that failed with what it had begun.
            self._connection = connection
            self._numbers.clear()
        if not looks:
            return
        write(connection, looks, self._numbers)
        now = looks[-1].at
        # A clock that was set back is a reason, too: it may have gone wrong the other way before.
        if self._pruned_at is None or not 0 <= now - self._pruned_at < PRUNE_S:
            self._pruned_at = now
            prune(connection, keeping, now)
