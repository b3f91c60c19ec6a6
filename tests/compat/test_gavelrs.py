"""What people who come from gavelrs type: every verb with its flags, at a real daemon (SPEC section 9)."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.testing.waiting import wait_until
from tests.compat.conftest import Person
from tests.support.daemon import Box, box


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Their configuration is JSON, and everything waits for `task run`."""
    path = tmp_path_factory.mktemp("gavelrs") / "gavel.json"
    path.write_text(json.dumps({"submit": {"default_queue": "waiting"}, "log": {"level": "debug"}}))
    return str(path)


@pytest.fixture(scope="module")
def someone(config: str) -> Iterator[Person]:
    """A person whose instance is started by `daemon init --config FILE` itself."""
    with box(env={"GAVELQ_CONFIG": config}) as instance:
        yield Person(instance)


def test_the_configuration_is_accepted_on_every_command(someone: Person, config: str) -> None:
    assert "running already" in someone.does("daemon", "init", "--config", config)
    for words in (
        ["daemon", "status"],
        ["task", "list"],
        ["gpu", "list"],
        ["queue", "list"],
        ["queue", "status", "waiting"],
        ["config", "show"],
        ["status"],
    ):
        someone.does(*words, "--config", config)
        someone.does("--config", config, *words)


def test_what_is_submitted_waits_until_it_is_run(someone: Person) -> None:
    task = someone.asks("submit", "command", "--cmd", "echo $GAVELQ_QUEUE $GAVELQ_GPUS", "--gpu_num", "2")
    assert (task["state"], task["queue"], task["gpu_count"]) == ("held", "waiting", 2)
    assert someone.asks("task", "run", str(task["id"]))["queue"] == "running"
    someone.waits_for(task["id"])
    assert someone.does("task", "logs", str(task["id"])).split()[0] == "running"


def test_a_script_is_copied_when_it_is_submitted(someone: Person, tmp_path: Path) -> None:
    script = tmp_path / "train.sh"
    script.write_text('#!/bin/bash\necho first "$@"\n')
    task = someone.asks("submit", "script", "--file", str(script), "--gpu_num", "1", "--", "--lr", "a b")
    script.write_text("#!/bin/bash\necho changed\n")
    someone.does("task", "run", str(task["id"]))
    someone.waits_for(task["id"])
    assert someone.does("task", "logs", str(task["id"])) == "first --lr a b\n"


