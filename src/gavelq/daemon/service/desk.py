"""What every part of the service works with."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from gavelq.config import Config
from gavelq.core.engine.isolating import level_for
from gavelq.core.errors import TaskNotFound
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.task import ProcessIdentity, Task
from gavelq.core.tenants import Isolation
from gavelq.core.view import View
from gavelq.daemon import views
from gavelq.daemon.caller import Caller
from gavelq.daemon.directories import Directories
from gavelq.daemon.discretion import Discretion
from gavelq.daemon.log_places import LogPlaces
from gavelq.daemon.loop import Loop
from gavelq.daemon.task_fields import Pictured, is_about_waiting, task_json
from gavelq.daemon.waiters import Waiters
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
    own: str = ""
    """The tenant of the daemon's own unix user, who needs no row."""
    directories: Directories = field(default_factory=Directories)
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

    def is_tenant(self, name: str) -> bool:
        """Whether there is such a tenant, or was: what a deleted one did is still to be seen."""
        return name == self.own or name in self.state.tenants or name in self.state.retired

    def task_json(self, task: Task, caller: Caller, names: Collection[str] | None = None) -> views.Json:
        """A task as this caller may see it; with `names` only these fields. Whether it may at all was asked before."""
        blocked = expected_at = None
        if task.state is TaskState.PENDING and is_about_waiting(names):
            blocked = self.loop.reasons.get(self.state.pending.shape_of(task))
        if blocked is not None:
            expected_at = self.expected_at(task.id)
        level = Isolation.VISIBLE
        if names is None or "isolation" in names:
            level = level_for(View(self.state), self.loop.rules, task.request)
        seen = Pictured(
            task, blocked, self.state.cards, lease_since=self.lease_since(), level=level, expected_at=expected_at
        )
        return self.discretion(caller).words(task_json(seen, names))

    def expected_at(self, task_id: TaskId) -> float | None:
        """When a pending task is to start, where it holds a reservation that tells."""
        held = next((held for held in self.state.reservations.values() if held.task_id == task_id), None)
        return held.expected_at if held is not None else None

    def discretion(self, caller: Caller) -> Discretion:
        """What this caller may hear of others."""
        return Discretion(caller, self.state.tasks)

    async def find(self, task_id: TaskId) -> Task | None:
        """A task, live or ended."""
        return self.state.tasks.get(task_id) or await self.store.task(task_id)

    async def require(self, caller: Caller, task_id: TaskId) -> Task:
        """A task that the caller may see and touch. Raises TaskNotFound, also for another tenant's.

        And Unauthenticated, where the caller waited for something and is another one by now.
        """
        caller.require_still()
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
