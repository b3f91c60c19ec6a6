"""Several tasks of gavelq on one GPU: by memory, by number, by learned utilisation; and never against one's will."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.ids import TaskId
from gavelq.core.learned import Learned, pattern_key
from gavelq.core.step import Changes
from gavelq.core.units import MiB
from gavelq.scheduling.policy import Policy
from tests.support.builders import GIB, World, card, process, uuid

FIFO = Policy(order="fifo", reserve_mib=0)


def sharing(world: World, gib: float, **given: object) -> TaskId:
    return world.submit(memory=MiB(int(gib * GIB)), share=True, **given)


def learn(world: World, name: str, utilization: float) -> None:
    key = pattern_key("me", name)
    world.state.apply(Changes(learned={key: Learned(n_ends=3, utilization=utilization)}))


def test_two_tasks_that_share_stand_on_one_card_and_the_roomy_card_stays_free() -> None:
    world = World(n_cards=2, policy=FIFO)
    first, second = sharing(world, 10), sharing(world, 10)
    assert world.cycle() == [first, second]
    assert world.gpus(first) == world.gpus(second)


def test_only_where_both_say_so() -> None:
    world = World(n_cards=1, policy=FIFO)
    first = world.submit(memory=MiB(4 * GIB))
    second = sharing(world, 4)
    assert world.run_all() == [first]
    world.ended(first)
    assert world.run_all() == [second]
    third = world.submit(memory=MiB(4 * GIB))
    assert world.cycle() == []
    assert world.reason(third) == "gpu_count"


def test_memory_is_packed_best_fit() -> None:
    world = World(n_cards=2, policy=FIFO)
    large, small = sharing(world, 16), sharing(world, 12)
    world.cycle()
    assert world.gpus(large) != world.gpus(small)
    third = sharing(world, 8)
    world.cycle()
    assert world.gpus(third) == world.gpus(large), "8 GiB are left there exactly"


def test_a_third_waits_by_default_and_the_limit_is_a_setting() -> None:
    world = World(n_cards=1, policy=FIFO)
    tasks = [sharing(world, 2) for _ in range(3)]
    assert world.cycle() == tasks[:2]
    assert world.reason(tasks[2]) == "gpu_count"
    world.policy = replace(FIFO, max_per_gpu=3, unknown_utilization=30)
    assert world.cycle() == [tasks[2]]


def test_the_reserve_is_given_to_nobody() -> None:
    world = World(n_cards=1, policy=replace(FIFO, reserve_mib=512))
    sharing(world, 12)
    too_much = sharing(world, 12)
    assert len(world.run_all()) == 1
    assert world.reason(too_much) == "gpu_memory"
    fits = sharing(world, 11.5)
    assert fits in world.cycle() or world.reason(fits) == "priority"


def test_an_observed_peak_above_the_declaration_counts() -> None:
    world = World(n_cards=1, policy=FIFO)
    first = sharing(world, 8)
    world.run_all()
    second = sharing(world, 12)
    world.look(card(0, process(901, 14 * GIB, task_id=first)))
    assert world.cycle() == []
    assert world.reason(second) == "gpu_memory"
    peak = replace(world.task(first).attempt, peak_memory=MiB(14 * GIB))  # type: ignore[type-var]  # it runs
    world.state.apply(Changes(tasks={first: replace(world.task(first), attempt=peak)}))
    world.look(card(0, process(901, 2 * GIB, task_id=first)))
    assert world.cycle() == [], "it may use as much again"


def test_foreign_memory_counts_beside_tasks_that_share() -> None:
    world = World(n_cards=1, policy=FIFO)
    sharing(world, 8)
    world.run_all()
    world.look(card(0, process(77, 8 * GIB)))
    tight, too_much = sharing(world, 8), sharing(world, 8.1)
    assert world.cycle() == [tight]
    assert world.reason(too_much) in ("gpu_memory", "gpu_count")


def test_learned_utilisations_add_up_to_a_hundred_at_most() -> None:
    world = World(n_cards=1, policy=FIFO)
    learn(world, "busy", 80)
    learn(world, "calm", 15)
    busy = sharing(world, 4, name="busy", is_named=True)
    unknown, calm = sharing(world, 4, name="new", is_named=True), sharing(world, 4, name="calm", is_named=True)
    started = world.run_all()
    assert started == [busy], "an unknown one counts 50"
    assert world.reason(unknown) == "gpu_busy"
    assert world.reason(calm) in ("priority", "gpu_count")
    world.send(ev.TaskKilled(by="me", task_id=unknown, signal=15, is_ending=True))
    assert world.cycle() == [calm]


def test_a_large_sharer_is_not_starved_by_small_ones() -> None:
    world = World(n_cards=1, policy=FIFO)
    small = [sharing(world, 6), sharing(world, 6)]
    world.run_all()
    large = sharing(world, 20)
    late = sharing(world, 6)
    for task_id in small:
        assert world.cycle() == []
        world.ended(task_id)
    assert world.cycle() == [large]
    assert world.reason(late) in ("gpu_memory", "gpu_count")


def test_a_multi_gpu_task_shares_too() -> None:
    world = World(n_cards=2, policy=FIFO)
    pair = sharing(world, 8, count=2)
    other = sharing(world, 8, count=2)
    assert world.cycle() == [pair, other]
    assert sorted(world.gpus(other)) == ["0", "1"]


def test_a_listed_card_is_shared_and_no_other() -> None:
    world = World(n_cards=2, policy=FIFO)
    first = sharing(world, 8, allowed=(uuid(1),))
    second = sharing(world, 8, allowed=(uuid(1),))
    assert world.cycle() == [first, second]
    assert world.gpus(second) == ["1"]
