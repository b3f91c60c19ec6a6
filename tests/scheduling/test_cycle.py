"""What starts, on which cards, and why the rest waits."""

import pytest

from gavelq.core.events import GpuDrained, GpuIgnored, GpusAllocated, QueueChanged, QueueCreated, TaskKilled
from gavelq.core.ids import RUNNING_QUEUE, QueueName, TaskId
from gavelq.core.pending import shape_of
from gavelq.core.units import MiB
from gavelq.scheduling.policy import Policy
from tests.support.builders import GIB, World, card, process, uuid

LAB = QueueName("lab")


def test_tasks_start_by_priority_then_by_submission() -> None:
    world = World(n_cards=2)
    first, second, urgent = world.submit(), world.submit(), world.submit(priority=10)
    assert world.cycle() == [urgent, first]
    assert world.reason(second) == "gpu_count"


def test_a_later_more_urgent_one_gpu_task_goes_first() -> None:
    world = World(n_cards=1)
    blocker, low = world.submit(), world.submit()
    world.run_all()
    world.cycle()
    high = world.submit(priority=5)
    world.ended(blocker)
    assert world.cycle() == [high]
    assert world.reason(low) == "gpu_count"


def test_no_gpu_is_given_twice_in_one_cycle() -> None:
    world = World(n_cards=4)
    ids = [world.submit() for _ in range(10)]
    started = world.cycle()
    held = [gpu for task_id in started for gpu in world.gpus(task_id)]
    assert started == ids[:4]
    assert sorted(held) == ["0", "1", "2", "3"]


def test_listed_gpus_are_taken_and_no_other() -> None:
    world = World(policy=Policy(order="fifo"))
    exact = world.submit(count=2, allowed=(uuid(1), uuid(3)))
    any_of = world.submit(count=1, allowed=(uuid(1), uuid(2)))
    world.cycle()
    assert sorted(world.gpus(exact)) == ["1", "3"]
    assert world.gpus(any_of) == ["2"]


def test_tasks_without_gpu_are_limited_by_their_own_number() -> None:
    world = World(n_cards=0, policy=Policy(max_cpu_tasks=2))
    ids = [world.submit(count=0) for _ in range(3)]
    assert world.cycle() == ids[:2]
    assert world.reason(ids[2]) == "task_limit"


def test_all_tasks_together_are_limited() -> None:
    world = World(policy=Policy(max_running=1))
    first, second = world.submit(), world.submit()
    assert world.cycle() == [first]
    assert world.reason(second) == "task_limit"


def test_a_queue_runs_on_exactly_the_gpus_that_it_owns() -> None:
    world = World(n_cards=2)
    world.send(QueueCreated(by="me", name=LAB, options={}))
    world.send(GpusAllocated(by="me", queue=LAB, gpus=(uuid(0),)))
    in_lab = [world.submit(queue=LAB) for _ in range(2)]
    in_pool = [world.submit() for _ in range(2)]
    assert world.cycle() == [in_lab[0], in_pool[0]]
    assert (world.gpus(in_lab[0]), world.gpus(in_pool[0])) == (["0"], ["1"])


def test_a_queue_without_gpus_and_without_the_pool_says_how_to_help() -> None:
    world = World()
    world.send(QueueCreated(by="me", name=LAB, options={"pool": False}))
    task_id = world.submit(queue=LAB)
    assert world.cycle() == []
    assert world.reason(task_id) == "infeasible"


def test_max_running_one_is_strictly_serial_while_queues_run_in_parallel() -> None:
    world = World()
    for name in ("a", "b"):
        world.send(QueueCreated(by="me", name=QueueName(name), options={"max_running": 1}))
    ids = {name: [world.submit(queue=QueueName(name)) for _ in range(2)] for name in ("a", "b")}
    assert sorted(world.run_all()) == sorted([ids["a"][0], ids["b"][0]])
    assert world.reason(ids["a"][1]) == "queue_limit"
    world.ended(ids["a"][0])
    assert world.cycle() == [ids["a"][1]]


def test_max_gpus_limits_a_queue() -> None:
    world = World()
    world.send(QueueCreated(by="me", name=LAB, options={"max_gpus": 3}))
    wide, narrow = world.submit(queue=LAB, count=2), world.submit(queue=LAB, count=2)
    assert world.cycle() == [wide]
    assert world.reason(narrow) == "queue_limit"
    world.send(QueueChanged(by="me", name=LAB, options={"max_gpus": 1}))
    without = world.submit(queue=LAB, count=0)
    assert world.cycle() == [without], "it takes none"


def test_a_paused_queue_starts_nothing() -> None:
    world = World()
    task_id = world.submit()
    world.send(QueueChanged(by="me", name=RUNNING_QUEUE, options={"paused": True}))
    assert world.cycle() == []
    assert world.reason(task_id) == "queue_paused"
    world.send(QueueChanged(by="me", name=RUNNING_QUEUE, options={"paused": False}))
    assert world.cycle() == [task_id]


