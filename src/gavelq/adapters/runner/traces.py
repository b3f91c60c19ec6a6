"""The files of ended attempts: forgotten ones are deleted when nothing is more urgent, the others brought to disk.

A daemon commits an end within milliseconds and says `forget`; then there is nothing to keep. Only where nobody does (no
daemon is there) a result has to outlast a loss of power, and is brought to disk a second later.
"""

import contextlib

from gavelq.adapters.runner.files import RESULT, AttemptFiles

SYNC_AFTER_S = 1.0


class Traces:
    """What remains of attempts after their end."""

    __slots__ = ("_forgotten", "_kept")

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, AttemptFiles]] = {}
        """By name, the oldest first: when to bring it to disk."""
        self._forgotten: list[AttemptFiles] = []

    def keep(self, files: AttemptFiles, now: float) -> None:
        """An end was told and is not on disk yet; `now` in seconds of a monotonic clock."""
        self._kept[files.name] = (now + SYNC_AFTER_S, files)

    def forget(self, files: AttemptFiles) -> None:
        """Nobody will ask for it again."""
        self._kept.pop(files.name, None)
        self._forgotten.append(files)

    def clear_away(self) -> None:
        """Delete what was forgotten."""
        forgotten, self._forgotten = self._forgotten, []
        for files in forgotten:
            with contextlib.suppress(OSError):  # a read-only disk: it is reported again one day
                files.remove()

    def tick(self, now: float) -> float | None:
        """Bring to disk what is due; returns seconds until the next one."""
        while self._kept:
            name = next(iter(self._kept))
            due, files = self._kept[name]
            if due > now:
                return due - now
            del self._kept[name]
            with contextlib.suppress(OSError):  # the disk gives up: there is nobody to tell
                files.sync(RESULT)
        return None
