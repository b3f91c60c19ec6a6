"""Stopping tasks for more urgent ones, and lending cards: only whom it may hit, only where it helps, no ping-pong."""

from gavelq.core import events as ev
from gavelq.core.effects import SendSignal, StopAttempt
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.task import Warn
from gavelq.scheduling.policy import Policy
from tests.support.builders import World, card, uuid

ON = Policy(order="fifo", preemption=True, min_run_s=60, grace_s=10, allowance_s=1)
OWN = QueueName("own")


def world_with(n_cards: int, policy: Policy = ON) -> World:
    return World(n_cards=n_cards, policy=policy)


def later(world: World, seconds: float) -> None:
    world.now += seconds
    world.look(*(card(number) for number in range(world.n_cards)))


def stopping(world: World) -> set[TaskId]:
    return {task.id for task in world.state.tasks.values() if task.stop is not None}


def test_it_is_off_by_default() -> None:
    world = world_with(1, Policy())
    world.submit(preemptible=True)
    world.run_all()
    later(world, 1000)
    world.submit(priority=100)
    world.cycle()
    assert stopping(world) == set()


def test_an_urgent_task_gets_the_card_of_a_preemptible_one_that_runs_again_with_its_age() -> None:
    world = world_with(1)
    victim = world.submit(preemptible=True)
    world.run_all()
    later(world, 100)
    urgent = world.submit(priority=2)
    assert world.cycle() == []
    assert stopping(world) == {victim}
    assert world.reason(urgent) == "gpu_count"
    submitted_at = world.task(victim).submitted_at
    world.ended(victim, exit_code=None, signal=15, cause="stopped")
    assert world.run_all() == [urgent]
    assert world.task(victim).state == "pending"
    assert world.task(victim).submitted_at == submitted_at
    later(world, 1000)
    assert world.cycle() == []
    assert stopping(world) == set(), "no ping-pong"
    world.ended(urgent)
    assert world.cycle() == [victim]


def test_one_level_is_not_enough_nor_a_task_that_is_not_marked() -> None:
    world = world_with(2)
    world.submit(preemptible=True, priority=1), world.submit()
    world.run_all()
    later(world, 100)
    world.submit(priority=2), world.submit(priority=2)
    world.cycle()
    assert stopping(world) == set()


def test_who_runs_for_a_moment_only_is_spared_until_the_minimum_is_over() -> None:
    world = world_with(1)
    victim = world.submit(preemptible=True)
    world.run_all()
    later(world, 10)
    world.submit(priority=9)
    world.cycle()
    assert stopping(world) == set()
    assert world.last is not None
    assert world.last.next_at == world.now + 50
    later(world, 50)
    world.cycle()
    assert stopping(world) == {victim}


def test_nobody_is_stopped_in_vain() -> None:
    world = world_with(4)
    guests = [world.submit(preemptible=True) for _ in range(2)]
    world.submit(), world.submit()
    world.run_all()
    later(world, 100)
    world.submit(priority=9, count=3)
    world.cycle()
    assert stopping(world) == set(), f"even without {guests} three cards are not to be had"


def test_no_more_are_stopped_than_needed_the_least_urgent_and_youngest_first() -> None:
    world = world_with(4)
    old = world.submit(preemptible=True)
    world.run_all()
    later(world, 500)
    young, dear = world.submit(preemptible=True), world.submit(preemptible=True, priority=5)
    world.run_all()
    later(world, 100)
    urgent = world.submit(priority=9, count=2)
    world.cycle()
    assert stopping(world) == {young}, f"one card is free, {old} ran longer, {dear} is more urgent"
    world.ended(young, exit_code=None, signal=15, cause="stopped")
    assert world.cycle() == [urgent]


def test_cards_that_are_being_emptied_are_given_to_nobody_else() -> None:
    world = world_with(1)
    victim = world.submit(preemptible=True)
    world.run_all()
    later(world, 100)
    urgent = world.submit(priority=9)
    world.cycle()
    more_urgent = world.submit(priority=50)
    world.ended(victim, exit_code=None, signal=15, cause="stopped")
    assert world.run_all() == [urgent], f"{more_urgent} came later"