def test_a_queue_s_priority_is_added_to_the_order() -> None:
    world = World(n_cards=1)
    world.send(QueueCreated(by="me", name=LAB, options={"priority": 9}))
    plain, favoured = world.submit(priority=8), world.submit(queue=LAB)
    assert world.cycle() == [favoured]
    assert world.reason(plain) == "gpu_count"


# --- memory, utilisation, foreign processes ----------------------------------------------------------------


def test_a_whole_card_task_avoids_a_foreign_process_and_a_declared_one_may_share() -> None:
    world = World(n_cards=1)
    world.look(card(0, process(50, 4 * GIB)))
    whole, declared = world.submit(), world.submit(memory=MiB(16 * GIB))
    assert world.cycle() == [declared]
    assert world.reason(whole) == "gpu_unavailable"


def test_foreign_avoid_forbids_that() -> None:
    world = World(n_cards=1, policy=Policy(foreign="avoid"))
    world.look(card(0, process(50, 4 * GIB)))
    task_id = world.submit(memory=MiB(1 * GIB))
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_unavailable"


def test_declared_memory_must_really_be_free() -> None:
    world = World(n_cards=1)
    world.look(card(0, process(50, 10 * GIB)))
    fits, too_big = world.submit(memory=MiB(14 * GIB)), world.submit(memory=MiB(14 * GIB + 1))
    assert world.cycle() == [fits]
    assert world.reason(too_big) == "gpu_memory"


def test_best_fit_leaves_the_roomiest_card_alone() -> None:
    world = World(n_cards=2)
    world.look(card(0), card(1, process(50, 10 * GIB)))
    task_id = world.submit(memory=MiB(8 * GIB))
    world.cycle()
    assert world.gpus(task_id) == ["1"]
    other = World(n_cards=2, policy=Policy(selection="first"))
    other.look(card(0), card(1, process(50, 10 * GIB)))
    task_id = other.submit(memory=MiB(8 * GIB))
    other.cycle()
    assert other.gpus(task_id) == ["0"]


def test_memory_without_a_visible_process_is_foreign_above_the_threshold() -> None:
    world = World(n_cards=1)
    world.look(card(0, used=1024))
    assert world.cycle() == []
    first = world.submit()
    assert world.cycle() == [first]
    world = World(n_cards=1)
    world.look(card(0, used=1025))
    blocked = world.submit()
    assert world.cycle() == []
    assert world.reason(blocked) == "gpu_unavailable"


@pytest.mark.parametrize(("utilization", "starts"), [(30, True), (31, False), (None, True)])
def test_max_util_lets_pass_up_to_its_value_and_the_unknown(utilization: int | None, starts: bool) -> None:
    world = World(n_cards=1)
    world.look(card(0, util=utilization))
    task_id = world.submit(max_util=30)
    assert (world.cycle() == [task_id]) is starts
    if not starts:
        assert world.reason(task_id) == "gpu_busy"


@pytest.mark.parametrize(
    ("options", "used", "starts"),
    [
        ({"mem_type": "absolute", "mem_value": 20000}, 4000, True),
        ({"mem_type": "absolute", "mem_value": 20000}, 5000, False),
        ({"mem_type": "percentage", "mem_value": 50}, 12 * GIB, True),
        ({"mem_type": "percentage", "mem_value": 50}, 12 * GIB + 1, False),
        ({"mem_type": "ignore", "mem_value": 50}, 20 * GIB, True),
    ],
)
def test_a_queue_s_memory_rule(options: dict[str, object], used: int, starts: bool) -> None:
    world = World(n_cards=1)
    world.look(card(0, process(50, used)))
    world.send(QueueChanged(by="me", name=RUNNING_QUEUE, options=options))
    task_id = world.submit(memory=MiB(100))
    assert (world.cycle() == [task_id]) is starts


def test_nothing_is_placed_on_a_stale_look() -> None:
    world = World(n_cards=1)
    task_id = world.submit()
    world.now += 6
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_unavailable"


def test_ignored_and_draining_cards_get_nothing_new_and_running_tasks_go_on() -> None:
    world = World(n_cards=2)
    running = world.submit()
    world.run_all()
    world.send(GpuIgnored(by="me", gpu=uuid(0)))
    world.send(GpuDrained(by="me", gpu=uuid(1)))
    waiting = world.submit()
    assert world.cycle() == []
    assert world.reason(waiting) == "gpu_unavailable"
    assert running in world.state.holding


def test_a_freed_card_is_free_at_once_although_the_last_sample_shows_the_old_process() -> None:
    world = World(n_cards=1)
    first = world.submit(memory=MiB(20 * GIB))
    world.run_all()
    world.look(card(0, process(900, 20 * GIB, task_id=first), util=99))
    second = world.submit(memory=MiB(20 * GIB), max_util=10)
    world.ended(first)
    assert world.cycle() == [second]


def test_what_an_ended_task_left_in_later_samples_is_not_foreign_for_ten_seconds() -> None:
    world = World(n_cards=1)
    first = world.submit()
    world.run_all()
    world.look(card(0, process(900, 20 * GIB, task_id=first)))
    world.ended(first)
    second = world.submit()
    world.now += 1
    world.look(card(0, process(900, 20 * GIB)))
    assert world.cycle() == [second]


