"""Working directories that were there a moment ago: a thousand submissions a second ask for the same one."""

import os
import time
from collections.abc import Callable

FRESH_S = 1.0
MAX_KNOWN = 1000


class Directories:
    """Remembers for a second that a directory was seen. A look may hang (network file systems), memory does not.

    That one is gone a second later is no news: it may go at any time before the task starts, which tells it then.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: dict[str, float] = {}

    def was_seen(self, path: str) -> bool:
        """Whether it was a directory less than a second ago."""
        at = self._seen.get(path)
        return at is not None and self._now() - at < FRESH_S

    def is_there(self, path: str) -> bool:
        """Whether it is a directory. Blocking."""
        if self.was_seen(path):
            return True
        asked = self._now()
        found = os.path.isdir(path)
        if found:
            if len(self._seen) >= MAX_KNOWN:
                self._seen = {}  # those that are used come back with their next look
            self._seen[path] = asked
        return found