def test_a_task_that_ends_well_under_preemption_has_completed() -> None:
    world = world_with(1)
    victim = world.submit(preemptible=True)
    world.run_all()
    later(world, 100)
    world.submit(priority=9)
    world.cycle()
    world.ended(victim, exit_code=0, cause="stopped")
    assert world.gone[victim].state == "completed"


def test_a_warning_comes_first_where_the_task_asked_for_one() -> None:
    world = world_with(1)
    victim = world.submit(preemptible=True, time_limit_s=1e6, warn=Warn(signal=10, before_s=30.0))
    world.run_all()
    later(world, 100)
    world.submit(priority=9)
    world.cycle()
    sent = [effect for effect in world.effects if isinstance(effect, SendSignal | StopAttempt)]
    assert sent == [
        SendSignal(task_id=victim, attempt=1, signal=10),
        StopAttempt(task_id=victim, attempt=1, signal=15, delay_s=30.0),
    ]


def lending(n_cards: int = 2, policy: Policy | None = None) -> World:
    """The last card belongs to queue `own`, which lends it."""
    world = world_with(n_cards, policy or Policy(order="fifo", min_run_s=60, grace_s=10, allowance_s=1))
    world.send(ev.QueueCreated(by="me", name=OWN, options={"lend": True}))
    world.send(ev.GpusAllocated(by="me", queue=OWN, gpus=(uuid(n_cards - 1),)))
    return world


def test_an_idle_card_is_lent_to_tasks_that_can_be_sent_away_or_end_by_themselves() -> None:
    world = lending()
    first = world.submit()
    assert world.run_all() == [first]
    stays, limited = world.submit(), world.submit(time_limit_s=3600.0)
    assert world.run_all() == [limited]
    assert world.gpus(limited) == ["1"]
    attempt = world.task(limited).attempt
    assert attempt is not None
    assert attempt.borrowed
    assert world.reason(stays) == "gpu_count"


def test_a_guest_for_whom_lent_cards_are_watched_says_so() -> None:
    world = lending(3, Policy(selection="sampled"))
    world.send(ev.GpusAllocated(by="me", queue=OWN, gpus=(uuid(1),)))
    world.submit()
    world.run_all()
    guest = world.submit(preemptible=True)
    assert world.cycle() == []
    assert world.reason(guest) == "gpu_sampling"


def test_a_queue_that_does_not_lend_keeps_its_cards() -> None:
    world = lending()
    world.send(ev.QueueChanged(by="me", name=OWN, options={"lend": "false"}))
    world.submit()
    world.run_all()
    world.submit(preemptible=True)
    assert world.cycle() == []


def test_the_owner_goes_first_and_reclaims_its_card_from_a_preemptible_guest() -> None:
    world = lending()
    world.submit()
    world.run_all()
    guest = world.submit(preemptible=True, priority=100)
    assert world.run_all() == [guest]
    later(world, 100)
    owner = world.submit(queue=OWN)
    world.cycle()
    assert stopping(world) == {guest}, "whatever the priorities: it is the owner's card"
    world.ended(guest, exit_code=None, signal=15, cause="stopped")
    assert world.run_all() == [owner]
    assert world.task(guest).state == "pending"


def test_the_owners_waiting_task_is_served_before_any_guest() -> None:
    world = lending()
    world.submit()
    world.run_all()
    guest, owner = world.submit(preemptible=True, priority=50), world.submit(queue=OWN)
    assert world.cycle() == [owner]
    assert world.reason(guest) == "gpu_count"


def test_a_guest_with_a_limit_stays_until_then() -> None:
    world = lending()
    world.submit()
    world.run_all()
    guest = world.submit(time_limit_s=600.0)
    world.run_all()
    later(world, 100)
    world.submit(queue=OWN)
    world.cycle()
    assert stopping(world) == set()
    held = world.state.reservations["queue:own"]
    assert held.expected_at == world.task(guest).attempt.started_at + 610  # type: ignore[union-attr, operator]  # it runs


def test_a_wide_task_may_use_own_and_lent_cards_together() -> None:
    world = lending(3)
    wide = world.submit(count=3, preemptible=True, allow_infeasible=True)
    assert world.cycle() == [wide]
