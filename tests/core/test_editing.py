"""What an edit changes, what it is refused for, and that it changes all of its tasks or none."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.engine.editing import Overtaken
from gavelq.core.errors import GpuNotFound, Infeasible, QueueNotFound, Refused, TaskNotFound, WrongState
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.retrying import RetryRules
from gavelq.core.task import Dependency, DependencyKind, GpuRequest, TaskRequest
from gavelq.core.units import MiB
from tests.support.builders import GIB, World, request, uuid


def after(*ids: int, kind: DependencyKind = DependencyKind.OK) -> tuple[Dependency, ...]:
    """Dependencies of one kind."""
    return tuple(Dependency(task_id=TaskId(number), kind=kind) for number in ids)


def edit(
    world: World, *ids: TaskId, ended: Mapping[TaskId, TaskState] | None = None,
    based_on: Mapping[TaskId, TaskRequest] | None = None, **changed: Any,
) -> Any:  # fmt: skip
    """Change the same fields of these tasks."""
    requests = {task_id: replace(world.task(task_id).request, **changed) for task_id in ids}
    return world.send(
        ev.TasksEdited(
            by="me", requests=requests, fields=tuple(changed), ended=ended or {}, based_on=based_on or {}
        )
    )  # fmt: skip


def run(world: World, task_id: TaskId) -> None:
    """Start a task, whatever a cycle would say."""
    world.send(ev.PlanMade(starts=(ev.Placement(task_id=task_id, gpus=(GpuUuid(uuid(0)),)),), reservations={}))
    world.started(task_id)


def test_an_edit_changes_what_it_names_and_tells_it() -> None:
    world = World()
    task_id = world.submit()
    (found,) = edit(world, task_id, name="better", priority=7, gpus=GpuRequest(count=2))
    assert found == world.task(task_id)
    assert (found.request.name, found.priority, found.request.gpus.count) == ("better", 7, 2)
    assert world.run_all() == [task_id]
    assert len(world.gpus(task_id)) == 2


def test_priority_and_queue_stay_as_they_were_set_meanwhile_unless_they_are_edited() -> None:
    world = World()
    task_id = world.submit()
    world.send(ev.QueueCreated(by="me", name=QueueName("q"), options={}))
    world.send(ev.TaskPrioritized(by="me", task_id=task_id, priority=50))
    world.send(ev.TaskMoved(by="me", task_id=task_id, queue=QueueName("q")))
    edit(world, task_id, name="other")
    assert (world.task(task_id).priority, world.task(task_id).queue) == (50, "q")


def test_a_task_that_has_started_is_not_edited_and_neither_are_the_others() -> None:
    world = World()
    running, pending = world.submit(), world.submit()
    run(world, running)
    with pytest.raises(WrongState, match="task 1 is running") as refused:
        edit(world, pending, running, name="x")
    assert "gavelq task rerun 1" in refused.value.hint
    assert world.task(pending).request.name == "t"


def test_an_unknown_task_is_named() -> None:
    world = World()
    with pytest.raises(TaskNotFound, match="no task 9"):
        world.send(ev.TasksEdited(by="me", requests={TaskId(9): request()}, fields=("name",)))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"gpus": GpuRequest(count=5)}, Infeasible),
        ({"gpus": GpuRequest(memory=MiB(25 * GIB))}, Infeasible),
        ({"gpus": GpuRequest(allowed=(GpuUuid("GPU-gone"),))}, GpuNotFound),
        ({"queue": QueueName("nowhere")}, QueueNotFound),
    ],
)
def test_what_a_submission_would_be_refused_for_an_edit_is_refused_for(
    changed: dict[str, Any], error: type[Exception]
) -> None:
    world = World()
    first, second = world.submit(), world.submit()
    with pytest.raises(error):
        edit(world, first, second, **changed)
    assert world.task(first).request == world.task(second).request == request()


def test_the_impossible_can_be_allowed_by_an_edit() -> None:
    world = World()
    task_id = world.submit()
    edit(world, task_id, gpus=GpuRequest(count=5), allow_infeasible=True)
    assert world.task(task_id).request.gpus.count == 5


def test_another_queues_card_is_refused_but_not_for_an_edit_of_something_else() -> None:
    world = World()
    task_id = world.submit(allowed=(uuid(1),))
    world.send(ev.QueueCreated(by="me", name=QueueName("q"), options={}))
    world.send(ev.GpusAllocated(by="me", queue=QueueName("q"), gpus=(uuid(1),)))
    with pytest.raises(Refused, match="belongs to queue q"):
        edit(world, task_id, gpus=GpuRequest(allowed=(uuid(1), uuid(2)), count=2))
    edit(world, task_id, name="other")
    edit(world, task_id, queue=QueueName("q"))
    assert world.task(task_id).queue == "q"


def test_a_hold_queue_holds_and_another_one_lets_go_unless_somebody_holds_it() -> None:
    world = World()
    free, kept = world.submit(), world.submit(hold=True)
    edit(world, free, kept, queue=QueueName("waiting"))
    assert {world.task(t).state for t in (free, kept)} == {TaskState.HELD}
    edit(world, free, kept, queue=QueueName("running"))
    assert (world.task(free).state, world.task(kept).state) == (TaskState.PENDING, TaskState.HELD)


def test_hold_can_be_edited_both_ways() -> None:
    world = World()
    task_id = world.submit()
    edit(world, task_id, hold=True)
    assert world.task(task_id).state is TaskState.HELD
    edit(world, task_id, name="still held")
    assert world.task(task_id).is_held_by_user
    edit(world, task_id, hold=False)
    assert world.task(task_id).state is TaskState.PENDING


def test_a_release_forgets_why_a_task_was_held() -> None:
    world = World()
    task_id = world.submit(hold=True)
    told = replace(world.task(task_id), hold_reason="5 fast failures in a row")
    world.state.tasks[task_id] = told
    world.send(ev.TaskReleased(by="me", task_id=task_id))
    assert world.task(task_id).hold_reason == ""


def test_other_retry_rules_end_a_pause() -> None:
    world = World()
    task_id = world.submit()
    run(world, task_id)
    world.send(ev.SpawnFailed(task_id=task_id, attempt=1, problem="no process slot", is_transient=True))
    assert world.task(task_id).retry_at is not None
    edit(world, task_id, name="other")
    assert world.task(task_id).retry_at is not None
    edit(world, task_id, retry=RetryRules(retries=3))
    assert world.task(task_id).retry_at is None


def test_a_log_file_of_ones_own_is_used_and_given_up_again() -> None:
    world = World()
    task_id = world.submit()
    edit(world, task_id, log_path="/tmp/own.log")
    assert world.task(task_id).log_path == "/tmp/own.log"
    edit(world, task_id, log_path=None)
    assert world.task(task_id).log_path == "/logs/1.log"


def test_dependencies_are_added_and_taken_back() -> None:
    world = World()
    first, second = world.submit(), world.submit()
    edit(world, second, depends_on=after(first))
    assert world.task(second).waits_for == after(first)
    edit(world, second, depends_on=())
    assert world.task(second).waits_for == ()
    assert world.state.dependents == {}


def test_what_was_met_stays_met_though_its_task_is_forgotten() -> None:
    world = World()
    first, second, third = world.submit(), world.submit(), world.submit()
    edit(world, third, depends_on=after(first))
    run(world, first)
    world.ended(first)
    edit(world, third, depends_on=after(first, second))  # nobody says how task 1 ended
    assert world.task(third).waits_for == after(second)


def test_an_edit_can_wait_for_history_and_is_refused_what_can_never_be_met() -> None:
    world = World()
    first, second = world.submit(), world.submit()
    run(world, first)
    world.ended(first, 1)
    ended = {first: TaskState.FAILED}
    with pytest.raises(TaskNotFound):
        edit(world, second, depends_on=after(first))
    with pytest.raises(Refused, match="task 1 failed"):
        edit(world, second, depends_on=after(first), ended=ended)
    edit(world, second, depends_on=after(first, kind=DependencyKind.FAIL), ended=ended)
    assert world.task(second).waits_for == ()
    assert world.task(second).request.depends_on == after(first, kind=DependencyKind.FAIL)


def test_a_circle_is_refused_with_its_way() -> None:
    world = World()
    one, two, three = world.submit(), world.submit(), world.submit()
    edit(world, two, depends_on=after(one))
    edit(world, three, depends_on=after(two))
    with pytest.raises(Refused, match="wait for each other: 1 -> 3 -> 2 -> 1") as refused:
        edit(world, one, depends_on=after(three))
    assert refused.value.details["circle"] == [1, 3, 2, 1]
    assert refused.value.details["field"] == "after"
    with pytest.raises(Refused, match="task 1 cannot wait for itself"):
        edit(world, one, depends_on=after(one))
    assert world.task(one).waits_for == ()


def test_a_circle_among_tasks_that_are_edited_together_is_seen() -> None:
    world = World()
    ids = [world.submit() for _ in range(3)]
    with pytest.raises(Refused, match="task 1 cannot wait for itself"):
        edit(world, *ids, depends_on=after(*ids))
    requests = {
        ids[0]: request(depends_on=after(ids[1])), ids[1]: request(depends_on=after(ids[2])),
        ids[2]: request(depends_on=after(ids[1])),
    }  # fmt: skip
    with pytest.raises(Refused, match="2 -> 3 -> 2"):
        world.send(ev.TasksEdited(by="me", requests=requests, fields=("after",)))


def test_a_diamond_is_no_circle() -> None:
    world = World()
    top, left, right, bottom = (world.submit() for _ in range(4))
    edit(world, left, right, depends_on=after(top))
    edit(world, bottom, depends_on=after(left, right, top))
    assert len(world.task(bottom).waits_for) == 3


def test_a_way_with_many_forks_is_looked_through_once() -> None:
    world = World()
    above: tuple[TaskId, ...] = (world.submit(hold=True),)
    for _ in range(40):  # 2 ** 40 ways from the last one to the first
        pair = (world.submit(hold=True), world.submit(hold=True))
        edit(world, *pair, depends_on=after(*above))
        above = pair
    last = world.submit()
    edit(world, last, depends_on=after(*above))
    assert world.task(last).waits_for == after(*above)


def test_an_edit_of_what_somebody_else_has_changed_is_not_made() -> None:
    world = World()
    task_id = world.submit()
    seen = world.task(task_id).request
    edit(world, task_id, name="theirs")
    with pytest.raises(Overtaken):
        edit(world, task_id, tags=("mine",), based_on={task_id: seen})
    assert world.task(task_id).request.name == "theirs"


def test_the_same_edit_twice_is_told_once() -> None:
    world = World()
    task_id = world.submit()
    edit(world, task_id, name="other", env=BlobKey("e2"))
    before = world.task(task_id)
    edit(world, task_id, name="other", env=BlobKey("e2"))
    assert world.task(task_id) is before
