"""From command files to the tasks of their runs, and through edits: the real engine and cycle, without any I/O."""

import itertools
import random
from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavelq.config import load
from gavelq.config.model import Rules
from gavelq.core import events as ev
from gavelq.core.command_files import Run
from gavelq.core.engine.runs import is_taken_out, is_untouched
from gavelq.core.errors import InvalidField, InvalidFile
from gavelq.core.gpu import Card
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.queue import Queue
from gavelq.core.retrying import NO_LIMIT, Backoff
from gavelq.core.task import ShellLines, Task, TaskRequest
from gavelq.core.units import MiB
from gavelq.core.view import View
from gavelq.daemon.caller import Caller
from gavelq.daemon.command_runs import (
    Terms,
    file_error,
    lane_key,
    mistakes_of,
    ranks,
    requests_of,
    terms_of,
)
from gavelq.daemon.mistakes import impossible_ones
from gavelq.daemon.requests import Intake
from gavelq.daemon.run_edits import compare, lay_out
from gavelq.formats.command_file import CommandFile, Mode, read_command_file
from gavelq.formats.start_options import StartOptions, parse_start_options
from tests.support.builders import World, card

RULES: Rules = load("/nowhere.yaml", {}).rules
CALLER = cast(Caller, SimpleNamespace(name="me", tenant="me"))
"""Of whom an intake wants to know the tenant alone."""


def read(text: str, mode: Mode = Mode.SINGLE) -> CommandFile:
    return read_command_file(text.encode(), mode)


def terms(options: dict[str, Any] | None = None, rules: Rules = RULES, mode: Mode = Mode.SINGLE, **more: Any) -> Terms:
    given = parse_start_options(options or {})
    values: dict[str, Any] = {"name": "f.txt", "mode": mode, "seed": 5, "queue": None}
    return terms_of(rules, given, **(values | more))


def intake(cards: dict[Any, Card] | None = None) -> Intake:
    return Intake(caller=CALLER, default_queue="running", cards=cards or {})


def made(text: str, *, mode: Mode = Mode.SINGLE, **options: Any) -> list[TaskRequest]:
    found = read(text, mode)
    assert not found.mistakes
    requests, wrong = requests_of(found.blocks, terms(options, mode=mode, captured_dir="/tmp"), intake())
    assert not wrong
    return list(requests.values())


# --- one block -----------------------------------------------------------------------------------------------


def test_a_block_becomes_a_task_with_the_default_rules() -> None:
    (one,) = made("car # lane\nrm -rf {work_dir}/out\npython '{work_dir}/a.py' # {work_dir}\n2.5 # GB\n")
    assert one.command == ShellLines(lines=("rm -rf /tmp/out", "python '/tmp/a.py' # /tmp"))
    assert (one.name, one.queue, one.workdir, one.tenant, one.tags) == ("f.txt:car:1", "running", "/tmp", "me", ())
    assert (one.gpus.count, one.gpus.memory, one.gpus.share, one.gpus.selection) == (1, 2560, False, "sampled")
    assert (one.time_limit_s, one.priority, one.hold, one.is_named) == (7200, 0, False, True)
    assert one.retry.retries == NO_LIMIT
    assert one.retry.burst == 3
    assert one.retry.backoff == Backoff(first_s=600, factor=1, cap_s=600)
    assert one.lane is not None
    assert (one.lane.lane, one.lane.at, one.lane.rank, one.lane.is_strict) == ("car", 0, 0, False)


def test_the_rules_say_how_tasks_of_command_files_run() -> None:
    rules = replace(
        RULES, maximize_resource_utilization=True, memory_save_mode=None, max_retries=4, max_retry_before_backoff=2,
        backoff_duration=7.0, time_limit=None, work_dir="/", on_failure="stop", seed=9,
    )  # fmt: skip
    found = terms({"cwd": "/tmp"}, rules)
    assert (found.share, found.selection, found.retries, found.burst) == (True, None, 4, 2)
    assert found.backoff == Backoff(first_s=7.0, factor=1.0, cap_s=7.0)
    assert (found.time_limit_s, found.work_dir, found.is_strict, found.seed) == (None, "/", True, 9)


