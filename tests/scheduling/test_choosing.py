"""Which of the fitting cards are taken: by room, by wish, by closeness, by a burst of samples; and calm ones only."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.bursts import Burst
from gavelq.core.gpu import GpuSample
from gavelq.core.units import MiB
from gavelq.scheduling.policy import Policy
from tests.support.builders import GIB, World, card, process, uuid


def test_the_preferred_order_decides_between_equal_cards() -> None:
    world = World(n_cards=4, policy=Policy(gpu_order=("2", "GPU-test-1")))
    tasks = [world.submit() for _ in range(4)]
    world.cycle()
    assert [world.gpus(task_id) for task_id in tasks] == [["2"], ["1"], ["0"], ["3"]]


def test_room_counts_before_the_preferred_order_and_first_ignores_room() -> None:
    world = World(n_cards=2, policy=Policy(gpu_order=("1",)))
    world.look(card(0, process(5, 4 * GIB)), card(1))
    task_id = world.submit(memory=MiB(GIB))
    world.cycle()
    assert world.gpus(task_id) == ["0"]
    world.policy = Policy(gpu_order=("1",), selection="first")
    other = world.submit(memory=MiB(GIB))
    world.cycle()
    assert world.gpus(other) == ["1"]


def linked(world: World, *pairs: tuple[int, int]) -> None:
    """NVLink between these cards; all others are on different sockets."""
    n = world.n_cards
    near = {frozenset(pair) for pair in pairs}
    links = tuple((uuid(a), uuid(b), 0 if frozenset((a, b)) in near else 5) for a in range(n) for b in range(a + 1, n))
    sample = GpuSample(taken_at=world.now, cards=tuple(card(number) for number in range(n)), links=links)
    world.send(ev.GpusSampled(sample=sample, configured={}))


def test_a_pair_of_linked_cards_is_preferred() -> None:
    world = World(n_cards=4)
    linked(world, (1, 3))
    pair = world.submit(count=2)
    world.cycle()
    assert sorted(world.gpus(pair)) == ["1", "3"]


def test_closeness_can_be_switched_off_and_does_not_matter_for_one_card() -> None:
    world = World(n_cards=4, policy=Policy(topology=False))
    linked(world, (1, 3))
    pair, single = world.submit(count=2), world.submit()
    world.cycle()
    assert sorted(world.gpus(pair)) == ["1", "2"] or sorted(world.gpus(pair)) == ["0", "1"]
    assert len(world.gpus(single)) == 1


def test_on_a_large_machine_close_cards_are_found_as_well() -> None:
    world = World(n_cards=16)
    linked(world, *((a, b) for a in range(8, 16) for b in range(a + 1, 16)))
    wide = world.submit(count=8)
    world.cycle()
    assert sorted(map(int, world.gpus(wide))) == list(range(8, 16))


def burst(world: World, number: int, utilization: float, used_gib: float) -> Burst:
    used = used_gib * GIB
    return Burst(
        uuid=uuid(number), at=world.now, n_samples=30, memory_utilization=utilization, used=used, free=24 * GIB - used
    )


def watched(world: World, *bursts: Burst) -> None:
    world.send(ev.GpusWatched(bursts=bursts))


SAMPLED = Policy(selection="sampled", order="fifo")


def test_a_choice_waits_for_a_burst_of_samples() -> None:
    world = World(n_cards=2, policy=SAMPLED)
    task_id = world.submit(memory=MiB(GIB))
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_sampling"
    assert world.last is not None
    assert world.last.watch == {uuid(0), uuid(1)}
    watched(world, burst(world, 0, 50.0, 2), burst(world, 1, 5.0, 8))
    assert world.cycle() == [task_id]
    assert world.gpus(task_id) == ["1"]


def test_memory_save_mode_packs_and_without_it_overflow_is_avoided() -> None:
    for is_saving, index in ((True, "1"), (False, "0")):
        world = World(n_cards=2, policy=replace(SAMPLED, memory_save_mode=is_saving))
        task_id = world.submit(memory=MiB(GIB))
        watched(world, burst(world, 0, 20.0, 4), burst(world, 1, 20.0, 16))
        assert world.cycle() == [task_id]
        assert world.gpus(task_id) == [index]


def test_without_a_choice_nothing_is_watched() -> None:
    world = World(n_cards=2, policy=SAMPLED)
    both, one = world.submit(count=2), world.submit(allowed=(uuid(0),))
    assert world.cycle() == [both]
    assert world.last is not None
    assert world.last.watch == frozenset()
    assert one in world.state.tasks


def test_a_start_elsewhere_never_waits_for_it() -> None:
    world = World(n_cards=3, policy=SAMPLED)
    chooses, listed = world.submit(), world.submit(allowed=(uuid(2),))
    assert world.cycle() == [listed]
    assert world.reason(chooses) == "gpu_sampling"


def test_nobody_takes_the_cards_that_are_watched_for_a_task_before_it() -> None:
    world = World(n_cards=2, policy=SAMPLED)
    running = world.submit(count=2)
    world.run_all()
    first, wide = world.submit(), world.submit(count=2)
    assert world.cycle() == []
    world.ended(running)
    assert world.cycle() == [], "the wide one has no choice, so that nothing needs to be watched for it"
    assert [world.reason(first), world.reason(wide)] == ["gpu_sampling", "priority"]
    urgent = world.submit(count=2, priority=1)
    assert world.cycle() == [urgent]
    world.started(urgent)
    world.ended(urgent)
    watched(world, burst(world, 0, 50.0, 2), burst(world, 1, 5.0, 8))
    assert world.cycle() == [first]


def test_where_a_smaller_one_comes_first_who_is_watched_for_keeps_its_turn() -> None:
    world = World(n_cards=2, policy=replace(SAMPLED, order="smallest_first"))
    running = world.submit(count=2)
    world.run_all()
    long = world.submit(time_limit_s=9000)
    world.cycle()
    world.submit(count=2, time_limit_s=60)
    world.cycle()
    world.ended(running)
    assert world.cycle() == []
    assert world.reason(long) == "gpu_sampling"
    watched(world, burst(world, 0, 50.0, 2), burst(world, 1, 5.0, 8))
    assert world.cycle() == [long]


def test_what_a_burst_saw_holds_for_a_moment_only() -> None:
    world = World(n_cards=2, policy=SAMPLED)
    watched(world, burst(world, 0, 1.0, 0), burst(world, 1, 1.0, 0))
    world.now += 4
    world.look(card(0), card(1))
    world.submit()
    assert world.cycle() == []


def test_a_card_that_a_foreign_process_left_must_stay_calm() -> None:
    world = World(n_cards=1, policy=Policy(settle_s=2))
    world.look(card(0, process(77, GIB)))
    task_id = world.submit()
    world.cycle()
    world.now += 1
    world.look(card(0))
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_unavailable"
    assert world.last is not None
    assert world.last.next_at is not None
    world.now = world.last.next_at
    world.look(card(0))
    assert world.cycle() == [task_id]


def test_a_card_must_have_been_below_the_utilisation_for_a_while() -> None:
    world = World(n_cards=1)
    world.look(card(0, util=90))
    task_id = world.submit(max_util=10)
    world.cycle()
    world.now += 1
    world.look(card(0, util=0))
    assert world.cycle() == []
    assert world.reason(task_id) == "gpu_busy"
    world.now += 2
    world.look(card(0, util=0))
    assert world.cycle() == [task_id]
