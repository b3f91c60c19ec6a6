"""The watch over leases: tells the engine when one may be over. Asleep while there is none."""

import asyncio
from collections.abc import Callable

from gavelq.core.engine.leases import expires_at
from gavelq.core.events import LeasesChecked
from gavelq.core.ids import TaskId
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.task import Lease, ProcessIdentity, Task
from gavelq.ports import Clock

OWNER_LOOK_S = 1.0
"""How often the owners of leases that wait are looked for; those of granted ones are watched by their supervisors."""
AGAIN_S = 1.0
"""When to look again at what should be over by now."""
LATE_S = 5.0
"""Who wakes up so much later than planned has slept together with all the owners (a laptop's lid)."""


LOOK_S = 5.0
"""How often it looks at the clock at least, so that a sleep cannot pass for a renewal that is missing."""


class LeaseWatch:
    """Knows the leases that have not ended, and hands in LeasesChecked when one may be over."""

    def __init__(
        self,
        *,
        state: State,
        clock: Clock,
        post: Callable[[LeasesChecked], None],
        identify: Callable[[int], ProcessIdentity | None],
        is_read_only: Callable[[], bool],
    ) -> None:
        """`post` hands an event to the loop; `is_read_only` tells that renewals cannot be written down now."""
        self.since = clock.now()
        """Renewals cannot have come before: there was no daemon, no disk, or nobody awake."""
        self._clock = clock
        self._post = post
        self._identify = identify
        self._is_read_only = is_read_only
        self._bell = asyncio.Event()
        self._leases: dict[TaskId, Task] = {}
        self._planned: float | None = None
        for task in state.tasks.values():
            self._take(task.id, task)

    def notice(self, changes: Changes) -> None:
        """A commit: leases may have come, changed or ended. Called on the loop's thread."""
        is_about_us = [self._take(task_id, task) for task_id, task in changes.tasks.items()]
        if any(is_about_us):
            self._bell.set()

    def _take(self, task_id: TaskId, task: Task | None) -> bool:
        if task is None or task.state.is_ended:
            return self._leases.pop(task_id, None) is not None
        if not isinstance(task.request.command, Lease):
            return False
        self._leases[task_id] = task
        return True

    async def run(self) -> None:
        """Look whenever something may be due; works until cancelled."""
        self.since = self._clock.now()
        while True:
            pause = self.look()
            if pause is not None and self._planned is not None:
                self._planned += min(0.0, LOOK_S - pause)
                pause = min(pause, LOOK_S)
            try:
                await asyncio.wait_for(self._bell.wait(), pause)
            except TimeoutError:
                continue
            self._bell.clear()

    def look(self) -> float | None:
        """Look once, and hand in what may be over; returns the seconds until the next look is worth while."""
        now = self._clock.now()
        has_slept = self._planned is not None and now > self._planned + LATE_S
        if has_slept or self._is_read_only() or now < self.since:  # the clock was set back
            self.since = now
        limits = {task_id: expires_at(task, self.since) for task_id, task in self._leases.items()}
        due = tuple(task_id for task_id, limit in limits.items() if limit is not None and limit <= now)
        waiting = [task for task in self._leases.values() if _is_owner_ours_to_watch(task)]
        ownerless = tuple(task.id for task in waiting if self._is_gone(task))
        if due or ownerless:
            self._post(LeasesChecked(since=self.since, due=due, ownerless=ownerless))
        pauses = [limit - now for limit in limits.values() if limit is not None and limit > now]
        pauses += [AGAIN_S] * bool(due) + [OWNER_LOOK_S] * bool(waiting)
        pause = min(pauses, default=None)
        self._planned = None if pause is None else now + pause
        return pause

    def _is_gone(self, task: Task) -> bool:
        command = task.request.command
        owner = command.owner if isinstance(command, Lease) else None
        return owner is not None and self._identify(owner.pid) != owner


def _is_owner_ours_to_watch(task: Task) -> bool:
    command = task.request.command
    return isinstance(command, Lease) and command.owner is not None and not task.state.holds_gpus
