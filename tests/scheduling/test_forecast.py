"""Where a waiting task stands, when it will probably start and why, and what would start it at once."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.ids import BlobKey, QueueName, TaskId
from gavelq.core.learned import Learned, name_key
from gavelq.core.pending import Shape, shape_of
from gavelq.core.step import Changes
from gavelq.core.task import LanePlace, TaskRequest
from gavelq.core.units import MiB
from gavelq.scheduling.changed import Change, would_start
from gavelq.scheduling.forecast import Forecast, expected_starts, forecast
from gavelq.scheduling.line import Line, Place
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import GIB, World, card, process, request, uuid

FIFO = Policy(order="fifo", grace_s=0, allowance_s=0)
HOUR = 3600.0


def told(world: World, task_id: TaskId) -> Forecast:
    snapshot = take_snapshot(world.state, world.policy, world.now)
    return forecast(task_id, shape_of(world.task(task_id)), snapshot, world.policy)


def changes(world: World, task_id: TaskId) -> list[Change]:
    snapshot = take_snapshot(world.state, world.policy, world.now)
    return would_start(task_id, shape_of(world.task(task_id)), snapshot, world.policy)


def machine(n_cards: int = 1) -> World:
    return World(n_cards=n_cards, policy=FIFO)


def test_positions_follow_the_order() -> None:
    world = machine()
    world.submit()
    world.run_all()
    first, second, urgent = world.submit(), world.submit(), world.submit(priority=5)
    assert [told(world, task_id).position for task_id in (urgent, first, second)] == [1, 2, 3]
    world.cycle()
    assert told(world, urgent).position == 1


def test_limits_add_up_along_the_line() -> None:
    world = machine()
    world.submit(time_limit_s=HOUR)
    world.run_all()
    waiting = [world.submit(time_limit_s=2 * HOUR), world.submit(time_limit_s=HOUR), world.submit()]
    at = [told(world, task_id).at for task_id in waiting]
    assert at == [world.now + HOUR, world.now + 3 * HOUR, world.now + 4 * HOUR]
    assert "time limits" in told(world, waiting[1]).basis


def test_where_nobody_can_tell_nobody_looks_at_all_who_are_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300 in line every third has no limit: whoever is behind two of these, one for each card, has no start."""
    world = machine(2)
    world.submit(time_limit_s=HOUR)
    world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    waiting = [world.submit(time_limit_s=None if n % 3 == 2 else HOUR, priority=n % 2) for n in range(300)]
    some = waiting[::7]
    monkeypatch.setattr("gavelq.scheduling.forecast._ASKED_EVERY", 10**6)
    whole = [told(world, task_id) for task_id in some]
    monkeypatch.setattr("gavelq.scheduling.forecast._ASKED_EVERY", 1)
    asked, place = list[TaskId](), Line.place

    def noted(line: Line, task_id: TaskId, shape: Shape) -> Place | None:
        asked.append(task_id)
        return place(line, task_id, shape)

    monkeypatch.setattr(Line, "place", noted)
    assert [told(world, task_id) for task_id in some] == whole
    assert sum(forecast.at is None for forecast in whole) > 30
    assert len(asked) < 12 * len(some)


def test_learned_run_times_count_before_limits_for_named_tasks() -> None:
    world = machine()
    key = name_key("me", "train")
    world.state.apply(Changes(learned={key: Learned(n_ends=3, run_times_s=(600.0, 500.0, 700.0))}))
    world.submit(name="train", is_named=True, time_limit_s=HOUR)
    world.run_all()
    next_one = world.submit(name="train", is_named=True)
    last = world.submit()
    assert told(world, next_one).at == world.now + 600
    assert told(world, last).at == world.now + 1200
    assert "learned run times" in told(world, last).basis


