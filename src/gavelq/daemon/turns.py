"""Callers that wait for a task to change: for its start, for its next state, for the first end of several."""

import asyncio
from collections.abc import Callable, Iterable

from gavelq.core.ids import TaskId
from gavelq.core.step import Changes


class Turns:
    """Wakes callers at each committed change of the tasks that they wait for."""

    def __init__(self) -> None:
        self._by_task: dict[TaskId, set[asyncio.Event]] = {}
        self._is_over = False

    def notice(self, changes: Changes) -> None:
        """A commit: wake those who wait for one of its tasks."""
        if not self._by_task:
            return
        for task_id in changes.tasks:
            for bell in self._by_task.get(task_id, ()):
                bell.set()

    def let_go(self) -> None:
        """The daemon ends: everybody gets an answer now."""
        self._is_over = True
        for bells in self._by_task.values():
            for bell in bells:
                bell.set()

    async def until(self, is_so: Callable[[], bool], ids: Iterable[TaskId], timeout_s: float) -> None:
        """Until `is_so` (asked at each change of one of these tasks), or the time is over, or the daemon ends."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        bell = asyncio.Event()
        wanted = frozenset(ids)
        for task_id in wanted:
            self._by_task.setdefault(task_id, set()).add(bell)
        try:
            while not self._is_over and not is_so():
                bell.clear()
                try:
                    await asyncio.wait_for(bell.wait(), deadline - loop.time())
                except TimeoutError:
                    return
        finally:
            for task_id in wanted:
                self._by_task[task_id].discard(bell)
                if not self._by_task[task_id]:
                    del self._by_task[task_id]
