"""What is accepted, what is refused, and that a refusal changes nothing."""

import pytest

from gavelq.core.errors import Infeasible, LimitReached, QueueNotFound, Refused
from gavelq.core.events import GpusAllocated, QueueCreated, TasksSubmitted
from gavelq.core.ids import BlobKey, QueueName
from gavelq.core.units import MiB
from tests.support.builders import GIB, World, request, uuid


def test_ids_count_up_and_a_submission_is_all_or_nothing() -> None:
    world = World()
    good, bad = request(), request(count=9)
    with pytest.raises(Infeasible):
        world.send(TasksSubmitted(by="me", requests=(good, bad), blobs={}))
    assert world.state.tasks == {}
    ids = world.send(TasksSubmitted(by="me", requests=(good, good, good), blobs={BlobKey("e"): b"{}"}))
    assert ids == (1, 2, 3)
    assert {task.submission_id for task in world.state.tasks.values()} == {1}


def test_a_repeated_key_gives_the_same_tasks_and_makes_none() -> None:
    world = World()
    event = TasksSubmitted(by="me", requests=(request(),), blobs={}, key="me:abc")
    assert world.send(event) == world.send(event) == (1,)
    assert len(world.state.tasks) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"count": 5}, "asks for 5 GPUs and there are 4"),
        ({"memory": MiB(25 * GIB)}, "asks for 25.0G on each of 1 GPU.*the largest: 24.0G"),
        ({"memory": MiB(24 * GIB + 1)}, "asks for 24577M on each of 1 GPU.*the largest: 24576M"),
    ],
)
def test_the_impossible_is_refused_with_its_numbers(given: dict[str, int], said: str) -> None:
    with pytest.raises(Infeasible, match=said):
        World().submit(**given)


def test_the_impossible_waits_where_that_is_asked_for() -> None:
    world = World()
    task_id = world.submit(count=5, allow_infeasible=True)
    world.cycle()
    assert world.reason(task_id) == "infeasible"


def test_a_machine_without_gpus_says_why() -> None:
    world = World(n_cards=0)
    world.look(problem="libnvidia-ml.so.1 was not found")
    with pytest.raises(Infeasible, match=r"libnvidia-ml\.so\.1 was not found"):
        world.submit()
    assert world.submit(count=0) == 1


def test_more_gpus_than_listed_and_another_queues_card_are_refused() -> None:
    world = World()
    with pytest.raises(Refused, match="lists only 1"):
        world.submit(count=2, allowed=(uuid(0),))
    world.send(QueueCreated(by="me", name=QueueName("lab"), options={}))
    world.send(GpusAllocated(by="me", queue=QueueName("lab"), gpus=(uuid(0),)))
    with pytest.raises(Refused, match="GPU 0 belongs to queue lab"):
        world.submit(allowed=(uuid(0),))


def test_an_unknown_queue_and_too_many_tasks_are_refused() -> None:
    world = World()
    with pytest.raises(QueueNotFound):
        world.submit(queue=QueueName("nosuch"))
    world.rules = type(world.rules)(log_dir="/logs", max_unfinished=1)
    world.submit()
    with pytest.raises(LimitReached, match="0 more may wait or run"):
        world.submit()