def test_two_ends_teach_nothing_yet() -> None:
    world = machine()
    world.state.apply(Changes(learned={name_key("me", "train"): Learned(n_ends=2, run_times_s=(600.0, 500.0))}))
    world.submit(name="train", is_named=True, time_limit_s=HOUR)
    world.run_all()
    assert told(world, world.submit()).at == world.now + HOUR


def test_without_limit_and_knowledge_nobody_can_tell_and_the_culprit_is_named() -> None:
    world = machine()
    culprit = world.submit()
    world.run_all()
    found = told(world, world.submit())
    assert found.at is None
    assert f"task {culprit}" in found.basis


def test_a_reservation_is_the_better_basis() -> None:
    world = machine(2)
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    wide = world.submit(count=2)
    world.cycle()
    found = told(world, wide)
    assert found.at == world.now + 2 * HOUR
    assert "reservation" in found.basis
    behind = told(world, world.submit(time_limit_s=5 * HOUR))
    assert behind.at is None, "the holder goes first and has no limit"


def test_who_holds_a_reservation_without_a_time_has_nobody_ahead_of_it() -> None:
    world = World(n_cards=1, policy=Policy(grace_s=0, allowance_s=0))
    known = Learned(n_ends=3, run_times_s=(600.0,) * 3)
    world.state.apply(Changes(learned={name_key("me", "eval"): known}))
    world.submit(name="eval", is_named=True)
    world.run_all()
    holder = world.submit(name="eval", is_named=True)
    world.cycle()
    behind = world.submit(time_limit_s=2 * HOUR)
    world.cycle()
    assert (told(world, holder).position, told(world, holder).at) == (1, world.now + 600)
    assert told(world, behind).at == world.now + 1200


def test_a_holder_comes_after_the_one_for_whom_a_card_is_being_emptied() -> None:
    world = World(n_cards=1, policy=Policy(preemption=True, min_run_s=0, min_levels=1))
    world.submit(preemptible=True, priority=1)
    world.run_all()
    holder = world.submit()
    world.cycle()
    urgent = world.submit(priority=5)
    world.cycle()
    world.cycle()
    assert {held.task_id for held in world.state.reservations.values()} == {holder, urgent}
    assert told(world, holder).basis == f"task {urgent} is in its way, which has no time limit and no learned run time"


def test_the_forecast_keeps_to_the_gpu_budget() -> None:
    world = World(n_cards=4, policy=replace(FIFO, gpu_left=2))
    for _ in range(2):
        world.submit(time_limit_s=HOUR)
    world.run_all()
    waiting = world.submit(time_limit_s=HOUR)
    world.cycle()
    assert world.reason(waiting) == "gpu_budget"
    assert told(world, waiting).at == world.now + HOUR


def test_the_gpu_budget_takes_no_card_out_of_the_forecast() -> None:
    world = World(n_cards=3, policy=replace(FIFO, max_gpu=2))
    world.send(ev.QueueCreated(by="me", name=QueueName("lab"), options={}))
    world.send(ev.GpusAllocated(by="me", queue=QueueName("lab"), gpus=(uuid(2),)))
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    lab = [world.submit(queue=QueueName("lab"), time_limit_s=3 * HOUR) for _ in range(2)]
    world.cycle()
    assert world.reason(lab[0]) == "gpu_budget"
    assert told(world, lab[0]).at == world.now + HOUR, "its own card is free, and there is room when the first one ends"
    assert told(world, lab[1]).at == world.now + 4 * HOUR, "behind the first one, on the only card of the queue"
    wide = told(world, world.submit(count=2, queue=QueueName("lab"), allow_infeasible=True))
    assert wide.at is None


def test_who_asks_for_more_than_the_budget_is_in_nobodys_way() -> None:
    world = World(n_cards=4, policy=replace(FIFO, max_gpu=2))
    world.submit(count=2, time_limit_s=HOUR)
    world.run_all()
    wide, behind = world.submit(count=3), world.submit(time_limit_s=HOUR)
    world.cycle()
    assert told(world, wide).basis == "the GPU budget (rules.gpu_left, min_gpu, max_gpu) leaves too few GPUs for it"
    assert told(world, behind).at == world.now + HOUR


