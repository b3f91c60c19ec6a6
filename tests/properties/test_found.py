"""What the random lives have found, as sentences."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.effects import Wake
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Warn
from gavelq.core.units import MiB
from gavelq.scheduling.policy import Policy
from tests.support.builders import GIB, World, card, process, request, uuid

A, B = QueueName("a"), QueueName("b")
PREEMPTING = Policy(preemption=True, min_run_s=0)


def owned(world: World, name: QueueName, *cards: int, **options: object) -> None:
    """A queue with cards of its own."""
    world.send(ev.QueueCreated(by="me", name=name, options=options))
    world.send(ev.GpusAllocated(by="me", queue=name, gpus=tuple(uuid(number) for number in cards)))


def ask_for(world: World, task_id: TaskId, count: int) -> None:
    """Change how many GPUs a task asks for."""
    request = world.task(task_id).request
    changed = replace(request, gpus=replace(request.gpus, count=count))
    world.send(ev.TasksEdited(by="me", requests={task_id: changed}, fields=("gpus",)))


def holders(world: World) -> dict[str, int]:
    """Who holds a reservation, by key."""
    return {key: held.task_id for key, held in world.state.reservations.items()}


def test_a_task_that_was_moved_into_a_hold_queue_is_held_when_its_start_fails_for_a_passing_reason() -> None:
    world = World(n_cards=1)
    task_id = world.submit()
    world.cycle()
    world.send(ev.TaskMoved(by="me", task_id=task_id, queue=QueueName("waiting")))
    world.send(ev.SpawnFailed(task_id=task_id, attempt=1, problem="no process slot", is_transient=True))
    assert world.task(task_id).state is TaskState.HELD
    world.now += 60
    assert world.cycle() == []


def test_who_waited_for_a_reservation_alone_starts_in_the_cycle_in_which_its_holder_starts() -> None:
    world = World(n_cards=4)
    first, wide = world.submit(count=2), world.submit(count=3)
    world.run_all()
    late = world.submit(count=1, priority=5)
    world.cycle()
    assert world.reason(late) == "priority"
    world.ended(first)
    assert world.cycle() == [wide, late]


def test_a_holder_that_comes_to_a_limit_holds_nothing_back() -> None:
    world = World(n_cards=4)
    for name, limit in (("a", 2), ("b", None)):
        world.send(ev.QueueCreated(by="me", name=QueueName(name), options={"max_running": limit}))
    world.submit(count=2, queue=QueueName("a"))
    wide = world.submit(count=3, queue=QueueName("a"))
    world.run_all()
    assert world.state.reservations["pool"].task_id == wide
    cpu = world.submit(count=0, queue=QueueName("a"), priority=9)
    late = world.submit(count=1, queue=QueueName("b"))
    assert world.cycle() == [cpu, late]
    assert world.state.reservations == {}


def test_an_elastic_task_takes_no_more_than_its_queue_may_use() -> None:
    world = World(n_cards=4)
    world.send(ev.QueueCreated(by="me", name=A, options={"max_gpus": 3}))
    world.submit(count=1, queue=A)
    elastic = world.submit(count=1, max_count=4, queue=A)
    world.cycle()
    assert len(world.gpus(elastic)) == 2


def test_under_a_budget_two_holders_of_different_queues_do_not_wait_for_each_other() -> None:
    world = World(n_cards=4, policy=Policy(max_gpu=3))
    owned(world, A, 3)
    long, short = world.submit(count=1), world.submit(count=1, queue=A, time_limit_s=50.0)
    world.run_all()
    wide = world.submit(count=3, priority=1)
    other = world.submit(count=1, max_count=2, queue=A)
    world.cycle()
    assert holders(world) == {"pool": wide, "queue:a": other}
    world.ended(long)
    world.ended(short)
    assert world.cycle() == [wide], "the one that came first gives way to nobody"
    world.ended(wide)
    assert world.cycle() == [other]


def test_who_waited_for_a_holder_that_starts_on_lent_cards_starts_in_the_same_cycle() -> None:
    world = World(n_cards=4)
    owned(world, B, 3, lend=True)
    first = world.submit(count=2, time_limit_s=60.0)
    lent = world.submit(queue=B)
    world.run_all()
    wide = world.submit(count=2, time_limit_s=300.0)
    late = world.submit(count=1)
    world.cycle()
    assert world.reason(late) == "priority"
    world.ended(lent)
    assert world.cycle() == [wide]
    assert world.reason(late) == "gpu_count", "the holder is gone, so that it waits for cards"
    world.ended(first)
    assert world.cycle() == [late]


def test_a_holder_that_is_edited_to_no_gpu_at_all_is_a_task_like_any_other() -> None:
    world = World(n_cards=2, policy=Policy(max_cpu_tasks=0))
    world.submit(count=1)
    wide = world.submit(count=2)
    world.run_all()
    assert holders(world) == {"pool": wide}
    ask_for(world, wide, 0)
    assert world.cycle() == []
    assert (world.reason(wide), holders(world)) == ("task_limit", {})


def test_of_two_tasks_that_share_a_card_only_one_is_stopped_for_a_third_that_shares() -> None:
    world = World(n_cards=1, policy=PREEMPTING)
    shared = {"memory": MiB(8 * GIB), "share": True, "preemptible": True}
    first, second = world.submit(**shared), world.submit(**shared)
    world.run_all()
    urgent = world.submit(memory=MiB(8 * GIB), share=True, priority=9)
    world.cycle()
    assert [world.task(one).state for one in (first, second)] == [TaskState.RUNNING, TaskState.STOPPING]
    world.ended(second, None, 15, "stopped")
    assert world.cycle() == [urgent]


def test_the_warning_of_a_victim_is_part_of_what_the_preempting_task_is_told() -> None:
    world = World(n_cards=1, policy=PREEMPTING)
    world.submit(preemptible=True, warn=Warn(signal=10, before_s=30.0))
    world.run_all()
    urgent = world.submit(priority=9)
    world.cycle()
    held = world.state.reservations[f"preempt:{urgent}"]
    assert held.expected_at == world.now + 30 + world.policy.grace_s + world.policy.allowance_s


def test_nobody_is_stopped_for_a_task_that_would_delay_a_holder_by_the_time_it_can_start() -> None:
    world = World(n_cards=2, policy=PREEMPTING)
    world.submit(time_limit_s=10.0, preemptible=True)
    world.submit(time_limit_s=10.0, priority=9)
    world.run_all()
    wide = world.submit(count=2, priority=1)
    world.cycle()
    # Placed now it would be gone in time; but it can only start when its victim is gone.
    urgent = world.submit(time_limit_s=5.0, priority=9)
    world.cycle()
    assert world.last is not None
    assert world.last.preemptions == ()
    assert holders(world) == {"pool": wide}
    assert world.reason(urgent) == "gpu_count"


def test_cards_that_are_emptied_and_go_to_another_queue_are_no_longer_waited_for() -> None:
    world = World(n_cards=1, policy=PREEMPTING)
    victim = world.submit(preemptible=True)
    world.run_all()
    urgent = world.submit(priority=9)
    world.cycle()
    assert holders(world) == {f"preempt:{urgent}": urgent}
    owned(world, A, 0)
    world.cycle()
    assert (holders(world), world.task(victim).state) == ({}, TaskState.STOPPING)


def test_a_preempting_task_keeps_its_cards_when_others_take_the_last_place_to_run() -> None:
    world = World(n_cards=2, policy=replace(PREEMPTING, max_running=3, max_cpu_tasks=2))
    victim = world.submit(count=2, preemptible=True)
    world.submit(count=0)
    world.run_all()
    urgent = world.submit(count=2, priority=9)
    world.cycle()
    last = world.submit(count=0)
    assert world.run_all() == [last]
    assert world.cycle() == []
    assert holders(world) == {f"preempt:{urgent}": urgent}
    world.ended(victim, None, 15, "stopped")
    assert world.cycle() == [urgent]


def test_a_card_beside_a_foreign_process_counts_as_available_from_the_moment_it_is_given_away() -> None:
    world = World(n_cards=3, policy=Policy(gpu_left=1))
    world.look(card(0, process(1, 100)), card(1), card(2))
    beside = world.submit(memory=MiB(1), allowed=(uuid(0),))
    free = world.submit()
    assert world.cycle() == [beside, free], "of three cards two are used and one is left"


def test_tasks_that_share_look_for_cards_in_use_when_the_budget_is_short() -> None:
    world = World(n_cards=3, policy=Policy(max_gpu=2))
    first = world.submit(memory=MiB(8 * GIB), share=True, allowed=(uuid(2),))
    world.run_all()
    second = world.submit(count=2, memory=MiB(8 * GIB), share=True)
    assert world.cycle() == [second]
    assert "2" in world.gpus(second)
    assert world.task(first).held_gpus == (uuid(2),)


def test_a_guest_joins_a_lent_card_in_use_when_the_budget_is_short() -> None:
    world = World(n_cards=2, policy=Policy(max_gpu=1))
    owned(world, B, 1, lend=True)
    world.submit(memory=MiB(8 * GIB), share=True, queue=B)
    world.run_all()
    guest = world.submit(memory=MiB(8 * GIB), share=True, preemptible=True)
    assert world.cycle() == [guest]
    assert world.gpus(guest) == ["1"]


def test_a_holder_keeps_the_same_cards_where_others_would_do_as_well() -> None:
    world = World(n_cards=3, policy=Policy(grace_s=0, allowance_s=0, max_gpu=3))
    world.submit(time_limit_s=100.0)
    world.run_all()
    wide = world.submit(count=3)
    world.cycle()
    ask_for(world, wide, 2)
    limited = world.submit(time_limit_s=10.0)
    world.run_all()
    before = world.state.reservations
    world.cycle()
    assert world.state.reservations == before, limited


def test_another_cycle_follows_when_somebody_is_stopped_because_other_cards_may_be_free_now() -> None:
    world = World(n_cards=3, policy=PREEMPTING)
    world.submit(count=2, preemptible=True)
    world.run_all()
    wide = world.submit(count=2, priority=9)
    world.effects.clear()
    world.cycle()
    assert holders(world) == {f"preempt:{wide}": wide}
    assert Wake() in world.effects


def test_nobody_is_stopped_for_a_second_task_of_an_array_that_may_run_one_at_a_time() -> None:
    world = World(n_cards=2, policy=PREEMPTING)
    for _ in range(2):
        world.submit(preemptible=True)
    world.run_all()
    array = (request(priority=9, max_parallel=1),) * 2
    first, second = world.send(ev.TasksSubmitted(by="me", requests=array, blobs={}))
    world.send(ev.TaskPrioritized(by="me", task_id=second, priority=8))
    world.cycle()
    assert world.last is not None
    assert [preemption.task_id for preemption in world.last.preemptions] == [first]
