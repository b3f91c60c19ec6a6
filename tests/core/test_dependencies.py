"""Who may start when others have ended, who never can, and what cascades."""

from collections.abc import Mapping
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.effects import Wake
from gavelq.core.engine import handle
from gavelq.core.engine.settling import settle
from gavelq.core.errors import Refused, TaskNotFound
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.step import Step
from gavelq.core.task import Dependency, DependencyKind
from gavelq.core.view import View
from tests.support.builders import World, request, uuid

OK, ANY, FAIL = DependencyKind.OK, DependencyKind.ANY, DependencyKind.FAIL
HISTORY = TaskId(1)


def after(*ids: int, kind: DependencyKind = OK) -> tuple[Dependency, ...]:
    """Dependencies of one kind."""
    return tuple(Dependency(task_id=TaskId(number), kind=kind) for number in ids)


def depend(world: World, *wanted: Dependency, ended: Mapping[TaskId, TaskState] | None = None, **given: Any) -> TaskId:
    """One task with dependencies."""
    event = ev.TasksSubmitted(by="me", requests=(request(depends_on=wanted, **given),), blobs={}, ended=ended or {})
    ids: tuple[TaskId, ...] = world.send(event)
    return ids[0]


def answer(world: World, event: ev.Event) -> Step:
    """The step that answers an event, applied. The invariants are not looked at: ten thousand steps cannot pay that."""
    step = handle(View(world.state), event, world.now, world.rules)
    world.state.apply(step.changes)
    world.gone |= {t: task for t, task in step.changes.tasks.items() if task is not None and task.state.is_ended}
    return step


def kill(world: World, task_id: TaskId) -> None:
    """End a task that has not started."""
    world.send(ev.TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))


def run(world: World, task_id: TaskId) -> None:
    """Start a task, whatever a cycle would say."""
    free = next(card for card in world.state.cards if not world.state.ledger.on(card))
    world.send(ev.PlanMade(starts=(ev.Placement(task_id=task_id, gpus=(GpuUuid(free),)),), reservations={}))
    world.started(task_id)


def finish(world: World, task_id: TaskId, exit_code: int = 0) -> None:
    """Run a task to its end."""
    run(world, task_id)
    world.ended(task_id, exit_code)


def told(world: World, task_id: TaskId) -> str:
    """How an ended task ended: its state and the detail."""
    task = world.gone[task_id]
    assert task.ending is not None
    return f"{task.state}, {task.ending.reason}: {task.ending.detail}"


def index(state: State) -> dict[TaskId, set[TaskId]]:
    """The index of dependents as it must be."""
    found: dict[TaskId, set[TaskId]] = {}
    for task in state.tasks.values():
        for dependency in task.waits_for:
            found.setdefault(dependency.task_id, set()).add(task.id)
    return found


@pytest.mark.parametrize(
    ("kind", "exit_code", "is_let_go"),
    [(OK, 0, True), (OK, 1, False), (ANY, 0, True), (ANY, 1, True), (FAIL, 0, False), (FAIL, 1, True)],
)
def test_an_end_lets_those_go_that_waited_for_such_an_end(
    kind: DependencyKind, exit_code: int, is_let_go: bool
) -> None:
    world = World()
    first = world.submit()
    second = depend(world, *after(first, kind=kind))
    assert world.task(second).waits_for == after(first, kind=kind)
    finish(world, first, exit_code)
    if is_let_go:
        assert world.task(second).state is TaskState.PENDING
        assert world.task(second).waits_for == ()
    else:
        assert world.gone[second].state is TaskState.ABORTED
    assert world.state.dependents == {}


