"""Queues and GPUs: owners, limits and what is refused."""

from dataclasses import replace

import pytest

from gavelq.core.card_config import CardConfig
from gavelq.core.errors import GavelqError, InvalidField, Refused, WrongState
from gavelq.core.events import (
    GpuIgnored,
    GpusAllocated,
    GpusSampled,
    GpuUnignored,
    QueueChanged,
    QueueCreated,
    QueueDeleted,
    QueueMerged,
    TaskMoved,
    TaskReleased,
)
from gavelq.core.gpu import GpuSample
from gavelq.core.ids import RUNNING_QUEUE, WAITING_QUEUE, GpuUuid, QueueName, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.units import MiB
from tests.support.builders import World, card, process, uuid

LAB = QueueName("lab")


def _lab(world: World, **options: object) -> None:
    world.send(QueueCreated(by="me", name=LAB, options=options))


@pytest.mark.parametrize(
    "options",
    [
        {"max_util": 101},
        {"max_util": "often"},
        {"mem_type": "some"},
        {"priority": 10},
        {"max_running": -2},
        {"nosuch": 1},
        {"hold": "maybe"},
        {"mem_type": "percentage", "mem_value": 101},
        {"max_gpus": True},
    ],
)
def test_a_wrong_option_is_refused_and_names_itself(options: dict[str, object]) -> None:
    world = World()
    with pytest.raises(InvalidField) as caught:
        _lab(world, **options)
    assert caught.value.details["field"] in (*options, "mem_value")
    assert LAB not in world.state.queues


def test_what_mem_value_counts_in_is_not_changed_without_saying_how_much() -> None:
    world = World()
    _lab(world, mem_type="percentage")
    world.send(QueueChanged(by="me", name=LAB, options={"mem_value": 50}))
    world.send(QueueChanged(by="me", name=LAB, options={"mem_type": "percentage"}))
    with pytest.raises(InvalidField, match="50, and would count in MiB") as caught:
        world.send(QueueChanged(by="me", name=LAB, options={"mem_type": "absolute"}))
    assert (caught.value.details["field"], "mem_type=absolute mem_value=N" in caught.value.hint) == ("mem_type", True)
    world.send(QueueChanged(by="me", name=LAB, options={"mem_type": "ignore"}))
    world.send(QueueChanged(by="me", name=LAB, options={"mem_type": "absolute", "mem_value": 50}))
    assert world.state.queues[LAB].mem_value == 50


@pytest.mark.parametrize("value", ["none", -1, None])
def test_max_util_knows_no_limit(value: object) -> None:
    world = World()
    _lab(world, max_util=value)
    assert world.state.queues[LAB].max_util is None


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65, "ä"])
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidField, match="not a queue name"):
        World().send(QueueCreated(by="me", name=QueueName(name), options={}))


def test_a_queue_tells_who_paused_it_and_since_when_until_it_goes_on() -> None:
    world = World()
    _lab(world)
    paused_at = world.now
    world.send(QueueChanged(by="mei", name=LAB, options={"paused": True}))
    world.now += 60
    world.send(QueueChanged(by="root", name=LAB, options={"paused": True, "priority": 3}))
    queue = world.state.queues[LAB]
    assert (queue.paused_by, queue.paused_at) == ("mei", paused_at)
    world.send(QueueChanged(by="root", name=LAB, options={"paused": False}))
    queue = world.state.queues[LAB]
    assert (queue.paused_by, queue.paused_at) == ("", None)


def test_a_gpu_has_one_owner() -> None:
    world = World()
    _lab(world)
    world.send(QueueCreated(by="me", name=QueueName("other"), options={}))
    world.send(GpusAllocated(by="me", queue=LAB, gpus=(uuid(0),)))
    with pytest.raises(WrongState, match=r"GPU 0 is owned by queue lab"):
        world.send(GpusAllocated(by="me", queue=QueueName("other"), gpus=(uuid(0),)))


def test_allocating_by_count_takes_free_cards_of_the_pool_only() -> None:
    world = World(n_cards=3)
    _lab(world)
    world.submit(allowed=(uuid(0),))
    world.run_all()
    world.look(card(0), card(1, process(77, 500)), card(2))
    assert world.send(GpusAllocated(by="me", queue=LAB)) == (uuid(2),)
    with pytest.raises(Refused, match=r"1 free GPU.*there are 0"):
        world.send(GpusAllocated(by="me", queue=LAB))


def test_a_queue_with_tasks_and_a_built_in_one_cannot_be_deleted() -> None:
    world = World()
    _lab(world)
    world.submit(queue=LAB)
    for name in (LAB, RUNNING_QUEUE):
        with pytest.raises(WrongState):
            world.send(QueueDeleted(by="me", name=name))


def test_deleting_a_queue_gives_its_gpus_back() -> None:
    world = World()
    _lab(world)
    world.send(GpusAllocated(by="me", queue=LAB, gpus=(uuid(1),)))
    world.send(QueueDeleted(by="me", name=LAB))
    assert world.state.cards[uuid(1)].queue is None


def test_a_merge_moves_all_tasks_keeps_running_ones_on_their_gpus_and_leaves_the_source_its_cards() -> None:
    world = World()
    _lab(world)
    world.send(GpusAllocated(by="me", queue=LAB, gpus=(uuid(3),)))
    running, pending = world.submit(queue=LAB), world.submit(queue=LAB)
    world.run_all()
    world.send(QueueMerged(by="me", source=LAB, target=RUNNING_QUEUE))
    assert [world.task(t).queue for t in (running, pending)] == ["running", "running"]
    assert world.gpus(running) == ["3"]
    assert world.state.cards[uuid(3)].queue == LAB
    with pytest.raises(WrongState, match="merged into itself"):
        world.send(QueueMerged(by="me", source=LAB, target=LAB))


