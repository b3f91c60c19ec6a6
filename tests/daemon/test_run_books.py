"""What the books of runs add up to, without a daemon: every commit is noticed, and filling anew gives the same."""

import json
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.command_files import Run
from gavelq.core.engine import handle
from gavelq.core.ids import BlobKey, SubmissionId, TaskId
from gavelq.core.retrying import RetryRules
from gavelq.core.step import Changes
from gavelq.core.task import AttemptResult, LanePlace, TaskRequest
from gavelq.core.view import View
from gavelq.daemon import run_books
from gavelq.daemon.run_books import RunBook
from gavelq.daemon.run_ends import lane_end, mean_of, run_end, work_of
from gavelq.daemon.run_sums import Sums
from gavelq.daemon.run_views import lane_json, process_text, run_json, run_state
from tests.support.builders import World, card, request

RUN = Run(mode="single", name="f", content="", tenant="me", by="me", seed=1, work_dir="/")
NUMBER = SubmissionId(1)


def nothing_learned(_: str) -> None:
    return None


class Watched(World):
    """A world whose commits a book notices, as the daemon's loop tells it."""

    def __post_init__(self) -> None:
        self.book = RunBook(NUMBER)
        super().__post_init__()

    def send(self, event: ev.Event) -> Any:
        changes = handle(View(self.state), event, self.now, self.rules).changes
        reply = super().send(event)
        assert run_books.notice({NUMBER: self.book}, changes) == set()
        return reply

    @property
    def lanes(self) -> dict[str, Sums]:
        return {lane: book.sums(nothing_learned) for lane, book in self.book.lanes.items()}

    def processes(self, lane: str) -> list[dict[str, Any]]:
        return [json.loads(process_text(one, None)) for one in self.book.lanes[lane].in_order()]


def block(lane: str, at: int, **given: Any) -> TaskRequest:
    return request(lane=LanePlace(lane=lane, at=at, rank=at), name=f"f:{lane}:{at + 1}", **given)


def started(*requests: TaskRequest, n_cards: int = 4) -> Watched:
    world = Watched(n_cards=n_cards)
    world.send(ev.TasksSubmitted(by="me", requests=requests, blobs={BlobKey("e"): b"{}"}, run=RUN))
    return world


def later(world: World, seconds: float) -> None:
    world.now += seconds
    world.look(*(card(number) for number in range(world.n_cards)))


def ended(world: World, task_id: int, exit_code: int = 0) -> None:
    attempt = world.task(TaskId(task_id)).attempt
    assert attempt is not None
    result = AttemptResult(
        exit_code=exit_code, signal=None, started_at=attempt.started_at, ended_at=world.now, cause="exited"
    )
    world.send(ev.AttemptEnded(task_id=TaskId(task_id), attempt=attempt.number, result=result))


def counts(sums: Sums) -> tuple[int, ...]:
    return sums.n_pending, sums.n_running, sums.n_completed, sums.n_failed, sums.n_cancelled, sums.n_total


def test_a_run_goes_from_starting_to_its_end() -> None:
    world = started(block("a", 0), block("a", 1), block("b", 0))
    assert run_state(world.lanes.values()) == "starting"
    world.run_all()
    assert run_state(world.lanes.values()) == "running"
    assert {lane: counts(sums) for lane, sums in world.lanes.items()} == {
        "a": (1, 1, 0, 0, 0, 2), "b": (0, 1, 0, 0, 0, 1),
    }  # fmt: skip
    ended(world, 3)
    ended(world, 1)
    world.run_all()
    ended(world, 2)
    assert run_state(world.lanes.values()) == "completed"


def test_one_failure_makes_the_run_a_failed_one_when_it_is_over_and_not_before() -> None:
    world = started(block("a", 0), block("a", 1))
    world.run_all()
    ended(world, 1, exit_code=3)
    assert run_state(world.lanes.values()) == "running"
    world.run_all()
    ended(world, 2)
    assert run_state(world.lanes.values()) == "failed"
    assert "exit code 3" in (world.lanes["a"].error or "")
    shown = run_json(RUN, None, world.lanes, (None, None))
    assert (shown["completed_tasks"], shown["failed_tasks"], shown["total_tasks"]) == (1, 1, 2)


