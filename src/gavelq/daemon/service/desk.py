"""What every part of the service works with."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gavelq.config import Config
from gavelq.core.engine.isolating import level_for
from gavelq.core.errors import TaskNotFound
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.pending import shape_of
from gavelq.core.state import State
from gavelq.core.task import ProcessIdentity, Task
from gavelq.core.view import View
from gavelq.daemon import views
from gavelq.daemon.caller import Caller
from gavelq.daemon.discretion import Discretion
from gavelq.daemon.log_places import LogPlaces
from gavelq.daemon.loop import Loop, Waiters
from gavelq.ports import Clock, History, Store
from gavelq.scheduling.gpu_view import GpuView, gpu_views

HISTORY_S = 2.0
"""So long the answer about a task waits for what the history knows of it."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """The loop, the store and the configuration, and how committed state is shown."""

    loop: Loop
    store: Store
    history: History
    clock: Clock
    waiters: Waiters
    config: Callable[[], Config]
    identify: Callable[[int], ProcessIdentity | None]
    """The identity of a running process; None where there is none."""
    lease_since: Callable[[], float] = lambda: 0.0
    """No lease could be renewed before this time (seconds since the epoch)."""
    notify_problem: Callable[[str], str] = lambda _: ""
    """Why nothing can be sent to a URL here; empty: it can be tried."""
    log_places: Callable[[], LogPlaces] = lambda: LogPlaces("", (), (), ())
    """Where the log files that tasks name may lie."""

    @property
    def state(self) -> State:
        """Committed facts."""
        return self.loop.state

    def task_json(self, task: Task, caller: Caller) -> views.Json:
        """A task with the reason why it waits, as this caller may see it. (Whether it may at all was asked before.)"""
        blocked = self.loop.reasons.get(shape_of(task)) if task.state is TaskState.PENDING else None
        level = level_for(View(self.state), self.loop.rules, task.request)
        shown = views.task_json(task, blocked, self.state.cards, self.lease_since(), level)
        if blocked is not None:
            held = next((held for held in self.state.reservations.values() if held.task_id == task.id), None)
            shown["expected_start_at"] = views.stamp(held.expected_at) if held is not None else None
        return self.discretion(caller).words(shown)

    def discretion(self, caller: Caller) -> Discretion:
        """What this caller may hear of others."""
        return Discretion(caller, self.state.tasks)

    async def find(self, task_id: TaskId) -> Task | None:
        """A task, live or ended."""
        return self.state.tasks.get(task_id) or await self.store.task(task_id)

    async def require(self, caller: Caller, task_id: TaskId) -> Task:
        """A task that the caller may see and touch. Raises TaskNotFound, also for another tenant's."""
        task = await self.find(task_id)
        if task is None or not caller.owns(task.request.tenant):
            raise TaskNotFound(task_id=task_id)
        return task

    async def measured(self, task: Task) -> views.Json | None:
        """What a task used over its whole life; None where it has not begun, or nothing was recorded of it."""
        if task.attempt is None:
            return None
        try:
            total = await asyncio.wait_for(self.history.total(task.id), HISTORY_S)
        except TimeoutError:
            return None  # somebody holds its file; what is asked for here is the task
        return views.measured_json(total) if total else None

    def gpu_views(self) -> Mapping[GpuUuid, GpuView]:
        """The cards as a cycle would see them now."""
        return gpu_views(self.state, self.clock.now(), self.loop.policy)

    def card_names(self) -> dict[str, GpuUuid]:
        """Every name that a card goes by: its index and its UUID."""
        cards: dict[GpuUuid, Card] = self.state.cards
        return {card.index: card.uuid for card in cards.values()} | {uuid: uuid for uuid in cards}
