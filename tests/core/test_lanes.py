"""Lanes of a command file: one after another, over whatever ends, skips, fails or changes them."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.command_files import ChangedMeanwhile, Run, RunNotFound
from gavelq.core.errors import WrongState
from gavelq.core.ids import BlobKey, SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retrying import Backoff, RetryRules
from gavelq.core.task import GpuRequest, LanePlace, TaskRequest
from gavelq.scheduling.policy import Policy
from tests.support.builders import World, card, request


def lane(name: str, at: int, rank: int = 0, *, is_strict: bool = False, **given: Any) -> TaskRequest:
    return request(lane=LanePlace(lane=name, at=at, rank=rank, is_strict=is_strict), name=f"{name}{at}", **given)


RUN = Run(mode="multi", name="f", content="", tenant="me", by="me", seed=1, work_dir="/")


def start(world: World, *requests: TaskRequest) -> list[TaskId]:
    event = ev.TasksSubmitted(by="me", requests=requests, blobs={BlobKey("e"): b"{}"}, run=RUN)
    return list(world.send(event))


def kill(world: World, task_id: int) -> None:
    world.send(ev.TaskKilled(by="me", task_id=TaskId(task_id), signal=15, is_ending=True))


def behind(world: World) -> dict[int, int | None]:
    return {task.id: task.behind for task in world.state.tasks.values()}


def test_a_lane_runs_one_after_another_and_lanes_run_side_by_side() -> None:
    world = World()
    start(world, lane("a", 0), lane("b", 0), lane("a", 1), lane("b", 1), lane("a", 2))
    assert world.run_all() == [1, 2]
    world.ended(TaskId(1))
    assert world.run_all() == [3]
    world.ended(TaskId(2))
    world.ended(TaskId(3))
    assert world.run_all() == [4, 5]


def test_a_task_that_is_tried_again_keeps_its_turn() -> None:
    world = World()
    start(world, lane("a", 0, retry=RetryRules(retries=1)), lane("a", 1))
    world.run_all()
    world.ended(TaskId(1), exit_code=1)
    assert behind(world) == {1: None, 2: 1}
    world.now += 1000
    world.look(*(card(number) for number in range(4)))
    assert world.run_all() == [1]


def test_after_a_failure_the_lane_goes_on() -> None:
    world = World()
    start(world, lane("a", 0), lane("a", 1))
    world.run_all()
    world.ended(TaskId(1), exit_code=1)
    assert world.run_all() == [2]


def test_after_a_failure_a_strict_lane_is_given_up_and_others_are_not() -> None:
    world = World()
    start(world, *(lane(name, at, is_strict=True) for at in range(3) for name in "ab"))
    world.run_all()
    world.ended(TaskId(1), exit_code=3)
    given_up = {task.id: task.ending for task in world.gone.values() if task.ending is not None and task.id != 1}
    assert {number: ending.reason for number, ending in given_up.items() if ending} == {
        3: EndReason.DEPENDENCY_FAILED,
        5: EndReason.DEPENDENCY_FAILED,
    }
    assert set(world.state.tasks) == {2, 4, 6}


def test_who_is_cancelled_is_skipped_and_the_order_stays() -> None:
    world = World()
    start(world, *(lane("a", at, is_strict=True) for at in range(4)))
    world.run_all()
    kill(world, 2)
    assert behind(world) == {1: None, 3: 1, 4: 3}
    assert world.run_all() == []
    world.ended(TaskId(1))
    assert world.run_all() == [3]


def test_a_cancelled_head_lets_the_next_one_go() -> None:
    world = World(n_cards=0)
    start(world, lane("a", 0, count=0), lane("a", 1, count=0))
    kill(world, 1)
    assert behind(world) == {2: None}


def test_a_held_head_keeps_its_lane_waiting() -> None:
    world = World()
    start(world, lane("a", 0, hold=True), lane("a", 1))
    assert world.run_all() == []
    assert world.reason(TaskId(2)) == "serial"
    world.send(ev.TaskReleased(by="me", task_id=TaskId(1)))
    assert world.run_all() == [1]


def test_a_removed_task_leaves_no_gap() -> None:
    world = World()
    start(world, lane("a", 0), lane("a", 1, hold=True), lane("a", 2))
    world.send(ev.TaskRemoved(by="me", task_id=TaskId(2)))
    assert behind(world) == {1: None, 3: 1}


def test_the_ranks_of_a_file_order_its_heads_and_others_go_by_the_best_of_them() -> None:
    """The file's best head (task 3, the smallest) is smaller than the lone task 4, so its first by rank goes first."""
    world = World(n_cards=1, policy=Policy(order="fair"))
    start(
        world, lane("a", 0, rank=1, time_limit_s=9000.0), lane("b", 0, rank=0, time_limit_s=9000.0),
        lane("c", 0, rank=2, time_limit_s=60.0),
    )  # fmt: skip
    world.submit(time_limit_s=600.0)
    order = []
    for _ in range(4):
        (now,) = world.run_all()
        order.append(now)
        world.ended(now)
    assert order == [2, 1, 3, 4]


