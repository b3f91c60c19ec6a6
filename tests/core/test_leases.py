"""Leases: who keeps them alive, and how they end."""

import pytest

from gavelq.core import events as ev
from gavelq.core.effects import StopAttempt, Wake
from gavelq.core.engine.leases import expires_at
from gavelq.core.errors import WrongState
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.task import Lease, ProcessIdentity
from tests.support.builders import World, card

OWNER = ProcessIdentity(pid=77, start_ticks=5, boot_id="b")


@pytest.fixture
def world() -> World:
    return World(n_cards=2)


def renew(world: World, task_id: TaskId) -> None:
    world.send(ev.LeaseRenewed(by="me", task_id=task_id))


def release(world: World, task_id: TaskId) -> None:
    world.send(ev.LeaseReleased(by="me", task_id=task_id))


def check(world: World, *due: TaskId, since: float = 0.0, ownerless: tuple[TaskId, ...] = ()) -> tuple[TaskId, ...]:
    ended: tuple[TaskId, ...] = world.send(ev.LeasesChecked(since=since, due=due, ownerless=ownerless))
    return ended


def granted(world: World, **command: object) -> TaskId:
    task_id = world.submit(command=Lease(**command))  # type: ignore[arg-type]  # the test's own fields
    assert world.run_all() == [task_id]
    return task_id


def test_a_lease_is_placed_like_any_task(world: World) -> None:
    task_id = world.submit(command=Lease(), count=2)
    assert world.run_all() == [task_id]
    assert world.gpus(task_id) == ["0", "1"]
    other = world.submit(command=Lease())
    assert world.cycle() == []
    assert world.reason(other) == "gpu_count"


def test_a_released_lease_has_completed_when_its_supervisor_has_gone(world: World) -> None:
    task_id = granted(world)
    release(world, task_id)
    assert world.task(task_id).state is TaskState.STOPPING
    assert StopAttempt(task_id=task_id, attempt=1, signal=15) in world.effects
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    gone = world.gone[task_id]
    assert (gone.state, gone.ending and gone.ending.reason) == (TaskState.COMPLETED, EndReason.RELEASED)


def test_a_lease_that_starts_can_be_released(world: World) -> None:
    task_id = world.submit(command=Lease())
    world.cycle()
    release(world, task_id)
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert world.gone[task_id].state is TaskState.COMPLETED


@pytest.mark.parametrize("hold", [False, True])
def test_a_lease_that_was_given_nothing_is_cancelled_by_its_release(world: World, hold: bool) -> None:
    task_id = world.submit(command=Lease(), hold=hold)
    world.effects.clear()
    release(world, task_id)
    ending = world.gone[task_id].ending
    assert ending is not None
    assert (ending.reason, ending.detail) == (
        EndReason.CANCELLED_BY_USER, "released before it was granted, by me",
    )  # fmt: skip
    assert Wake() in world.effects


def test_a_release_does_not_undo_a_cancellation(world: World) -> None:
    task_id = granted(world)
    world.send(ev.TaskKilled(by="root", task_id=task_id, signal=15, is_ending=True))
    release(world, task_id)
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert world.gone[task_id].state is TaskState.CANCELLED


def test_a_lease_whose_owner_died_has_expired(world: World) -> None:
    task_id = granted(world, owner=OWNER)
    world.ended(task_id, exit_code=None, cause="owner_gone")
    gone = world.gone[task_id]
    assert (gone.state, gone.ending and gone.ending.reason) == (TaskState.ABORTED, EndReason.LEASE_EXPIRED)


def test_whoever_renews_keeps_it(world: World) -> None:
    task_id = granted(world, renew_s=60.0)
    world.now += 59
    renew(world, task_id)
    world.now += 59
    assert check(world, task_id) == ()
    assert world.task(task_id).state is TaskState.RUNNING
    world.now += 1
    assert check(world, task_id) == (task_id,)
    assert world.task(task_id).state is TaskState.STOPPING
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    ending = world.gone[task_id].ending
    assert ending is not None
    assert ending.reason is EndReason.LEASE_EXPIRED
    assert "nobody renewed it for 60 s" in ending.detail


def test_a_grant_begins_the_time_anew(world: World) -> None:
    task_id = world.submit(command=Lease(renew_s=60.0))
    world.now += 59
    world.look(card(0), card(1))
    assert world.run_all() == [task_id]
    world.now += 59
    assert check(world, task_id) == ()


