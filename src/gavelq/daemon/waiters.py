"""Callers that wait for tasks to end."""

import asyncio

from gavelq.core.ids import TaskId
from gavelq.core.step import Changes
from gavelq.core.task import Task


class Waiters:
    """Callers that wait for a task to end."""

    def __init__(self) -> None:
        self._by_task: dict[TaskId, set[asyncio.Future[Task | None]]] = {}
        self.is_over = False

    def notice(self, changes: Changes) -> None:
        """A commit: tell those whose task ended or was removed."""
        if not self._by_task:
            return
        for task_id, task in changes.tasks.items():
            if task is None or task.state.is_ended:
                for waiter in self._by_task.pop(task_id, ()):
                    if not waiter.done():
                        waiter.set_result(task)

    def let_go(self) -> None:
        """The daemon ends: everybody gets an answer now."""
        self.is_over = True
        for waiting in self._by_task.values():
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(None)

    async def wait(self, task_id: TaskId, timeout_s: float) -> bool:
        """Until the task ends or the time is over; True where it ended. The caller checks first that it is live."""
        if self.is_over:
            return False
        waiter: asyncio.Future[Task | None] = asyncio.get_running_loop().create_future()
        waiting = self._by_task.setdefault(task_id, set())
        waiting.add(waiter)
        try:
            await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            waiting.discard(waiter)
            if not waiting and self._by_task.get(task_id) is waiting:
                del self._by_task[task_id]
        return True
