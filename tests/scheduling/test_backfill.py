"""EASY on concrete cards: the first blocked task keeps its reservation, others go ahead where they cannot delay it."""

from math import inf

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.core.reservation import Reservation
from gavelq.scheduling.policy import Policy
from tests.support.builders import World, card, process

EXACT = Policy(order="fifo", grace_s=0, allowance_s=0)
HOUR = 3600.0


def machine(n_cards: int = 4, policy: Policy = EXACT) -> World:
    return World(n_cards=n_cards, policy=policy)


def promise(world: World, domain: str = "pool") -> Reservation:
    return world.state.reservations[domain]


def pass_time(world: World, seconds: float) -> None:
    world.now += seconds
    world.look(*(card(number) for number in range(world.n_cards)))


def test_the_first_blocked_task_is_promised_the_end_of_the_limits_in_its_way() -> None:
    world = machine()
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    wide = world.submit(count=3)
    world.cycle()
    held = promise(world)
    assert held.task_id == wide
    assert held.expected_at == held.promised_at == world.now + HOUR
    assert len(held.gpus) == 3


def test_a_short_task_goes_ahead_and_a_long_one_does_not() -> None:
    world = machine()
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    wide = world.submit(count=4)
    long, unlimited = world.submit(time_limit_s=2 * HOUR + 1), world.submit()
    short = world.submit(time_limit_s=2 * HOUR)
    assert world.run_all() == [short]
    assert [world.reason(task_id) for task_id in (wide, long, unlimited)] == ["gpu_count", "priority", "priority"]


def test_a_long_task_may_use_a_card_that_the_holder_does_not_need() -> None:
    world = machine()
    world.submit(time_limit_s=HOUR)
    world.run_all()
    world.submit(time_limit_s=3 * HOUR, count=2)
    world.run_all()
    wide = world.submit(count=2)
    world.cycle()
    assert promise(world).expected_at == world.now + HOUR, "the free card and the one that is free in an hour"
    long = world.submit()
    assert world.cycle() == []
    assert world.reason(long) == "priority"
    assert world.reason(wide) == "gpu_count"


def test_grace_and_start_up_count_before_a_promised_start() -> None:
    world = machine(2, Policy(order="fifo", grace_s=10, allowance_s=1))
    world.submit(time_limit_s=HOUR)
    world.run_all()
    world.submit(count=2)
    too_long, fits = world.submit(time_limit_s=HOUR), world.submit(time_limit_s=HOUR - 1)
    assert world.cycle() == [fits]
    assert world.reason(too_long) == "priority"


def test_the_promise_never_moves_later_and_nearer_when_tasks_end_early() -> None:
    world = machine()
    first = world.submit(time_limit_s=4 * HOUR, count=2)
    second = world.submit(time_limit_s=8 * HOUR, count=2)
    world.run_all()
    wide = world.submit(count=4, time_limit_s=60.0)
    world.cycle()
    told = promise(world).expected_at
    assert told is not None
    pass_time(world, HOUR)
    world.ended(second)
    for number in range(6):
        world.submit(time_limit_s=HOUR * (1 + number))
        world.run_all()
        now_told = promise(world).expected_at
        assert now_told is not None
        assert now_told <= told
        told = now_told
    pass_time(world, 3 * HOUR)
    world.ended(first)
    for task_id in [t for t, task in world.state.tasks.items() if task.state.holds_gpus]:
        world.ended(task_id)
    assert wide in world.cycle()


def test_without_limits_nobody_knows_when_so_what_is_free_is_held_back() -> None:
    world = machine()
    world.submit()
    world.run_all()
    world.submit(count=4)
    short = world.submit(time_limit_s=60.0)
    assert world.cycle() == []
    assert promise(world).expected_at is None
    assert world.reason(short) == "priority"


def test_a_one_gpu_head_keeps_its_turn_against_smaller_arrivals_but_not_against_more_urgent_ones() -> None:
    world = machine(1, Policy(grace_s=0, allowance_s=0))
    running = world.submit(time_limit_s=HOUR)
    world.run_all()
    head = world.submit(time_limit_s=10 * HOUR)
    world.cycle()
    assert promise(world).task_id == head
    smaller = world.submit(time_limit_s=60.0)
    world.cycle()
    world.ended(running)
    assert world.run_all() == [head], f"{smaller} came later"
    urgent = world.submit(time_limit_s=10 * HOUR, priority=1)
    world.cycle()
    world.ended(head)
    assert world.cycle() == [urgent]


def test_a_holder_that_is_not_eligible_any_more_holds_nothing_back() -> None:
    world = machine(2)
    running = world.submit()
    world.run_all()
    wide, narrow = world.submit(count=2), world.submit()
    assert world.cycle() == []
    world.send(ev.TaskHeld(by="me", task_id=wide))
    assert world.cycle() == [narrow]
    world.ended(running)
    assert promise_is_gone(world)


def promise_is_gone(world: World) -> bool:
    world.cycle()
    return "pool" not in world.state.reservations


def test_a_holder_behind_a_foreign_process_holds_nothing_back() -> None:
    world = machine(2)
    world.submit(time_limit_s=HOUR)
    world.run_all()
    wide, narrow = world.submit(count=2), world.submit()
    assert world.cycle() == []
    world.look(card(0), card(1, process(77, 8000)))
    assert world.cycle() == []
    assert promise(world).task_id == narrow, "the next one in order that waits merely for tasks of ours"
    assert world.reason(wide) == "gpu_unavailable"


def test_each_domain_has_a_holder_of_its_own() -> None:
    world = machine(4)
    world.send(ev.QueueCreated(by="me", name=QueueName("own"), options={}))
    gpus = tuple(list(world.state.cards)[2:])
    world.send(ev.GpusAllocated(by="me", queue=QueueName("own"), gpus=gpus))
    world.submit(), world.submit(queue=QueueName("own"))
    world.run_all()
    in_pool, in_own = world.submit(count=2), world.submit(count=2, queue=QueueName("own"))
    world.cycle()
    assert {key: held.task_id for key, held in world.state.reservations.items()} == {
        "pool": in_pool, "queue:own": in_own,
    }  # fmt: skip


def test_a_task_that_is_being_stopped_counts_as_gone_after_the_grace_time() -> None:
    world = machine(1, Policy(order="fifo", grace_s=10, allowance_s=1))
    running = world.submit()
    world.run_all()
    world.submit()
    world.cycle()
    assert promise(world).expected_at is None
    world.send(ev.TaskKilled(by="me", task_id=running, signal=15, is_ending=True))
    world.cycle()
    assert promise(world).expected_at == world.now + 11
    assert inf > (promise(world).promised_at or inf)