def test_a_run_that_is_being_stopped_says_so_until_its_cards_are_free() -> None:
    world = started(block("a", 0), block("a", 1))
    world.run_all()
    for task_id in (TaskId(2), TaskId(1)):
        world.send(ev.TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))
    assert run_state(world.lanes.values()) == "stopping"
    sums = world.lanes["a"]
    assert lane_end(sums, work_of(sums, None, nothing_learned, world.now), None, world.now)[0] is None
    ended(world, 1, exit_code=143)
    assert run_state(world.lanes.values()) == "failed"
    assert counts(world.lanes["a"]) == (0, 0, 0, 2, 2, 2)
    assert {one["task_state"] for one in world.processes("a")} == {"cancelled"}


def test_a_task_that_is_tried_again_tells_why_also_while_it_runs_again() -> None:
    world = started(block("a", 0, retry=RetryRules(retries=3)), block("a", 1))
    world.run_all()
    began = world.now
    later(world, 5)
    ended(world, 1, exit_code=7)
    (first, second) = world.processes("a")
    assert (first["status"], first["retry_count"], second["status"]) == ("retrying", 1, "waiting")
    assert "exit code 7" in first["last_error"]
    later(world, 1000)
    world.run_all()
    first = world.processes("a")[0]
    assert (first["status"], first["retry_count"]) == ("running", 1)
    assert "exit code 7" in first["last_error"]
    assert world.lanes["a"].began == began, "the lane began with the first try"
    ended(world, 1)
    assert world.processes("a")[0]["last_error"] is None
    assert world.lanes["a"].n_retries == 1


def test_a_book_that_is_made_anew_says_the_same() -> None:
    world = started(*(block(lane, at, retry=RetryRules(retries=1)) for at in range(3) for lane in "ab"))
    world.run_all()
    attempts = []
    for task_id, code in ((1, 1), (2, 0)):
        attempts.append((task_id, world.task(TaskId(task_id)).attempt))
        ended(world, task_id, exit_code=code)
    attempts.append((1, world.task(TaskId(1)).attempt))
    later(world, 1000)
    world.run_all()
    again = RunBook(NUMBER)
    for task in [*world.gone.values(), *world.state.tasks.values()]:
        again.put(task)
    assert again.hidden_pasts() == [1]
    for task_id, attempt in attempts:
        if task_id in again.hidden_pasts() and attempt is not None:
            again.remember(TaskId(task_id), attempt)
    again.put(world.task(TaskId(1)))
    assert {lane: book.sums(nothing_learned) for lane, book in again.lanes.items()} == world.lanes
    for lane, book in world.book.lanes.items():
        assert again.lanes[lane].in_order() == book.in_order()


def test_removed_tasks_and_those_that_an_edit_took_out_are_counted_nowhere() -> None:
    world = started(block("a", 0), block("a", 1), block("a", 2, hold=True))
    world.run_all()
    world.send(ev.TaskRemoved(by="me", task_id=TaskId(3)))
    assert counts(world.lanes["a"]) == (1, 1, 0, 0, 0, 2)
    world.send(
        ev.RunEdited(
            by="me", submission=NUMBER, content="", lanes={}, based_on=frozenset({TaskId(2)}), blobs={}, owners=()
        )
    )
    assert counts(world.lanes["a"]) == (0, 1, 0, 0, 0, 1)
    ended(world, 1)
    assert run_state(world.lanes.values()) == "completed"
    assert run_books.drop({NUMBER: world.book}, [TaskId(1)]) == set()
    assert world.book.lanes == {}


def test_a_book_without_its_tasks_keeps_the_sums_and_is_made_anew_where_one_of_them_goes() -> None:
    world = started(block("a", 0))
    world.run_all()
    ended(world, 1)
    before = world.lanes
    world.book.thin_out(nothing_learned)
    assert world.lanes == before
    assert len(world.book) == 0
    assert run_books.drop({NUMBER: world.book}, [TaskId(5)]) == set()
    assert run_books.drop({NUMBER: world.book}, [TaskId(1)]) == {NUMBER}


def test_a_lane_that_waits_says_why_and_one_that_runs_shows_its_task() -> None:
    world = started(block("a", 0), block("b", 0), n_cards=1)
    world.run_all()
    wait = ("gpu_count", "needs 1 GPU(s)")
    running, waiting = (world.lanes[lane] for lane in "ab")
    shown = lane_json("a", running, memory=None, wait=None, expected=(None, None))
    assert (shown["status"], shown["current_task"], shown["current_gpu"], shown["gpus"]) == ("running", "f:a:1", 0, [0])
    shown = lane_json("b", waiting, memory=None, wait=wait, expected=(None, None))
    assert (shown["status"], shown["current_task"], shown["pending_reason"]) == ("waiting", None, "gpu_count")
    assert run_json(RUN, None, world.lanes, (None, None))["gpu_assignments"] == {"0": ["a"]}


