"""Whose the processes on a leased card are, while the lease lasts and afterwards."""

from dataclasses import replace

from gavelq.core.events import AttemptStarted
from gavelq.core.gpu import GpuProcess
from gavelq.core.ids import TaskId
from gavelq.core.lease_processes import START_SLACK_S, Leasehold, leased_to, leaseholds
from gavelq.core.task import Lease, ProcessIdentity
from tests.support.builders import GIB, World, card, process, uuid

OWNED = Leasehold(task_id=TaskId(7), started_at=1000.0, owner_pid=50)
RENEWED = Leasehold(task_id=TaskId(8), started_at=1100.0, owner_pid=None)


def seen(pid: int, started_at: float | None) -> GpuProcess:
    return replace(process(pid, 1), started_at=started_at)


def test_what_started_after_the_lease_belongs_to_it() -> None:
    assert leased_to(seen(90, 1000.0), [90, 1], [OWNED]) == 7
    assert leased_to(seen(90, 1000.0 - START_SLACK_S / 2), [90, 1], [OWNED]) == 7


def test_what_was_there_before_the_lease_is_foreign() -> None:
    assert leased_to(seen(90, 990.0), [90, 1], [OWNED]) is None


def test_the_owner_and_all_below_it_belong_to_the_lease_whenever_they_started() -> None:
    for pid, above in ((50, [50, 1]), (90, [90, 51, 50, 1])):
        assert leased_to(seen(pid, 10.0), above, [OWNED]) == 7
        assert leased_to(seen(pid, None), above, [OWNED]) == 7


def test_what_started_nobody_knows_when_is_foreign_unless_it_descends_from_the_owner() -> None:
    assert leased_to(seen(90, None), [], [OWNED]) is None


def test_an_ignored_process_belongs_to_nobody() -> None:
    assert leased_to(replace(seen(90, 2000.0), is_ignored=True), [90, 50], [OWNED]) is None


def test_without_a_lease_every_process_is_foreign() -> None:
    assert leased_to(seen(90, 2000.0), [90], []) is None


def test_between_leases_on_one_card_descent_decides_and_then_the_latest_start() -> None:
    holds = [RENEWED, OWNED]  # the latest first
    assert leased_to(seen(90, 1200.0), [90, 50], holds) == 7
    assert leased_to(seen(90, 1200.0), [90], holds) == 8
    assert leased_to(seen(90, 1050.0), [90], holds) == 7


def leasing(world: World, *, owner_pid: int | None = None, **given: object) -> TaskId:
    """A lease, submitted and placed."""
    owner = None if owner_pid is None else ProcessIdentity(pid=owner_pid, start_ticks=1, boot_id="b")
    task_id = world.submit(command=Lease(owner=owner), **given)
    assert world.cycle() == [task_id]
    return task_id


def test_the_leases_of_a_card_are_those_that_have_begun() -> None:
    world = World(n_cards=2)
    waiting = leasing(world)
    assert leaseholds(world.state.holding.values()) == {}
    world.started(waiting)
    world.submit(count=1)
    world.run_all()
    gpu = world.task(waiting).held_gpus[0]
    hold = Leasehold(task_id=waiting, started_at=world.now, owner_pid=None)
    assert leaseholds(world.state.holding.values()) == {gpu: [hold]}


def test_leases_that_share_a_card_are_told_latest_first() -> None:
    world = World(n_cards=1)
    lease = leasing(world, owner_pid=70)
    world.started(lease)
    early = world.task(lease)
    assert early.attempt is not None
    late = replace(early, id=TaskId(9), attempt=replace(early.attempt, started_at=world.now + 1))
    found = leaseholds([early, late])[uuid(0)]
    assert [(hold.task_id, hold.owner_pid) for hold in found] == [(9, 70), (lease, 70)]


def test_what_outlives_its_lease_is_foreign_and_keeps_the_card_from_others() -> None:
    world = World(n_cards=1)
    lease = leasing(world)
    world.started(lease)
    world.look(card(0, process(90, 20 * GIB, task_id=lease)))
    waiting = world.submit()
    world.ended(lease, cause="stopped")
    # Until somebody looks again, nobody knows that it is gone.
    assert [(p.pid, p.task_id) for p in world.state.books.sample.by_uuid[uuid(0)].processes] == [(90, None)]
    assert world.cycle() == []
    assert world.reason(waiting) == "gpu_unavailable"
    world.now += 1.0
    world.look(card(0, process(90, 20 * GIB)))
    assert world.cycle() == []
    world.now += 1.0
    world.look(card(0))
    world.now += world.state.books.settle_s
    world.look(card(0))
    assert world.cycle() == [waiting]


def test_an_ended_task_s_processes_leave_the_books_as_before() -> None:
    world = World(n_cards=1)
    task = world.submit()
    world.run_all()
    world.look(card(0, process(90, 20 * GIB, task_id=task)))
    waiting = world.submit()
    world.ended(task)
    assert world.cycle() == [waiting]


def test_processes_that_ended_with_their_owner_are_not_taken_for_survivors() -> None:
    world = World(n_cards=1)
    lease = leasing(world)
    world.send(
        AttemptStarted(
            task_id=lease, attempt=1, pid=50, at=world.now,
            supervisor=ProcessIdentity(pid=77, start_ticks=1, boot_id="b"),
        )
    )  # fmt: skip
    world.look(card(0, process(90, 20 * GIB, task_id=lease)))
    world.ended(lease, cause="owner_gone")
    # The driver still shows it, but /proc does not know it any more.
    world.look(card(0, replace(process(90, 20 * GIB), is_alive=False)))
    assert world.state.books.sample.by_uuid[uuid(0)].processes == ()
