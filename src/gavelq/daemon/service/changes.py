"""`task edit` and `task rerun`: the request of a task, with some of its fields changed."""

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.engine.editing import Overtaken
from gavelq.core.errors import GavelqError, Infeasible, InvalidField, LimitReached, WrongState
from gavelq.core.ids import BlobKey, TaskId
from gavelq.core.task import Lease, Task, TaskRequest
from gavelq.core.view import View
from gavelq.daemon.caller import Caller
from gavelq.daemon.changing import changed, read_env
from gavelq.daemon.mistakes import impossible_ones
from gavelq.daemon.requests import Intake
from gavelq.daemon.service import dependencies, once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.settings import retry_wish
from gavelq.daemon.versions import digest_of, require_version, version_of_task
from gavelq.daemon.views import Json
from gavelq.formats.changes import Changes, parse_changes

MAX_EDITED = 10_000
TRIES = 3


def intake_for(desk: Desk, caller: Caller) -> Intake:
    """Who turns the tasks of one submission, or of one edit, into requests."""
    config, state = desk.config(), desk.state
    return Intake(
        caller=caller, default_queue=config.submit.default_queue, cards=dict(state.cards), queues=dict(state.queues),
        retry=retry_wish(config), now=desk.clock.now(), owner=desk.identify, renew_s=config.lease.renew_s,
        tenants=frozenset(state.tenants), notify_problem=desk.notify_problem, log_places=desk.log_places,
        directories=desk.directories,
    )  # fmt: skip