def test_after_ten_seconds_it_is() -> None:
    world = World(n_cards=1)
    first = world.submit()
    world.run_all()
    world.look(card(0, process(900, 20 * GIB, task_id=first)))
    world.ended(first)
    second = world.submit()
    world.now += 11
    world.look(card(0, process(900, 20 * GIB)))
    assert world.cycle() == []
    assert world.reason(second) == "gpu_unavailable"


# --- holding GPUs back for a wide task ---------------------------------------------------------------------


def test_a_wide_task_is_not_starved_by_a_stream_of_narrow_ones() -> None:
    world = World(n_cards=4)
    running = [world.submit() for _ in range(4)]
    world.run_all()
    wide = world.submit(count=4, priority=100)
    narrow = [world.submit(priority=1) for _ in range(4)]
    for task_id in running:
        assert world.cycle() == []
        assert world.reason(narrow[0]) in ("gpu_count", "priority")
        world.ended(task_id)
    assert world.cycle() == [wide]


def test_a_wide_task_behind_a_foreign_process_holds_nothing_back() -> None:
    world = World(n_cards=8)
    world.look(card(0, process(50, 10 * GIB)), *(card(n) for n in range(1, 8)))
    wide = world.submit(count=8, priority=100)
    narrow = [world.submit() for _ in range(7)]
    assert world.cycle() == narrow
    assert world.reason(wide) == "gpu_unavailable"


def test_no_later_arrival_takes_a_reservation_however_urgent() -> None:
    world = World(n_cards=2)
    first = [world.submit(), world.submit()]
    world.run_all()
    wide = world.submit(count=2)
    world.cycle()
    urgent = world.submit(priority=100)
    world.ended(first[0])
    assert world.cycle() == []
    assert world.reason(urgent) == "priority"
    world.ended(first[1])
    assert world.cycle() == [wide]


def test_a_reservation_ends_with_its_holder() -> None:
    world = World(n_cards=2, policy=Policy(order="fifo"))
    first = [world.submit(), world.submit()]
    world.run_all()
    wide, narrow = world.submit(count=2), world.submit()
    world.cycle()
    world.ended(first[0])
    assert world.cycle() == []
    world.send(TaskKilled(by="me", task_id=wide, signal=15, is_ending=True))
    assert world.cycle() == [narrow]
    assert world.state.reservations == {}


def test_cards_that_the_holder_cannot_use_are_free_for_others() -> None:
    world = World(n_cards=3)
    running = [world.submit(allowed=(uuid(0),)), world.submit(allowed=(uuid(1),))]
    world.run_all()
    world.submit(count=2, allowed=(uuid(0), uuid(1)))
    world.cycle()
    world.ended(running[0])
    narrow = [world.submit(), world.submit()]
    assert world.cycle() == [narrow[0]]
    assert world.gpus(narrow[0]) == ["2"]


def test_a_reservation_in_one_domain_leaves_the_other_alone() -> None:
    world = World(n_cards=3)
    world.send(QueueCreated(by="me", name=LAB, options={}))
    world.send(GpusAllocated(by="me", queue=LAB, gpus=(uuid(2),)))
    world.submit()
    world.run_all()
    world.submit(count=2)
    world.cycle()
    in_lab = world.submit(queue=LAB)
    assert world.cycle() == [in_lab]


def test_a_second_cycle_without_events_starts_nothing() -> None:
    world = World(n_cards=2)
    for count in (1, 2, 1, 2, 1):
        world.submit(count=count)
    world.cycle()
    assert world.cycle() == []


def test_a_reason_tells_how_many_cards_it_does_not_name() -> None:
    world = World(n_cards=8)
    for _ in range(8):
        world.submit()
    world.run_all()
    task_id = world.submit()
    world.cycle()
    assert world.last is not None
    told = world.last.reasons[shape_of(world.task(task_id))].text
    assert told.count("held by task") == 4
    assert told.endswith("; and 4 more")


def test_a_cycle_stops_looking_after_depth_blocked_shapes_and_says_so() -> None:
    world = World(n_cards=1, policy=Policy(depth=2))
    world.submit(priority=50)
    world.run_all()
    waiting = [world.submit(priority=9 - n) for n in range(4)]
    world.cycle()
    assert [world.reason(t) for t in waiting] == ["gpu_count", "gpu_count", "depth", "depth"]


def test_ten_thousand_equal_tasks_are_one_shape() -> None:
    world = World(n_cards=1)
    for _ in range(100):
        world.submit()
    assert len(world.state.pending.buckets) == 1
    assert world.cycle() == [TaskId(1)]


@pytest.mark.parametrize(("settle_s", "starts"), [(2.0, True), (0.5, False)])
def test_how_busy_a_card_was_with_an_ended_task_hinders_nobody_until_it_has_settled(
    settle_s: float, starts: bool
) -> None:
    world = World(n_cards=1)
    world.state.books.settle_s = settle_s
    first = world.submit()
    world.run_all()
    world.ended(first)
    second = world.submit(max_util=10)
    world.now += 1
    world.look(card(0, util=90))
    assert (world.cycle() == [second]) is starts
