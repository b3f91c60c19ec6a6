"""The lifecycle table is the only door to a task's state."""

from dataclasses import replace

import pytest

from gavelq.core.effects import Forget, SendSignal, StopAttempt
from gavelq.core.errors import IllegalMove, WrongState
from gavelq.core.events import (
    AttemptEnded,
    GpuDrained,
    GpuReleased,
    SpawnFailed,
    TaskHeld,
    TaskKilled,
    TaskMoved,
    TaskReleased,
)
from gavelq.core.ids import RUNNING_QUEUE, WAITING_QUEUE, TaskId
from gavelq.core.lifecycle import END_STATES, ENDED, TABLE, EndReason, TaskState
from gavelq.core.task import Ending, Task, advance, end
from tests.support.builders import World, card, uuid


def test_ends_never_reopen() -> None:
    for state in ENDED:
        assert TABLE[state] == frozenset()


def test_starting_is_the_only_door_to_an_allocation() -> None:
    doors = {
        source
        for source, targets in TABLE.items()
        for t in targets
        if t.holds_gpus and not (source and source.holds_gpus)
    }
    assert doors == {TaskState.PENDING}


def test_every_end_reason_leads_to_an_end_state_that_the_table_can_reach() -> None:
    reachable = {target for targets in TABLE.values() for target in targets}
    assert set(END_STATES) == set(EndReason)
    assert all(state in ENDED and state in reachable for state in END_STATES.values())


def test_an_illegal_move_raises_with_the_tasks_story() -> None:
    world = World()
    task = world.task(world.submit())
    with pytest.raises(IllegalMove, match=rf"task {task.id} may not go from pending to running.*queue running"):
        advance(task, TaskState.RUNNING)


def test_an_end_needs_an_ending_and_a_live_state_has_none() -> None:
    world = World()
    task = world.task(world.submit())
    with pytest.raises(ValueError, match="do not agree"):
        advance(task, TaskState.CANCELLED)
    cancelled = end(task, Ending(reason=EndReason.CANCELLED_BY_USER, at=1.0))
    assert cancelled.state is TaskState.CANCELLED
    with pytest.raises(IllegalMove):
        advance(replace(cancelled, ending=None), TaskState.PENDING)


@pytest.mark.parametrize(
    ("exit_code", "signal", "state", "reason"),
    [
        (0, None, TaskState.COMPLETED, EndReason.EXIT_ZERO),
        (3, None, TaskState.FAILED, EndReason.EXIT_NONZERO),
        (None, 11, TaskState.FAILED, EndReason.SIGNALLED),
    ],
)
def test_an_exit_decides_the_end(
    exit_code: int | None, signal: int | None, state: TaskState, reason: EndReason
) -> None:
    world = World()
    ended = _run_to_end(world, exit_code=exit_code, signal=signal)
    assert (ended.state, ended.ending and ended.ending.reason) == (state, reason)
    assert world.state.ledger.on(uuid(0)) == {}


def _run_to_end(world: World, *, exit_code: int | None, signal: int | None) -> Task:
    task_id = world.submit()
    world.run_all()
    world.ended(task_id, exit_code=exit_code, signal=signal)
    return world.gone[task_id]


def _kill(task_id: TaskId, signal: int = 15, *, is_ending: bool = True) -> TaskKilled:
    return TaskKilled(by="me", task_id=task_id, signal=signal, is_ending=is_ending)


def test_killing_a_pending_task_cancels_it_at_once() -> None:
    world = World()
    task_id = world.submit()
    world.send(_kill(task_id))
    assert world.gone[task_id].state is TaskState.CANCELLED


def test_killing_a_running_task_stops_it_and_its_end_is_a_cancellation_whatever_the_exit_code() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    world.send(_kill(task_id))
    assert world.task(task_id).state is TaskState.STOPPING
    assert StopAttempt(task_id=task_id, attempt=1, signal=15) in world.effects
    world.ended(task_id, exit_code=0, cause="stopped")
    assert world.gone[task_id].state is TaskState.CANCELLED


def test_a_signal_that_does_not_end_tasks_is_only_delivered() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    world.send(_kill(task_id, 10, is_ending=False))
    assert world.task(task_id).state is TaskState.RUNNING
    assert SendSignal(task_id=task_id, attempt=1, signal=10) in world.effects


