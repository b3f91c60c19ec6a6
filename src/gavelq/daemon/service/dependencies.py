"""Requests that depend on other tasks: live ones are the engine's matter, ended ones are looked up in the store."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gavelq.core import events as ev
from gavelq.core.dependencies import FIELDS, still_open
from gavelq.core.engine import handle
from gavelq.core.errors import GavelqError, TaskNotFound
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.step import Step
from gavelq.core.task import Dependency, Task, TaskRequest
from gavelq.core.view import View
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, dependency_json

LOOKS = 10
"""How often the store is looked into, because a dependency ended between a look and the engine's answer."""
GRAPH = 60
"""How many tasks around one are shown."""

_Asked = ev.TasksSubmitted | ev.TasksEdited


async def ask(desk: Desk, caller: Caller, event: _Asked) -> Any:
    """Hand in an event with all that the store knows about what its tasks depend on; the engine's reply.

    Raises TaskNotFound for a dependency that does not exist or belongs to another tenant, and what the engine raises.
    """
    if isinstance(event, ev.TasksSubmitted) and event.key is not None and event.key in desk.state.keys:
        return await desk.loop.ask(event)  # a repetition: its tasks are there already
    wanted = _new_ones(event)
    for look in range(LOOKS):
        ended = await _ended_ones(desk, caller, wanted)
        try:
            return await desk.loop.ask(replace(event, ended=ended) if ended else event)
        except TaskNotFound as error:
            # Ended since the look. Where that is on its way to the disk the store cannot tell yet; but the next answer
            # comes after that commit, so that the look behind it finds the end.
            if "field" not in error.details or look == LOOKS - 1:
                raise
    raise AssertionError("the last look answers or raises")


async def judge(desk: Desk, caller: Caller, event: ev.TasksSubmitted) -> Step:
    """What the engine would answer to a submission at this moment; nothing is handed in.

    Raises what `ask` raises.
    """
    ended = await _ended_ones(desk, caller, _new_ones(event))
    return handle(View(desk.state), replace(event, ended=ended), desk.clock.now(), desk.loop.rules)


async def wrong_ones(desk: Desk, caller: Caller, requests: Mapping[int, TaskRequest]) -> dict[int, GavelqError]:
    """By index the requests that depend on what does not exist, or on what can never come."""
    known: dict[tuple[Dependency, ...], GavelqError | None] = {}
    for wanted in dict.fromkeys(request.depends_on for request in requests.values()):
        known[wanted] = await _error_of(desk, caller, wanted)
    found = ((index, known[request.depends_on]) for index, request in requests.items())
    return {index: error for index, error in found if error is not None}


async def _error_of(desk: Desk, caller: Caller, wanted: tuple[Dependency, ...]) -> GavelqError | None:
    try:
        still_open(View(desk.state), wanted, await _ended_ones(desk, caller, wanted))
    except GavelqError as error:
        return error
    return None


def _new_ones(event: _Asked) -> Sequence[Dependency]:
    """What has to be looked up; of edited tasks what they did not depend on before (that may be forgotten by now)."""
    if isinstance(event, ev.TasksSubmitted):
        different = dict.fromkeys(request.depends_on for request in event.requests)
        return tuple(dict.fromkeys(one for wanted in different for one in wanted))
    old = {task_id: set(request.depends_on) for task_id, request in event.based_on.items()}
    pairs = ((old.get(task_id, set()), one) for task_id, to in event.requests.items() for one in to.depends_on)
    return tuple(dict.fromkeys(one for before, one in pairs if one not in before))


async def _ended_ones(desk: Desk, caller: Caller, wanted: Iterable[Dependency]) -> dict[TaskId, TaskState]:
    ended: dict[TaskId, TaskState] = {}
    for number, field in {one.task_id: FIELDS[one.kind] for one in wanted}.items():
        task = await desk.find(number)
        if task is None or not caller.owns(task.request.tenant):
            raise TaskNotFound(task_id=number, field=field)
        if task.state.is_ended:
            ended[task.id] = task.state
    return ended


async def graph(desk: Desk, caller: Caller, task: Task) -> list[Json]:
    """The tasks around this one: what it depends on, and what waits for it, as far as that goes; itself first.

    Those of another tenant are left out.
    """
    found = {task.id: task}
    for is_upward in (True, False):
        todo = deque([task])
        while todo:
            at = todo.popleft()
            if at.state.is_ended and at.id != task.id:
                continue  # how an ended one came to start is an old story
            near = [one.task_id for one in at.request.depends_on] if is_upward else dependents(desk, at.id)
            for number in near:
                if number in found or len(found) >= GRAPH:
                    continue
                other = await desk.find(number)
                if other is not None and caller.owns(other.request.tenant):
                    found[number] = other
                    todo.append(other)
    return [_node(desk, caller, one) for one in found.values()]


def dependents(desk: Desk, task_id: TaskId) -> list[TaskId]:
    """The tasks that wait for this one to end, by id."""
    return sorted(desk.state.dependents.get(task_id, ()))


def _node(desk: Desk, caller: Caller, task: Task) -> Json:
    return {
        "id": task.id,
        "name": task.request.name,
        "state": task.state.value,
        "end_reason": task.ending.reason.value if task.ending else None,
        "dependencies": [dependency_json(one, task) for one in task.request.depends_on],
        "dependents": desk.discretion(caller).ids(dependents(desk, task.id)),
    }