# --- when it ends ---------------------------------------------------------------------------------------------------


def expected(
    world: Watched, lane: str, start: tuple[float | None, str] | None = None
) -> tuple[float | None, str | None]:
    sums = world.lanes[lane]
    mean = mean_of((sums,), "queue") or mean_of(world.lanes.values(), "run")
    return lane_end(sums, work_of(sums, mean, nothing_learned, world.now), start, world.now)


def test_without_anything_known_nobody_can_tell_when_a_lane_ends() -> None:
    world = started(block("a", 0), block("a", 1))
    world.run_all()
    at, basis = expected(world, "a")
    assert at is None
    assert "task 1 has no time limit" in (basis or "")


def test_time_limits_count_until_something_has_completed() -> None:
    world = started(*(block(lane, at, time_limit_s=7200.0) for lane in "ab" for at in range(3)))
    world.run_all()
    assert expected(world, "a")[0] == world.now + 3 * 7200
    later(world, 60)
    ended(world, 1)
    at, basis = expected(world, "a")
    assert (at, "of its queue (2)" in (basis or "")) == (world.now + 120, True), "two more like the first"
    at, basis = expected(world, "b")
    assert (at, "of its run (3)" in (basis or "")) == (world.now + 120, True), "its first has run for a minute already"


def test_what_is_learned_of_a_name_counts_first() -> None:
    world = started(block("a", 0, is_named=True), block("a", 1, is_named=True))
    sums = world.book.lanes["a"].sums(lambda key: 50.0 if key.endswith("f:a:2") else 10.0)
    work = work_of(sums, None, lambda _: 10.0, world.now)
    assert (work.seconds, work.parts) == (60.0, {"learned run times": 2})


def test_what_is_learned_meanwhile_is_counted_at_once() -> None:
    world = started(block("a", 0, is_named=True))
    known = {"me/f:a:1": None}
    assert world.book.lanes["a"].sums(known.get).n_learned == 0
    run_books.notice({NUMBER: world.book}, Changes(learned={"me/f:a:1": None}))
    assert world.book.lanes["a"].sums(lambda _: 10.0).n_learned == 1


def test_a_task_that_outran_what_is_usual_ends_at_any_moment_and_never_in_the_past() -> None:
    world = started(block("a", 0), block("b", 0), block("b", 1))
    world.run_all()
    later(world, 10)
    ended(world, 2)
    later(world, 500)
    assert expected(world, "a")[0] == world.now


def test_a_lane_without_cards_begins_with_the_expected_start_of_its_next_task() -> None:
    world = started(block("a", 0, time_limit_s=60.0), block("b", 0, time_limit_s=60.0), n_cards=1)
    world.run_all()
    assert expected(world, "b", (world.now + 100, "why"))[0] == world.now + 160
    at, basis = expected(world, "b")
    assert (at, "not counted" in (basis or "")) == (world.now + 60, True)
    at, basis = expected(world, "b", (None, "the queue is paused"))
    assert (at, "the queue is paused" in (basis or "")) == (None, True)


def test_a_held_task_lets_nobody_tell() -> None:
    world = started(block("a", 0, time_limit_s=60.0), block("a", 1, time_limit_s=60.0, hold=True))
    world.run_all()
    assert expected(world, "a") == (None, "task 2 is held")


@pytest.mark.parametrize(("n_cards", "hours"), [(4, 3), (2, 6)])
def test_a_run_ends_with_its_latest_lane_or_when_its_work_is_shared_out(n_cards: int, hours: int) -> None:
    world = started(*(block(lane, at, time_limit_s=3600.0) for at in range(3) for lane in "abcd"), n_cards=n_cards)
    world.run_all()
    entries = []
    for lane, sums in world.lanes.items():
        work = work_of(sums, None, nothing_learned, world.now)
        entries.append((lane, sums, work, lane_end(sums, work, None, world.now)))
    at, basis = run_end(entries, world.now)
    assert at == world.now + hours * 3600
    assert ("2 task(s) at once as now" in (basis or "")) == (n_cards == 2)