def test_lanes_of_a_single_gpu_file_take_turns_by_chance_and_none_falls_far_behind() -> None:
    world = World(n_cards=2)
    ranks = Random(1).sample(range(160), 160)
    requests = tuple(lane(name, at, rank=ranks.pop()) for at in range(20) for name in "abcdefgh")
    run = replace(RUN, mode="single")
    world.send(ev.TasksSubmitted(by="me", requests=requests, blobs={BlobKey("e"): b"{}"}, run=run))
    order: list[str] = []
    while len(order) < 60:
        order += [task.request.lane.lane for number in world.run_all() if (task := world.task(number)).request.lane]
        world.ended(min(world.state.holding))
    counts = [order.count(name) for name in "abcdefgh"]
    assert min(counts) >= 2, f"each of eight lanes had its turn within sixty starts: {counts}"


def test_a_head_in_a_pause_lends_its_place_to_nobody() -> None:
    world = World(n_cards=1)
    small = lane("a", 0, rank=0, time_limit_s=60.0, retry=RetryRules(retries=5))
    start(world, small, lane("b", 0, rank=1, time_limit_s=9000.0, hold=True))
    world.submit(time_limit_s=600.0, hold=True)
    assert world.run_all() == [1]
    world.ended(TaskId(1), exit_code=1)
    for number in (2, 3):
        world.send(ev.TaskReleased(by="me", task_id=TaskId(number)))
    assert world.run_all() == [3]


def test_a_repeated_start_is_one_run() -> None:
    world = World()
    event = ev.TasksSubmitted(by="me", requests=(lane("a", 0),), blobs={BlobKey("e"): b"{}"}, run=RUN, key="k")
    assert world.send(event) == world.send(event) == (1,)
    assert list(world.state.runs) == [1]


# --- file apply ---------------------------------------------------------------------------------------------------


def edited(
    world: World,
    lanes: dict[str, tuple[ev.LaneEntry | TaskRequest, ...]],
    based_on: set[int],
    owners: tuple[TaskId | TaskRequest, ...] = (),
    in_place: Iterable[int] = (),
) -> Any:
    return world.send(
        ev.RunEdited(
            by="me", submission=SubmissionId(1), content="new", lanes=lanes,
            based_on=frozenset(TaskId(number) for number in based_on), blobs={BlobKey("e"): b"{}"},
            owners=owners, in_place=frozenset(TaskId(number) for number in in_place),
        )
    )  # fmt: skip


def keep(task_id: int, name: str, at: int) -> ev.LaneEntry:
    return ev.LaneEntry(task_id=TaskId(task_id), place=LanePlace(lane=name, at=at, rank=at))


def test_fast_failures_of_one_lane_hold_nothing_of_the_others() -> None:
    world = World(n_cards=2)
    often = RetryRules(retries=9, backoff=Backoff(first_s=0.0))
    start(world, lane("a", 0, retry=often), lane("b", 0), lane("b", 1))
    for _ in range(8):
        assert 1 in world.run_all()
        world.ended(TaskId(1), exit_code=1)
        world.look(card(0), card(1))
    assert [task.state for _, task in sorted(world.state.tasks.items())] == ["pending", "running", "pending"]