def test_nothing_expires_while_the_daemon_was_away(world: World) -> None:
    task_id = granted(world, renew_s=60.0)
    world.now += 1000
    assert check(world, task_id, since=world.now - 10) == ()
    world.now += 50
    assert check(world, task_id, since=world.now - 60) == (task_id,)


@pytest.mark.parametrize("hold", [False, True])
def test_a_request_that_nobody_renews_is_granted_to_nobody(world: World, hold: bool) -> None:
    world.submit(count=2)
    world.run_all()
    task_id = world.submit(command=Lease(renew_s=60.0), hold=hold)
    world.now += 30
    renew(world, task_id)
    world.now += 59
    assert check(world, task_id) == ()
    world.now += 1
    assert check(world, task_id) == (task_id,)
    ending = world.gone[task_id].ending
    assert ending is not None
    assert (ending.reason, ending.detail) == (EndReason.LEASE_EXPIRED, "nobody renewed it for 60 s")


def test_a_request_whose_owner_died_is_granted_to_nobody(world: World) -> None:
    world.submit(count=2)
    world.run_all()
    task_id = world.submit(command=Lease(owner=OWNER))
    assert check(world, task_id) == ()
    assert check(world, ownerless=(task_id,)) == (task_id,)
    ending = world.gone[task_id].ending
    assert ending is not None
    assert (ending.reason, ending.detail) == (EndReason.LEASE_EXPIRED, "its owner, process 77, is gone")


def test_an_owner_who_died_ends_a_lease_also_without_its_supervisors_word(world: World) -> None:
    task_id = granted(world, owner=OWNER)
    assert check(world, ownerless=(task_id,)) == (task_id,)
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    ending = world.gone[task_id].ending
    assert ending is not None
    assert ending.reason is EndReason.LEASE_EXPIRED


def test_a_check_leaves_all_others_alone(world: World) -> None:
    command = world.submit()
    world.run_all()
    world.now += 1000
    stale = TaskId(99)
    assert check(world, command, stale, ownerless=(command, stale)) == ()
    assert world.task(command).state is TaskState.RUNNING


def test_a_lease_that_is_being_ended_is_not_ended_twice(world: World) -> None:
    task_id = granted(world, renew_s=60.0)
    release(world, task_id)
    world.now += 100
    assert check(world, task_id, ownerless=(task_id,)) == ()


@pytest.mark.parametrize("what", ["owned", "command", "stopping"])
def test_what_cannot_be_renewed_says_why(world: World, what: str) -> None:
    task_id = world.submit() if what == "command" else granted(world, owner=OWNER if what == "owned" else None)
    if what == "stopping":
        release(world, task_id)
    with pytest.raises(WrongState) as refusal:
        renew(world, task_id)
    assert refusal.value.hint


def test_a_command_is_not_released(world: World) -> None:
    with pytest.raises(WrongState, match="no lease"):
        release(world, world.submit())


def test_the_end_of_a_lease_is_known_beforehand(world: World) -> None:
    task_id = world.submit(command=Lease(renew_s=60.0))
    assert expires_at(world.task(task_id), 0.0) == world.now + 60
    assert expires_at(world.task(task_id), world.now + 5) == world.now + 65
    owned = world.submit(command=Lease(owner=OWNER))
    assert expires_at(world.task(owned), 0.0) is None
    assert expires_at(world.task(world.submit()), 0.0) is None
    release(world, task_id)
    assert expires_at(world.gone[task_id], 0.0) is None


@pytest.mark.parametrize("requeue", [False, True])
def test_a_lease_is_never_granted_twice(world: World, requeue: bool) -> None:
    lost = granted(world, owner=OWNER)
    world.ended(lost, exit_code=None, cause="lost")
    assert world.gone[lost].state is TaskState.ABORTED
    drained = world.submit(command=Lease(owner=OWNER), requeue=True)
    world.run_all()
    gpu = world.task(drained).held_gpus[0]
    world.send(ev.GpuDrained(by="root", gpu=gpu, stop_now=True, requeue=requeue))
    world.ended(drained, exit_code=0, cause="stopped")
    ending = world.gone[drained].ending
    assert ending is not None
    assert (ending.reason, ending.exit_code) == (EndReason.GPU_DRAINED, None)


def test_a_lost_lease_that_may_be_requeued_is_lost_all_the_same(world: World) -> None:
    task_id = world.submit(command=Lease(owner=OWNER), requeue=True)
    world.run_all()
    world.ended(task_id, exit_code=None, cause="lost")
    ending = world.gone[task_id].ending
    assert ending is not None
    assert ending.reason is EndReason.LOST
