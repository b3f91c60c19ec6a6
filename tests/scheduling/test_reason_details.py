"""A reason is data: its details hold what its sentence says, so that others can say it in words of their own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gavelq.core import events as ev
from gavelq.core.ids import TaskId
from gavelq.core.task import Dependency, DependencyKind
from gavelq.core.units import MiB
from gavelq.scheduling.explain import explain
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import GIB, World, card, process, uuid

FIFO = Policy(order="fifo", reserve_mib=0)


def told(world: World, task_id: TaskId) -> Mapping[str, Any]:
    """The details of why a task waits, as they are shown."""
    assert world.last is not None
    return world.last.reasons[world.state.pending.shape_of(world.task(task_id))].told


def causes(world: World, task_id: TaskId) -> dict[str, Mapping[str, Any]]:
    """Why each card does not do for a task."""
    snapshot = take_snapshot(world.state, world.policy, world.now)
    found = explain(task_id, world.state.pending.shape_of(world.task(task_id)), None, snapshot, world.policy)
    return {index: no.details for index, no in found.cards.items() if no is not None}


def test_the_causes_of_a_reason_are_counted_by_what_they_say() -> None:
    world = World(n_cards=3, policy=FIFO)
    wide = world.submit(count=2)
    world.run_all()
    narrow = world.submit()
    world.run_all()
    last = world.submit(count=2)
    world.cycle()
    assert told(world, last) == {
        "need": 2,
        "fitting": 0,
        "own": 3,
        "causes": [
            {"cause": "held", "tasks": (wide,), "n": 1, "n_gpus": 2},
            {"cause": "held", "tasks": (narrow,), "n": 1, "n_gpus": 1},
        ],
    }


def test_causes_that_are_not_named_are_told_as_a_number() -> None:
    world = World(n_cards=6, policy=FIFO)
    for _ in range(6):
        world.submit()
    world.run_all()
    last = world.submit()
    world.cycle()
    found = told(world, last)["causes"]
    assert [one["cause"] for one in found] == ["held"] * 4 + ["more"]
    assert sum(one["n_gpus"] for one in found) == 6


def test_a_card_tells_who_else_is_there_and_how_much_is_free() -> None:
    world = World(n_cards=2, policy=replace(FIFO, foreign="avoid"))
    world.look(card(0, process(7, 4 * GIB)), card(1))
    task_id = world.submit(count=2)
    world.cycle()
    (found,) = causes(world, task_id).values()
    assert found["cause"] == "foreign"
    assert [(one["pid"], one["memory_mib"]) for one in found["processes"]] == [(7, 4 * GIB)]
    assert found["n"] == 1


def test_a_card_tells_how_much_memory_it_lacks() -> None:
    world = World(n_cards=1, policy=FIFO)
    world.look(card(0, process(7, 20 * GIB)))
    task_id = world.submit(memory=MiB(10 * GIB))
    world.cycle()
    found = causes(world, task_id)["0"]
    assert found["cause"] == "memory"
    assert found["free_mib"] < found["need_mib"] == 10 * GIB


def test_a_card_that_is_out_of_use_tells_why() -> None:
    world = World(n_cards=2, policy=FIFO)
    world.send(ev.GpuIgnored(by="me", gpu=uuid(0)))
    task_id = world.submit(count=2)
    world.cycle()
    assert [found["cause"] for found in causes(world, task_id).values()] == ["ignored"]


def test_a_dependency_tells_which_tasks_are_waited_for() -> None:
    world = World(n_cards=1, policy=FIFO)
    first = world.submit()
    world.run_all()
    after = world.submit(depends_on=(Dependency(task_id=first, kind=DependencyKind.OK),))
    world.cycle()
    snapshot = take_snapshot(world.state, world.policy, world.now)
    found = explain(after, world.state.pending.shape_of(world.task(after)), None, snapshot, world.policy)
    (gate,) = [gate for gate in found.gates if gate.name == "dependency"]
    assert gate.details == {"waits_for": [{"task": first, "kind": "ok"}], "n": 1}
