"""Who goes first: priority, then fair share, then aged smallest area, then submission; and the other policies."""

import pytest

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.core.learned import ShareUse
from gavelq.core.pending import shape_of
from gavelq.core.step import Changes
from gavelq.scheduling.ordering import area
from gavelq.scheduling.policy import Policy
from tests.support.builders import World, request

HOUR, DAY = 3600.0, 86400.0


def one_by_one(world: World) -> list[int]:
    """The order in which waiting tasks start on a machine that runs one at a time."""
    found: list[int] = []
    while len(world.state.pending):
        started = world.cycle()
        assert len(started) == 1
        found += started
        world.started(started[0])
        world.ended(started[0])
    return found


def machine(order: str = "fair", **rules: object) -> World:
    return World(n_cards=4, policy=Policy(order=order, max_running=1, **rules))  # type: ignore[arg-type]  # by name


def test_the_smallest_area_goes_first_and_ties_go_by_submission() -> None:
    world = machine()
    long = world.submit(time_limit_s=10 * HOUR)
    wide = world.submit(time_limit_s=3 * HOUR, count=4)
    short, as_short = world.submit(time_limit_s=HOUR), world.submit(time_limit_s=HOUR)
    assert one_by_one(world) == [short, as_short, long, wide]


def test_priority_counts_before_everything_else_and_a_queues_adds_to_it() -> None:
    world = machine()
    world.send(ev.QueueCreated(by="me", name=QueueName("fast"), options={"priority": 5}))
    small, urgent = world.submit(time_limit_s=60.0), world.submit(time_limit_s=DAY, priority=4)
    in_fast = world.submit(time_limit_s=DAY, queue=QueueName("fast"))
    assert one_by_one(world) == [in_fast, urgent, small]


def test_a_task_without_a_limit_sorts_as_if_it_had_a_day() -> None:
    world = machine()
    unlimited = world.submit()
    longer, shorter = world.submit(time_limit_s=DAY + 1), world.submit(time_limit_s=DAY - 1)
    assert one_by_one(world) == [shorter, unlimited, longer]


def test_waiting_makes_a_task_smaller() -> None:
    policy, world = Policy(), World()
    task_id = world.submit(time_limit_s=8 * HOUR, count=2)
    found = shape_of(world.task(task_id))
    assert area(found, policy, 0) == 16 * HOUR
    assert area(found, policy, 30 * DAY) == 4 * HOUR
    assert area(found, policy, 90 * DAY) == HOUR


def test_a_task_that_waited_a_month_overtakes_a_new_one_of_a_third_of_its_area() -> None:
    world = machine()
    blocker = world.submit(priority=100)
    world.run_all()
    old = world.submit(time_limit_s=3 * HOUR)
    world.now += 30 * DAY
    world.look(*world.state.books.sample.cards)
    new, tiny = world.submit(time_limit_s=HOUR), world.submit(time_limit_s=HOUR / 2)
    world.ended(blocker)
    assert one_by_one(world) == [tiny, old, new]


def test_the_tenant_who_had_less_goes_first_whatever_the_area() -> None:
    world = machine()
    world.state.apply(Changes(shares={"ann": ShareUse(gpu_s=50_000.0, at=world.now)}))
    of_ann, of_bob = world.submit(tenant="ann", time_limit_s=60.0), world.submit(tenant="bob", time_limit_s=DAY)
    assert one_by_one(world) == [of_bob, of_ann]


def test_use_of_long_ago_counts_less() -> None:
    world = machine()
    week = 7 * DAY
    world.state.apply(
        Changes(
            shares={
                "ann": ShareUse(gpu_s=40_000.0, at=world.now - 3 * week),
                "bob": ShareUse(gpu_s=8_000.0, at=world.now),
            }
        )
    )
    of_bob, of_ann = world.submit(tenant="bob"), world.submit(tenant="ann")
    assert one_by_one(world)[0] == of_ann, f"5,000 of Ann's are left, {of_bob} is Bob's"


def test_two_tenants_share_a_machine_from_the_first_moment() -> None:
    world = World(n_cards=4)
    of_ann = [world.submit(tenant="ann") for _ in range(4)]
    of_bob = [world.submit(tenant="bob") for _ in range(4)]
    started = world.cycle()
    assert set(started) == {*of_ann[:2], *of_bob[:2]}, "one burst does not take all cards"


def test_with_a_single_tenant_shares_change_nothing() -> None:
    world = machine()
    world.state.apply(Changes(shares={"me": ShareUse(gpu_s=1e9, at=world.now)}))
    tasks = [world.submit(time_limit_s=HOUR) for _ in range(3)]
    assert one_by_one(world) == tasks


@pytest.mark.parametrize(
    ("order", "expected"),
    [("fifo", [0, 1, 2, 3]), ("largest_first", [1, 3, 0, 2]), ("smallest_first", [0, 2, 3, 1])],
)
def test_other_policies_order_by_submission_or_by_gpus(order: str, expected: list[int]) -> None:
    world = machine(order)
    tasks = [
        world.submit(time_limit_s=9 * HOUR),
        world.submit(count=4, time_limit_s=5 * HOUR),
        world.submit(time_limit_s=HOUR),
        world.submit(count=2, time_limit_s=60.0),
    ]
    assert one_by_one(world) == [tasks[index] for index in expected]


def test_ten_thousand_equal_requests_make_one_bucket() -> None:
    world = World()
    same = request(time_limit_s=HOUR)
    world.send(ev.TasksSubmitted(by="me", requests=(same,) * 10_000, blobs={}))
    assert len(world.state.pending.buckets) == 1