def test_what_the_start_says_wins_over_the_rules() -> None:
    options = {
        "queue": "night", "priority": 7, "time_limit": "5m", "retries": 1, "on_failure": "stop", "seed": 3,
        "hold": True, "workdir": "/usr", "env": {"A": "1"},
    }  # fmt: skip
    found = terms(options, replace(RULES, work_dir="/", seed=8), captured_dir="/tmp", captured_env={"B": "2"})
    assert (found.queue, found.priority, found.time_limit_s, found.retries) == ("night", 7, 300, 1)
    assert (found.is_strict, found.seed, found.hold, found.work_dir, found.env) == (True, 3, True, "/usr", {"A": "1"})
    assert terms({"time_limit": "none"}).time_limit_s is None
    assert terms({"retries": "unlimited"}).retries == NO_LIMIT


@pytest.mark.parametrize(
    ("options", "rule", "captured", "expected"),
    [
        ({"workdir": "/usr", "cwd": "/bin"}, "/etc", "/tmp", "/usr"),
        ({"cwd": "/bin"}, "/etc", "/tmp", "/etc"),
        ({"cwd": "/bin"}, None, "/tmp", "/tmp"),
        ({"cwd": "/bin"}, None, None, "/bin"),
    ],
)
def test_the_directory_comes_from_the_start_the_rules_the_configuration_and_the_caller_in_this_order(
    options: dict[str, str], rule: str | None, captured: str | None, expected: str
) -> None:
    assert terms(options, replace(RULES, work_dir=rule), captured_dir=captured).work_dir == expected