def test_the_abort_names_the_task_and_how_it_ended() -> None:
    world = World()
    failing, fine, cancelled = world.submit(), world.submit(), world.submit()
    of_failing, of_fine = depend(world, *after(failing)), depend(world, *after(fine, kind=FAIL))
    of_cancelled = depend(world, *after(cancelled))
    finish(world, failing, 3)
    finish(world, fine)
    kill(world, cancelled)
    assert told(world, of_failing) == "aborted, dependency_failed: task 1 failed (exit_nonzero)"
    assert told(world, of_fine) == "aborted, dependency_failed: task 2 completed, and this one waits for it to fail"
    assert told(world, of_cancelled) == "aborted, dependency_failed: task 3 was cancelled (cancelled_by_user)"


def test_an_abort_cascades_and_says_so_link_by_link() -> None:
    world = World()
    first = world.submit()
    second = depend(world, *after(first))
    third = depend(world, *after(second))
    watcher = depend(world, *after(third, kind=FAIL))
    kill(world, first)
    assert told(world, third) == "aborted, dependency_failed: task 2 was aborted (dependency_failed)"
    assert world.task(watcher).waits_for == ()
    assert world.task(watcher).state is TaskState.PENDING


def test_ten_thousand_links_fall_in_one_step() -> None:
    world = World()
    first = last = world.submit()
    for _ in range(10_000):
        step = answer(world, ev.TasksSubmitted(by="me", requests=(request(depends_on=after(last)),), blobs={}))
        last = step.reply[0]
    assert len(world.state.tasks) == 10_001
    kill(world, first)
    assert world.state.tasks == {}
    assert told(world, last).endswith("task 10000 was aborted (dependency_failed)")


def test_the_bottom_of_a_diamond_starts_after_both_sides() -> None:
    world = World()
    top = world.submit()
    left, right = depend(world, *after(top)), depend(world, *after(top))
    bottom = depend(world, *after(left, right))
    finish(world, top)
    finish(world, left)
    assert world.task(bottom).waits_for == after(right)
    assert index(world.state) == world.state.dependents == {right: {bottom}}
    finish(world, right)
    assert world.task(bottom).waits_for == ()


def test_a_diamond_falls_once() -> None:
    world = World()
    top = world.submit()
    left, right = depend(world, *after(top)), depend(world, *after(top))
    bottom = depend(world, *after(left, right))
    step = answer(world, ev.TaskKilled(by="me", task_id=top, signal=15, is_ending=True))
    told_of = [(record.task_id, record.kind) for record in step.changes.records]
    assert told_of == [(task_id, "ended") for task_id in (top, left, right, bottom)]


def test_a_removed_task_counts_as_cancelled() -> None:
    world = World()
    held = world.submit(hold=True)
    strict, patient = depend(world, *after(held)), depend(world, *after(held, kind=ANY))
    world.send(ev.TaskRemoved(by="me", task_id=held))
    assert told(world, strict) == "aborted, dependency_failed: task 1 was removed"
    assert world.task(patient).waits_for == ()


def test_held_tasks_are_let_go_and_fall_like_pending_ones() -> None:
    world = World()
    good, bad = world.submit(), world.submit()
    let_go, falls = depend(world, *after(good), hold=True), depend(world, *after(bad), hold=True)
    finish(world, good)
    finish(world, bad, 1)
    assert world.task(let_go).state is TaskState.HELD
    assert world.task(let_go).waits_for == ()
    assert world.gone[falls].state is TaskState.ABORTED


def test_a_task_that_is_tried_again_has_not_ended() -> None:
    world = World()
    first = world.submit(requeue=True)
    second = depend(world, *after(first, kind=ANY))
    run(world, first)
    world.ended(first, None, cause="lost")
    assert world.task(first).state is TaskState.PENDING
    assert world.task(second).waits_for == after(first, kind=ANY)


def test_an_end_wakes_the_scheduler_for_those_it_let_go() -> None:
    world = World()
    held = world.submit(hold=True)
    depend(world, *after(held, kind=ANY))
    step = Step()
    step.changes.tasks[held] = None
    settle(View(world.state), step, world.now)
    assert step.effects == [Wake()]


