"""`rules.compete_gpus`: the cards that tasks may start on. All others are to them like ignored ones."""

from dataclasses import replace

import pytest

from gavelq.core.errors import Refused
from gavelq.core.events import GpuDrained, GpuIgnored, GpusAllocated, QueueCreated
from gavelq.core.gpu import GpuState
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.pending import shape_of
from gavelq.core.units import MiB
from gavelq.scheduling.explain import explain
from gavelq.scheduling.gpu_view import gpu_views
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import GIB, World, card, uuid


def allowed(*names: str, **more: object) -> Policy:
    return replace(Policy(), allowed_gpus=frozenset(names), **more)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize("names", [("1", "3"), ("GPU-test-1", "3"), ("GPU-test-1", "GPU-test-3")])
def test_tasks_start_on_the_named_cards_only(names: tuple[str, ...]) -> None:
    world = World(n_cards=4, policy=allowed(*names))
    tasks = [world.submit() for _ in range(4)]
    assert world.run_all() == tasks[:2]
    assert sorted(world.gpus(tasks[0]) + world.gpus(tasks[1])) == ["1", "3"]
    assert world.reason(tasks[2]) == "gpu_count", "the named ones are held by tasks that will end"


def test_a_task_that_wants_more_than_the_named_cards_says_why_it_waits_and_holds_nothing_back() -> None:
    world = World(n_cards=3, policy=allowed("0", "1", order="fifo"))
    wide, narrow = world.submit(count=3), world.submit()
    assert world.cycle() == [narrow]
    assert world.reason(wide) == "gpu_unavailable"
    assert world.state.reservations == {}
    task = world.task(wide)
    snapshot = take_snapshot(world.state, world.policy, world.now)
    told = explain(wide, shape_of(task), None, snapshot, world.policy)
    refusal = told.cards["2"]
    assert refusal is not None
    assert refusal.text == "not among rules.compete_gpus"


def test_a_card_that_a_task_lists_itself_is_left_out_as_well() -> None:
    world = World(n_cards=2, policy=allowed("0"))
    task_id = world.submit(allowed=(uuid(1),))
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_unavailable"


def test_a_queue_that_owns_cards_is_bound_too() -> None:
    world = World(n_cards=2, policy=allowed("0"))
    lab = QueueName("lab")
    world.send(QueueCreated(by="me", name=lab, options={}))
    world.send(GpusAllocated(by="me", queue=lab, gpus=(uuid(1),)))
    task_id = world.submit(queue=lab)
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_unavailable"


def test_what_runs_on_another_card_goes_on_and_the_change_counts_at_the_next_cycle() -> None:
    world = World(n_cards=2)
    first, second = world.submit(), world.submit()
    assert world.run_all() == [first, second]
    world.policy = allowed("1")
    waiting = world.submit()
    assert world.cycle() == []
    assert [world.task(t).state for t in (first, second)] == ["running"] * 2
    world.ended(first)
    assert world.cycle() == [], "card 0 is free, and not among the named ones"
    world.policy = Policy()
    assert world.cycle() == [waiting]


def test_the_budget_counts_the_named_cards_and_those_in_use() -> None:
    world = World(n_cards=4, policy=allowed("0", "1", "2", gpu_left=1))
    tasks = [world.submit() for _ in range(4)]
    assert world.run_all() == tasks[:2], "three available, one is left to others"
    assert world.reason(tasks[2]) == "gpu_budget"
    elsewhere = World(n_cards=3)
    kept = [elsewhere.submit() for _ in range(3)]
    elsewhere.run_all()
    elsewhere.ended(kept[0])
    elsewhere.policy = allowed("0", gpu_left=1)
    waiting = elsewhere.submit()
    assert elsewhere.cycle() == [], "0 and the two in use are available: two may be used, and two are"
    assert elsewhere.reason(waiting) == "gpu_budget"
    elsewhere.ended(kept[1])
    elsewhere.ended(kept[2])
    assert elsewhere.cycle() == [], "only card 0 is available now, and one is left to others"
    elsewhere.policy = allowed("0")
    assert elsewhere.cycle() == [waiting]


def test_naming_a_gpu_names_its_mig_devices() -> None:
    world = World(n_cards=1)
    parent = replace(card(0), is_mig_parent=True)
    devices = [
        replace(card(0), uuid=GpuUuid(f"MIG-{n}"), index=f"0:{n}", parent=uuid(0), memory_total=MiB(10 * GIB))
        for n in range(2)
    ]
    world.look(parent, *devices, card(1))
    for names, expected in ((("0",), {"0:0", "0:1"}), (("0:1",), {"0:1"}), (("GPU-test-0", "1"), {"0:0", "0:1", "1"})):
        views = gpu_views(world.state, world.now, allowed(*names))
        assert {view.index for view in views.values() if not view.excluded} == expected


def test_its_state_is_ignored_and_what_is_worse_is_told_first() -> None:
    world = World(n_cards=4)
    world.send(GpuIgnored(by="me", gpu=uuid(1)))
    world.send(GpuDrained(by="me", gpu=uuid(2), stop_now=False, requeue=False))
    world.look(card(0), card(1), card(2), lost=(uuid(3),))
    views = gpu_views(world.state, world.now, allowed("7"))
    told = {view.index: (view.state(world.state.cards[view.uuid], 0), view.unavailable) for view in views.values()}
    excluded = "not among rules.compete_gpus"
    assert told["0"] == (GpuState.IGNORED, excluded)
    assert told["1"] == (GpuState.IGNORED, "ignored")
    assert told["2"] == (GpuState.IGNORED, excluded)
    assert told["3"][0] is GpuState.LOST


def test_a_queue_is_not_given_an_excluded_card_unless_it_is_named() -> None:
    world = World(n_cards=2)
    lab = QueueName("lab")
    world.send(QueueCreated(by="me", name=lab, options={}))
    with pytest.raises(Refused):
        world.send(GpusAllocated(by="me", queue=lab, count=2, excluded=frozenset({uuid(0)})))
    assert world.send(GpusAllocated(by="me", queue=lab, count=1, excluded=frozenset({uuid(0)}))) is not None
    assert world.state.cards[uuid(1)].queue == lab
    world.send(GpusAllocated(by="me", queue=lab, gpus=(uuid(0),), excluded=frozenset({uuid(0)})))
    assert world.state.cards[uuid(0)].queue == lab
