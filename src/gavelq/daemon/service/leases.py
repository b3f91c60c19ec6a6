"""Leases: renew, release; and waiting for what tasks do, which those who take leases need most."""

from collections.abc import Sequence

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Lease
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.turns import Turns
from gavelq.daemon.views import Json

MAX_WAITED_FOR = 1000


class LeaseService:
    """The verbs of `gavelq lease`, and the long answers behind `run`, `shell` and `task wait --any`."""

    def __init__(self, desk: Desk, turns: Turns) -> None:
        self._desk = desk
        self._turns = turns

    async def list_leases(self, caller: Caller) -> list[Json]:
        """`GET /api/leases`: the caller's leases that have not ended, oldest first."""
        tasks = [task for task in self._desk.state.tasks.values() if caller.owns(task.request.tenant)]
        found = [task for task in tasks if isinstance(task.request.command, Lease)]
        return [self._desk.task_json(task, caller) for task in sorted(found, key=lambda task: task.id)]

    async def renew(self, caller: Caller, task_id: TaskId) -> Json:
        """`POST /api/tasks/{id}/renew`: the owner is still there. Raises WrongState where that makes no sense."""
        return await self._act(caller, task_id, ev.LeaseRenewed(by=caller.name, task_id=task_id))

    async def release(self, caller: Caller, task_id: TaskId) -> Json:
        """`POST /api/tasks/{id}/release`: give the GPUs back, or the place in the queue."""
        return await self._act(caller, task_id, ev.LeaseReleased(by=caller.name, task_id=task_id))

    async def turn(self, caller: Caller, task_id: TaskId, state: str, timeout_s: float) -> Json:
        """`GET /api/tasks/{id}/turn`: the task as soon as it is not in `state` any more, or when the time is over."""
        if state not in {known.value for known in TaskState}:
            hint = f"the states are {', '.join(TaskState)}"
            raise InvalidField(field="state", problem=f"{state[:40]!r} is not a state", hint=hint)

        await self._desk.require(caller, task_id)

        def has_turned() -> bool:
            live = self._desk.state.tasks.get(task_id)
            return live is None or live.state != state

        await self._turns.until(has_turned, (task_id,), timeout_s)
        return self._desk.task_json(await self._desk.require(caller, task_id), caller)

    async def first_ended(self, caller: Caller, ids: Sequence[TaskId], timeout_s: float) -> list[Json]:
        """`GET /api/wait`: those of these tasks that have ended, as soon as there is one; empty: the time is over."""
        if not 1 <= len(ids) <= MAX_WAITED_FOR:
            problem = f"{len(ids)} tasks are named; 1 to {MAX_WAITED_FOR} can be waited for at once"
            raise InvalidField(field="id", problem=problem, hint="name them as id=1&id=2")
        for task_id in ids:
            await self._desk.require(caller, task_id)

        def has_ended() -> bool:
            return any(task_id not in self._desk.state.tasks for task_id in ids)

        await self._turns.until(has_ended, ids, timeout_s)
        caller.require_still()
        over = [task_id for task_id in dict.fromkeys(ids) if task_id not in self._desk.state.tasks]
        found = [await self._desk.find(task_id) for task_id in over]
        return [self._desk.task_json(task, caller) for task in found if task is not None]

    async def _act(self, caller: Caller, task_id: TaskId, event: ev.LeaseRenewed | ev.LeaseReleased) -> Json:
        caller.require_submit("renewing or releasing a lease")
        task = await self._desk.require(caller, task_id)
        if task.state.is_ended:
            raise WrongState(
                what=f"task {task_id}", state=task.state.value, problem="it has ended; ends never reopen",
                hint="ask for another lease with: gavelq lease",
            )  # fmt: skip
        return self._desk.task_json(await self._desk.loop.ask(event), caller)