def test_a_released_gpu_ends_its_task_and_what_waits_for_it() -> None:
    world = World()
    first = world.submit()
    second = depend(world, *after(first))
    run(world, first)
    world.send(ev.GpuReleased(by="me", gpu=uuid(0)))
    assert world.task(second).waits_for == after(first)
    world.ended(first, None, signal=15, cause="stopped")
    assert told(world, second) == "aborted, dependency_failed: task 1 was aborted (gpu_released)"


def test_several_dependencies_on_one_task_are_fine_while_one_end_can_meet_them() -> None:
    world = World()
    first = world.submit()
    second = depend(world, *after(first), *after(first, kind=ANY))
    with pytest.raises(Refused, match="cannot both complete and fail"):
        depend(world, *after(first), *after(first, kind=FAIL))
    finish(world, first)
    assert world.task(second).waits_for == ()


def test_what_has_ended_well_is_not_waited_for() -> None:
    world = World()
    finish(world, world.submit())
    live = world.submit()
    task_id = depend(world, *after(HISTORY, live), ended={HISTORY: TaskState.COMPLETED})
    assert world.task(task_id).waits_for == after(live)
    assert world.task(task_id).request.depends_on == after(HISTORY, live)


@pytest.mark.parametrize(
    ("kind", "state", "said"),
    [
        (OK, TaskState.FAILED, "wait for task 1 to complete, and task 1 failed"),
        (OK, TaskState.CANCELLED, "wait for task 1 to complete, and task 1 was cancelled"),
        (FAIL, TaskState.COMPLETED, "wait for task 1 to fail, and task 1 completed"),
    ],
)
def test_what_can_never_be_met_is_refused_with_the_field(kind: DependencyKind, state: TaskState, said: str) -> None:
    world = World()
    kill(world, world.submit())
    with pytest.raises(Refused, match=said) as refused:
        depend(world, *after(HISTORY, kind=kind), ended={HISTORY: state})
    assert refused.value.details["field"] == {OK: "after", FAIL: "after_fail"}[kind]
    assert world.state.tasks == {}


def test_unknown_ids_and_the_own_one_are_refused() -> None:
    world = World()
    for number in (1, 99):  # the id that it would get itself, and one far away
        with pytest.raises(TaskNotFound) as refused:
            depend(world, *after(number, kind=ANY))
        assert refused.value.details == {"task_id": number, "field": "after_any"}
    assert world.state.tasks == {}


def test_a_repeated_key_gives_the_tasks_although_a_dependency_has_failed_since() -> None:
    world = World()
    first = world.submit()
    event = ev.TasksSubmitted(by="me", requests=(request(depends_on=after(first)),), blobs={}, key="me:k")
    ids = world.send(event)
    kill(world, first)
    assert world.send(event) == ids


def test_the_index_follows_a_commit_that_failed() -> None:
    world = World()
    first = world.submit()
    committed = State()
    committed.apply(world.state.as_changes())
    changes = answer(world, ev.TasksSubmitted(by="me", requests=(request(depends_on=after(first)),), blobs={})).changes
    assert world.state.dependents == {first: {TaskId(2)}}
    world.state.revert(changes, committed)
    assert world.state.dependents == {}


def test_a_restarted_state_has_the_same_dependents() -> None:
    world = World()
    first = world.submit()
    second = depend(world, *after(first), hold=True)
    again = World(state=State())
    again.state.apply(world.state.as_changes())
    assert again.state.dependents == {first: {second}}
    kill(again, first)
    assert again.gone[second].state is TaskState.ABORTED


def test_moving_and_holding_leave_the_dependencies_open() -> None:
    world = World()
    first = world.submit()
    second = depend(world, *after(first))
    world.send(ev.TaskMoved(by="me", task_id=second, queue=QueueName("waiting")))
    world.send(ev.TaskReleased(by="me", task_id=second))
    assert world.task(second).waits_for == after(first)
    assert world.state.dependents == {first: {second}}
