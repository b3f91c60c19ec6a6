"""Another try: after which ends, after which pause, with what request; and when a submission is held instead."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.core import events as ev
from gavelq.core.effects import Forget, Spawn
from gavelq.core.engine import EngineRules
from gavelq.core.errors import InvalidField
from gavelq.core.ids import BlobKey, QueueName, TaskId
from gavelq.core.lifecycle import EndReason as R
from gavelq.core.lifecycle import TaskState
from gavelq.core.retry_words import RETRYABLE, format_backoff, parse_backoff, parse_retries
from gavelq.core.retrying import MANY, MANY_S, NO_LIMIT, Backoff, OomAction, RetryRules, chance_of, pause_s
from gavelq.core.task import Attempt, AttemptResult, GpuRequest, Lease, Task
from gavelq.core.units import MiB
from tests.support.builders import GIB, World, card, request, uuid

NOW = Backoff(first_s=0)
OOM = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"


def rules(retries: int = 3, backoff: Backoff = NOW, **given: Any) -> RetryRules:
    """Rules of a task; without a pause unless told."""
    return RetryRules(retries=retries, backoff=backoff, **given)


def world(**given: Any) -> World:
    """A world without jitter, so that pauses are round."""
    return World(rules=EngineRules(log_dir="/logs", jitter=0.0), **given)


def submit_many(world: World, n: int, **given: Any) -> list[TaskId]:
    """A submission of n equal tasks."""
    event = ev.TasksSubmitted(by="me", requests=(request(**given),) * n, blobs={BlobKey("e"): b"{}"})
    return list(world.send(event))


def look_again(world: World) -> None:
    """The monitor sees what it saw: nothing is placed on an old look."""
    world.look(*world.state.books.sample.cards)


def fail(world: World, task_id: TaskId, *, after_s: float = 1.0, **how: Any) -> None:
    """Run a pending task until it fails."""
    look_again(world)
    assert task_id in world.run_all()
    world.now += after_s
    world.ended(task_id, **{"exit_code": 1, **how})


def found(world: World, task_id: TaskId) -> Task:
    """A task, ended or not."""
    return world.gone.get(task_id) or world.task(task_id)


def last_attempt(world: World, task_id: TaskId) -> tuple[Attempt, AttemptResult]:
    """The last attempt of a task, which is over, and its result."""
    attempt = found(world, task_id).attempt
    assert attempt is not None
    assert attempt.result is not None
    return attempt, attempt.result


def end_reason(world: World, task_id: TaskId) -> R:
    """Why a task ended; its last attempt says the same."""
    ending = world.gone[task_id].ending
    assert ending is not None
    assert last_attempt(world, task_id)[0].reason is ending.reason
    return ending.reason


# --- how often -------------------------------------------------------------------------------------------


def test_a_failed_task_is_tried_again_as_often_as_it_may_be_and_then_fails() -> None:
    w = world()
    task_id = w.submit(retry=rules(2))
    for n in (1, 2):
        fail(w, task_id)
        assert (w.task(task_id).state, w.task(task_id).n_failures) == (TaskState.PENDING, n)
    fail(w, task_id)
    ended = w.gone[task_id]
    assert (ended.state, ended.n_attempts, ended.n_failures) == (TaskState.FAILED, 3, 3)
    assert end_reason(w, task_id) is R.EXIT_NONZERO


def test_a_try_that_works_ends_the_task_well() -> None:
    w = world()
    task_id = w.submit(retry=rules(5))
    fail(w, task_id)
    w.run_all()
    w.ended(task_id)
    assert w.gone[task_id].state is TaskState.COMPLETED
    assert (w.gone[task_id].n_attempts, w.gone[task_id].n_failures) == (2, 1)


def test_without_a_wish_nothing_is_tried_again() -> None:
    w = world()
    task_id = w.submit()
    fail(w, task_id)
    assert w.gone[task_id].state is TaskState.FAILED


def test_unlimited_means_again_and_again() -> None:
    w = world()
    task_id = w.submit(retry=rules(NO_LIMIT, burst=4))
    for _ in range(60):
        fail(w, task_id)
    assert w.task(task_id).n_failures == 60


def test_unlimited_is_a_word_and_none_is_not_clear_enough() -> None:
    assert (parse_retries("unlimited", field="retries"), parse_retries(-1, field="retries")) == (NO_LIMIT, NO_LIMIT)
    for text in ("none", "abc", "-2", 1.5, True):
        with pytest.raises(InvalidField) as refused:
            parse_retries(text, field="retries")
        assert refused.value.hint == "write a number from 0 to 1000000, or unlimited"


# --- after which ends ------------------------------------------------------------------------------------

ENDS: dict[R, dict[str, Any]] = {
    R.EXIT_NONZERO: {"exit_code": 3},
    R.SIGNALLED: {"exit_code": None, "signal": 11},
    R.TIME_LIMIT: {"exit_code": None, "signal": 15, "cause": "time_limit"},
    R.OUT_OF_MEMORY_GPU: {"log_tail": OOM},
    R.OUT_OF_MEMORY_HOST: {"exit_code": None, "signal": 9, "host_oom": "Killed process 5"},
    R.NCCL_ERROR: {"log_tail": "ncclSystemError: System call failed."},
    R.CODE_ERROR: {"log_tail": "SyntaxError: invalid syntax"},
    R.GPU_LOST: {"log_tail": "CUDA error: uncorrectable ECC error encountered"},
    R.LOST: {"exit_code": None, "cause": "lost"},
}


@pytest.mark.parametrize("reason", ENDS)
def test_only_the_ends_that_the_rules_name_are_followed_by_a_try(reason: R) -> None:
    w = world()
    named = w.submit(retry=rules(1, on=(reason,)))
    fail(w, named, **ENDS[reason])
    assert w.task(named).state is TaskState.PENDING
    others = w.submit(retry=rules(1, on=tuple(set(RETRYABLE) - {reason})))
    w.send(ev.TaskKilled(by="me", task_id=named, signal=15, is_ending=True))
    fail(w, others, **ENDS[reason])
    assert end_reason(w, others) is reason


def test_by_default_broken_code_and_time_limits_are_not_tried_again() -> None:
    for reason in ENDS:
        w = world()
        task_id = w.submit(retry=rules(1))
        fail(w, task_id, **ENDS[reason])
        assert (task_id in w.gone) == (reason in (R.CODE_ERROR, R.TIME_LIMIT)), reason


def test_a_spawn_that_failed_for_good_is_tried_again_only_where_that_is_asked_for() -> None:
    for on, is_over in ((rules(2).on, True), ((R.SPAWN_FAILED,), False)):
        w = world()
        task_id = w.submit(retry=rules(2, on=on))
        w.cycle()
        w.send(ev.SpawnFailed(task_id=task_id, attempt=1, problem="no such directory", is_transient=False))
        assert found(w, task_id).state.is_ended is is_over
        attempt, result = last_attempt(w, task_id)
        assert (attempt.reason, result.detail) == (R.SPAWN_FAILED, "no such directory")


def test_a_spawn_that_failed_for_the_moment_counts_as_no_failure() -> None:
    w = world()
    task_id = w.submit()
    w.cycle()
    w.send(ev.SpawnFailed(task_id=task_id, attempt=1, problem="no process slot", is_transient=True))
    assert (w.task(task_id).state, w.task(task_id).n_failures) == (TaskState.PENDING, 0)


def test_what_was_stopped_is_not_tried_again_and_what_was_put_back_does_not_count() -> None:
    w = world()
    killed, drained = w.submit(retry=rules(5)), w.submit(retry=rules(5))
    w.run_all()
    w.send(ev.TaskKilled(by="me", task_id=killed, signal=15, is_ending=True))
    w.ended(killed, exit_code=None, signal=15, cause="stopped")
    assert w.gone[killed].state is TaskState.CANCELLED
    w.send(ev.GpuReleased(by="me", gpu=w.task(drained).held_gpus[0], requeue=True))
    w.ended(drained, exit_code=None, signal=15, cause="stopped")
    task = w.task(drained)
    assert (task.state, task.n_failures, task.retry_at) == (TaskState.PENDING, 0, None)
    assert last_attempt(w, drained)[0].reason is R.GPU_RELEASED


def test_a_lease_is_never_given_twice() -> None:
    w = world()
    task_id = w.submit(command=Lease(), retry=rules(5, on=RETRYABLE))
    fail(w, task_id, exit_code=None, cause="lost")
    assert w.gone[task_id].state is TaskState.ABORTED


def test_a_repeated_report_of_an_end_makes_no_second_try() -> None:
    w = world()
    task_id = w.submit(retry=rules(5))
    fail(w, task_id)
    w.effects.clear()
    w.ended(task_id, 1)
    assert w.task(task_id).n_failures == 1
    assert w.effects == [Forget(task_id=task_id, attempt=1)]


def test_a_task_in_a_hold_queue_waits_there_for_its_next_try() -> None:
    w = world()
    task_id = w.submit(retry=rules(1))
    w.run_all()
    w.send(ev.TaskMoved(by="me", task_id=task_id, queue=QueueName("waiting")))
    w.ended(task_id, 1)
    assert (w.task(task_id).state, w.task(task_id).n_failures) == (TaskState.HELD, 1)


def test_each_try_is_an_attempt_with_its_own_gpus_reason_and_log() -> None:
    w = world()
    task_id = w.submit(retry=rules(1), count=2)
    fail(w, task_id, log_tail=OOM)
    first, result = last_attempt(w, task_id)
    fail(w, task_id, log_tail="SyntaxError: invalid syntax")
    second, _ = last_attempt(w, task_id)
    assert (first.number, first.reason, second.number, second.reason) == (1, R.OUT_OF_MEMORY_GPU, 2, R.CODE_ERROR)
    assert result.detail == OOM
    assert len(first.gpus) == len(second.gpus) == 2
    assert "" != first.log_path != second.log_path != ""


# --- after which pause -----------------------------------------------------------------------------------


def test_pauses_grow_up_to_their_cap_and_the_task_starts_when_one_is_over() -> None:
    w = world()
    task_id = w.submit(retry=rules(5, Backoff(first_s=10, factor=3, cap_s=50)))
    pauses = []
    for _ in range(4):
        fail(w, task_id)
        retry_at = w.task(task_id).retry_at
        assert retry_at is not None
        pauses.append(retry_at - w.now)
        w.now = retry_at - 0.5
        look_again(w)
        assert w.cycle() == []
        assert w.reason(task_id) == "backoff"
        w.now = retry_at
    assert pauses == [10, 30, 50, 50]


def test_a_burst_is_so_many_tries_without_a_pause_and_then_one_again_and_again() -> None:
    w = world()
    task_id = w.submit(retry=rules(NO_LIMIT, Backoff(first_s=600, factor=1), burst=3))
    pauses = []
    for _ in range(7):
        fail(w, task_id)
        retry_at = w.task(task_id).retry_at
        pauses.append(0 if retry_at is None else retry_at - w.now)
        w.now = retry_at or w.now
    assert pauses == [0, 0, 600, 0, 0, 600, 0]


@given(
    st.floats(0, 1e5), st.floats(1, 100), st.floats(0, 1e5), st.integers(1, 10**9), st.floats(0, 1), st.floats(0, 1),
    st.one_of(st.none(), st.integers(1, 10**6)),
)  # fmt: skip
def test_no_pause_is_negative_or_longer_than_cap_and_jitter(
    first: float, factor: float, more: float, n: int, jitter: float, chance: float, burst: int | None
) -> None:
    backoff = Backoff(first_s=first, factor=factor, cap_s=first + more)
    given_rules = RetryRules(backoff=backoff, burst=burst)
    pause = pause_s(given_rules, n, jitter=jitter, chance=chance)
    least = MANY_S if n >= MANY else 0.0
    assert least <= pause <= max(least, backoff.cap_s * (1 + jitter) * (1 + 1e-9))
    if burst is not None and n % burst:
        assert pause == least
    else:
        assert pause >= first * (1 - 1e-9)
        assert pause_s(given_rules, n + (burst or 1), jitter=jitter, chance=chance) >= pause


def test_chance_is_the_same_for_an_attempt_and_spread_over_many() -> None:
    drawn = [chance_of(task, attempt) for task in range(1, 101) for attempt in range(1, 11)]
    assert drawn == [chance_of(task, attempt) for task in range(1, 101) for attempt in range(1, 11)]
    assert all(0 <= one < 1 for one in drawn)
    assert len(set(drawn)) == 1000
    tenths = [sum(1 for one in drawn if int(one * 10) == tenth) for tenth in range(10)]
    assert min(tenths) > 60, "a tenth of the range is hardly ever drawn"


def test_jitter_parts_what_failed_together() -> None:
    w = World(rules=EngineRules(log_dir="/logs", jitter=0.5, hold_after=0))
    ids = submit_many(w, 4, retry=rules(3, Backoff(first_s=100)))
    w.run_all()
    for task_id in ids:
        w.ended(task_id, 1)
    waits = [(w.task(task_id).retry_at or 0) - w.now for task_id in ids]
    assert len(set(waits)) == 4
    assert all(100 <= wait < 150 for wait in waits)


@pytest.mark.parametrize("text", ["30", "0.2", "30x2", "30x2..600", "5x1.5..20"])
def test_backoffs_are_written_as_they_are_read(text: str) -> None:
    assert parse_backoff(format_backoff(parse_backoff(text, field="f")), field="f") == parse_backoff(text, field="f")


# --- with what request -----------------------------------------------------------------------------------


def memories(w: World, task_id: TaskId, n: int) -> list[int | None]:
    """The declared memory after each of n failures for want of GPU memory."""
    seen: list[int | None] = []
    for _ in range(n):
        fail(w, task_id, log_tail=OOM)
        seen.append(w.task(task_id).request.gpus.memory)
    return seen


def test_a_gpu_out_of_memory_raises_the_declared_memory_up_to_the_largest_card_and_then_takes_it_whole() -> None:
    w = world()
    gpus = GpuRequest(memory=MiB(8 * GIB), share=True)
    task_id = w.submit(gpus=gpus, retry=rules(9, on_gpu_oom=OomAction(factor=2)))
    assert memories(w, task_id, 4) == [16 * GIB, 24 * GIB, None, None]
    assert not w.task(task_id).request.gpus.share


def test_a_wide_task_asks_for_no_more_than_so_many_cards_have() -> None:
    w = world()
    w.look(card(0, total=80 * GIB), card(1, total=40 * GIB), card(2), card(3))
    task_id = w.submit(count=2, memory=MiB(20 * GIB), retry=rules(9, on_gpu_oom=OomAction(factor=4)))
    assert memories(w, task_id, 2) == [40 * GIB, None]


@pytest.mark.parametrize(
    ("where", "most"), [({}, 40), ({"allowed": (uuid(2),)}, 24), ({"queue": QueueName("lab")}, 80)]
)
def test_the_largest_card_is_one_that_the_task_may_use(where: dict[str, Any], most: int) -> None:
    w = world()
    w.look(card(0, total=80 * GIB), card(1, total=40 * GIB), card(2), card(3))
    w.send(ev.QueueCreated(by="me", name=QueueName("lab"), options={}))
    w.send(ev.GpusAllocated(by="me", queue=QueueName("lab"), gpus=(uuid(0),)))
    task_id = w.submit(memory=MiB(9000), retry=rules(9, on_gpu_oom=OomAction(factor=16)), **where)
    assert memories(w, task_id, 2) == [most * GIB, None]


def test_exclusive_asks_for_a_whole_card() -> None:
    w = world()
    gpus = GpuRequest(memory=MiB(GIB), share=True)
    task_id = w.submit(gpus=gpus, retry=rules(9, on_gpu_oom=OomAction(is_exclusive=True)))
    assert memories(w, task_id, 1) == [None]
    assert not w.task(task_id).request.gpus.share


@pytest.mark.parametrize("memory", [None, MiB(GIB)])
def test_nothing_changes_without_a_declared_memory_or_a_wish_or_after_another_end(memory: MiB | None) -> None:
    w = world()
    action = OomAction() if memory else OomAction(factor=2)
    task_id = w.submit(memory=memory, retry=rules(9, on_gpu_oom=action))
    assert memories(w, task_id, 2) == [memory, memory]
    other = w.submit(memory=MiB(GIB), retry=rules(9, on_gpu_oom=OomAction(factor=2)))
    fail(w, other)
    assert w.task(other).request.gpus.memory == GIB


def test_a_card_that_failed_is_left_behind_and_the_next_try_is_elsewhere() -> None:
    w = world(n_cards=2)
    task_id = w.submit(retry=rules(1))
    w.run_all()
    (first,) = w.task(task_id).held_gpus
    sound = card(1) if first == uuid(0) else card(0)
    w.look(sound)
    w.ended(task_id, exit_code=None, signal=6)
    assert last_attempt(w, task_id)[0].reason is R.GPU_LOST
    assert w.cycle() == [task_id]
    assert w.task(task_id).held_gpus == (sound.uuid,)


@pytest.mark.parametrize(("retries", "state"), [(1, TaskState.PENDING), (0, TaskState.ABORTED)])
def test_a_task_that_is_stopped_because_its_card_broke_is_tried_again_elsewhere(retries: int, state: TaskState) -> None:
    w = world(n_cards=2)
    task_id = w.submit(allowed=(uuid(0), uuid(1)), count=1, retry=rules(retries))
    w.run_all()
    (broken,) = w.task(task_id).held_gpus
    sound = card(1) if broken == uuid(0) else card(0)
    w.look(sound)
    w.look(sound)
    assert w.task(task_id).state is TaskState.STOPPING
    w.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert found(w, task_id).state is state
    attempt, result = last_attempt(w, task_id)
    assert attempt.reason is R.GPU_LOST
    assert result.detail.startswith(f"GPU {attempt.indices[0]}: lost")
    assert w.cycle() == ([task_id] if retries else [])


# --- a submission that only fails ------------------------------------------------------------------------


def holding(after: int = 3, **given: Any) -> World:
    """A world with one card, where so many fast failures hold the rest."""
    return World(n_cards=1, rules=EngineRules(log_dir="/logs", hold_after=after, fast_s=30.0), **given)


def test_after_some_fast_failures_in_a_row_the_rest_is_held_with_the_reason() -> None:
    w = holding()
    ids = submit_many(w, 6)
    for task_id in ids[:3]:
        assert w.task(ids[5]).state is TaskState.PENDING
        fail(w, task_id, log_tail="SyntaxError: invalid syntax")
    rest = [w.task(task_id) for task_id in ids[3:]]
    assert {task.state for task in rest} == {TaskState.HELD}
    assert {task.hold_reason for task in rest} == {
        f"3 fast failures in a row in submission 1 (last: task {ids[2]}, code_error)"
    }
    assert w.cycle() == []
    w.send(ev.TaskReleased(by="me", task_id=ids[3]))
    assert (w.task(ids[3]).hold_reason, w.cycle()) == ("", [ids[3]])


@pytest.mark.parametrize(
    ("how", "breaks"),
    [
        ({"exit_code": 0}, True),
        ({"after_s": 31.0}, True),
        ({"exit_code": None, "signal": 15, "cause": "time_limit"}, True),
        ({"exit_code": None, "cause": "lost"}, False),
    ],
)
def test_a_success_and_a_slow_failure_break_the_row_and_a_loss_says_nothing(how: dict[str, Any], breaks: bool) -> None:
    w = holding(after=2)
    ids = submit_many(w, 5)
    fail(w, ids[0])
    fail(w, ids[1], **how)
    fail(w, ids[2])
    assert w.task(ids[4]).state is (TaskState.PENDING if breaks else TaskState.HELD)


def test_submissions_are_counted_apart_and_single_tasks_not_at_all() -> None:
    w = holding(after=2)
    first, second = submit_many(w, 2), submit_many(w, 3)
    for task_id in (*first, second[0]):
        fail(w, task_id)
    assert [w.task(task_id).state for task_id in second[1:]] == [TaskState.PENDING] * 2
    for task_id in second[1:]:
        w.send(ev.TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))
    singles = [w.submit(retry=rules(2)) for _ in range(3)]
    for _ in range(8):
        look_again(w)
        (task_id,) = w.run_all()
        w.ended(task_id, 1)
    assert sum(w.task(task_id).state is TaskState.PENDING for task_id in singles if task_id in w.state.tasks) == 1
    assert w.state.streaks == {}


def test_tries_of_one_task_count_and_what_waits_for_its_next_try_is_left_alone() -> None:
    w = holding(after=3)
    ids = submit_many(w, 4, retry=rules(9), hold=True)
    for task_id in (ids[3], ids[0]):
        w.send(ev.TaskReleased(by="me", task_id=task_id))
        fail(w, task_id)
        w.send(ev.TaskHeld(by="me", task_id=task_id))
    w.send(ev.TaskReleased(by="me", task_id=ids[0]))
    look_again(w)
    w.run_all()
    for task_id in (ids[1], ids[3]):
        w.send(ev.TaskReleased(by="me", task_id=task_id))
    w.ended(ids[0], 1)
    assert [w.task(task_id).hold_reason != "" for task_id in ids] == [False, True, False, False]
    assert [w.task(task_id).state.value for task_id in ids] == ["pending", "held", "held", "pending"]


def test_zero_never_holds() -> None:
    w = holding(after=0)
    ids = submit_many(w, 30)
    for task_id in ids[:-1]:
        fail(w, task_id)
    assert w.task(ids[-1]).state is TaskState.PENDING
    assert w.state.streaks == {}


def test_released_tasks_have_as_many_chances_again() -> None:
    w = holding(after=2)
    ids = submit_many(w, 6)
    fail(w, ids[0])
    fail(w, ids[1])
    for task_id in ids[2:]:
        w.send(ev.TaskReleased(by="me", task_id=task_id))
    fail(w, ids[2])
    assert w.task(ids[3]).state is TaskState.PENDING
    fail(w, ids[3])
    assert w.task(ids[4]).state is TaskState.HELD


@pytest.mark.parametrize("way", ["fail", "kill", "remove"])
def test_no_count_outlives_the_tasks_of_its_submission(way: str) -> None:
    w = holding(after=5)
    ids = submit_many(w, 3)
    fail(w, ids[0])
    assert w.state.streaks == {1: 1}
    for task_id in ids[1:]:
        assert w.state.streaks
        if way == "fail":
            fail(w, task_id)
        elif way == "kill":
            w.send(ev.TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))
        else:
            w.send(ev.TaskHeld(by="me", task_id=task_id))
            w.send(ev.TaskRemoved(by="me", task_id=task_id))
    assert w.state.streaks == {}


# --- whatever happens ------------------------------------------------------------------------------------


@given(
    st.integers(0, 4), st.sampled_from([None, 1, 2, 3]),
    st.lists(st.sampled_from(sorted(ENDS)), min_size=1, max_size=8), st.sets(st.sampled_from(RETRYABLE)),
)  # fmt: skip
def test_a_task_has_at_most_one_try_more_than_it_was_granted_and_none_after_another_end(
    retries: int, burst: int | None, ends: list[R], on: set[R]
) -> None:
    w = World(n_cards=4, rules=EngineRules(log_dir="/logs"))
    task_id = w.submit(retry=rules(retries, Backoff(first_s=5), burst=burst, on=tuple(on)))
    n_tries = 0
    for reason in ends:
        if task_id in w.gone:
            break
        w.now = max(w.now, w.task(task_id).retry_at or 0.0)
        fail(w, task_id, **ENDS[reason])
        n_tries += 1
        assert (task_id in w.gone) == (reason not in on or n_tries > retries)
    assert found(w, task_id).n_attempts == n_tries <= retries + 1
    assert [e.attempt for e in w.effects if isinstance(e, Spawn)] == list(range(1, n_tries + 1))
