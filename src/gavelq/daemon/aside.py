"""Looks that may hang, for example at a file on another machine that does not answer: each in a thread of its own.

Such a thread is left behind; it keeps neither the daemon's other work nor its end waiting.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from gavelq.core.errors import TimedOut

Seen = TypeVar("Seen")


class Aside:
    """At most `n_threads` looks at once; each may take `timeout_s`."""

    def __init__(self, n_threads: int, timeout_s: float) -> None:
        self._free = asyncio.Semaphore(n_threads)
        self._timeout_s = timeout_s

    async def look(self, at: Callable[[], Seen], what: str) -> Seen:
        """What `at` returns or raises; TimedOut, which names `what`, where it takes too long."""
        seen: Future[Seen] = Future()
        seen.set_running_or_notify_cancel()  # from here on it cannot be cancelled: the thread always ends it
        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                seen.set_result(at())
            except BaseException as error:  # noqa: BLE001  # whatever the look raises is the caller's
                seen.set_exception(error)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._free.release)

        try:
            await asyncio.wait_for(self._free.acquire(), self._timeout_s)
            try:
                threading.Thread(target=work, name="aside", daemon=True).start()
            except RuntimeError:  # no more threads
                self._free.release()
                raise
            return await asyncio.wait_for(asyncio.wrap_future(seen), self._timeout_s)
        except TimeoutError:
            raise TimedOut(timeout_s=f"{self._timeout_s:g}", what=what, hint="does its file system answer?") from None
