"""The history of the configuration: who changed which setting when, from what to what.

A file of JSON lines in the state directory, one line for each change, at most `MAX_CHANGES` of them: the oldest go.
It is there with and without a daemon. Every change of the configuration file through gavelq is made under its lock, so
that two writers never undo each other's work without knowing. A line that a crash cut off is passed over.
"""

import contextlib
import errno
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gavelq.core.errors import StoreUnavailable

MAX_CHANGES = 10_000
MAX_BYTES = 32 << 20
"""The file is cut at the front above this, too: a single change may hold a whole `gpus:` section."""
LINE_BYTES = 16 << 20
"""More than one change can have: a configuration file has at most 1 MiB, and stands in it twice."""
LOCK_WAIT_S = 10.0
"""Another writer is waited for so long: it needs milliseconds."""
_FILE, _LOCK = "config-history.jsonl", "config-history.lock"
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class Absent:
    """A setting does not stand in the file: its default applies."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One setting, before and after; values as they stand in the file, or ABSENT."""

    name: str
    """A setting's name, or `gpus` for that whole section."""
    old: Any
    new: Any

    def as_json(self) -> dict[str, Any]:
        """For display: null stands for none and for a default; `was_default` and `is_default` tell these apart."""
        return {
            "name": self.name,
            "old": None if self.old is ABSENT else self.old,
            "new": None if self.new is ABSENT else self.new,
            "was_default": self.old is ABSENT,
            "is_default": self.new is ABSENT,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one command or request changed in one configuration file."""

    number: int
    """From 1 on, never given twice."""
    at: str
    """ISO 8601 in UTC."""
    by: str
    """A unix user, or a caller's name over the API."""
    how: str
    """`set`, `unset`, `edit`, `undo`, `import` or `api`."""
    path: str
    """The configuration file, links resolved."""
    settings: tuple[SettingChange, ...]
    undoes: int | None = None

    def swapped(self) -> tuple[SettingChange, ...]:
        """The same settings, back from new to old."""
        return tuple(SettingChange(name=one.name, old=one.new, new=one.old) for one in self.settings)

    def as_json(self, undone_by: int | None = None) -> dict[str, Any]:
        """For display: null stands for none and for a default; `was_default` and `is_default` tell these apart."""
        return {
            "number": self.number, "at": self.at, "by": self.by, "how": self.how, "undoes": self.undoes,
            "undone_by": undone_by,
            "settings": [one.as_json() for one in self.settings],
        }  # fmt: skip


class History:
    """The history of an instance; `state_dir` is made where it is missing."""

    def __init__(
        self, state_dir: str, *, max_changes: int = MAX_CHANGES, max_bytes: int = MAX_BYTES,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:  # fmt: skip
        self._max_changes = max_changes
        self._max_bytes = max_bytes
        self._lock_wait_s = lock_wait_s
        self._directory = state_dir
        self._path = os.path.join(state_dir, _FILE)

    def changes(self, path: str | None = None) -> tuple[list[Change], int]:
        """All changes, oldest first (of the configuration file `path` alone, where given), and how many lines cannot be
        read. Raises StoreUnavailable."""
        found, n_bad = [], 0
        wanted = None if path is None else os.path.realpath(path)
        for line in self._lines():
            change = _change_of(line)
            if change is None:
                n_bad += 1
            elif wanted in (None, change.path):
                found.append(change)
        return found, n_bad

    def note(
        self, path: str, settings: Sequence[SettingChange], *, by: str, how: str, undoes: int | None = None
    ) -> Change:
        """Write a change down, on disk when this returns. The lock must be held. Raises StoreUnavailable."""
        lines = self._lines()
        number = max((change.number for change in map(_change_of, lines) if change is not None), default=0) + 1
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        change = Change(
            number=number, at=at, by=by, how=how, path=os.path.realpath(path), settings=tuple(settings), undoes=undoes
        )
        line = _line_of(change)
        try:
            if len(lines) >= self._max_changes or sum(map(len, lines)) + len(line) > self._max_bytes:
                self._rewrite(self._newest([*lines, line]))
            else:
                self._append(line)
        except OSError as error:
            raise self._unwritable(error) from error
        return change

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes a configuration meanwhile. Raises StoreUnavailable, also after a long wait."""
        try:
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            fd = os.open(os.path.join(self._directory, _LOCK), os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._acquire(fd)
            yield
        finally:
            os.close(fd)

    def _acquire(self, fd: int) -> None:
        deadline = time.monotonic() + self._lock_wait_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EINTR):
                    raise self._unwritable(error) from error
            if time.monotonic() >= deadline:
                raise StoreUnavailable(
                    "another program has been changing the configuration for a while; nothing was changed",
                    hint=f"find out which one holds the lock: fuser {os.path.join(self._directory, _LOCK)}",
                )
            time.sleep(0.02)

    def _lines(self) -> list[bytes]:
        try:
            with open(os.open(self._path, os.O_RDONLY | _FLAGS), "rb") as file:
                return [line for line in file.read(MAX_BYTES + LINE_BYTES).split(b"\n") if line.strip()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnavailable(
                f"{self._path} cannot be read: {error.strerror}; nothing was changed",
                hint="check its owner and its permissions",
            ) from error

    def _append(self, line: bytes) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _FLAGS, 0o600)
        try:
            size = os.fstat(fd).st_size
            is_torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            content = (b"\n" if is_torn else b"") + line + b"\n"
            try:
                if os.write(fd, content) != len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(fd)
            except OSError:
                os.ftruncate(fd, size)
                raise
        finally:
            os.close(fd)
        if size == 0:
            self._sync_directory()

    def _rewrite(self, lines: Iterable[bytes]) -> None:
        fd, temporary = tempfile.mkstemp(prefix=".config-history-", dir=self._directory)  # of mode 0600
        try:
            with open(fd, "wb") as file:
                file.writelines(line + b"\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
        except BaseException:
            os.unlink(temporary)
            raise
        self._sync_directory()

    def _newest(self, lines: Sequence[bytes]) -> list[bytes]:
        """The last lines that fit into both bounds; the very last one always stays."""
        kept, size = 0, 0
        for line in reversed(lines):
            size += len(line) + 1
            if kept and (kept >= self._max_changes or size > self._max_bytes):
                break
            kept += 1
        return list(lines[len(lines) - kept :])

    def _sync_directory(self) -> None:
        fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _unwritable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"the history in {self._directory} cannot be written: {error.strerror}; nothing was changed",
            hint="free space on its disk, and check its owner and its permissions",
        )


def _line_of(change: Change) -> bytes:
    settings = []
    for one in change.settings:
        values = {"old": one.old, "new": one.new}
        settings.append({"name": one.name} | {key: value for key, value in values.items() if value is not ABSENT})
    record: dict[str, Any] = {
        "number": change.number, "at": change.at, "by": change.by, "how": change.how, "path": change.path,
        "settings": settings,
    }  # fmt: skip
    if change.undoes is not None:
        record["undoes"] = change.undoes
    return json.dumps(record, separators=(",", ":")).encode("ascii")


def _change_of(line: bytes) -> Change | None:
    try:
        record = json.loads(line)
        texts = {key: record[key] for key in ("at", "by", "how", "path")}
        settings = tuple(
            SettingChange(name=one["name"], old=one.get("old", ABSENT), new=one.get("new", ABSENT))
            for one in record["settings"]
        )
        number, undoes = record["number"], record.get("undoes")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None
    is_sound = (
        type(number) is int
        and (undoes is None or type(undoes) is int)
        and all(isinstance(text, str) for text in (*texts.values(), *(one.name for one in settings)))
    )
    return Change(number=number, settings=settings, undoes=undoes, **texts) if is_sound else None
