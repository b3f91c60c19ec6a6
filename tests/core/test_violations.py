"""Tasks on GPUs that they do not hold, or above their declared memory: noted, told, stopped where it is enforced."""

from dataclasses import replace
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.effects import StopAttempt, WriteToLog
from gavelq.core.engine import EngineRules
from gavelq.core.errors import InvalidField, Refused
from gavelq.core.gpu import GpuProcess
from gavelq.core.ids import TaskId
from gavelq.core.isolation import includes, level_of
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record
from gavelq.core.task import Lease
from gavelq.core.tenants import Isolation
from gavelq.core.units import MiB
from tests.support.builders import GIB, World, card, process, uuid

WATCHED = EngineRules(log_dir="/logs", isolation=Isolation.WATCHED)
ENFORCED = replace(WATCHED, enforce=True)


def running(world: World, **given: Any) -> TaskId:
    """A task that runs on GPU 0."""
    task_id = world.submit(**given)
    assert world.run_all() == [task_id]
    assert world.task(task_id).held_gpus in ((uuid(0),), ())
    return task_id


def seen(world: World, on_0: GpuProcess | None = None, on_1: GpuProcess | None = None, times: int = 2) -> None:
    """So many looks at two GPUs, a second apart."""
    for _ in range(times):
        world.now += 1
        world.look(card(0, *([on_0] if on_0 else [])), card(1, *([on_1] if on_1 else [])))


def noted(world: World) -> list[Record]:
    return [record for record in world.records if record.kind == "violation"]


def told(world: World) -> list[str]:
    return [effect.text for effect in world.effects if isinstance(effect, WriteToLog)]


def stops(world: World) -> list[TaskId]:
    return [effect.task_id for effect in world.effects if isinstance(effect, StopAttempt)]


def test_a_process_on_a_gpu_that_its_task_does_not_hold_is_noted_after_two_looks() -> None:
    world = World(n_cards=2)
    task_id = running(world)
    seen(world, on_1=process(4711, 300, task_id=task_id), times=1)
    assert noted(world) == []
    seen(world, on_1=process(4711, 300, task_id=task_id), times=1)
    (record,) = noted(world)
    assert (record.task_id, record.subject, record.by) == (task_id, uuid(1), "gavelq")
    assert record.details == {
        "what": "other_gpu", "gpu": "1", "pid": 4711, "memory_mib": 300, "declared_mib": None,
        "says": "process 4711 used GPU 1 (300 MiB), which the task does not hold",
    }  # fmt: skip
    attempt = world.task(task_id).attempt
    assert attempt is not None
    assert [(v.kind, v.gpu, v.pid, v.at) for v in attempt.violations] == [("other_gpu", uuid(1), 4711, world.now)]


def test_one_that_goes_on_is_noted_once() -> None:
    world = World(n_cards=2)
    task_id = running(world)
    seen(world, on_1=process(4711, 300, task_id=task_id), times=5)
    seen(world)
    seen(world, on_1=process(4712, 900, task_id=task_id), times=5)
    assert len(noted(world)) == 1


@pytest.mark.parametrize("looks", [("on", "off", "on", "off"), ("on", "other", "on", "other")])
def test_what_no_two_looks_in_a_row_show_does_not_count(looks: tuple[str, ...]) -> None:
    world = World(n_cards=2)
    task_id = running(world)
    shown = {"on": process(5, 300, task_id=task_id), "off": None, "other": process(6, 300, task_id=task_id)}
    for look in looks:
        seen(world, on_1=shown[look], times=1)
    assert noted(world) == []


def test_strangers_and_processes_of_ended_tasks_violate_nothing() -> None:
    world = World(n_cards=2)
    task_id = running(world)
    seen(world, on_1=process(7, 9000))
    world.ended(task_id)
    seen(world, on_1=process(8, 9000, task_id=task_id))
    assert noted(world) == []


