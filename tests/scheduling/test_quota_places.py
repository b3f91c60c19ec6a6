"""Where a tenant may run binds when a task starts, not only when it comes in."""

from dataclasses import replace
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.retrying import Backoff, RetryRules
from gavelq.core.state import State
from gavelq.scheduling.explain import Explanation, explain
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import GIB, World, uuid


def world_of(n_cards: int = 4, policy: Policy | None = None, **options: Any) -> World:
    world = World(n_cards=n_cards) if policy is None else World(n_cards=n_cards, policy=policy)
    world.send(ev.TenantCreated(by="me", name="ada", options=options))
    return world


def limit(world: World, **options: Any) -> None:
    world.send(ev.TenantChanged(by="me", name="ada", options=options))


def told(world: World, task_id: TaskId) -> tuple[str, Any, str]:
    assert world.last is not None
    no = world.last.reasons[world.state.pending.shape_of(world.task(task_id))]
    return no.reason.value, no.details.get("limit"), no.text


def explained(world: World, task_id: TaskId) -> Explanation:
    snapshot = take_snapshot(world.state, world.policy, world.now)
    return explain(task_id, world.state.pending.shape_of(world.task(task_id)), None, snapshot, world.policy)


@pytest.mark.parametrize("before", [{}, {"gpus": [uuid(0), uuid(1)]}])
def test_a_task_that_names_no_cards_goes_where_its_tenant_may_run_now(before: dict[str, Any]) -> None:
    world = world_of(**before)
    task_id = world.submit(tenant="ada")
    limit(world, gpus=[uuid(3)])
    world.run_all()
    assert world.gpus(task_id) == ["3"]


def test_a_task_that_names_cards_goes_to_those_of_them_that_are_left() -> None:
    world = world_of()
    task_id = world.submit(tenant="ada", allowed=(uuid(0), uuid(2)))
    limit(world, gpus=[uuid(2), uuid(3)])
    world.run_all()
    assert world.gpus(task_id) == ["2"]


def test_where_none_is_left_it_waits_says_so_and_starts_when_it_may_again() -> None:
    world = world_of()
    listed, wide = world.submit(tenant="ada", allowed=(uuid(0),)), world.submit(tenant="ada", count=2)
    limit(world, gpus=[uuid(3)])
    assert world.run_all() == []
    no = ("tenant_quota", "gpus", "the quota gpus of tenant ada is 3: ")
    left = "that leaves {} of the GPUs that it may run on, and it needs {}"
    assert told(world, listed) == (*no[:2], no[2] + left.format(0, 1))
    assert told(world, wide) == (*no[:2], no[2] + left.format(1, 2))
    found = explained(world, listed)
    assert [gate.name for gate in found.gates if not gate.passes] == ["tenant_quota"]
    assert all(refusal is not None for refusal in found.cards.values())
    assert found.forecast.at is None
    assert "quota gpus" in found.forecast.basis
    assert [dict(change.fields) for change in found.changes] == [{"gpu_ids": None}], "it may name none"
    assert [dict(change.fields) for change in explained(world, wide).changes] == [{"gpu_count": 1}]
    limit(world, gpus="none")
    assert set(world.run_all()) == {listed, wide}


def test_a_queue_that_is_no_longer_allowed_keeps_its_tasks_waiting_also_those_without_a_gpu() -> None:
    world = world_of()
    world.send(ev.QueueCreated(by="me", name=QueueName("lab"), options={}))
    ids = [world.submit(tenant="ada", queue=QueueName("lab"), count=count) for count in (1, 0)]
    limit(world, queues="running")
    assert world.run_all() == []
    for task_id in ids:
        reason, name, text = told(world, task_id)
        assert (reason, name) == ("tenant_quota", "queues")
        assert text.startswith("the quota queues of tenant ada is running: queue lab is not among them; move it")
    assert {"queue": "running"} in [dict(change.fields) for change in explained(world, ids[0]).changes]
    world.send(ev.TaskMoved(by="ada", task_id=ids[0], queue=QueueName("running")))
    assert world.run_all() == [ids[0]]


def test_another_tenant_s_equal_request_is_not_concerned() -> None:
    world = world_of(n_cards=1)
    world.submit(tenant="ada", allowed=(uuid(0),), priority=50)
    other = world.submit(allowed=(uuid(0),))
    limit(world, gpus=[uuid(7)])
    assert world.run_all() == [other]


@pytest.mark.parametrize("wish", [{"count": 2}, {"memory": 20 * GIB}])
def test_cards_that_were_promised_are_given_up(wish: dict[str, Any]) -> None:
    world = world_of(n_cards=3)
    for number in range(3):
        world.submit(allowed=(uuid(number),), time_limit_s=600.0 * (number + 1))
    world.run_all()
    holder = world.submit(tenant="ada", **wish)
    world.run_all()
    (held,) = world.state.reservations.values()
    assert (held.task_id, uuid(0) in held.gpus) == (holder, True)
    limit(world, gpus=[uuid(1), uuid(2)])
    world.run_all()
    (held,) = world.state.reservations.values()
    assert (held.task_id, uuid(0) in held.gpus) == (holder, False)
    limit(world, gpus=[uuid(7)])
    world.run_all()
    assert not world.state.reservations
    assert "tenant ada" in told(world, holder)[2]


def test_what_runs_goes_on_and_a_second_try_keeps_to_what_is_allowed_then() -> None:
    world = world_of()
    task_id = world.submit(tenant="ada", retry=RetryRules(retries=1, backoff=Backoff(first_s=0)))
    world.run_all()
    limit(world, gpus=[uuid(3)])
    assert (world.run_all(), world.gpus(task_id)) == ([], ["0"])
    world.ended(task_id, exit_code=1)
    world.run_all()
    assert world.gpus(task_id) == ["3"]


def test_it_holds_after_a_restart_and_when_the_tenant_is_changed_in_the_same_commit() -> None:
    world = world_of()
    task_id = world.submit(tenant="ada")
    limit(world, gpus=[uuid(3)])
    again = State()
    again.apply(world.state.as_changes())
    shape = again.pending.shape_of(again.tasks[task_id])
    assert shape == again.pending.shapes[task_id] == world.state.pending.shapes[task_id]
    assert shape.gpus == replace(world.task(task_id).request.gpus, allowed=(uuid(3),))