@pytest.mark.parametrize("way", ["run", "move", "merge"])
def test_a_task_that_comes_into_a_queue_gets_its_limit_and_is_refused_above_its_cap(way: str) -> None:
    world = World()
    _lab(world, time_limit="30m", max_time_limit="1h")

    def bring(task_id: TaskId) -> None:
        match way:
            case "run":
                world.send(TaskReleased(by="me", task_id=task_id, queue=LAB))
            case "move":
                world.send(TaskMoved(by="me", task_id=task_id, queue=LAB))
            case _:
                world.send(QueueMerged(by="me", source=WAITING_QUEUE, target=LAB))

    without, short = world.submit(queue=WAITING_QUEUE), world.submit(queue=WAITING_QUEUE, time_limit_s=60.0)
    for task_id in (without,) if way == "merge" else (without, short):
        bring(task_id)
    assert [world.task(one).request.time_limit_s for one in (without, short)] == [1800.0, 60.0]
    long = world.submit(queue=WAITING_QUEUE, time_limit_s=3601.0)
    with pytest.raises(InvalidField, match="time_limit: 3601 s is more than queue lab allows") as refused:
        bring(long)
    assert f"gavelq task edit {long} -t" in refused.value.hint
    assert world.task(long).queue == WAITING_QUEUE


def test_a_running_task_keeps_its_limit_in_another_queue_and_a_held_one_where_its_cap_fell() -> None:
    world = World()
    _lab(world)
    running, held = world.submit(), world.submit(queue=LAB, hold=True, time_limit_s=60.0)
    world.run_all()
    world.send(QueueChanged(by="me", name=LAB, options={"max_time_limit": 30}))
    world.send(TaskMoved(by="me", task_id=running, queue=LAB))
    world.send(TaskReleased(by="me", task_id=held, queue=None))
    assert [world.task(one).request.time_limit_s for one in (running, held)] == [None, 60.0]


def test_a_queue_that_begins_to_hold_holds_its_pending_tasks() -> None:
    world = World()
    _lab(world)
    task_id = world.submit(queue=LAB)
    world.send(QueueChanged(by="me", name=LAB, options={"hold": True}))
    assert world.task(task_id).state is TaskState.HELD
    world.send(QueueChanged(by="me", name=LAB, options={"hold": False}))
    assert world.task(task_id).state is TaskState.PENDING


def test_a_card_s_configuration_is_applied_once_and_later_decisions_stay() -> None:
    world = World(n_cards=1)
    config = {"0": CardConfig(label="big", ignored=True, keep_free=MiB(1024), entry="v1")}
    world.look(card(0), configured=config)
    assert world.state.cards[uuid(0)].ignored
    world.send(GpuUnignored(by="me", gpu=uuid(0)))
    world.look(card(0), configured=config)
    assert not world.state.cards[uuid(0)].ignored
    assert world.state.cards[uuid(0)].keep_free == 1024


def test_what_a_card_s_configuration_said_goes_with_it() -> None:
    world = World(n_cards=1)
    entry = '{"ignored":true,"keep_free":"1G","label":"big"}'
    world.look(card(0), configured={"0": CardConfig(label="big", ignored=True, keep_free=MiB(1024), entry=entry)})
    world.look(card(0), configured={})
    left = world.state.cards[uuid(0)]
    assert (left.label, left.keep_free, left.ignored, left.configured) == ("", 0, False, "")


def test_a_card_that_a_person_ignored_stays_so_when_its_entry_says_nothing_of_that() -> None:
    world = World(n_cards=1)
    world.look(card(0), configured={"0": CardConfig(label="big", entry='{"label":"big"}')})
    world.send(GpuIgnored(by="me", gpu=uuid(0)))
    world.look(card(0), configured={"0": CardConfig(label="left", entry='{"label":"left"}')})
    assert world.state.cards[uuid(0)].ignored
    world.look(card(0), configured={})
    assert world.state.cards[uuid(0)].ignored


def test_a_card_that_one_look_misses_is_lost_and_may_simply_come_back() -> None:
    world = World(n_cards=2)
    world.look(card(0))
    assert world.state.cards[uuid(1)].lost
    world.look(card(0), card(1))
    assert not world.state.cards[uuid(1)].lost


def test_a_sample_that_failed_loses_no_card() -> None:
    world = World(n_cards=2)
    world.look(problem="driver does not answer")
    assert not any(c.lost for c in world.state.cards.values())


def test_unknown_things_are_not_found() -> None:
    world = World()
    for event in (
        GpuIgnored(by="me", gpu=uuid(9)),
        QueueChanged(by="me", name=LAB, options={}),
    ):
        with pytest.raises(GavelqError) as caught:
            world.send(event)
        assert caught.value.exit_code == 3
    assert TaskId(1) not in world.state.tasks


def test_a_simulated_card_that_is_lost_is_shown_as_lost_and_leaves_only_when_it_is_gone() -> None:
    world = World(n_cards=0)
    sim = replace(card(0), uuid=GpuUuid("GPU-sim-0"))
    world.look(sim)
    world.send(GpusSampled(sample=GpuSample(taken_at=world.now, lost=(sim.uuid,)), configured={}))
    assert world.state.cards[sim.uuid].lost
    world.look()
    assert sim.uuid not in world.state.cards
