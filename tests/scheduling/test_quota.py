"""Quotas in a cycle: who would hold too much waits, says which quota it is, and starts when there is room."""

from typing import Any

from gavelq.core import events as ev
from gavelq.core.ids import TaskId
from gavelq.core.tenants import HOUR_S
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import GIB, World, card


def world_of(n_cards: int = 4, **options: Any) -> World:
    world = World(n_cards=n_cards)
    world.send(ev.TenantCreated(by="me", name="ada", options=options))
    return world


def look(world: World) -> None:
    world.look(*(card(number) for number in range(world.n_cards)))


def blocked_by(world: World, task_id: int) -> tuple[str, object]:
    assert world.last is not None
    no = world.last.reasons[world.state.pending.shape_of(world.task(TaskId(task_id)))]
    assert "ada" in no.text
    return no.reason.value, no.details["limit"]


def test_gpus_at_once() -> None:
    world = world_of(max_gpus=2)
    for _ in range(3):
        world.submit(tenant="ada")
    other = world.submit()
    assert set(world.run_all()) == {1, 2, other}
    assert blocked_by(world, 3) == ("tenant_quota", "max_gpus")
    world.ended(TaskId(1))
    assert world.run_all() == [3]


def test_memory_at_once_counts_whole_cards_where_nothing_is_declared() -> None:
    world = world_of(max_memory="30G")
    world.submit(tenant="ada", memory=5 * GIB)
    world.submit(tenant="ada")
    world.submit(tenant="ada", memory=2 * GIB)
    assert world.run_all() == [1, 2]
    assert blocked_by(world, 3) == ("tenant_quota", "max_memory")
    world.ended(TaskId(2))
    assert world.run_all() == [3]


def test_tasks_at_once_also_those_without_a_gpu() -> None:
    world = world_of(max_running=1)
    world.submit(tenant="ada", count=0)
    world.submit(tenant="ada")
    assert world.run_all() == [1]
    assert blocked_by(world, 2) == ("tenant_quota", "max_running")


def test_who_waits_for_its_quota_holds_nothing_back() -> None:
    world = world_of(max_gpus=2)
    world.submit(tenant="ada", count=2)
    world.submit(tenant="ada", count=2, priority=50)
    world.submit(tenant="ada", count=2, priority=50)
    assert world.run_all() == [2]
    other = world.submit()
    assert world.run_all() == [other]
    assert world.last is not None
    assert not world.last.reservations


def test_hours_within_a_window_and_when_they_are_forgotten() -> None:
    world = world_of(gpu_hours=1, window="2h")
    world.now = 100.0 * HOUR_S
    look(world)
    world.submit(tenant="ada", count=2)
    world.run_all()
    world.now += HOUR_S / 2
    look(world)
    world.ended(TaskId(1))
    world.submit(tenant="ada")
    assert world.run_all() == []
    assert blocked_by(world, 2) == ("tenant_quota", "gpu_hours")
    assert world.last is not None
    assert world.last.next_at == 103.0 * HOUR_S, "the hour from 100 on is out of the window then"
    world.now = 103.0 * HOUR_S
    look(world)
    assert world.run_all() == [2]


def test_what_runs_counts_into_the_hours_as_it_goes() -> None:
    world = world_of(gpu_hours=1)
    world.submit(tenant="ada", count=2)
    world.run_all()
    world.now += HOUR_S / 2 - 1
    look(world)
    assert world.submit(tenant="ada") in world.run_all()
    world.now += 2
    look(world)
    world.submit(tenant="ada")
    assert world.run_all() == []


def test_an_elastic_task_takes_no_more_than_its_tenant_may_have() -> None:
    world = world_of(max_gpus=3)
    task_id = world.submit(tenant="ada", count=1, max_count=4, gpu_left=0)
    world.run_all()
    assert len(world.gpus(task_id)) == 3


def test_a_weight_of_two_gives_twice_the_cards() -> None:
    world = World(n_cards=6)
    world.send(ev.TenantCreated(by="me", name="ada", options={"weight": 2}))
    world.send(ev.TenantCreated(by="me", name="bob", options={}))
    for _ in range(6):
        world.submit(tenant="ada")
        world.submit(tenant="bob")
    started = [world.task(task_id).request.tenant for task_id in world.run_all()]
    assert (started.count("ada"), started.count("bob")) == (4, 2)


def test_a_cycle_looks_at_tenants_who_wait_alone() -> None:
    """There may be thousands of others, and each cycle would pay for them."""
    world = world_of(gpu_hours=1, weight=2)
    world.send(ev.TenantCreated(by="me", name="bob", options={"gpu_hours": 1, "weight": 3}))
    task_id = world.submit(tenant="bob")
    world.run_all()
    world.now += 100
    world.ended(task_id)
    world.submit(tenant="ada")
    snapshot = take_snapshot(world.state, world.policy, world.now)
    assert "bob" in world.state.shares
    assert set(snapshot.quotas) == set(snapshot.had) == set(snapshot.weights) == {"ada"}
    assert "bob" not in snapshot.use
    snapshot = take_snapshot(world.state, world.policy, world.now, tenant="bob")
    assert set(snapshot.quotas) == set(snapshot.had) == set(snapshot.weights) == {"ada", "bob"}
    assert snapshot.use["bob"] > 0
