"""Sentences of the command line's contract that nobody else tests, at a real daemon."""

import json
from pathlib import Path

from tests.compat.conftest import Person


def gates(someone: Person, task_id: int) -> dict[str, bool]:
    """Each gate of `task why`, and whether it lets the task pass."""
    return {gate["gate"]: gate["passed"] for gate in someone.asks("task", "why", str(task_id))["gates"]}


def test_why_closes_the_gate_that_it_names(someone: Person) -> None:
    someone.does("gpu", "ignore", "0")
    task_id = someone.submits("-g", "0", "true")
    try:
        assert someone.asks("task", "info", str(task_id))["pending_reason"] == "gpu_unavailable"
        assert [name for name, passed in gates(someone, task_id).items() if not passed] == ["gpu_unavailable"]
    finally:
        someone.ends(task_id)
        someone.does("gpu", "unignore", "0")


def test_why_leaves_gates_open_that_keep_no_card_out(someone: Person) -> None:
    task_id = someone.submits("-c", "5", "--allow-infeasible", "true")
    try:
        assert [name for name, passed in gates(someone, task_id).items() if not passed] == ["infeasible"]
    finally:
        someone.ends(task_id)


def test_a_count_of_zero_is_a_count(someone: Person) -> None:
    task_id = someone.submits("-c", "0", 'echo "[$CUDA_VISIBLE_DEVICES][$GAVELQ_GPUS]"')
    assert someone.waits_for(task_id)["gpu_count"] == 0
    assert someone.does("logs", str(task_id)) == "[][]\n"


def test_a_count_of_zero_wins_over_a_scripts_header(someone: Person, tmp_path: Path) -> None:
    script = tmp_path / "a.sh"
    script.write_text("#!/bin/sh\n#GAVELQ --gpu-count 2\necho done\n")
    answer = someone.asks("submit", "script", "--file", str(script), "--gpu_num", "0")
    assert someone.waits_for(answer["id"])["gpu_count"] == 0


def test_an_empty_value_is_not_the_default(someone: Person) -> None:
    """What `-g "$UNSET"` makes must not run anywhere else."""
    assert "gpus" in someone.fails(2, "submit", "-g", "", "true")
    assert "workdir" in someone.fails(2, "submit", "-w", "", "true")
    assert "log" in someone.fails(2, "submit", "--log", "", "true")


def mistakes(someone: Person, code: int, tmp_path: Path, tasks: object) -> list[tuple[int, str]]:
    """Index and field of every mistake in a file of tasks, of which none may be accepted."""
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(tasks))
    before = len(someone.asks("list"))
    said = json.loads(someone.fails(code, "submit", "json", "--file", str(file), "-o", "json"))
    assert len(someone.asks("list")) == before
    return [(mistake["index"], mistake["field"]) for mistake in said["error"]["details"]["mistakes"]]


def test_a_file_of_tasks_is_told_every_mistake(someone: Person, tmp_path: Path) -> None:
    tasks = [{"cmd": "true", "gpu_num": -1}, "x", {"command": "", "prio": 1}, {"cmd": "true"}]
    assert mistakes(someone, 2, tmp_path, tasks) == [(0, "gpu_num"), (1, ""), (2, "command"), (2, "prio")]


def test_a_file_of_tasks_is_told_every_task_that_cannot_be(someone: Person, tmp_path: Path) -> None:
    tasks = [
        {"cmd": "true"},
        {"cmd": "true", "workdir": "/nowhere"},
        {"cmd": "true", "gpu_ids": [9]},
        {"cmd": "true", "queue": "nobody"},
        {"cmd": "true", "gpu_num": 9},
        {"cmd": "true", "memory": "99G"},
    ]
    found = mistakes(someone, 2, tmp_path, tasks)
    assert found == [(1, "workdir"), (2, "gpu_ids"), (3, "queue"), (4, "gpu_count"), (5, "memory")]


def test_mistakes_of_one_kind_keep_its_exit_code(someone: Person, tmp_path: Path) -> None:
    assert mistakes(someone, 7, tmp_path, [{"cmd": "true"}, {"cmd": "true", "gpu_num": 9}]) == [(1, "gpu_count")]
    assert mistakes(someone, 3, tmp_path, [{"cmd": "a", "queue": "x"}, {"cmd": "a", "queue": "y"}]) == [
        (0, "queue"),
        (1, "queue"),
    ]


def test_a_single_task_is_refused_without_an_index(someone: Person) -> None:
    assert "tasks[" not in someone.fails(3, "submit", "-q", "nobody", "true")
    assert "tasks[" not in someone.fails(2, "submit", "-w", "/nowhere", "true")
    assert "tasks[" not in someone.fails(7, "submit", "-c", "9", "true")


def test_a_configuration_that_is_not_there_is_refused_by_every_command(someone: Person) -> None:
    for words in (["task", "list"], ["submit", "true"], ["status"], ["config", "show"], ["daemon", "run"]):
        assert "/no/file" in someone.fails(3, *words, "--config", "/no/file")


def test_a_setting_goes_in_by_its_short_name_and_comes_out_again(someone: Person) -> None:
    someone.does("config", "set", "foreign", "avoid")
    assert someone.does("config", "get", "foreign.policy") == "avoid\n"
    someone.does("config", "unset", "foreign")
    assert someone.does("config", "get", "foreign") == "share\n"
    assert "not in" in someone.does("config", "unset", "foreign.policy")
    someone.fails(2, "config", "unset", "no.such")


def test_a_task_that_was_put_back_is_shown_as_one_that_waits(someone: Person) -> None:
    task_id = someone.submits("-g", "2", "sleep 60")
    try:
        someone.waits_for(task_id, "running")
        someone.does("gpu", "drain", "2", "--now", "--requeue")
        put_back = someone.waits_for(task_id, "pending")
        assert (put_back["started_at"], put_back["attempt"], put_back["gpus"]) == (None, 1, [2])
        row = someone.does("task", "list").splitlines()[-1].split("\t")
        assert row[:2] == [str(task_id), "pending"]
        assert row[5] == "-"
    finally:
        someone.ends(task_id)
        someone.does("gpu", "unignore", "2")


def test_a_backup_into_no_directory_blames_the_path(someone: Person) -> None:
    assert "path" in someone.fails(2, "backup", "/no/such/directory/file")
