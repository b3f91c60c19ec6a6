"""`gpu share`: foreign processes that tasks may run beside, until those leave."""

from dataclasses import replace

import pytest

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.gpu import Accepted, GpuProcess
from tests.support.builders import GIB, World, card, process, uuid

TOM = replace(process(77, 10 * GIB), started_at=500.0)
EVE = replace(process(78, 2 * GIB), started_at=600.0)


def shared(*processes: GpuProcess, pid: int | None = None) -> World:
    world = World(n_cards=1)
    world.look(card(0, *processes))
    world.send(ev.GpuShared(by="admin", gpu=uuid(0), pid=pid))
    return world


def ignored(world: World) -> dict[int, bool]:
    return {one.pid: one.is_ignored for one in world.state.books.sample.by_uuid[uuid(0)].processes}


def accepted(world: World) -> tuple[Accepted, ...]:
    return world.state.cards[uuid(0)].accepted


def later(world: World, *processes: GpuProcess, s: float = 10.0) -> None:
    world.now += s
    world.look(card(0, *processes))


def test_what_is_there_is_accepted_at_once_and_stays_so() -> None:
    world = shared(TOM, EVE)
    assert accepted(world) == (Accepted(pid=77, started_at=500.0), Accepted(pid=78, started_at=600.0))
    assert ignored(world) == {77: True, 78: True}
    later(world, TOM, EVE)
    assert ignored(world) == {77: True, 78: True}


def test_a_whole_card_task_starts_beside_it_and_its_memory_counts() -> None:
    world = shared(TOM)
    later(world, TOM)
    too_large, fits = world.submit(memory=20 * GIB), world.submit()
    assert world.run_all() == [fits]
    assert world.reason(too_large) in ("gpu_memory", "gpu_count")


def test_without_sharing_the_whole_card_task_waits() -> None:
    world = World(n_cards=1)
    world.look(card(0, TOM))
    later(world, TOM)
    world.submit()
    assert world.cycle() == []


def test_one_process_alone_can_be_accepted() -> None:
    world = shared(TOM, EVE, pid=78)
    assert ignored(world) == {77: False, 78: True}
    world.send(ev.GpuShared(by="admin", gpu=uuid(0), pid=77))
    assert ignored(world) == {77: True, 78: True}
    assert len(accepted(world)) == 2


def test_who_comes_later_is_foreign() -> None:
    world = shared(TOM)
    later(world, TOM, EVE)
    assert ignored(world) == {77: True, 78: False}


def test_it_ends_when_they_leave_and_a_new_process_with_the_same_pid_is_a_stranger() -> None:
    world = shared(TOM)
    later(world)
    assert accepted(world) == ()
    assert [record.kind for record in world.records][-1] == "gpu_share_ended"
    later(world, TOM)
    assert ignored(world) == {77: False}

    world = shared(TOM)
    later(world, replace(TOM, started_at=505.0))
    assert ignored(world) == {77: False}
    assert accepted(world) == ()


def test_a_look_that_failed_ends_nothing() -> None:
    world = shared(TOM)
    world.now += 10
    world.look(problem="the driver does not answer")
    assert len(accepted(world)) == 1


def test_it_can_be_taken_back() -> None:
    world = shared(TOM)
    world.send(ev.GpuUnshared(by="admin", gpu=uuid(0)))
    assert accepted(world) == ()
    assert ignored(world) == {77: False}
    told = [(record.kind, record.by, record.details.get("pids")) for record in world.records if "share" in record.kind]
    assert told == [("gpu_shared", "admin", [77]), ("gpu_unshared", "admin", [77])]


def test_where_nobody_is_there_is_nobody_to_share_with() -> None:
    with pytest.raises(WrongState, match="nobody to share it with"):
        shared()
    with pytest.raises(InvalidField, match="no foreign process 99 is on GPU 0"):
        shared(TOM, pid=99)


def test_our_own_processes_are_never_accepted() -> None:
    world = World(n_cards=1)
    task = world.submit()
    world.run_all()
    world.look(card(0, process(5, GIB, task_id=int(task))))
    with pytest.raises(WrongState):
        world.send(ev.GpuShared(by="admin", gpu=uuid(0)))
