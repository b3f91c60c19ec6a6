"""What running and ended tasks teach: peaks, run times, utilisation; and memory that is asked for from experience."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.core import events as ev
from gavelq.core import learned as learned_module
from gavelq.core.engine.learning import with_learned_memory
from gavelq.core.gpu import CardSample
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
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.task import AttemptResult, GpuRequest
from gavelq.core.units import MiB
from gavelq.core.view import View
from tests.core.training import attempt_of, begun, known, run_through, seen
from tests.support.builders import GIB, World, card, process, request, uuid

UNTIMED = settings(deadline=None)
KNOWN = st.builds(
    Lesson,
    is_own_end=st.booleans(),
    run_time_s=st.none() | st.floats(min_value=0, max_value=1e6),
    peak_memory=st.none() | st.integers(min_value=0, max_value=200_000),
    utilization=st.none() | st.floats(min_value=0, max_value=100),
)


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
    assert len(found.run_times_s) <= N_KEPT
    assert len(found.peaks) <= N_KEPT
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
    draft.revert(Changes(tasks={task_id: None}, learned=dict(draft.learned), shares=dict(draft.shares)), committed)
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


def test_who_would_share_but_does_not_know_how_much_it_needs_stands_alone() -> None:
    world = World(n_cards=1)
    for memory in (MiB(GIB), None):
        world.submit(name="new", is_named=True, learn_memory=True, gpus=GpuRequest(memory=memory, share=True))
    assert world.run_all() == [1]
    assert world.run_all() == []
    assert not world.task(TaskId(2)).request.gpus.share
    world.state.apply(Changes(learned={"me/new": Learned(peaks=(MiB(GIB),), at=1.0)}))
    third = world.submit(name="new", is_named=True, learn_memory=True, gpus=GpuRequest(share=True))
    assert world.task(third).request.gpus == GpuRequest(memory=MiB(1280), share=True)
