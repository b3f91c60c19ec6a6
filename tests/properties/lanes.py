"""What must hold of the lanes of command files."""

from collections.abc import Mapping

from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.task import Task
from tests.properties.expected import LIVE


def before_it(state: State, task: Task) -> list[Task]:
    """Those that come before a task in its lane and have not ended."""
    return [one for one in state.tasks.values() if _same(one, task) and place_of(one) < place_of(task)]


def check(state: State) -> None:
    """In each lane at most one runs, the first; and each task knows the one before it."""
    for task in state.tasks.values():
        if task.request.lane is None:
            continue
        before = before_it(state, task)
        assert task.behind == max(before, key=place_of).id if before else task.behind is None, (
            f"task {task.id}: {before}"
        )
        assert not before or task.state not in LIVE, f"task {task.id} runs before {[one.id for one in before]}"


def was_given_up(gone: Mapping[TaskId, Task], task: Task) -> bool:
    """Whether one before it in its lane failed, and takes the rest with it."""
    failed = (TaskState.FAILED, TaskState.ABORTED)
    return any(_same(one, task) and one.state in failed and place_of(one) < place_of(task) for one in gone.values())


def _same(one: Task, other: Task) -> bool:
    if one is other or one.request.lane is None:
        return False
    return (one.submission_id, lane_of(one)) == (other.submission_id, lane_of(other))


def lane_of(task: Task) -> str | None:
    """The lane of a task."""
    return task.request.lane.lane if task.request.lane is not None else None


def place_of(task: Task) -> int:
    """Its place there."""
    return task.request.lane.at if task.request.lane is not None else -1