def test_a_json_file_goes_into_its_queue_and_a_task_s_own_queue_wins(someone: Person, tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(
        json.dumps(
            [
                {"cmd": "true", "gpu_num": 1},
                {"cmd": "true", "gpus_required": 2},
                {"cmd": "true", "queue": "waiting"},
            ]
        )
    )
    tasks = someone.asks("submit", "json", "--file", str(file), "--queue", "running")
    assert [task["queue"] for task in tasks] == ["running", "running", "waiting"]
    assert [task["gpu_count"] for task in tasks] == [1, 2, 1]
    assert len({task["submission_id"] for task in tasks}) == 1
    for task in tasks[:2]:
        someone.waits_for(task["id"])
    someone.does("task", "remove", str(tasks[2]["id"]))
    someone.fails(3, "task", "info", str(tasks[2]["id"]))


def test_tasks_are_listed_by_what_they_do(someone: Person) -> None:
    running = someone.submits("-q", "running", "sleep 60")
    waiting = someone.submits("true")
    someone.waits_for(running, "running")

    def listed(*words: str) -> set[int]:
        return {task["id"] for task in someone.asks("task", "list", *words)}

    try:
        assert listed("--running") == {running}
        assert listed() == {running, waiting}
        assert listed("--queue", "waiting") == {waiting}
        assert listed("--all") > {running, waiting}
        assert not listed("--finished") & {running, waiting}
        assert "state\trunning" in someone.does("task", "info", str(running))
    finally:
        someone.ends(running, waiting)
    assert {running, waiting} <= listed("--finished")


def test_a_log_is_followed_with_tail(someone: Person) -> None:
    task_id = someone.submits("-q", "running", "echo one; sleep 0.3; echo two")
    someone.waits_for(task_id, "running", "completed")
    someone.box.wait_log(task_id, "one")
    assert someone.does("task", "logs", str(task_id), "--tail") == "one\ntwo\n"


def test_gpus_belong_to_queues(someone: Person) -> None:
    someone.does("queue", "create", "lab")
    someone.does("gpu", "allocate", "1,2", "lab")
    try:
        assert someone.asks("queue", "status", "lab")["gpus"] == [1, 2]
        inside = someone.submits("-q", "lab", "-c", "2", "echo $GAVELQ_GPUS")
        outside = someone.submits("-q", "running", "-c", "2", "echo $GAVELQ_GPUS")
        assert someone.waits_for(inside)["gpus"] == [1, 2]
        assert someone.waits_for(outside)["gpus"] == [0, 3]
        assert "queue lab" in someone.fails(7, "submit", "-q", "running", "-g", "1", "true")
        someone.fails(6, "gpu", "allocate", "1", "running")
    finally:
        someone.does("gpu", "release", "1", "-y")
        someone.does("gpu", "release", "2", "-y")
    assert someone.asks("gpu", "info", "1")["queue"] is None
    someone.does("queue", "delete", "lab")


def test_without_ids_one_free_gpu_of_the_pool_is_allocated(someone: Person) -> None:
    someone.does("queue", "create", "one")
    busy = someone.submits("-q", "running", "-g", "0", "sleep 60")
    someone.waits_for(busy, "running")
    try:
        assert [gpu["index"] for gpu in someone.asks("gpu", "allocate", "one")] == [1]
    finally:
        someone.ends(busy)
        someone.does("queue", "delete", "one")
    assert someone.asks("gpu", "info", "1")["queue"] is None


def test_a_released_gpu_ends_its_tasks_or_puts_them_back(someone: Person) -> None:
    ended = someone.submits("-q", "running", "-c", "2", "-g", "0,1", "sleep 60")
    someone.waits_for(ended, "running")
    someone.does("gpu", "release", "1", "-y")
    found = someone.waits_for(ended)
    assert (found["state"], found["end_reason"]) == ("aborted", "gpu_released")
    again = someone.submits(
        "-q", "running", "-g", "1", 'echo try "$GAVELQ_ATTEMPT"; [ "$GAVELQ_ATTEMPT" = 2 ] || sleep 60'
    )
    someone.waits_for(again, "running")
    someone.does("gpu", "release", "1", "-y", "--requeue")
    found = someone.waits_for(again)
    assert (found["state"], found["attempt"]) == ("completed", 2)


def test_an_ignored_gpu_is_left_out_until_it_is_unignored(someone: Person) -> None:
    someone.does("gpu", "ignore", "0")
    someone.does("gpu", "ignore", "1")
    try:
        task_id = someone.submits("-q", "running", "true")
        assert someone.waits_for(task_id)["gpus"] == [2]
        assert someone.asks("gpu", "info", "0")["state"] == "ignored"
    finally:
        someone.does("gpu", "unignore", "0")
        someone.does("gpu", "unignore", "--all")
    assert {gpu["state"] for gpu in someone.asks("gpu", "list")} == {"free"}


def test_tasks_move_between_queues_and_queues_are_merged(someone: Person) -> None:
    someone.does("queue", "create", "from", "max_running=0")
    someone.does("queue", "create", "to", "max_running=0")
    task_id = someone.submits("-q", "waiting", "true")
    try:
        assert someone.asks("queue", "move", str(task_id), "from")["state"] == "pending"
        assert someone.asks("queue", "merge", "--from", "from", "--to", "to")["n_pending"] == 1
        assert someone.asks("task", "info", str(task_id))["queue"] == "to"
        assert someone.asks("queue", "priority", str(task_id), "9")["priority"] == 9
    finally:
        someone.ends(task_id)
        someone.does("queue", "delete", "from")
        someone.does("queue", "delete", "to")


@pytest.mark.parametrize("value", ["none", "-1", "0", "100"])
def test_a_limit_of_utilisation_may_be_a_percentage_or_none(someone: Person, value: str) -> None:
    limits = ["--max-util", value, "--mem-type", "percentage", "--mem-value", "10"]
    queue = someone.asks("queue", "set-limit", "running", *limits)
    expected = None if value in ("none", "-1") else int(value)
    assert (queue["max_util"], queue["mem_type"], queue["mem_value"]) == (expected, "percentage", 10)
    someone.does("queue", "set", "running", "max_util=none", "mem_type=ignore", "mem_value=0")


@pytest.mark.parametrize(
    "words",
    [
        ["--max-util", "101"],
        ["--max-util", "-2"],
        ["--max-util", "much"],
        ["--mem-type", "relative"],
        ["--mem-type", "percentage", "--mem-value", "101"],
        ["--mem-value", "-1"],
        ["--max-running", "-2"],
    ],
)
def test_any_other_limit_is_refused_and_nothing_changes(someone: Person, words: list[str]) -> None:
    before = someone.asks("queue", "status", "running")
    someone.fails(2, "queue", "set-limit", "running", "--max-running", "3", *words)
    assert someone.asks("queue", "status", "running") == before


def test_the_daemon_answers_on_a_private_unix_socket_and_logs_what_it_does(someone: Person) -> None:
    path = someone.box.socket
    assert os.stat(os.path.dirname(path)).st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(path)
    status = someone.asks("daemon", "status")
    assert (status["running"], status["socket"]) == (True, path)
    log = Path(status["state_dir"]) / "daemon.log"
    task_id = someone.submits("-q", "running", "true")
    someone.waits_for(task_id)
    lines = (json.loads(line) for line in log.read_text().splitlines())
    assert any(line.get("task") == task_id or line.get("task_id") == task_id for line in lines)


def test_stop_leaves_tasks_running_and_restart_finds_them() -> None:
    with box() as instance:
        someone = Person(instance)
        task_id = someone.submits("sleep 0.5; exit 4")
        someone.waits_for(task_id, "running")
        someone.does("daemon", "stop")
        someone.fails(5, "task", "list")
        _start_again(instance)
        assert someone.waits_for(task_id)["exit_code"] == 4


def _start_again(instance: Box) -> None:
    assert instance.process is not None
    process = instance.process
    wait_until(lambda: process.poll() is not None, 60, "the daemon is gone")
    instance.start()