def test_memory_above_what_was_declared_is_noted_with_the_sum_of_its_processes() -> None:
    world = World(n_cards=1)
    task_id = running(world, memory=MiB(8 * GIB))
    for _ in range(2):
        world.now += 1
        world.look(card(0, process(5, 5000, task_id=task_id), process(6, 4000, task_id=task_id), process(9, 800)))
    (record,) = noted(world)
    told_of = {name: record.details[name] for name in ("what", "pid", "memory_mib", "declared_mib", "says")}
    assert told_of == {
        "what": "memory", "pid": 5, "memory_mib": 9000, "declared_mib": 8192,
        "says": "its processes (process 5) used 9000 MiB of GPU 0, 8192 MiB were declared",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "used", "is_violation"),
    [(8192, 8448, False), (8192, 8449, True), (None, 20000, False), (8192, None, False)],
)
def test_the_tolerance_is_what_is_not_minded(declared: int | None, used: int | None, is_violation: bool) -> None:
    world = World(n_cards=2)
    task_id = running(world, memory=None if declared is None else MiB(declared))
    seen(world, on_0=process(5, used, task_id=task_id))
    assert bool(noted(world)) is is_violation


def test_memory_that_was_above_only_once_is_not_minded() -> None:
    world = World(n_cards=2)
    task_id = running(world, memory=MiB(8192))
    for mib in (9000, 8000, 9000, 8000):
        seen(world, on_0=process(5, mib, task_id=task_id), times=1)
    assert noted(world) == []


def test_what_was_learned_from_others_is_no_promise() -> None:
    world = World(n_cards=2)
    task_id = running(world, memory=MiB(8192), learn_memory=True)
    seen(world, on_0=process(5, 12000, task_id=task_id))
    assert noted(world) == []


def test_a_task_without_gpus_may_use_none() -> None:
    world = World(n_cards=2)
    task_id = running(world, count=0)
    seen(world, on_0=process(5, 300, task_id=task_id))
    assert [record.details["gpu"] for record in noted(world)] == ["0"]


def test_what_the_last_attempt_left_in_the_drivers_list_does_not_count_against_the_next() -> None:
    world = World(n_cards=2)
    task_id = running(world, count=0)
    first = world.task(task_id)
    assert first.attempt is not None
    second = replace(first, attempt=replace(first.attempt, number=2, placed_at=world.now))
    world.state.tasks[task_id] = world.state.holding[task_id] = second
    old = replace(process(5, 300, task_id=task_id), started_at=world.now - 100)
    seen(world, on_0=old)
    assert noted(world) == []
    seen(world, on_0=replace(old, pid=6, started_at=world.now))
    assert len(noted(world)) == 1


@pytest.mark.parametrize(
    ("rules", "log", "is_stopped"),
    [
        (EngineRules(log_dir="/logs"), [], False),
        (EngineRules(log_dir="/logs", enforce=True), [], False),
        (WATCHED, ["gavelq: violation: process 5 used GPU 1 (300 MiB), which the task does not hold"], False),
        (
            ENFORCED,
            [
                "gavelq: violation: process 5 used GPU 1 (300 MiB), which the task does not hold;"
                " the task is stopped for it"
            ],
            True,
        ),
    ],
)
def test_the_level_decides_what_follows(rules: EngineRules, log: list[str], is_stopped: bool) -> None:
    world = World(n_cards=2, rules=rules)
    task_id = running(world)
    seen(world, on_1=process(5, 300, task_id=task_id))
    assert len(noted(world)) == 1
    assert told(world) == log
    assert stops(world) == ([task_id] if is_stopped else [])


def test_a_task_that_is_stopped_for_it_ends_with_what_it_did() -> None:
    world = World(n_cards=2, rules=ENFORCED)
    task_id = running(world)
    seen(world, on_1=process(4711, 300, task_id=task_id))
    assert world.task(task_id).state is TaskState.STOPPING
    world.ended(task_id, None, 15, cause="stopped")
    ending = world.gone[task_id].ending
    assert ending is not None
    assert (world.gone[task_id].state, ending.reason) == (TaskState.ABORTED, EndReason.VIOLATION)
    assert ending.detail == "process 4711 used GPU 1 (300 MiB), which the task does not hold"