def test_a_card_beside_a_foreign_process_costs_the_budget_nothing_in_a_forecast() -> None:
    world = World(n_cards=4, policy=replace(FIFO, gpu_left=1))
    world.look(card(0), card(1), card(2), card(3, process(77, 4096)))
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    wide = world.submit(count=3, memory=MiB(8192), time_limit_s=HOUR)
    behind = world.submit(count=2, time_limit_s=HOUR)
    world.cycle()
    assert world.reason(wide) == "gpu_count"
    assert told(world, wide).at == world.now + 2 * HOUR
    assert told(world, behind).at == world.now + 3 * HOUR, "not before the wide one, which is ahead of it"
    world.policy = replace(FIFO, gpu_left=1, backfill="skip")
    world.cycle()
    assert told(world, wide).at == world.now + 2 * HOUR, "the same without a reservation"


def test_a_running_task_without_a_limit_is_in_the_way_of_the_budget() -> None:
    world = World(n_cards=2, policy=replace(FIFO, max_gpu=1))
    endless = world.submit()
    world.run_all()
    found = told(world, world.submit())
    assert found.at is None
    assert found.basis == f"task {endless} is in its way, which has no time limit and no learned run time"


def test_a_task_that_cannot_start_has_no_time_but_a_reason() -> None:
    world = machine()
    task_id = world.submit()
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"paused": "true"}))
    found = told(world, task_id)
    assert found.at is None
    assert "paused" in found.basis


def test_a_task_that_may_not_begin_yet_is_expected_then() -> None:
    world = machine()
    assert told(world, world.submit(not_before=world.now + 500)).at == world.now + 500


def test_fewer_gpus_would_start_now() -> None:
    world = machine(4)
    world.submit(count=2, time_limit_s=HOUR)
    world.run_all()
    wide = world.submit(count=4)
    world.cycle()
    assert {"gpu_count": 2} in [change.fields for change in changes(world, wide)]


def test_less_memory_would_start_now() -> None:
    world = machine()
    world.look(card(0, process(7, 10 * GIB)))
    whole = world.submit()
    large = world.submit(memory=MiB(20 * GIB))
    world.cycle()
    assert {"memory_mib": 14 * GIB} in [change.fields for change in changes(world, whole)]
    assert {"memory_mib": 14 * GIB} in [change.fields for change in changes(world, large)]


def test_no_queue_is_told_that_would_refuse_the_time_limit() -> None:
    world = machine()
    for name, cap in (("short", 60), ("long", 7200)):
        world.send(ev.QueueCreated(by="me", name=QueueName(name), options={"max_time_limit": cap}))
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"paused": "true"}))
    task_id = world.submit(time_limit_s=HOUR)
    assert [change.fields for change in changes(world, task_id)] == [{"queue": "long"}]


def test_another_queue_or_another_card_would_start_now() -> None:
    world = machine(2)
    world.send(ev.QueueCreated(by="me", name=QueueName("own"), options={}))
    world.send(ev.GpusAllocated(by="me", queue=QueueName("own"), gpus=(uuid(1),)))
    world.submit()
    world.run_all()
    task_id = world.submit()
    world.cycle()
    assert [change.fields for change in changes(world, task_id)] == [{"queue": "own"}]
    world.send(ev.GpuReleased(by="me", gpu=uuid(1)))
    picky = world.submit(allowed=(uuid(0),), priority=50)
    assert {"gpu_ids": None} in [change.fields for change in changes(world, picky)]


def test_a_shorter_limit_would_start_now_behind_a_reservation() -> None:
    world = machine(2)
    world.submit(time_limit_s=HOUR)
    world.run_all()
    world.submit(count=2)
    late = world.submit(time_limit_s=5 * HOUR)
    world.cycle()
    assert {"time_limit_s": 3600} in [change.fields for change in changes(world, late)]


