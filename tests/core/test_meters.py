"""What running tasks are seen to use: their peaks, written as they rise, and how busy their cards are."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.gpu import GpuProcess
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.state import State
from gavelq.core.task import GpuRequest
from gavelq.core.units import MiB
from tests.core.training import attempt_of, begun, known, seen
from tests.support.builders import GIB, World, card, process, uuid

# --- memory -----------------------------------------------------------------------------------------------


def test_the_peak_is_the_most_that_all_its_processes_had_on_one_card() -> None:
    world = World()
    task_id = begun(world, count=2)
    parts = (process(1, 3 * GIB, task_id=task_id), process(2, 2 * GIB, task_id=task_id))
    seen(world, card(0, *parts, process(9, 7 * GIB)), card(1, process(3, 4 * GIB, task_id=task_id)))
    assert attempt_of(world, task_id).peak_memory == 5 * GIB
    seen(world, card(0, process(1, GIB, task_id=task_id)), card(1, process(3, 6 * GIB, task_id=task_id)))
    assert attempt_of(world, task_id).peak_memory == 6 * GIB
    seen(world, card(0, process(1, GIB, task_id=task_id)), card(1))
    assert attempt_of(world, task_id).peak_memory == 6 * GIB, "a peak never falls"


def test_a_peak_is_unknown_where_the_driver_tells_no_sizes() -> None:
    world = World()
    task_id = begun(world, count=2)
    seen(world, card(0, process(1, 3 * GIB, task_id=task_id), process(2, None, task_id=task_id)))
    assert attempt_of(world, task_id).peak_memory is None, "a part would mislead"
    seen(world, card(0, process(1, None, task_id=task_id)), card(1, process(2, GIB, task_id=task_id)))
    assert attempt_of(world, task_id).peak_memory is None
    world.ended(task_id)
    assert attempt_of(world, task_id).peak_memory is None
    assert known(world).peak_memory is None


def test_a_task_without_a_process_on_its_card_has_no_peak() -> None:
    world = World()
    task_id = begun(world)
    seen(world, card(0, process(9, 7 * GIB)))
    world.ended(task_id)
    assert attempt_of(world, task_id).peak_memory is None


def test_small_rises_are_not_written_again_and_again_but_the_last_figure_is_exact() -> None:
    world = World()
    task_id = begun(world)
    for mib in (10_000, 10_100, 10_200):
        seen(world, card(0, process(1, mib, task_id=task_id)))
        assert attempt_of(world, task_id).peak_memory == 10_000
    seen(world, card(0, process(1, 10_300, task_id=task_id)))
    assert attempt_of(world, task_id).peak_memory == 10_300, "256 MiB more are worth a row"
    seen(world, card(0, process(1, 10_400, task_id=task_id)))
    world.ended(task_id)
    assert attempt_of(world, task_id).peak_memory == 10_400


def test_a_small_peak_is_written_when_it_rises_by_a_twentieth() -> None:
    world = World()
    task_id = begun(world)
    for mib, kept in ((100, 100), (104, 100), (106, 106)):
        seen(world, card(0, process(1, mib, task_id=task_id)))
        assert attempt_of(world, task_id).peak_memory == kept


def test_peaks_leave_no_row_in_the_history() -> None:
    world = World()
    task_id = begun(world)
    before = len(world.records)
    seen(world, card(0, process(1, GIB, task_id=task_id)), *(card(n) for n in (1, 2, 3)))
    assert len(world.records) == before


def test_a_look_that_shows_a_broken_card_still_tells_the_peak() -> None:
    world = World()
    task_id = begun(world)
    seen(world, replace(card(0, process(1, GIB, task_id=task_id)), xids=(79,)))
    task = world.task(task_id)
    assert (task.state, task.stop and task.stop.reason) == (TaskState.STOPPING, EndReason.GPU_LOST)
    assert attempt_of(world, task_id).peak_memory == GIB


def test_what_an_earlier_attempt_left_is_not_the_next_one_s() -> None:
    world = World(n_cards=1)
    task_id = begun(world)
    old = GpuProcess(pid=1, user="me", memory=MiB(20 * GIB), task_id=task_id, started_at=world.now)
    seen(world, card(0, old))
    world.send(ev.GpuReleased(by="me", gpu=uuid(0), requeue=True))
    world.now += 1
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    seen(world, card(0), after_s=30)
    assert world.run_all() == [task_id]
    new = GpuProcess(pid=2, user="me", memory=MiB(2 * GIB), task_id=task_id, started_at=world.now + 1)
    seen(world, card(0, old, new))
    assert attempt_of(world, task_id).number == 2
    assert attempt_of(world, task_id).peak_memory == 2 * GIB


def test_a_new_daemon_keeps_the_peaks_that_were_written() -> None:
    world = World()
    task_id = begun(world)
    seen(world, card(0, process(1, 9 * GIB, task_id=task_id), util=80))
    fresh = State()
    fresh.apply(world.state.as_changes())
    world.state = fresh
    seen(world, card(0, process(1, 2 * GIB, task_id=task_id), util=40))
    world.ended(task_id)
    done = attempt_of(world, task_id)
    assert (done.peak_memory, done.utilization) == (9 * GIB, 40), "of the mean only the part after the restart is known"


# --- utilisation ------------------------------------------------------------------------------------------


def test_utilisation_is_the_mean_over_looks_two_seconds_after_the_start() -> None:
    world = World()
    task_id = begun(world)
    seen(world, card(0, util=100), after_s=1.9)
    for percent in (20, 40, None, 60):
        seen(world, card(0, util=percent), after_s=0.1)
    world.ended(task_id)
    assert attempt_of(world, task_id).utilization == 40


def test_utilisation_of_several_cards_is_their_mean() -> None:
    world = World()
    task_id = begun(world, count=2)
    seen(world, card(0, util=90), card(1, util=30), card(2, util=100))
    world.ended(task_id)
    assert attempt_of(world, task_id).utilization == 60


def test_a_short_task_has_no_utilisation() -> None:
    world = World()
    task_id = begun(world)
    seen(world, card(0, util=100), after_s=1.0)
    world.ended(task_id)
    assert attempt_of(world, task_id).utilization is None
    assert known(world).utilization is None


def pair(world: World) -> list[TaskId]:
    """Two tasks on the same card."""
    sharing = GpuRequest(allowed=(uuid(0),), memory=MiB(GIB), share=True)
    for name in ("one", "two"):
        world.submit(name=name, is_named=True, gpus=sharing)
    ids = [*world.run_all()]
    world.look(*(card(number) for number in range(world.n_cards)))
    ids += world.run_all()
    assert [world.gpus(task_id) for task_id in ids] == [["0"], ["0"]]
    return ids


def test_a_shared_card_s_utilisation_is_divided_among_its_tasks() -> None:
    world = World()
    ids = pair(world)
    seen(world, card(0, util=90))
    for task_id in ids:
        world.ended(task_id)
    assert [attempt_of(world, task_id).utilization for task_id in ids] == [45, 45]


def test_a_task_that_was_alone_for_a_while_is_judged_by_that() -> None:
    world = World()
    first, second = pair(world)
    for _ in range(3):
        seen(world, card(0, util=100))
    world.ended(second)
    for _ in range(6):
        seen(world, card(0, process(1, GIB, task_id=first), util=80))
    world.ended(first)
    assert attempt_of(world, first).utilization == 80
    assert attempt_of(world, second).utilization == 50