def read_ids(value: object) -> tuple[TaskId, ...]:
    """The tasks of an edit. Raises InvalidField, LimitReached."""
    is_list = isinstance(value, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
    if not isinstance(value, list) or not is_list or not value:
        raise InvalidField(field="ids", problem="this is not a list of tasks' ids", hint="write for example [3, 4]")
    if len(value) > MAX_EDITED:
        problem = f"{len(value)} tasks are named, at most {MAX_EDITED} are edited at once"
        raise LimitReached(limit="the number of tasks", problem=problem, hint="edit them in several parts")
    return tuple(TaskId(number) for number in dict.fromkeys(value))


async def edit(
    desk: Desk, caller: Caller, ids: Sequence[TaskId], document: object, versions: Sequence[str] | None = None
) -> list[Json]:
    """Make the same changes to these tasks, to all of them or to none. Raises GavelqError; nothing changed then."""
    caller.require_submit("editing tasks")
    changes = parse_changes(document)
    for number in range(TRIES):
        try:
            return await _edit_once(desk, caller, ids, changes, versions)
        except Overtaken:
            if number == TRIES - 1:
                raise
    raise AssertionError("the last try answers or raises")


async def _edit_once(
    desk: Desk, caller: Caller, ids: Sequence[TaskId], changes: Changes, versions: Sequence[str] | None
) -> list[Json]:
    tasks = [await _editable(desk, caller, number) for number in ids]
    for task in tasks:
        require_version(f"task {task.id}", version_of_task(task), versions)
    # What `queue move` and `queue priority` did to the task stays, too.
    bases = {task.id: replace(task.request, queue=task.queue, priority=task.priority) for task in tasks}
    envs = await _envs(desk, bases.values(), changes)
    intake = intake_for(desk, caller)
    requests = await asyncio.to_thread(_changed_ones, bases, changes, intake, envs)
    event = ev.TasksEdited(
        by=caller.name,
        requests=requests,
        fields=tuple(sorted(changes.fields)),
        based_on={task.id: task.request for task in tasks},
        blobs=intake.blobs,
    )
    try:
        edited: tuple[Task, ...] = await dependencies.ask(desk, caller, event)
    except Infeasible as error:
        raise _with_field(desk, error, requests) from None
    by_id = {task.id: task for task in edited}
    return [desk.task_json(by_id[number], caller) for number in ids]


async def _editable(desk: Desk, caller: Caller, number: TaskId) -> Task:
    task = await desk.require(caller, number)
    if task.state.is_ended:
        raise WrongState(
            what=f"task {number}", state=task.state.value, problem="it has ended; ends never reopen",
            hint=f"run it again with changes: gavelq task rerun {number} ...",
        )  # fmt: skip
    return task


async def _envs(desk: Desk, requests: Iterable[TaskRequest], changes: Changes) -> dict[BlobKey, dict[str, str]]:
    """The environments of these requests, where those change."""
    if "env" not in changes.fields:
        return {}
    return {key: read_env(await desk.store.blob(key)) for key in {request.env for request in requests}}


async def env_names(desk: Desk, request: TaskRequest) -> list[str]:
    """The names of the variables that a task was submitted with. Never a value; none for leases, which run nothing."""
    if isinstance(request.command, Lease):
        return []
    try:
        return sorted(read_env(await desk.store.blob(request.env)))
    except KeyError:  # pruned with the task's story while it is being told
        return []


def _changed_ones(
    bases: Mapping[TaskId, TaskRequest], changes: Changes, intake: Intake, envs: Mapping[BlobKey, Mapping[str, str]]
) -> dict[TaskId, TaskRequest]:
    """In a thread: the directory of a task may lie on a hanging server."""
    found = {}
    for number, base in bases.items():
        try:
            found[number] = changed(base, changes, intake, envs.get(base.env))
        except GavelqError as error:
            if len(bases) > 1:
                error.message = f"task {number}: {error.message}"
            raise
    return found


def _with_field(desk: Desk, error: Infeasible, requests: Mapping[TaskId, TaskRequest]) -> GavelqError:
    """The error with the field that asks for too much."""
    found = impossible_ones({int(number): one for number, one in requests.items()}, View(desk.state))
    return next(iter(found.values()), error)


async def rerun(desk: Desk, caller: Caller, task: Task, document: object, key: str | None) -> TaskId:
    """A new task with the request of one that has ended, and changes; its id. Raises GavelqError.

    What the old one depended on is history: the new one depends on nothing, unless the changes say so.
    """
    caller.require_submit("running a task again")
    changes = parse_changes(document) if document else None
    digest = "" if key is None else digest_of([task.id, document])
    before = once.tasks_of(desk, caller, key, digest)
    if before is not None:
        return before[0]
    if not task.state.is_ended:
        raise WrongState(
            what=f"task {task.id}", state=task.state.value, problem="only an ended task can be run again",
            hint=f"see what it does with: gavelq task why {task.id}",
        )  # fmt: skip
    # What was done to it later stays: another queue and priority, and that it was let go.
    request = replace(
        task.request, depends_on=(), queue=task.queue, priority=task.priority,
        hold=task.request.hold and not task.n_attempts, lane=None,
    )  # fmt: skip
    intake = intake_for(desk, caller)
    if changes is not None:
        envs = await _envs(desk, [request], changes)
        request = (await asyncio.to_thread(_changed_ones, {task.id: request}, changes, intake, envs))[task.id]
    queue = desk.state.queues.get(request.queue)
    if queue is not None:  # its cap may be a newer one
        hint = f"ask for less: gavelq task rerun {task.id} -t LIMIT"
        request = replace(request, time_limit_s=queue.limit_for(request.time_limit_s, hint=hint))
    if not await asyncio.to_thread(os.path.isdir, request.workdir):
        raise WrongState(
            what=f"directory {request.workdir}", state="gone", problem=f"task {task.id} ran there",
            hint="make it again, or name another one with -w DIR",
        )  # fmt: skip
    scoped = None if key is None else once.scoped(caller, key)
    event = ev.TasksSubmitted(by=caller.name, requests=(request,), blobs=intake.blobs, key=scoped, digest=digest)
    try:
        ids: tuple[TaskId, ...] = await dependencies.ask(desk, caller, event)
    except Infeasible as error:
        raise _with_field(desk, error, {task.id: request}) from None
    return ids[0]