def test_sharing_would_start_now() -> None:
    world = machine()
    world.submit(memory=MiB(8 * GIB), share=True)
    world.run_all()
    alone = world.submit(memory=MiB(8 * GIB))
    world.cycle()
    assert {"share": True} in [change.fields for change in changes(world, alone)]


def test_trying_changes_nothing() -> None:
    world = machine(2)
    world.submit()
    world.run_all()
    wide = world.submit(count=2)
    world.cycle()
    before = (dict(world.state.reservations), {k: list(v) for k, v in world.state.pending.buckets.items()})
    changes(world, wide)
    assert (world.state.reservations, world.state.pending.buckets) == before
    world.policy = replace(FIFO, selection="sampled")
    assert {"gpu_count": 1} in [change.fields for change in changes(world, wide)]


def test_the_culprit_is_who_has_no_limit_not_who_waits_for_it() -> None:
    world = machine(2)
    world.submit(time_limit_s=HOUR)
    culprit = world.submit()
    world.run_all()
    wide = world.submit(count=2, time_limit_s=HOUR)
    behind = world.submit(time_limit_s=HOUR)
    assert f"task {culprit} " in told(world, wide).basis
    assert f"task {culprit} " in told(world, behind).basis


def test_what_others_do_to_the_cards_is_no_matter_of_time() -> None:
    world = World(n_cards=2, policy=replace(FIFO, settle_s=0))
    world.look(card(0, process(7, 10 * GIB)), card(1, util=80))
    calm, wide = world.submit(max_util=30, allowed=(uuid(1),)), world.submit(count=2)
    assert told(world, world.submit(allowed=(uuid(1),), max_util=80)).at == world.now
    assert (told(world, calm).at, told(world, wide).at) == (None, None)
    assert "80 % busy" in told(world, calm).basis
    assert "used by" in told(world, wide).basis


def test_a_card_with_a_foreign_process_serves_forecasts_of_tasks_that_fit_beside_it() -> None:
    world = machine()
    world.look(card(0, process(7, 10 * GIB)))
    world.submit(memory=MiB(4 * GIB), time_limit_s=HOUR)
    world.run_all()
    world.look(card(0, process(7, 10 * GIB)))
    waiting = world.submit(memory=MiB(4 * GIB), time_limit_s=HOUR)
    assert told(world, waiting).at == world.now + HOUR


def test_limits_of_queues_submissions_and_tasks_without_gpus_are_waited_for() -> None:
    world = World(n_cards=4, policy=replace(FIFO, max_cpu_tasks=1))
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"max_running": "2"}))
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    waiting = [world.submit(time_limit_s=HOUR) for _ in range(3)]
    assert [told(world, task_id).at for task_id in waiting] == [world.now + n * HOUR for n in (1, 2, 2)]
    assert "max_running of queue running" in told(world, waiting[0]).basis
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"max_running": "none", "max_gpus": "2"}))
    assert told(world, waiting[0]).at == world.now + HOUR
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"max_gpus": "1"}))
    assert told(world, world.submit(count=2, priority=9)).at is None
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"max_gpus": "none"}))
    world.submit(count=0, time_limit_s=HOUR, priority=50)
    world.run_all()
    assert told(world, world.submit(count=0)).at == world.now + HOUR


def test_who_may_not_begin_yet_is_in_nobodys_way_until_then() -> None:
    world = machine()
    world.submit(time_limit_s=HOUR)
    world.run_all()
    world.submit(time_limit_s=HOUR, not_before=world.now + 9 * HOUR, priority=9)
    assert told(world, world.submit(time_limit_s=HOUR)).at == world.now + HOUR
    world.submit(time_limit_s=HOUR, not_before=world.now + HOUR / 2, priority=9)
    assert told(world, world.submit(time_limit_s=HOUR, priority=5)).at == world.now + 2 * HOUR


