"""`scheduling.backfill`: who goes ahead of a task that waits for gavelq's own tasks to end."""

from typing import Literal

from gavelq.core.ids import TaskId
from gavelq.scheduling.policy import Policy
from tests.support.builders import World, card

HOUR = 3600.0
FIRST = TaskId(1)
WIDE = TaskId(2)


def fifo(backfill: Literal["easy", "skip", "none"]) -> Policy:
    return Policy(order="fifo", backfill=backfill, grace_s=0, allowance_s=0)


def behind_a_wide_one(backfill: Literal["easy", "skip", "none"]) -> World:
    """One of four cards is busy for an hour, and a task waits that needs them all."""
    world = World(n_cards=4, policy=fifo(backfill))
    world.submit(time_limit_s=HOUR)
    world.run_all()
    world.submit(count=4, time_limit_s=HOUR)
    return world


def test_nobody_goes_ahead_where_backfill_is_none() -> None:
    world = behind_a_wide_one("none")
    short, long = world.submit(time_limit_s=60), world.submit(time_limit_s=2 * HOUR)
    assert world.run_all() == []
    assert [world.reason(WIDE), world.reason(short), world.reason(long)] == ["gpu_count", "priority", "priority"]


def test_without_backfill_cards_that_the_first_does_not_need_stay_empty_as_well() -> None:
    world = World(n_cards=4, policy=fifo("none"))
    world.submit(count=3, time_limit_s=HOUR)
    world.run_all()
    wide = world.submit(count=2, time_limit_s=HOUR)
    narrow = world.submit(time_limit_s=60)
    assert world.run_all() == []
    world.ended(FIRST)
    assert world.run_all() == [wide, narrow]


def test_without_backfill_the_first_in_order_is_found_anew_and_nothing_is_promised() -> None:
    world = behind_a_wide_one("none")
    world.cycle()
    assert world.state.reservations["pool"].promised_at is None
    urgent = world.submit(priority=9, time_limit_s=2 * HOUR)
    assert world.run_all() == [urgent]


def test_without_backfill_a_task_that_waits_for_somebody_else_holds_nobody_up() -> None:
    world = behind_a_wide_one("none")
    world.look(*(card(number, used=20_000 if number == 3 else 0) for number in range(4)))
    short = world.submit(time_limit_s=60)
    assert world.run_all() == [short]
    assert world.reason(WIDE) == "gpu_unavailable"


def test_whoever_fits_goes_ahead_where_backfill_is_skip() -> None:
    world = behind_a_wide_one("skip")
    ids = [world.submit(), world.submit(time_limit_s=9 * HOUR), world.submit()]
    assert world.run_all() == ids
    assert world.state.reservations == {}


def test_the_shortest_time_limit_goes_first_where_the_order_says_so() -> None:
    policy = Policy(order="shortest_first", backfill="skip", unknown_limit_s=HOUR)
    world = World(n_cards=1, policy=policy)
    world.submit()
    world.run_all()
    long, unknown, middle, short = (world.submit(time_limit_s=limit) for limit in (2 * HOUR, None, 600, 60))
    started = [FIRST]
    for _ in range(4):
        world.ended(started[-1])
        started += world.run_all()
    assert started == [FIRST, short, middle, unknown, long]


def test_a_start_says_whom_it_went_ahead_of() -> None:
    for backfill in ("easy", "skip"):
        world = behind_a_wide_one("easy" if backfill == "easy" else "skip")
        world.submit(time_limit_s=60)
        world.run_all()
        assert world.last is not None
        assert [start.ahead_of for start in world.last.starts] == [WIDE]
        world.ended(FIRST)
        world.ended(TaskId(3))
        world.run_all()
        assert [start.ahead_of for start in world.last.starts] == [None]
