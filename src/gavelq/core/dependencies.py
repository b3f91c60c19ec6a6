"""What it takes for a dependency to be met, which ones are still open, and whether they run in a circle."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from gavelq.core.errors import Refused, TaskNotFound
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Dependency, DependencyKind, Ending, Task

FIELDS = {DependencyKind.OK: "after", DependencyKind.ANY: "after_any", DependencyKind.FAIL: "after_fail"}
"""The field of a task object that each kind is written in."""
_WANTED = {DependencyKind.OK: "to complete", DependencyKind.ANY: "to end", DependencyKind.FAIL: "to fail"}


class LiveTasks(Protocol):
    """Where tasks that have not ended are found."""

    def find_task(self, task_id: TaskId) -> Task | None:
        """A task that has not ended."""
        ...


def is_met(kind: DependencyKind, state: TaskState) -> bool:
    """Whether a task that ended in this state lets those go that wait for it in this way.

    False means never: ends do not reopen. A task that was cancelled or aborted has failed to complete.
    """
    match kind:
        case DependencyKind.OK:
            return state is TaskState.COMPLETED
        case DependencyKind.FAIL:
            return state is not TaskState.COMPLETED
    return True


def wish(dependency: Dependency) -> str:
    """`task 3 to complete`."""
    return f"task {dependency.task_id} {_WANTED[dependency.kind]}"


def waiting_for(task: Task, most: int = 5) -> str:
    """`waits for task 3 to complete, task 4 to end`; of many the first."""
    named = ", ".join(wish(dependency) for dependency in task.waits_for[:most])
    more = len(task.waits_for) - most
    return f"waits for {named}" + (f" and {more} more" if more > 0 else "")


def waited_for(task: Task, most: int = 5) -> dict[str, Any]:
    """The same as data: `waits_for` (`task`, `kind`), and how many there are."""
    named = [{"task": dependency.task_id, "kind": dependency.kind.value} for dependency in task.waits_for[:most]]
    return {"waits_for": named, "n": len(task.waits_for)}


def waiting_behind(task: Task) -> str:
    """`task 7 comes before it in lane 2`."""
    lane = task.request.lane.lane if task.request.lane is not None else ""
    return f"task {task.behind} comes before it in lane {lane}"


def waited_behind(task: Task) -> dict[str, Any]:
    """The same as data."""
    return {"task": task.behind, "lane": task.request.lane.lane if task.request.lane is not None else None}


def end_told(task_id: TaskId, state: TaskState, ending: Ending | None) -> str:
    """How a task ended: `task 3 failed (exit_nonzero)`; without an ending it is known by its state alone."""
    was = "was " if state in (TaskState.CANCELLED, TaskState.ABORTED) else ""
    why = f" ({ending.reason})" if ending is not None and state is not TaskState.COMPLETED else ""
    return f"task {task_id} {was}{state}{why}"


def broken_told(dependency: Dependency, told: str) -> str:
    """Why a dependency can never be met, `told` being how the other task ended."""
    if dependency.kind is DependencyKind.FAIL:
        return f"{told}, and this one waits for it to fail"
    return told


def still_open(
    view: LiveTasks, wanted: Iterable[Dependency], ended: Mapping[TaskId, TaskState]
) -> tuple[Dependency, ...]:
    """Those of these dependencies that have to be waited for. `ended` says how tasks that are history ended.

    Raises TaskNotFound for an id that is neither alive nor history, and Refused for what can never be met. Both name
    the field.
    """
    found: list[Dependency] = []
    kinds: dict[TaskId, DependencyKind] = {}
    for dependency in wanted:
        _require_sense(kinds, dependency)
        if view.find_task(dependency.task_id) is not None:
            found.append(dependency)
            continue
        state = ended.get(dependency.task_id)
        if state is None:
            raise TaskNotFound(task_id=dependency.task_id, field=FIELDS[dependency.kind])
        if not is_met(dependency.kind, state):
            raise _never(dependency, state)
    return tuple(found)


def _require_sense(kinds: dict[TaskId, DependencyKind], dependency: Dependency) -> None:
    """Several dependencies on one task are fine, as long as one end can meet them all."""
    if dependency.kind is DependencyKind.ANY:
        return
    other = kinds.setdefault(dependency.task_id, dependency.kind)
    if other is not dependency.kind:
        raise Refused(
            problem=f"task {dependency.task_id} cannot both complete and fail",
            hint="name it in one of after and after_fail, or in after_any",
            field=FIELDS[dependency.kind],
        )


def _never(dependency: Dependency, state: TaskState) -> Refused:
    told = end_told(dependency.task_id, state, None)
    return Refused(
        problem=f"it would wait for {wish(dependency)}, and {told}",
        hint=f"leave task {dependency.task_id} out, name it in after_any, or run it again first with: "
        f"gavelq task rerun {dependency.task_id}",
        field=FIELDS[dependency.kind],
    )


def find_circle(view: LiveTasks, changed: Mapping[TaskId, tuple[Dependency, ...]]) -> tuple[TaskId, ...]:
    """Tasks that would wait for each other, such as (3, 5, 3); empty where there are none.

    `changed` holds the open dependencies that these tasks would have; other tasks have their own. Without these
    changes there is no circle, so that each one leads through a changed task.
    """
    cleared: set[TaskId] = set()
    for start in sorted(changed):
        way = {start: iter(_next(view, changed, start))} if start not in cleared else {}
        while way:  # a dict keeps the order in which the way was gone
            at = next(reversed(way))
            following = next(way[at], None)
            if following is None:
                del way[at]
                cleared.add(at)
            elif following in way:
                gone = list(way)
                return (*gone[gone.index(following) :], following)
            elif following not in cleared:
                way[following] = iter(_next(view, changed, following))
    return ()


def _next(view: LiveTasks, changed: Mapping[TaskId, tuple[Dependency, ...]], task_id: TaskId) -> list[TaskId]:
    if task_id in changed:
        return [dependency.task_id for dependency in changed[task_id]]
    task = view.find_task(task_id)
    return [] if task is None else [dependency.task_id for dependency in task.waits_for]