def test_less_memory_is_that_of_the_listed_cards_and_less_than_was_asked_for() -> None:
    world = machine(2)
    world.look(card(0, process(7, 10 * GIB)), card(1))
    whole, large = world.submit(allowed=(uuid(0),)), world.submit(allowed=(uuid(0),), memory=MiB(20 * GIB))
    world.cycle()
    assert {"memory_mib": 14 * GIB} in [change.fields for change in changes(world, whole)]
    assert {"memory_mib": 14 * GIB} in [change.fields for change in changes(world, large)]
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"max_gpus": "0"}))
    free = world.submit()
    world.cycle()
    assert all("memory_mib" not in change.fields for change in changes(world, free))


def lanes(world: World, *places: tuple[str, int], **given: Any) -> list[TaskId]:
    """Tasks of a command file, by lane and time limit in hours (0: none)."""
    counted: Counter[str] = Counter()
    requests: list[TaskRequest] = []
    for lane, hours in places:
        place = LanePlace(lane=lane, at=counted[lane], rank=len(requests))
        requests.append(request(lane=place, time_limit_s=hours * HOUR if hours else None, **given))
        counted[lane] += 1
    event = ev.TasksSubmitted(by="me", requests=tuple(requests), blobs={BlobKey("e"): b"{}"})
    return list(world.send(event))


def test_behind_others_in_a_lane_their_times_add_up() -> None:
    world = machine(2)
    ids = lanes(world, ("a", 1), ("b", 9), ("a", 2), ("a", 3))
    assert [told(world, task_id).at for task_id in ids] == [world.now + n * HOUR for n in (0, 0, 1, 3)]
    world.run_all()
    world.now += HOUR / 2
    world.look(card(0), card(1))
    found = told(world, ids[3])
    assert found.at == world.now + 2.5 * HOUR
    assert "2 task(s) come before it in its lane" in found.basis
    assert "time limits (2)" in found.basis


def test_a_lane_whose_first_task_waits_begins_when_that_one_does() -> None:
    world = machine()
    world.submit(time_limit_s=HOUR)
    world.run_all()
    ids = lanes(world, ("a", 1), ("a", 1))
    assert [told(world, task_id).at for task_id in ids] == [world.now + HOUR, world.now + 2 * HOUR]


def test_behind_a_task_of_unknown_length_or_a_held_one_nobody_can_tell() -> None:
    world = machine()
    _, second, third = lanes(world, ("a", 1), ("a", 0), ("a", 1))
    world.run_all()
    assert told(world, second).at == world.now + HOUR
    assert (told(world, third).at, f"task {second} " in told(world, third).basis) == (None, True)
    world.send(ev.TaskHeld(by="me", task_id=second))
    assert told(world, third).at is None
    assert f"task {second}, which comes before it in its lane, is held" in told(world, third).basis


def test_a_paused_queue_is_told_before_the_lane() -> None:
    world = machine()
    _, second = lanes(world, ("a", 1), ("a", 1))
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"paused": "true"}))
    assert told(world, second).at is None
    assert "paused" in told(world, second).basis


def test_heads_of_lanes_are_told_together_and_by_what_is_usual() -> None:
    world = machine()
    ids = lanes(world, ("a", 9), ("b", 9), ("c", 9), ("a", 9))
    world.run_all()
    snapshot = take_snapshot(world.state, world.policy, world.now)
    found = expected_starts(ids[1:3], snapshot, world.policy, lambda _: 60.0)
    assert {task_id: at for task_id, (at, _) in found.items()} == {ids[1]: world.now + 60, ids[2]: world.now + 120}
    assert "run times of completed tasks beside them" in found[ids[1]][1]
    assert told(world, ids[1]).at == world.now + 9 * HOUR, "without that, by time limits"
