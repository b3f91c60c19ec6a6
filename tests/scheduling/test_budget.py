"""The GPU budget (SPEC section 2) and elastic tasks (section 3)."""

import pytest

from gavelq.core.ids import TaskId
from gavelq.core.units import MiB
from gavelq.scheduling.budget import budget, elastic_count
from gavelq.scheduling.policy import Policy
from tests.support.builders import GIB, World, card, process, uuid

HOUR = 3600.0

EXAMPLES = [(10, 1, 3, 3, 3), (4, 1, 3, 3, 3), (3, 2, 3, 3, 3), (10, 1, 2, 5, 5)]


@pytest.mark.parametrize(("total", "left", "least", "most", "used"), EXAMPLES)
def test_the_four_examples_of_the_rule(total: int, left: int, least: int, most: int, used: int) -> None:
    policy = Policy(gpu_left=left, min_gpu=least, max_gpu=most)
    assert budget(policy, available=total, n_cards=total) == used
    world = World(n_cards=total, policy=policy)
    tasks = [world.submit() for _ in range(total)]
    assert len(world.cycle()) == used
    if used < total:
        assert world.reason(tasks[-1]) == "gpu_budget"


def test_without_rules_every_card_is_used() -> None:
    world = World(n_cards=3)
    for _ in range(3):
        world.submit()
    assert len(world.cycle()) == 3


def test_the_budget_follows_what_foreign_users_take_and_kills_nothing() -> None:
    world = World(n_cards=4, policy=Policy(gpu_left=1))
    tasks = [world.submit() for _ in range(4)]
    assert world.run_all() == tasks[:3]
    world.look(card(0), card(1), card(2), card(3, process(77, 20 * GIB)))
    assert world.cycle() == []
    assert [world.task(task_id).state for task_id in tasks[:3]] == ["running"] * 3
    world.ended(tasks[0])
    assert world.cycle() == [], "three available, one is left to others: two may be used"
    assert world.reason(tasks[3]) == "gpu_budget"


def test_a_card_beside_a_foreign_process_counts_while_gavelq_uses_it() -> None:
    world = World(n_cards=2, policy=Policy(gpu_left=1))
    world.look(card(0), card(1, process(77, 4 * GIB)))
    beside = [world.submit(memory=MiB(8 * GIB)), world.submit(memory=MiB(8 * GIB))]
    assert world.run_all() == [beside[0]]
    assert world.gpus(beside[0]) == ["1"], "the tightest that fits; with it two cards are available"
    assert world.reason(beside[1]) == "gpu_budget"


def test_a_wide_task_that_fits_only_beside_a_foreign_process_is_not_starved() -> None:
    """Three of four cards are available, and one of them is left; with the foreign one it may have three."""
    world = World(n_cards=4, policy=Policy(order="fifo", gpu_left=1, grace_s=0, allowance_s=0))
    world.look(card(0), card(1), card(2), card(3, process(77, 4 * GIB)))
    running = [world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)]
    assert world.run_all() == running
    wide = world.submit(count=3, memory=MiB(8 * GIB))
    beside = world.submit(memory=MiB(8 * GIB))
    assert world.cycle() == [], "the card beside the foreign process is held back"
    promise = world.state.reservations["pool"]
    assert (promise.task_id, promise.expected_at) == (wide, world.now + 2 * HOUR)
    assert uuid(3) in promise.gpus
    assert world.reason(beside) == "priority"
    world.ended(running[0])
    assert world.cycle() == [], "four would be used of three"
    world.ended(running[1])
    assert world.cycle() == [wide]


def test_a_task_for_which_the_budget_never_has_room_holds_nothing_back() -> None:
    world = World(n_cards=4, policy=Policy(order="fifo", gpu_left=2))
    world.look(card(0), card(1), card(2), card(3, process(77, 4 * GIB)))
    world.submit(count=3, memory=MiB(8 * GIB))
    beside = world.submit(memory=MiB(8 * GIB))
    assert world.cycle() == [beside]
    assert not world.state.reservations


def test_the_rules_may_change_while_tasks_run() -> None:
    world = World(n_cards=4, policy=Policy(max_gpu=1))
    for _ in range(4):
        world.submit()
    assert len(world.run_all()) == 1
    world.policy = Policy(max_gpu=3)
    assert len(world.run_all()) == 2
    world.policy = Policy(max_gpu=2)
    assert world.run_all() == []
    assert len(world.state.holding) == 3


def test_a_wide_task_is_not_starved_by_the_budget() -> None:
    world = World(n_cards=4, policy=Policy(gpu_left=1, order="fifo"))
    small = [world.submit() for _ in range(3)]
    world.run_all()
    wide = world.submit(count=3)
    later = [world.submit() for _ in range(6)]
    for task_id in small:
        assert world.cycle() == []
        world.ended(task_id)
    assert world.cycle() == [wide]
    assert later


def test_a_task_that_asks_for_more_than_the_budget_waits_and_holds_nothing_back() -> None:
    world = World(n_cards=4, policy=Policy(max_gpu=2, order="fifo"))
    wide, narrow = world.submit(count=3), world.submit()
    assert world.cycle() == [narrow]
    assert world.reason(wide) == "gpu_budget"
    assert world.state.reservations == {}


@pytest.mark.parametrize(("total", "left", "least", "most", "used"), EXAMPLES)
def test_an_elastic_task_follows_the_same_formula(total: int, left: int, least: int, most: int, used: int) -> None:
    assert elastic_count(least=least, most=most, free=total, left=left) == used
    world = World(n_cards=total)
    task_id = world.submit(count=least, max_count=most, gpu_left=left)
    world.cycle()
    assert len(world.gpus(task_id)) == used


def test_an_elastic_task_leaves_what_those_behind_it_need_at_least() -> None:
    world = World(n_cards=8, policy=Policy(order="fifo"))
    elastic = world.submit(count=1, max_count=8)
    behind = [world.submit(count=2), world.submit(), world.submit(count=1, max_count=4)]
    assert world.cycle() == [elastic, *behind]
    assert len(world.gpus(elastic)) == 4
    assert [len(world.gpus(task_id)) for task_id in behind] == [2, 1, 1]


def test_held_and_dependent_tasks_are_no_demand() -> None:
    world = World(n_cards=4, policy=Policy(order="fifo"))
    elastic = world.submit(count=1, max_count=8)
    world.submit(count=2, hold=True), world.submit(count=2, not_before=world.now + 60)
    world.cycle()
    assert len(world.gpus(elastic)) == 4


def test_an_elastic_task_starts_with_the_least_it_asks_for_and_waits_below() -> None:
    world = World(n_cards=4)
    first = world.submit(count=3)
    world.run_all()
    elastic = world.submit(count=2, max_count=4)
    assert world.cycle() == []
    assert world.reason(elastic) == "gpu_count"
    world.ended(first)
    assert world.cycle() == [elastic]
    assert len(world.gpus(elastic)) == 4


def test_more_queued_demand_never_raises_the_count() -> None:
    counts = []
    for n_behind in range(8):
        world = World(n_cards=8, policy=Policy(order="fifo"))
        elastic: TaskId = world.submit(count=2, max_count=8)
        for _ in range(n_behind):
            world.submit()
        world.cycle()
        counts.append(len(world.gpus(elastic)))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 8
    assert counts[-1] == 2


def test_the_budget_bounds_an_elastic_task_too() -> None:
    world = World(n_cards=8, policy=Policy(gpu_left=3))
    elastic = world.submit(count=1, max_count=8)
    world.cycle()
    assert len(world.gpus(elastic)) == 5
