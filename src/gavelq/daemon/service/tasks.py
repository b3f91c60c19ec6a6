"""Everything about tasks: submit, list, show, explain, wait, log, run, hold, kill, move, rerun, remove."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.errors import (
    GavelqError,
    InvalidField,
    LimitReached,
    LogNotFound,
    NotAllowed,
    NotFound,
    QueueNotFound,
    Refused,
    SubmissionNotFound,
    WrongState,
)
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.lifecycle import ENDED, EndReason, TaskState
from gavelq.core.signals import parse_signal
from gavelq.core.task import Task, TaskRequest
from gavelq.core.tenants import TenantNotFound
from gavelq.core.units import parse_count
from gavelq.core.view import View
from gavelq.daemon import task_logs, views
from gavelq.daemon.caller import Caller
from gavelq.daemon.mistakes import as_one_error, at_sources, impossible_ones, understood
from gavelq.daemon.service import changes, dependencies, once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.once import require_key
from gavelq.daemon.service.plan import PlanService
from gavelq.daemon.service.trial import dry_run
from gavelq.daemon.service.why import expected, why
from gavelq.daemon.versions import digest_of, version_of_task
from gavelq.daemon.views import Json
from gavelq.formats.expansion import Expanded, expand, single
from gavelq.formats.fields import READERS
from gavelq.formats.task_object import parse_task, parse_tasks
from gavelq.ports import TaskFilter

MAX_PAGE = 10_000
MAX_ATTEMPTS = 100
"""So many attempts stand with a single task; the log of each can be asked for."""
COMMAND_NAMES = frozenset(name for name, (field, _) in READERS.items() if field in ("command", "argv", "script"))
"""The fields of a task object that say what runs."""


class TaskService:
    """The verbs of `gavelq task` and `gavelq submit`."""

    def __init__(self, desk: Desk, plan: PlanService) -> None:
        self._desk = desk
        self._plan = plan

    # --- submit ------------------------------------------------------------------------------------------

    async def submit_task(
        self, caller: Caller, request: object, key: str | None = None, *, is_small: bool = False
    ) -> Json:
        """`POST /api/tasks`: one task; without a command, a lease. Raises GavelqError; nothing is changed then.

        `is_small`: it is read in no time, so that no thread is needed for it.
        """
        request = _or_lease(request)
        return (await self._submit(caller, lambda: single(parse_task(request)), None, key, request, is_small))[0]

    async def dry_run(self, caller: Caller, request: object) -> Json:
        """`POST /api/tasks` with `dry_run`: what would come of it. Raises what a submission would raise."""
        request = _or_lease(request)
        return await dry_run(self._desk, caller, lambda: single(parse_task(request)))

    async def submit(
        self, caller: Caller, tasks: object, *, queue: str | None = None, base: object = None, key: str | None = None
    ) -> list[Json]:
        """`POST /api/submissions`: all of these tasks, or none. `key` makes a repeated call harmless."""
        limit = self._desk.config().limits.max_submission
        if isinstance(tasks, list) and len(tasks) > limit:
            problem = f"the submission has {len(tasks)} tasks, at most {limit} are taken at once"
            raise LimitReached(limit="limits.max_submission", problem=problem, hint="hand them in in several parts")
        said = [tasks, queue, base]
        return await self._submit(caller, lambda: expand(parse_tasks(tasks, base), most=limit), queue, key, said)

    async def _submit(
        self, caller: Caller, parse: Callable[[], Expanded], queue: str | None, key: str | None, said: object,
        is_small: bool = False,
    ) -> list[Json]:  # fmt: skip
        caller.require_submit("submitting")
        require_key(key)
        intake = changes.intake_for(self._desk, caller)

        parsed = parse() if is_small else None

        def read() -> tuple[dict[int, TaskRequest], dict[int, GavelqError], tuple[int, ...], str]:
            expanded = parsed or parse()
            digest = "" if key is None else digest_of(said)
            return *understood(expanded.tasks, lambda one: intake.request(one, queue)), expanded.sources, digest

        if parsed is not None and all(map(intake.is_at_hand, parsed.tasks)):
            requests, wrong, sources, digest = read()
        else:  # ten thousand tasks take a while to read, and a working directory may lie on a hanging server
            requests, wrong, sources, digest = await asyncio.to_thread(read)
        scoped = None if key is None else once.scoped(caller, key)
        event = ev.TasksSubmitted(
            by=caller.name, requests=tuple(requests.values()), blobs=intake.blobs, key=scoped, digest=digest
        )
        before = once.tasks_of(self._desk, caller, key, digest)
        try:
            if wrong and before is None:
                raise next(iter(wrong.values()))
            ids: tuple[TaskId, ...] = before or await dependencies.ask(self._desk, caller, event)
        except (InvalidField, NotFound, NotAllowed, Refused) as error:
            if len(set(sources)) == 1:
                raise
            wrong |= await dependencies.wrong_ones(self._desk, caller, requests)
            wrong |= impossible_ones(requests, View(self._desk.state))
            raise as_one_error(at_sources(wrong, sources)) if wrong else error from None
        return [self._desk.task_json(task, caller) for task in await once.still_there(self._desk, ids)]

    # --- look --------------------------------------------------------------------------------------------

    async def list_tasks(self, caller: Caller, wanted: TaskFilter, names: Collection[str] | None = None) -> list[Json]:
        """`GET /api/tasks`: the caller's. Live tasks come from memory where only those are wanted, else from the store.

        With `names` only these fields of each. Raises QueueNotFound, SubmissionNotFound and TenantNotFound, so that a
        typo is no empty list.
        """
        wanted = replace(wanted, tenant=self._tenant(caller, wanted.tenant))
        states = set(wanted.states)
        if states and not states & {state.value for state in ENDED}:
            if wanted.queue is not None and wanted.queue not in self._desk.state.queues:
                raise QueueNotFound(queue=wanted.queue)
            found = self._live(wanted, states)
        else:
            found = await self._desk.store.tasks(wanted)
        if not found:
            await self._require_that_it_exists(wanted)
        now = [self._desk.state.tasks.get(task.id, task) for task in found]
        shown = [self._desk.task_json(task, caller, names) for task in now]
        if names is None or "expected_start_at" in names:
            self._tell_starts(now, shown)
        return shown

    def _tell_starts(self, tasks: Sequence[Task], shown: Sequence[Json]) -> None:
        """Where the plan knows when a task is expected to start, its row says so."""
        waiting = [at for at, task in enumerate(tasks) if task.state is TaskState.PENDING]
        starts = self._plan.starts() if waiting else {}
        for at in waiting:
            if shown[at]["expected_start_at"] is None:
                shown[at]["expected_start_at"] = views.stamp(starts.get(tasks[at].id))

    def _tenant(self, caller: Caller, wanted: str | None) -> str | None:
        """Whose tasks are listed: an admin's wish, or everybody's; for all others their own. Raises TenantNotFound."""
        if wanted is not None and not caller.owns(wanted):
            raise TenantNotFound(tenant=wanted[:80])
        return wanted if caller.is_admin else caller.tenant

    async def _require_that_it_exists(self, wanted: TaskFilter) -> None:
        if wanted.queue is not None and wanted.queue not in self._desk.state.queues:
            raise QueueNotFound(queue=wanted.queue)  # a queue that is gone has history
        if wanted.tenant is not None and not self._desk.is_tenant(wanted.tenant):
            raise TenantNotFound(tenant=wanted.tenant[:80])
        number = wanted.submission_id
        of_it = TaskFilter(submission_id=number, tenant=wanted.tenant, limit=1)
        if number is not None and not await self._desk.store.tasks(of_it):
            raise SubmissionNotFound(submission_id=number)

    def _live(self, wanted: TaskFilter, states: set[str]) -> Sequence[Task]:
        before, ids = wanted.before_id, None if wanted.ids is None else frozenset(wanted.ids)
        found = sorted(
            (
                task
                for task in self._desk.state.tasks.values()
                if task.state in states
                and (ids is None or task.id in ids)
                and (wanted.queue is None or task.queue == wanted.queue)
                and (wanted.submission_id is None or task.submission_id == wanted.submission_id)
                and (wanted.tenant is None or task.request.tenant == wanted.tenant)
                and task.id > wanted.after_id
                and (before is None or task.id < before)
            ),
            key=lambda task: task.id,
        )
        return found[-wanted.limit :] if wanted.newest else found[: wanted.limit]

    async def show(self, caller: Caller, task_id: TaskId) -> Json:
        """`GET /api/tasks/{id}`: the task with its attempts and events."""
        task = await self._desk.require(caller, task_id)
        discretion = self._desk.discretion(caller)
        # A task that has not begun has no attempts to look for: each look is a way to another thread and back.
        attempts = await self._desk.store.attempts(task_id, limit=MAX_ATTEMPTS) if task.attempt is not None else ()
        records = await self._desk.store.records(task_id=task_id, limit=200)
        graph = await dependencies.graph(self._desk, caller, task)
        measured = await self._desk.measured(task)
        env_names = await changes.env_names(self._desk, task.request)
        task = await self._desk.require(caller, task_id)  # as it is after all that: from here on nothing is waited for
        shown = self._desk.task_json(task, caller)
        shown["n_attempts"] = task.n_attempts
        shown["attempts"] = [discretion.words(views.attempt_json(attempt)) for attempt in attempts]
        shown["events"] = [discretion.words(views.record_json(record)) for record in records]
        shown["dependents"] = discretion.ids(dependencies.dependents(self._desk, task_id))
        shown["graph"] = graph
        shown |= discretion.words(expected(self._desk, task))
        shown["etag"] = f'"{version_of_task(task)}"'
        shown["measured"] = measured
        shown["env_names"] = env_names
        shown["learned"] = views.learned_json(task.request, self._desk.state.learned)
        return shown

    async def why(self, caller: Caller, task_id: TaskId) -> Json:
        """`GET /api/tasks/{id}/why`: what it waits for, or how it ended."""
        return why(self._desk, caller, await self._desk.require(caller, task_id))

    async def wait(self, caller: Caller, task_id: TaskId, timeout_s: float) -> Json:
        """`GET /api/tasks/{id}/wait`: the task as soon as it has ended, or as it is when the time is over."""
        await self._desk.require(caller, task_id)
        if task_id in self._desk.state.tasks:
            await self._desk.waiters.wait(task_id, timeout_s)
        return self._desk.task_json(await self._desk.require(caller, task_id), caller)

    async def log(
        self,
        caller: Caller,
        task_id: TaskId,
        *,
        tail: int | None,
        offset: int | None,
        wait_s: float,
        attempt: int | None = None,
    ) -> tuple[task_logs.Chunk, bool, int | None]:
        """`GET /api/tasks/{id}/logs`: some bytes of the log, and whether nothing more will come. Raises LogNotFound.

        With `attempt` the log of that one, else of the last one; then nothing more comes as soon as it is over. The
        third is the attempt that was read; None where all attempts write to one log.
        """
        task = await self._desk.require(caller, task_id)
        path = await self._log_path(task, attempt)
        number = (attempt or max(1, task.n_attempts)) if task.request.log_path is None else None
        if not task_logs.exists(path) and (_is_over(task, attempt) or offset is None):
            raise _no_log(task_id, path, is_over=_is_over(task, attempt))
        if offset is None:
            if tail is None:
                chunk = await asyncio.to_thread(task_logs.read, path, 0)
            else:
                chunk = await asyncio.to_thread(task_logs.tail, path, tail)
        else:
            chunk = await self._follow(caller, task_id, path, offset, wait_s, attempt)
        now = await self._desk.require(caller, task_id)
        over = _is_over(now, attempt) and (attempt is not None or now.log_path == path)
        return chunk, over and chunk.end >= await asyncio.to_thread(task_logs.length, path), number

    async def _log_path(self, task: Task, attempt: int | None) -> str:
        if attempt is None or attempt == max(1, task.n_attempts):
            return task.log_path
        is_known = 1 <= attempt < task.n_attempts
        found = await self._desk.store.attempts(task.id, limit=1, before=attempt + 1) if is_known else ()
        if not found or found[0].number != attempt or not found[0].log_path:
            raise LogNotFound(f"task {task.id} has no attempt {attempt}", hint=f"gavelq task info {task.id}")
        return found[0].log_path

    async def _follow(
        self, caller: Caller, task_id: TaskId, path: str, offset: int, wait_s: float, attempt: int | None
    ) -> task_logs.Chunk:
        deadline = asyncio.get_running_loop().time() + wait_s
        chunk = await asyncio.to_thread(task_logs.read, path, offset)
        # An offset behind the log's end is one of an earlier attempt's log: the reader has to hear of the new one.
        while not chunk.content and chunk.start >= offset and not self._desk.waiters.is_over:
            task = self._desk.state.tasks.get(task_id)
            if task is None or _is_over(task, attempt) or (attempt is None and task.log_path != path):
                break
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await self._desk.waiters.wait(task_id, min(left, 0.1))
            caller.require_still()
            chunk = await asyncio.to_thread(task_logs.read, path, offset)
        return chunk

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
        task = await self._desk.require(caller, task_id)
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

    async def edit(
        self, caller: Caller, ids: Sequence[TaskId], document: object, versions: Sequence[str] | None = None
    ) -> list[Json]:
        """`task edit`: the same changes to tasks that have not started, to all of them or to none.

        Raises ChangedMeanwhile where a task is at none of these `versions` (`etag`; None: any will do).
        """
        return await changes.edit(self._desk, caller, ids, document, versions)

    async def rerun(self, caller: Caller, task_id: TaskId, document: object = None, key: str | None = None) -> Json:
        """`task rerun`: a new task with the same request, and changes."""
        require_key(key)
        new = await changes.rerun(self._desk, caller, await self._desk.require(caller, task_id), document, key)
        return self._desk.task_json(await self._desk.require(caller, new), caller)

    async def remove(self, caller: Caller, task_id: TaskId) -> Json:
        """`task remove`: a held or ended task goes, with the log that gavelq made for it."""
        caller.require_submit("removing a task")
        task = await self._desk.require(caller, task_id)
        if task.state.is_ended:
            await self._desk.loop.remove_ended(task, caller.name)
        else:
            await self._desk.loop.ask(ev.TaskRemoved(by=caller.name, task_id=task_id))
        await asyncio.to_thread(remove_logs, task)
        return {"removed": task_id}

    async def _act(self, caller: Caller, task_id: TaskId, event: ev.Event) -> Json:
        caller.require_submit("changing a task")
        task = await self._desk.require(caller, task_id)
        if task.state.is_ended:
            raise WrongState(
                what=f"task {task_id}", state=task.state.value, problem="it has ended; ends never reopen",
                hint=f"run it again as a new task with: gavelq task rerun {task_id}",
            )  # fmt: skip
        return self._desk.task_json(await self._desk.loop.ask(event), caller)


def _or_lease(request: object) -> object:
    """A request without a command is one for a lease."""
    if isinstance(request, dict) and not COMMAND_NAMES & request.keys():
        return {**request, "lease": True if request.get("lease") is None else request["lease"]}
    return request


def _no_log(task_id: TaskId, path: str, *, is_over: bool) -> LogNotFound:
    if not is_over:
        return LogNotFound(task_id=task_id, log_path=path)
    return LogNotFound(
        f"task {task_id} has ended without a log: {path}", hint=f"`gavelq task why {task_id}` tells how it ended"
    )


def _is_over(task: Task, attempt: int | None) -> bool:
    """Whether nothing more is written into the log of an attempt (None: of the task's last one)."""
    if task.state.is_ended or attempt is None:
        return task.state.is_ended
    return attempt < task.n_attempts or (attempt == task.n_attempts and not task.state.holds_gpus)


def remove_logs(task: Task) -> None:
    """Delete the logs that gavelq made for a task, one for each attempt, with their cut parts. Blocking."""
    if task.request.log_path is not None:
        return
    directory = os.path.dirname(task.log_path)
    later = (f"{task.id}.{number}.log" for number in range(2, task.n_attempts + 1))
    for name in (f"{task.id}.log", *later):  # as `gavelq.core.engine.plans` names them
        path = os.path.join(directory, name)
        for part in (path, *(f"{path}.{number}" for number in range(1, task_logs.PARTS + 1)), path + ".base"):
            with contextlib.suppress(OSError):
                os.unlink(part)


_ALL = tuple(state.value for state in TaskState)
_STATUSES = ("all", *dict.fromkeys(views.status_of(state) for state in TaskState))


def parse_status(name: str | None) -> tuple[str, ...]:
    """The states that a word of other schedulers stands for; `all`: every one. Raises InvalidField."""
    if name is None or name == "all":
        return ()
    if name not in _STATUSES:
        hint = f"the words are {', '.join(_STATUSES)}; `state` takes the states themselves"
        raise InvalidField(field="status", problem=f"{name[:40]!r} is not a status", hint=hint)
    return views.states_of(name)


def parse_states(names: Sequence[str]) -> tuple[str, ...]:
    """State names of a filter. Raises InvalidField."""
    for name in names:
        if name not in _ALL:
            raise InvalidField(
                field="state", problem=f"{name!r} is not a state", hint=f"the states are {', '.join(_ALL)}"
            )
    return tuple(names)