def test_a_lease_that_takes_more_than_it_declared_loses_its_gpus_where_that_is_enforced() -> None:
    world = World(n_cards=2, rules=ENFORCED)
    task_id = running(world, command=Lease(), memory=MiB(1024))
    seen(world, on_0=process(5, 2000, task_id=task_id))
    assert stops(world) == [task_id]


def test_a_tenants_own_word_counts_for_its_tasks() -> None:
    world = World(n_cards=2)
    world.send(ev.TenantCreated(by="me", name="lab", options={"isolation": "watched", "enforce": True}))
    task_id = running(world, tenant="lab")
    seen(world, on_1=process(5, 300, task_id=task_id))
    assert stops(world) == [task_id]


def test_a_task_may_be_watched_of_its_own_wish() -> None:
    world = World(n_cards=2)
    task_id = running(world, isolation=Isolation.WATCHED)
    seen(world, on_1=process(5, 300, task_id=task_id))
    assert len(told(world)) == 1


def test_the_attempt_keeps_the_level_that_it_was_placed_with() -> None:
    world = World(n_cards=2, rules=WATCHED)
    task_id = running(world)
    world.rules = EngineRules(log_dir="/logs")
    attempt = world.task(task_id).attempt
    assert attempt is not None
    assert attempt.isolation is Isolation.WATCHED
    seen(world, on_1=process(5, 300, task_id=task_id))
    assert len(told(world)) == 1


def test_a_laxer_level_than_the_tenants_is_refused() -> None:
    world = World(rules=WATCHED)
    with pytest.raises(InvalidField, match="isolation: visible does not keep the task from all that watched does"):
        world.submit(isolation=Isolation.VISIBLE)
    world.submit(isolation=Isolation.DEVICE)


def test_a_level_that_the_machine_cannot_give_is_refused_with_the_reason() -> None:
    world = World(rules=EngineRules(log_dir="/logs", unavailable={Isolation.DEVICE: "no Landlock here"}))
    with pytest.raises(Refused, match="isolation device cannot be given: no Landlock here"):
        world.submit(isolation=Isolation.DEVICE)
    world.send(ev.TenantCreated(by="me", name="lab", options={"isolation": "device"}))
    with pytest.raises(Refused, match="it is the least for lab"):
        world.submit(tenant="lab")
    assert world.state.tasks == {}


@pytest.mark.parametrize("level", [Isolation.DEVICE, Isolation.MPS])
def test_a_lease_cannot_be_more_than_watched(level: Isolation) -> None:
    world = World()
    with pytest.raises(Refused, match="the processes of a lease are started by its owner"):
        world.submit(command=Lease(), isolation=level)
    world.submit(command=Lease(), isolation=Isolation.WATCHED)


def test_an_edit_is_asked_the_same() -> None:
    world = World(rules=WATCHED)
    task_id = world.submit(hold=True)
    request = replace(world.task(task_id).request, isolation=Isolation.VISIBLE)
    with pytest.raises(InvalidField, match="isolation"):
        world.send(ev.TasksEdited(by="me", requests={task_id: request}, fields=("isolation",)))


def test_device_and_mps_do_not_stand_for_each_other() -> None:
    assert not includes(Isolation.DEVICE, Isolation.MPS)
    assert not includes(Isolation.MPS, Isolation.DEVICE)
    assert all(includes(level, Isolation.VISIBLE) for level in Isolation)
    assert [level_of(Isolation.DEVICE, wish) for wish in (None, Isolation.WATCHED, Isolation.DEVICE)] == ["device"] * 3
    assert level_of(Isolation.WATCHED, Isolation.MPS) is Isolation.MPS