def test_the_limit_of_the_rules_gives_way_to_the_cap_of_a_queue_and_one_that_was_asked_for_is_refused() -> None:
    capped = Queue(name=QueueName("running"), max_time_limit_s=60.0)
    assert terms(queue=capped).time_limit_s == 60
    asked = terms({"time_limit": "2h"}, queue=capped, captured_dir="/tmp")
    with pytest.raises(InvalidField, match="time_limit"):
        requests_of(
            read("1\ntrue\n1\n").blocks, asked,
            Intake(caller=CALLER, default_queue="running", cards={}, queues={QueueName("running"): capped}),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("queue", "a b"), ("priority", 101), ("time_limit", "soon"), ("retries", "x"), ("on_failure", "wait"),
        ("seed", -1), ("seed", 1.5), ("seed", True), ("hold", "yes"), ("workdir", "here"), ("env", "A=1"), ("x", 1),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_understood_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_start_options({field: value})
    assert caught.value.details["field"].startswith(field)
    assert caught.value.hint


def test_null_says_nothing() -> None:
    assert parse_start_options({"queue": None, "seed": None}) == StartOptions()


# --- the order of the heads ----------------------------------------------------------------------------------


def test_places_count_within_a_lane_and_names_say_them() -> None:
    found = made("b\nx\n1\n\na\nx\n1\n\nb\ny\n1\n")
    assert [one.name for one in found] == ["f.txt:b:1", "f.txt:a:1", "f.txt:b:2"]
    assert [(one.lane.lane, one.lane.at) for one in found if one.lane] == [("b", 0), ("a", 0), ("b", 1)]


def test_in_single_mode_ranks_are_a_random_order_that_its_seed_repeats() -> None:
    blocks = read("".join(f"{lane}\nx\n1\n\n" for lane in range(20))).blocks
    first = ranks(blocks, Mode.SINGLE, 1)
    assert sorted(first) == list(range(20))
    assert first == ranks(blocks, Mode.SINGLE, 1)
    assert len({tuple(ranks(blocks, Mode.SINGLE, seed)) for seed in range(20)}) == 20


def test_in_multi_mode_more_gpus_go_first_then_the_smaller_queue_id() -> None:
    lanes = [("word", 1), ("10", 1), ("9", 1), ("b", 2), ("3", 2), ("9", 4), ("a", 1), ("9", 1)]
    blocks = read("".join(f"{lane}\nx\n{gpus}\n1\n\n" for lane, gpus in lanes), Mode.MULTI).blocks
    order = sorted(range(len(lanes)), key=lambda index: ranks(blocks, Mode.MULTI, 1)[index])
    assert [lanes[index] for index in order] == [
        ("9", 4), ("3", 2), ("b", 2), ("9", 1), ("9", 1), ("10", 1), ("a", 1), ("word", 1),
    ]  # fmt: skip
    assert order.index(2) < order.index(7)  # of equal ones the first in the file


def test_queue_ids_sort_as_people_count() -> None:
    assert sorted(["10", "b", "9", "a", "1"], key=lane_key) == ["1", "9", "10", "a", "b"]


# --- mistakes ------------------------------------------------------------------------------------------------


def all_mistakes(text: str, mode: Mode = Mode.SINGLE, **options: Any) -> list[tuple[int, str]]:
    """Line and problem of each, as a start on four cards of 24 GiB would tell them."""
    found = read(text, mode)
    world = World()
    requests, wrong = requests_of(found.blocks, terms(options, mode=mode, captured_dir="/tmp"), intake())
    errors = {**impossible_ones(requests, View(world.state)), **wrong}
    error = file_error("f.txt", mode, mistakes_of(found, errors))
    assert isinstance(error, InvalidFile)
    assert error.details["line"] == error.details["mistakes"][0]["line"]
    return [(one["line"], one["problem"]) for one in error.details["mistakes"]]


def test_mistakes_of_the_file_and_of_the_machine_are_told_together_in_the_order_of_lines() -> None:
    text = "# c\n\n# d\n1\n# e\necho\n# f\n2\n900 # GB\n\n2\necho\n\n3\necho\n9 # GPUs\n1\n\n4\necho\n1\n1\n"
    found = all_mistakes(text, Mode.MULTI)
    assert [line for line, _ in found] == [9, 12, 16]
    assert "asks for 900.0G" in found[0][1]
    assert "ends after 2 line(s)" in found[1][1]
    assert "asks for 9 GPUs and there are 4" in found[2][1]


def test_a_block_behind_a_broken_one_is_counted_as_people_count() -> None:
    found = read("1\n\n2\necho\n900\n")
    requests, _ = requests_of(found.blocks, terms(captured_dir="/tmp"), intake())
    mistakes = mistakes_of(found, impossible_ones(requests, View(World().state)))
    assert [one.block for one in mistakes] == ["block 1 (queue '1', from line 1)", "block 2 (queue '2', from line 3)"]


def test_a_command_that_grows_too_long_is_told_at_its_own_line() -> None:
    long = "echo " + "{work_dir} " * 10_000
    found = all_mistakes(f"1\ntrue\n# c\n{long}\n1\n", workdir="/usr/share/doc/bash")
    assert [line for line, _ in found] == [4]


def test_a_directory_that_is_not_there_is_no_mistake_of_the_file() -> None:
    with pytest.raises(InvalidField, match="no directory /nowhere"):
        requests_of(read("1\ntrue\n1\n").blocks, terms({"workdir": "/nowhere"}), intake())


# --- whole lives ---------------------------------------------------------------------------------------------

UNTIMED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy."""
QUICK = replace(RULES, memory_save_mode=None, max_retries=1)
FILES = st.lists(
    st.tuples(st.sampled_from(["1", "2", "x"]), st.sampled_from("abcd"), st.sampled_from([1, 2])),
    min_size=1, max_size=12,
)  # fmt: skip
"""Queue id, command, memory."""
Blocks = list[tuple[str, str, int]]


def written(blocks: Blocks) -> str:
    return "".join(f"{lane}\n{command}\n{memory}\n\n" for lane, command, memory in blocks)


class Life:
    """A run in a world without I/O, whose tasks end by chance."""

    def __init__(self, blocks: Blocks, seed: int) -> None:
        self.world = World(n_cards=2)
        self.chance = random.Random(seed)
        self.terms = terms({"seed": seed}, QUICK, captured_dir="/tmp")
        self.text = written(blocks)
        self.starts: defaultdict[str, list[TaskId]] = defaultdict(list)
        requests, _ = requests_of(read(self.text).blocks, self.terms, intake())
        run = Run(mode="single", name="f.txt", content=self.text, tenant="me", by="me", seed=seed, work_dir="/tmp")
        self.ids: tuple[TaskId, ...] = self.world.send(
            ev.TasksSubmitted(by="me", requests=tuple(requests.values()), blobs={}, run=run)
        )

    @property
    def tasks(self) -> dict[TaskId, Task]:
        return {**self.world.gone, **self.world.state.tasks}

    def turn(self) -> None:
        """A look and a cycle; then some that run end, well or badly."""
        self.world.look(card(0), card(1))
        for task_id in self.world.run_all():
            task = self.world.task(task_id)
            assert task.request.lane is not None
            if task.n_attempts == 1:
                self.starts[task.request.lane.lane].append(task_id)
        lanes = [task.request.lane.lane for task in self.world.state.holding.values() if task.request.lane]
        assert len(lanes) == len(set(lanes))  # one after another
        for task_id in list(self.world.state.holding):
            if self.chance.random() < 0.6:
                self.world.ended(task_id, exit_code=self.chance.choice((0, 0, 1)))
        self.world.now += 700

    def finish(self) -> None:
        for _ in range(200):
            if not self.world.state.tasks:
                return
            self.turn()
        raise AssertionError("it never ends")

    def apply(self, blocks: Blocks) -> list[TaskId]:
        """What `file apply` does; the ids of new tasks."""
        (run,) = self.world.state.runs.values()
        present = read(written(blocks))
        difference = compare(run, read(run.content), present, self.tasks)
        layout = lay_out(difference, self.terms, intake())
        assert not layout.wrong
        waiting = frozenset(task.id for task in self.world.state.tasks.values() if is_untouched(task))
        new: tuple[TaskId, ...] = self.world.send(
            ev.RunEdited(
                by="me", submission=run.submission, content=written(blocks), lanes=layout.lanes, based_on=waiting,
                owners=tuple(owner for _, owner in sorted(layout.owners.items(), key=lambda pair: pair[0])),
            )
        )  # fmt: skip
        return list(new)

    def waiting(self, lane: str) -> list[tuple[str, int]]:
        """Command and memory of what has not started in a lane, in its order."""
        found = [task for task in self.world.state.tasks.values() if is_untouched(task)]
        of_lane = [task for task in found if task.request.lane is not None and task.request.lane.lane == lane]
        return [
            said(task) for task in sorted(of_lane, key=lambda task: task.request.lane.at if task.request.lane else 0)
        ]


def said(task: Task) -> tuple[str, int]:
    command, memory = task.request.command, task.request.gpus.memory or MiB(0)
    assert isinstance(command, ShellLines)
    return command.lines[0], memory // 1024


@UNTIMED
@given(FILES, st.integers(0, 1000))
def test_a_lane_starts_its_tasks_in_file_order_whatever_happens(blocks: Blocks, seed: int) -> None:
    life = Life(blocks, seed)
    life.finish()
    for lane in {lane for lane, _, _ in blocks}:
        in_file = [task_id for task_id, (own, _, _) in zip(life.ids, blocks, strict=True) if own == lane]
        assert life.starts[lane] == in_file


@UNTIMED
@given(FILES, FILES, st.integers(0, 1000), st.integers(0, 6))
def test_an_applied_edit_leaves_in_each_lane_what_the_file_has_and_has_not_started(
    before: Blocks, after: Blocks, seed: int, n_turns: int
) -> None:
    life = Life(before, seed)
    for _ in range(n_turns):
        life.turn()
    if not life.world.state.tasks:
        return
    begun = {task.id for task in life.tasks.values() if task.n_attempts}
    life.apply(after)
    (run,) = life.world.state.runs.values()
    assert len(run.owners) == len(after)
    for lane in {"1", "2", "x"}:
        rest = [
            (command, memory)
            for (own, command, memory), owner in zip(after, run.owners, strict=True)
            if own == lane and owner not in begun
        ]
        assert life.waiting(lane) == rest
    n_before = life.world.state.next_task_id
    if life.world.state.tasks:
        life.apply(after)
    assert life.world.state.next_task_id == n_before  # nothing is added twice
    life.finish()
    ends = [task for task in life.tasks.values() if not is_taken_out(task)]
    assert all(task.n_attempts for task in ends)
    for starts in life.starts.values():
        assert len(starts) == len(set(starts))


@UNTIMED
@given(FILES, st.lists(FILES, min_size=1, max_size=4), st.integers(0, 1000))
def test_edit_upon_edit_keeps_places_apart_and_lanes_in_order(before: Blocks, edits: list[Blocks], seed: int) -> None:
    life = Life(before, seed)
    for after in edits:
        life.turn()
        if not life.world.state.tasks:
            return
        life.apply(after)
        members = [task for task in life.tasks.values() if not is_taken_out(task)]
        by_lane: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        for task in members:
            assert task.request.lane is not None
            by_lane[task.request.lane.lane].append((task.request.lane.at, task.n_attempts > 0))
        for found in by_lane.values():
            assert len({at for at, _ in found}) == len(found)
            begun = [has_started for _, has_started in sorted(found)]
            assert begun == sorted(begun, reverse=True)  # what has started comes first
    life.finish()


def test_names_follow_the_places_but_not_where_somebody_gave_another_one() -> None:
    life = Life([("1", "a", 1), ("1", "b", 1), ("1", "c", 1)], 1)
    life.world.run_all()
    third = life.world.task(life.ids[2])
    renamed = replace(third.request, name="mine")
    life.world.send(ev.TasksEdited(by="me", requests={third.id: renamed}, fields=("name",)))
    new = life.apply([("1", "a", 1), ("1", "x", 1), ("1", "b", 1), ("1", "c", 1)])
    names = {task.id: task.request.name for task in life.world.state.tasks.values()}
    assert names == {1: "f.txt:1:1", new[0]: "f.txt:1:2", 2: "f.txt:1:3", 3: "mine"}


def test_a_task_that_was_edited_by_hand_stays_while_its_block_does() -> None:
    life = Life([("1", "a", 1), ("1", "b", 1)], 1)
    life.world.run_all()
    second = life.world.task(life.ids[1])
    bigger = replace(second.request, gpus=replace(second.request.gpus, memory=MiB(5000)))
    life.world.send(ev.TasksEdited(by="me", requests={second.id: bigger}, fields=("memory_mib",)))
    assert life.apply([("1", "a", 1), ("1", "b", 1), ("1", "c", 1)]) == [3]
    assert life.world.task(second.id).request.gpus.memory == 5000


def test_new_tasks_get_the_environment_of_the_run() -> None:
    life = Life([("1", "a", 1), ("1", "b", 1)], 1)
    life.world.run_all()
    own = life.world.task(TaskId(1)).request.env
    (new,) = life.apply([("1", "a", 1), ("1", "b", 1), ("2", "c", 1)])
    assert life.world.task(new).request.env == own


def test_many_blocks_are_laid_out_at_once() -> None:
    before: Blocks = [(str(lane), f"run {at}", 1) for at, lane in itertools.product(range(100), range(20))]
    life = Life(before, 1)
    life.world.run_all()
    new = life.apply([*before, *((str(lane), "new", 1) for lane in range(20))])
    assert len(new) == 20