def test_a_task_that_ended_before_its_start_was_heard_of_still_ends_truly() -> None:
    world = World()
    task_id = world.submit()
    world.cycle()
    world.ended(task_id, exit_code=7)
    ending = world.gone[task_id].ending
    assert ending is not None
    assert (ending.reason, ending.exit_code) == (EndReason.EXIT_NONZERO, 7)


def test_a_repeated_report_changes_nothing() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    world.ended(task_id)
    before = len(world.effects)
    result = world.gone[task_id].attempt
    assert result is not None
    assert result.result is not None
    world.send(AttemptEnded(task_id=task_id, attempt=1, result=result.result))
    assert world.effects[before:] == [Forget(task_id=task_id, attempt=1)]


def test_a_passing_spawn_failure_waits_and_tries_again_a_lasting_one_fails() -> None:
    world = World()
    task_id = world.submit()
    world.cycle()
    world.send(SpawnFailed(task_id=task_id, attempt=1, problem="no process slot", is_transient=True))
    assert world.task(task_id).state is TaskState.PENDING
    assert world.cycle() == []
    assert world.reason(task_id) == "backoff"
    world.now += 2
    world.look(card(0))
    assert world.cycle() == [task_id]
    world.send(SpawnFailed(task_id=task_id, attempt=2, problem="no such program: foo", is_transient=False))
    assert world.gone[task_id].state is TaskState.FAILED
    ending = world.gone[task_id].ending
    assert ending is not None
    assert "foo" in ending.detail


def test_a_lost_task_is_aborted_and_requeued_only_when_it_asked_for_that() -> None:
    world = World()
    plain, again = world.submit(), world.submit(requeue=True)
    world.run_all()
    world.ended(plain, exit_code=None, cause="lost")
    world.ended(again, exit_code=None, cause="lost")
    assert world.gone[plain].state is TaskState.ABORTED
    assert world.task(again).state is TaskState.PENDING
    assert world.cycle() == [again]
    assert world.task(again).n_attempts == 2


def test_releasing_a_gpu_ends_its_tasks_or_puts_them_back() -> None:
    world = World(n_cards=2)
    first, second = world.submit(), world.submit()
    world.run_all()
    world.send(GpuReleased(by="me", gpu=uuid(0)))
    world.send(GpuReleased(by="me", gpu=uuid(1), requeue=True))
    world.ended(first, exit_code=None, signal=15, cause="stopped")
    world.ended(second, exit_code=None, signal=15, cause="stopped")
    ending = world.gone[first].ending
    assert ending is not None
    assert ending.reason is EndReason.GPU_RELEASED
    assert world.task(second).state is TaskState.PENDING


def test_a_requeued_task_that_is_cancelled_meanwhile_stays_cancelled() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    world.send(GpuReleased(by="me", gpu=uuid(0), requeue=True))
    world.send(_kill(task_id))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert world.gone[task_id].state is TaskState.CANCELLED


def test_a_cancelled_task_is_not_put_back_by_a_later_requeue() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    world.send(_kill(task_id))
    world.send(GpuReleased(by="me", gpu=uuid(0), requeue=True))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert world.gone[task_id].state is TaskState.CANCELLED


def test_a_drained_task_that_still_exits_zero_counts_as_completed() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    world.send(GpuDrained(by="me", gpu=uuid(0), stop_now=True))
    world.ended(task_id, exit_code=0, cause="stopped")
    assert world.gone[task_id].state is TaskState.COMPLETED


def test_the_waiting_queue_holds_until_task_run() -> None:
    world = World()
    task_id = world.submit(queue=WAITING_QUEUE)
    assert world.task(task_id).state is TaskState.HELD
    assert world.cycle() == []
    world.send(TaskReleased(by="me", task_id=task_id))
    assert world.task(task_id).queue == "running"
    assert world.cycle() == [task_id]


def test_a_person_s_hold_outlives_a_move_and_a_queue_s_does_not() -> None:
    world = World()
    by_person, by_queue = world.submit(hold=True), world.submit(queue=WAITING_QUEUE)
    for task_id in (by_person, by_queue):
        world.send(TaskMoved(by="me", task_id=task_id, queue=RUNNING_QUEUE))
    assert world.task(by_person).state is TaskState.HELD
    assert world.task(by_queue).state is TaskState.PENDING


def test_holding_a_running_task_is_a_wrong_state() -> None:
    world = World()
    task_id = world.submit()
    world.run_all()
    with pytest.raises(WrongState, match="only a pending task can be held"):
        world.send(TaskHeld(by="me", task_id=task_id))