def test_an_edit_adds_and_removes_what_has_not_started_and_leaves_the_rest() -> None:
    world = World()
    start(world, *(lane("a", at) for at in range(4)))
    world.run_all()
    new = edited(world, {"a": (keep(4, "a", 1), lane("a", 2)), "c": (lane("c", 0),)}, {2, 3, 4})
    assert new == (5, 6)
    assert behind(world) == {1: None, 4: 1, 5: 4, 6: None}
    assert {t: world.gone[TaskId(t)].state for t in (2, 3)} == {2: TaskState.CANCELLED, 3: TaskState.CANCELLED}
    assert world.state.runs[SubmissionId(1)].content == "new"
    assert {task.submission_id for task in world.state.tasks.values()} == {1}
    assert world.run_all() == [6]


def test_a_run_knows_the_task_of_each_block_of_its_text() -> None:
    world = World()
    start(world, *(lane("a", at) for at in range(3)))
    assert world.state.runs[SubmissionId(1)].owners == (1, 2, 3)
    world.run_all()
    new, moved = lane("a", 1), LanePlace(lane="a", at=2, rank=0)
    entry = ev.LaneEntry(task_id=TaskId(3), place=moved, name="renamed")
    edited(world, {"a": (new, entry)}, {2, 3}, (TaskId(1), new, TaskId(3)))
    assert world.state.runs[SubmissionId(1)].owners == (1, 4, 3)
    assert world.state.tasks[TaskId(3)].request.name == "renamed"
    assert world.state.tasks[TaskId(3)].request.lane == moved


def test_an_edit_may_turn_the_order_around() -> None:
    world = World()
    start(world, *(lane("a", at) for at in range(3)))
    edited(world, {"a": (keep(3, "a", 0), keep(2, "a", 1), keep(1, "a", 2))}, {1, 2, 3})
    assert behind(world) == {3: None, 2: 3, 1: 2}


def test_an_edit_that_somebody_else_overtook_changes_nothing() -> None:
    world = World()
    start(world, *(lane("a", at) for at in range(3)))
    world.run_all()
    with pytest.raises(ChangedMeanwhile):
        edited(world, {"a": (keep(1, "a", 0),)}, {1, 2, 3})
    assert behind(world) == {1: None, 2: 1, 3: 2}


def test_what_only_stays_where_it_is_may_start_while_an_edit_is_made() -> None:
    world = World()
    start(world, *(lane("a", at) for at in range(4)))
    world.run_all()
    world.ended(TaskId(1))  # history by now
    world.run_all()
    entries = (keep(1, "a", 0), keep(2, "a", 1), lane("a", 2), keep(4, "a", 3))
    edited(world, {"a": entries}, {1, 2, 3, 4}, in_place={1, 2})
    assert behind(world) == {2: None, 5: 2, 4: 5}
    assert world.gone[TaskId(3)].state is TaskState.CANCELLED
    assert world.task(TaskId(2)).state is TaskState.RUNNING


def test_a_task_that_an_edit_did_not_know_is_not_taken_out_by_it() -> None:
    world = World()
    start(world, lane("a", 0), lane("a", 1))
    with pytest.raises(ChangedMeanwhile):
        edited(world, {"a": (keep(1, "a", 0),)}, {1}, in_place={1})


def test_only_a_run_that_is_under_way_can_be_edited() -> None:
    world = World(n_cards=1)
    with pytest.raises(RunNotFound):
        edited(world, {}, set())
    start(world, lane("a", 0))
    world.run_all()
    world.ended(TaskId(1))
    with pytest.raises(WrongState):
        edited(world, {"a": (lane("a", 1),)}, set())


def test_a_task_whose_try_failed_counts_as_started() -> None:
    world = World()
    start(world, lane("a", 0, retry=RetryRules(retries=1)), lane("a", 1))
    world.run_all()
    world.ended(TaskId(1), exit_code=1)
    edited(world, {"a": ()}, {2})
    assert behind(world) == {1: None}


def test_tasks_of_a_file_are_sampled_one_by_one_where_they_say_so() -> None:
    world = World(policy=Policy(selection="best_fit"))
    busy = request(gpus=replace(GpuRequest(), selection="sampled"))
    world.submit(gpus=busy.gpus)
    assert world.run_all() == [1], "all cards are quite unused: there is nothing to watch"
