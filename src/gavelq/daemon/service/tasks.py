"""Everything about tasks: submit, list, show, explain, wait, log, run, hold, kill, move, rerun, remove."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence

from gavelq.core import events as ev
from gavelq.core.errors import (
    GavelqError,
    InvalidField,
    LimitReached,
    LogNotFound,
    NotFound,
    QueueNotFound,
    Refused,
    TaskNotFound,
    WrongState,
)
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.lifecycle import ENDED, EndReason, TaskState
from gavelq.core.signals import parse_signal
from gavelq.core.state import View
from gavelq.core.task import Task, TaskRequest
from gavelq.core.units import parse_count
from gavelq.daemon import task_logs, views
from gavelq.daemon.caller import Caller
from gavelq.daemon.mistakes import as_one_error, at_sources, impossible_ones, understood
from gavelq.daemon.requests import Intake
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.why import why
from gavelq.daemon.settings import retry_wish
from gavelq.daemon.views import Json
from gavelq.formats.expansion import Expanded, expand, single
from gavelq.formats.task_object import parse_task, parse_tasks
from gavelq.ports import TaskFilter

MAX_PAGE = 10_000
MAX_KEY = 200


class TaskService:
    """The verbs of `gavelq task` and `gavelq submit`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- submit ------------------------------------------------------------------------------------------

    async def submit_task(self, caller: Caller, request: object, key: str | None = None) -> Json:
        """`POST /api/tasks`: one task. Raises GavelqError; nothing is changed then."""
        return (await self._submit(caller, lambda: single(parse_task(request)), None, key))[0]

    async def submit(
        self, caller: Caller, tasks: object, *, queue: str | None = None, base: object = None, key: str | None = None
    ) -> list[Json]:
        """`POST /api/submissions`: all of these tasks, or none. `key` makes a repeated call harmless."""
        limit = self._desk.config().limits.max_submission
        if isinstance(tasks, list) and len(tasks) > limit:
            problem = f"the submission has {len(tasks)} tasks, at most {limit} are taken at once"
            raise LimitReached(limit="limits.max_submission", problem=problem, hint="hand them in in several parts")
        return await self._submit(caller, lambda: expand(parse_tasks(tasks, base), most=limit), queue, key)

    async def _submit(
        self, caller: Caller, parse: Callable[[], Expanded], queue: str | None, key: str | None
    ) -> list[Json]:
        if key is not None and not 1 <= len(key) <= MAX_KEY:
            raise InvalidField(field="key", problem="an idempotency key has 1 to 200 characters", hint="send a UUID")
        config, state = self._desk.config(), self._desk.state
        intake = Intake(
            caller=caller, default_queue=config.submit.default_queue, cards=dict(state.cards),
            queues=dict(state.queues), retry=retry_wish(config), now=self._desk.clock.now(),
            owner=self._desk.identify, renew_s=config.lease.renew_s,
        )  # fmt: skip

        # In a thread: ten thousand tasks take a while to read, and a working directory may lie on a hanging server.
        def read() -> tuple[dict[int, TaskRequest], dict[int, GavelqError], tuple[int, ...]]:
            expanded = parse()
            return *understood(expanded.tasks, lambda one: intake.request(one, queue)), expanded.sources

        requests, wrong, sources = await asyncio.to_thread(read)
        scoped = None if key is None else f"{caller.tenant}:{key}"
        event = ev.TasksSubmitted(by=caller.name, requests=tuple(requests.values()), blobs=intake.blobs, key=scoped)
        try:
            if wrong:
                raise next(iter(wrong.values()))
            ids: tuple[TaskId, ...] = await self._desk.loop.ask(event)
        except (InvalidField, NotFound, Refused) as error:
            if len(set(sources)) == 1:
                raise
            wrong |= impossible_ones(requests, View(self._desk.state))
            raise as_one_error(at_sources(wrong, sources)) if wrong else error from None
        found = [await self._desk.find(task_id) for task_id in ids]
        return [self._desk.task_json(task) for task in found if task is not None]

    # --- look --------------------------------------------------------------------------------------------

    async def list_tasks(self, wanted: TaskFilter) -> list[Json]:
        """`GET /api/tasks`. Live tasks come from memory, where only those are wanted; else from the store."""
        states = set(wanted.states)
        if states and not states & {state.value for state in ENDED}:
            if wanted.queue is not None and wanted.queue not in self._desk.state.queues:
                raise QueueNotFound(queue=wanted.queue)
            return [self._desk.task_json(task) for task in self._live(wanted, states)]
        rows = await self._desk.store.tasks(wanted)
        if not rows and wanted.queue is not None and wanted.queue not in self._desk.state.queues:
            raise QueueNotFound(queue=wanted.queue)  # a typo; a queue that is gone has history
        return [self._desk.task_json(self._desk.state.tasks.get(task.id, task)) for task in rows]

    def _live(self, wanted: TaskFilter, states: set[str]) -> Sequence[Task]:
        before = wanted.before_id
        found = sorted(
            (
                task
                for task in self._desk.state.tasks.values()
                if task.state in states
                and (wanted.queue is None or task.queue == wanted.queue)
                and (wanted.submission_id is None or task.submission_id == wanted.submission_id)
                and task.id > wanted.after_id
                and (before is None or task.id < before)
            ),
            key=lambda task: task.id,
        )
        return found[-wanted.limit :] if wanted.newest else found[: wanted.limit]

    async def show(self, task_id: TaskId) -> Json:
        """`GET /api/tasks/{id}`: the task with its attempts and events."""
        task = await self._require(task_id)
        attempts = await self._desk.store.attempts(task_id)
        records = await self._desk.store.records(task_id=task_id, limit=200)
        shown = self._desk.task_json(task)
        shown["attempts"] = [views.attempt_json(attempt) for attempt in attempts]
        shown["events"] = [views.record_json(record) for record in records]
        shown["learned"] = views.learned_json(task.request, self._desk.state.learned)
        return shown

    async def why(self, task_id: TaskId) -> Json:
        """`GET /api/tasks/{id}/why`: what it waits for, or how it ended."""
        return why(self._desk, await self._require(task_id))

    async def wait(self, task_id: TaskId, timeout_s: float) -> Json:
        """`GET /api/tasks/{id}/wait`: the task as soon as it has ended, or as it is when the time is over."""
        if task_id in self._desk.state.tasks:
            await self._desk.waiters.wait(task_id, timeout_s)
        return self._desk.task_json(await self._require(task_id))

    async def log(
        self, task_id: TaskId, *, tail: int | None, offset: int | None, wait_s: float
    ) -> tuple[task_logs.Chunk, bool]:
        """`GET /api/tasks/{id}/logs`: some bytes of the log, and whether nothing more will come. Raises LogNotFound."""
        task = await self._require(task_id)
        if not task_logs.exists(task.log_path) and (task.state.is_ended or offset is None):
            raise LogNotFound(task_id=task_id, log_path=task.log_path)
        if offset is None:
            if tail is None:
                chunk = await asyncio.to_thread(task_logs.read, task.log_path, 0)
            else:
                chunk = await asyncio.to_thread(task_logs.tail, task.log_path, tail)
            return chunk, await self._is_read(task_id, chunk)
        chunk = await self._follow(task_id, task.log_path, offset, wait_s)
        return chunk, await self._is_read(task_id, chunk)

    async def _follow(self, task_id: TaskId, path: str, offset: int, wait_s: float) -> task_logs.Chunk:

        deadline = asyncio.get_running_loop().time() + wait_s
        chunk = await asyncio.to_thread(task_logs.read, path, offset)
        while not chunk.content and task_id in self._desk.state.tasks and not self._desk.waiters.is_over:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await self._desk.waiters.wait(task_id, min(left, 0.1))
            chunk = await asyncio.to_thread(task_logs.read, path, offset)
        return chunk

    async def _is_read(self, task_id: TaskId, chunk: task_logs.Chunk) -> bool:
        task = await self._require(task_id)
        return task.state.is_ended and chunk.end >= await asyncio.to_thread(task_logs.length, task.log_path)

    # --- act ---------------------------------------------------------------------------------------------

    async def run(self, caller: Caller, task_id: TaskId, queue: str | None) -> Json:
        """`task run`: out of hold, into `queue` or `running`."""
        name = QueueName(queue) if queue is not None else None
        return await self._act(caller, task_id, ev.TaskReleased(by=caller.name, task_id=task_id, queue=name))

    async def hold(self, caller: Caller, task_id: TaskId) -> Json:
        """`task hold`: a pending task waits until it is released."""
        return await self._act(caller, task_id, ev.TaskHeld(by=caller.name, task_id=task_id))

    async def kill(self, caller: Caller, task_id: TaskId, signal: object = None) -> Json:
        """`task kill`: end it; a signal that does not end tasks (USR1, CONT, ...) is only delivered."""
        number, is_ending = parse_signal(signal)
        task = await self._require(task_id)
        own = task.request.tenant == caller.tenant
        reason = EndReason.CANCELLED_BY_USER if own else EndReason.CANCELLED_BY_ADMIN
        event = ev.TaskKilled(by=caller.name, task_id=task_id, signal=number, is_ending=is_ending, reason=reason)
        return await self._act(caller, task_id, event)

    async def move(self, caller: Caller, task_id: TaskId, queue: str) -> Json:
        """`queue move`: into another queue."""
        return await self._act(caller, task_id, ev.TaskMoved(by=caller.name, task_id=task_id, queue=QueueName(queue)))

    async def prioritize(self, caller: Caller, task_id: TaskId, priority: object) -> Json:
        """`queue priority`: 0 to 100."""
        if isinstance(priority, bool) or not isinstance(priority, str | int | float):
            raise InvalidField(field="priority", problem=f"{priority!r} is not a number", hint="write 0 to 100")
        level = parse_count(priority, field="priority", low=0, high=100)
        event = ev.TaskPrioritized(by=caller.name, task_id=task_id, priority=level)
        return await self._act(caller, task_id, event)

    async def rerun(self, caller: Caller, task_id: TaskId) -> Json:
        """`task rerun`: a new task with the same request."""
        task = await self._require(task_id)
        caller.require_tenant(task.request.tenant, f"rerunning task {task_id}")
        if not task.state.is_ended:
            raise WrongState(
                what=f"task {task_id}", state=task.state.value, problem="only an ended task can be run again",
                hint=f"see what it does with: gavelq task why {task_id}",
            )  # fmt: skip
        if not await asyncio.to_thread(os.path.isdir, task.request.workdir):
            raise WrongState(
                what=f"directory {task.request.workdir}", state="gone", problem=f"task {task_id} ran there",
                hint="make it again, or submit the command anew from another directory",
            )  # fmt: skip
        event = ev.TasksSubmitted(by=caller.name, requests=(task.request,), blobs={})
        ids: tuple[TaskId, ...] = await self._desk.loop.ask(event)
        return self._desk.task_json(await self._require(ids[0]))

    async def remove(self, caller: Caller, task_id: TaskId) -> Json:
        """`task remove`: a held or ended task goes, with the log that gavelq made for it."""
        task = await self._require(task_id)
        caller.require_tenant(task.request.tenant, f"removing task {task_id}")
        if task.state.is_ended:
            await self._desk.loop.remove_ended(task, caller.name)
        else:
            await self._desk.loop.ask(ev.TaskRemoved(by=caller.name, task_id=task_id))
        if task.request.log_path is None:
            remove_logs(task.log_path)
        return {"removed": task_id}

    async def _act(self, caller: Caller, task_id: TaskId, event: ev.Event) -> Json:
        task = await self._require(task_id)
        caller.require_tenant(task.request.tenant, f"touching task {task_id}")
        if task.state.is_ended:
            raise WrongState(
                what=f"task {task_id}", state=task.state.value, problem="it has ended; ends never reopen",
                hint=f"run it again as a new task with: gavelq task rerun {task_id}",
            )  # fmt: skip
        return self._desk.task_json(await self._desk.loop.ask(event))

    async def _require(self, task_id: TaskId) -> Task:
        task = await self._desk.find(task_id)
        if task is None:
            raise TaskNotFound(task_id=task_id)
        return task


def remove_logs(path: str) -> None:
    """Delete a task's log and its cut parts, where they are."""
    for name in (path, *(f"{path}.{part}" for part in range(1, task_logs.PARTS + 1)), path + ".base"):
        with contextlib.suppress(OSError):
            os.unlink(name)


_ALL = tuple(state.value for state in TaskState)


def parse_states(names: Sequence[str]) -> tuple[str, ...]:
    """State names of a filter. Raises InvalidField."""
    for name in names:
        if name not in _ALL:
            raise InvalidField(
                field="state", problem=f"{name!r} is not a state", hint=f"the states are {', '.join(_ALL)}"
            )
    return tuple(names)
