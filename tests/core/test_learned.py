"""What running and ended tasks teach: peaks, run times, utilisation; and memory that is asked for from experience."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.core import events as ev
from gavelq.core import learned as learned_module
from gavelq.core.engine.learning import with_learned_memory
from gavelq.core.gpu import CardSample, GpuProcess
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.learned import (
    MAX_KEYS,
    N_KEPT,
    Learned,
    Lesson,
    memory_to_ask,
    name_key,
    pattern_key,
    run_time,
    superfluous,
    taught,
    utilization_of,
)
from gavelq.core.state import State, View
from gavelq.core.step import Changes
from gavelq.core.task import Attempt, AttemptResult, GpuRequest
from gavelq.core.units import MiB
from tests.support.builders import GIB, World, card, process, request, uuid

UNTIMED = settings(deadline=None)
KNOWN = st.builds(
    Lesson,
    is_own_end=st.booleans(),
    run_time_s=st.none() | st.floats(min_value=0, max_value=1e6),
    peak_memory=st.none() | st.integers(min_value=0, max_value=200_000),
    utilization=st.none() | st.floats(min_value=0, max_value=100),
)


def begun(world: World, **given: Any) -> TaskId:
    """A named task that runs, just now."""
    task_id = world.submit(**{"name": "train", "is_named": True, **given})
    world.look(*(card(number) for number in range(world.n_cards)))
    assert world.run_all() == [task_id]
    return task_id


def seen(world: World, *cards: CardSample, after_s: float = 3.0) -> None:
    """A look, so many seconds later."""
    world.now += after_s
    world.look(*cards)


def attempt_of(world: World, task_id: TaskId) -> Attempt:
    task = world.gone.get(task_id) or world.task(task_id)
    assert task.attempt is not None
    return task.attempt


def known(world: World, key: str = "me/train") -> Learned:
    return world.state.learned[key]


def run_through(world: World, seconds: float, exit_code: int = 0, **given: Any) -> TaskId:
    task_id = begun(world, **given)
    world.now += seconds
    world.ended(task_id, exit_code)
    return task_id


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
    task_id = begun(world)
    seen(world, card(0, process(1, 3 * GIB, task_id=task_id), process(2, None, task_id=task_id)))
    assert attempt_of(world, task_id).peak_memory is None, "a part would mislead"
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


# --- what ends teach --------------------------------------------------------------------------------------


def test_only_tasks_that_a_person_named_teach() -> None:
    world = World()
    run_through(world, 60, is_named=False)
    assert world.state.learned == {}
    run_through(world, 60)
    assert set(world.state.learned) == {"me/train"}


def test_what_is_learned_is_kept_by_name_and_by_the_name_without_its_numbers() -> None:
    world = World()
    run_through(world, 60, name="train-lr0.1")
    run_through(world, 90, name="train-lr0.01")
    run_through(world, 30, name="train-lr0.1", tenant="other")
    assert known(world, name_key("me", "train-lr0.1")).run_times_s == (60,)
    assert known(world, name_key("me", "train-lr0.01")).run_times_s == (90,)
    assert known(world, pattern_key("me", "train-lr7.7")).run_times_s == (60, 90)
    assert known(world, pattern_key("other", "train-lr7.7")).run_times_s == (30,), "nobody learns from others"


def test_a_name_without_numbers_is_counted_once() -> None:
    world = World()
    run_through(world, 60)
    assert known(world).n_ends == 1


def test_only_completed_attempts_teach_run_times() -> None:
    world = World()
    run_through(world, 5, exit_code=1)
    task_id = begun(world)
    world.now += 7
    world.ended(task_id, exit_code=None, signal=15, cause="time_limit")
    assert (known(world).n_ends, known(world).run_times_s) == (2, ())
    run_through(world, 60)
    assert (known(world).n_ends, known(world).run_times_s) == (3, (60,))


@pytest.mark.parametrize("cause", ["stopped", "lost", "owner_gone"])
def test_an_attempt_that_was_stopped_teaches_its_peak_alone(cause: str) -> None:
    world = World()
    task_id = begun(world)
    seen(world, card(0, process(1, 5 * GIB, task_id=task_id), util=70))
    world.ended(task_id, exit_code=0 if cause == "stopped" else None, cause=cause)
    assert known(world) == Learned(peaks=(MiB(5 * GIB),), at=world.now)


def test_an_attempt_that_was_stopped_unseen_teaches_nothing() -> None:
    world = World()
    task_id = begun(world)
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert world.state.learned == {}


def test_a_later_peak_counts_until_twenty_ends_have_been_lower() -> None:
    before = taught(None, Lesson(is_own_end=True, peak_memory=MiB(9000)), 1.0)
    for number in range(N_KEPT):
        assert before.peak_memory == 9000
        before = taught(before, Lesson(is_own_end=True, peak_memory=MiB(100 + number)), 2.0)
    assert before.peak_memory == 100 + N_KEPT - 1


def test_utilisation_leans_to_the_newest_ends() -> None:
    found: Learned | None = None
    for percent in (50.0, 100.0, 100.0):
        found = taught(found, Lesson(is_own_end=True, utilization=percent), 1.0)
    assert found is not None
    assert found.utilization == pytest.approx(50 + 0.3 * 50 + 0.3 * 35)
    assert taught(found, Lesson(is_own_end=True), 2.0).utilization == found.utilization


@UNTIMED
@given(lessons=st.lists(KNOWN, max_size=50))
def test_what_is_known_stays_within_what_was_seen(lessons: list[Lesson]) -> None:
    found: Learned | None = None
    for number, lesson in enumerate(lessons):
        found = taught(found, lesson, float(number))
    found = found or Learned()
    own = [lesson for lesson in lessons if lesson.is_own_end]
    assert found.n_ends == len(own)
    assert len(found.run_times_s) <= N_KEPT and len(found.peaks) <= N_KEPT
    busy = [lesson.utilization for lesson in own if lesson.utilization is not None]
    if found.utilization is None:
        assert not busy
    else:
        assert min(busy) - 1e-6 <= found.utilization <= max(busy) + 1e-6
    times = [lesson.run_time_s for lesson in own if lesson.run_time_s is not None]
    estimate = run_time(found)
    assert (estimate is None) == (len(times) < 3)
    assert estimate is None or min(times[-N_KEPT:]) <= estimate <= max(times[-N_KEPT:])


def test_the_estimate_of_a_run_time_is_the_median_of_three_ends_or_more() -> None:
    assert run_time(None) is None
    assert run_time(Learned(run_times_s=(1.0, 2.0))) is None
    assert run_time(Learned(run_times_s=(90.0, 1.0, 3.0))) == 3.0
    assert run_time(Learned(run_times_s=(90.0, 1.0, 3.0, 4.0))) == 3.5


def test_an_unknown_utilisation_is_what_the_caller_says() -> None:
    assert utilization_of(None, 50) == 50
    assert utilization_of(Learned(), 50) == 50
    assert utilization_of(Learned(utilization=0.0), 50) == 0


# --- bounds -----------------------------------------------------------------------------------------------


def test_the_oldest_names_are_forgotten_before_there_are_too_many() -> None:
    world = World()
    many = {f"me/name {number}": Learned(n_ends=1, at=float(number)) for number in range(MAX_KEYS)}
    world.state.apply(Changes(learned=dict(many)))
    world.now = 1e6
    run_through(world, 60, name="new7")
    found = world.state.learned
    assert len(found) <= MAX_KEYS
    assert {"me/new7", "me/new#", f"me/name {MAX_KEYS - 1}"} <= set(found)
    assert "me/name 0" not in found
    n_before = len(found)
    run_through(world, 60, name="new8")
    assert len(found) == n_before + 1, "a tenth goes at once, so that not every end has to look for the oldest"


def test_nothing_is_forgotten_for_a_name_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned_module, "MAX_KEYS", 3)
    full = {key: Learned(at=1.0) for key in "abc"}
    assert superfluous(full, 0) == []
    assert superfluous(full, 1) == ["a"]


def test_learned_facts_are_taken_back_with_a_commit_that_failed() -> None:
    world = World()
    task_id = begun(world)
    draft = State(world.state.books)
    draft.apply(world.state.as_changes())
    committed, world.state = world.state, draft
    world.now += 60
    before = draft.as_changes()
    world.ended(task_id)
    assert (len(draft.learned), len(draft.shares)) == (1, 1)
    draft.revert(Changes(tasks={task_id: None}, learned=dict(draft.learned), shares=dict(draft.shares)), committed)  # type: ignore[arg-type]  # values are not looked at
    assert (draft.learned, draft.shares) == (before.learned, before.shares) == ({}, {})
    world.ended(task_id)
    assert attempt_of(world, task_id).result is not None
    assert known(world).run_times_s == (60,)


# --- asking by experience ---------------------------------------------------------------------------------


def experienced(peak: int, *cards: CardSample) -> World:
    world = World()
    if cards:
        world.look(*cards)
    world.state.apply(Changes(learned={"me/train-#": Learned(n_ends=1, peaks=(MiB(peak),), at=1.0)}))
    return world


def wished(world: World, *, allowed: tuple[GpuUuid, ...] = (), **given: Any) -> int | None:
    fields = {"name": "train-7", "is_named": True, "learn_memory": True, **given}
    gpus = GpuRequest(count=int(fields.pop("count", 1)), memory=fields.pop("memory", None), allowed=allowed)
    return with_learned_memory(View(world.state), request(gpus=gpus, **fields)).gpus.memory


def test_learned_memory_is_the_peak_and_a_tenth_more_in_steps() -> None:
    assert wished(experienced(10_000)) == 11_008
    assert wished(experienced(10_000), memory=MiB(99)) == 11_008
    assert memory_to_ask(Learned(peaks=(MiB(1),))) == 256


def test_without_knowledge_or_the_wish_the_declared_memory_holds() -> None:
    world = experienced(10_000)
    assert wished(world, name="other-7", memory=MiB(99)) == 99
    assert wished(world, name="other-7") is None
    assert wished(world, tenant="other", memory=MiB(99)) == 99
    assert wished(world, learn_memory=False, memory=MiB(99)) == 99
    assert wished(world, is_named=False, memory=MiB(99)) == 99
    assert wished(world, count=0) is None


def test_experience_makes_no_request_impossible() -> None:
    world = experienced(30 * GIB, card(0, total=48 * GIB), card(1, total=32 * GIB), card(2, total=24 * GIB))
    assert wished(world) == 33 * GIB
    assert wished(world, count=2) == 32 * GIB, "two cards have that much"
    assert wished(world, allowed=(uuid(2),)) == 24 * GIB
    assert wished(experienced(24 * GIB)) == 24 * GIB
    world.submit(name="train-7", is_named=True, learn_memory=True, gpus=GpuRequest(count=3))


def test_a_submission_asks_by_experience_before_it_is_judged() -> None:
    world = experienced(10_000)
    task_id = world.submit(name="train-7", is_named=True, learn_memory=True, memory=MiB(900 * GIB))
    assert world.task(task_id).request.gpus.memory == 11_008


def test_reports_of_an_attempt_that_is_over_teach_nothing_more() -> None:
    world = World()
    task_id = run_through(world, 60)
    result = AttemptResult(exit_code=0, signal=None, started_at=1.0, ended_at=world.now, cause="exited")
    world.send(ev.AttemptEnded(task_id=task_id, attempt=1, result=result))
    assert known(world).n_ends == 1
