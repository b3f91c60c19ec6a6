"""What the random lives have found, as sentences."""

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.core.lifecycle import TaskState
from tests.support.builders import World


def test_a_task_that_was_moved_into_a_hold_queue_is_held_when_its_start_fails_for_a_passing_reason() -> None:
    world = World(n_cards=1)
    task_id = world.submit()
    world.cycle()
    world.send(ev.TaskMoved(by="me", task_id=task_id, queue=QueueName("waiting")))
    world.send(ev.SpawnFailed(task_id=task_id, attempt=1, problem="no process slot", is_transient=True))
    assert world.task(task_id).state is TaskState.HELD
    world.now += 60
    assert world.cycle() == []


def test_who_waited_for_a_reservation_alone_starts_in_the_cycle_in_which_its_holder_starts() -> None:
    world = World(n_cards=4)
    first, wide = world.submit(count=2), world.submit(count=3)
    world.run_all()
    late = world.submit(count=1, priority=5)
    world.cycle()
    assert world.reason(late) == "priority"
    world.ended(first)
    assert world.cycle() == [wide, late]


def test_a_holder_that_comes_to_a_limit_holds_nothing_back() -> None:
    world = World(n_cards=4)
    for name, limit in (("a", 2), ("b", None)):
        world.send(ev.QueueCreated(by="me", name=QueueName(name), options={"max_running": limit}))
    world.submit(count=2, queue=QueueName("a"))
    wide = world.submit(count=3, queue=QueueName("a"))
    world.run_all()
    assert world.state.reservations["pool"].task_id == wide
    cpu = world.submit(count=0, queue=QueueName("a"), priority=9)
    late = world.submit(count=1, queue=QueueName("b"))
    assert world.cycle() == [cpu, late]
    assert world.state.reservations == {}
