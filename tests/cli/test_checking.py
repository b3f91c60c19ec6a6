"""Lists of tasks are judged without a daemon, and what a daemon refuses is told with the file's lines."""

import json
from collections.abc import Sequence

import pytest

from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, problem, task

GOOD = "# two\n- {cmd: python a.py, name: a, gpu_num: 2, queue: night}\n- cmd: python b.py {index}\n  array: 0-1\n"
BAD = '[\n {"cmd": "a"},\n {"cmd": "b", "name": "bert",\n  "gpu_num": "two"},\n {"gpu_num": 1, "nosuch": 2}\n]\n'
TOLD = (
    "gavelq: 2 mistakes:\n"
    "  t.json:4: tasks[1].gpu_num (bert): 'two' is not a number (write a number from 0 to 1024)\n"
    "  t.json:5: tasks[2].nosuch: there is no such field ("
)
CHECKS = [("file", "check"), ("submit", "json", "--check", "--file")]


@pytest.mark.parametrize("words", CHECKS)
def test_every_mistake_is_told_with_its_line_and_task(shell: Shell, words: Sequence[str]) -> None:
    (shell.workdir / "t.json").write_text(BAD)
    done = shell.run(*words, "t.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(TOLD)
    assert done.stderr.splitlines()[-1].startswith("hint: ")


@pytest.mark.parametrize("words", CHECKS)
def test_mistakes_are_data_as_well(shell: Shell, words: Sequence[str]) -> None:
    (shell.workdir / "t.json").write_text(BAD)
    done = shell.run(*words, "t.json", "-o", "json")
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, error["code"], error["details"]["line"]) == (2, "invalid_file", 4)
    first = error["details"]["mistakes"][0]
    assert first == {
        "index": 1, "name": "bert", "field": "gpu_num", "line": 4, "column": 3, "problem": "'two' is not a number",
        "hint": "write a number from 0 to 1024",
    }  # fmt: skip


@pytest.mark.parametrize("words", CHECKS)
def test_a_good_list_is_summed_up_and_nothing_is_submitted(
    shell: Shell, fake: FakeDaemon, words: Sequence[str]
) -> None:
    (shell.workdir / "t.yaml").write_text(GOOD)
    done = shell.run(*words, "t.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "t.yaml: no mistakes; 3 task(s): 1 in queue night, 2 in queue running; "
        "4 GPU(s) asked for in all, at most 2 by one task\n"
    )
    shown = json.loads(shell.run(*words, "t.yaml", "-o", "json").stdout)
    assert shown == {"path": "t.yaml", "tasks": 3, "queues": {"night": 1, "running": 2}, "gpus": 4, "most_gpus": 2}
    assert fake.requests == []


def test_the_options_of_a_submission_count_in_its_check(shell: Shell) -> None:
    (shell.workdir / "t.yaml").write_text(GOOD)
    shown = shell.run("submit", "json", "--check", "--file", "t.yaml", "-q", "big", "-c", "3", "-o", "json").stdout
    assert json.loads(shown)["queues"] == {"big": 2, "night": 1}
    assert json.loads(shown)["gpus"] == 8
    done = shell.run("submit", "json", "--check", "--file", "t.yaml", "-t", "soon")
    assert done.returncode == 2
    assert "t.yaml: options: time_limit: 'soon' is not a duration" in done.stderr


def test_a_list_of_tasks_is_known_by_its_content_too(shell: Shell) -> None:
    for text, is_list in (
        (GOOD, True),
        ('\n[{"cmd": "a"}]', True),
        ("---\ntasks:\n- cmd: a\n", True),
        ("# text\n1\npython a.py\n20\n", False),
        ("[ -f x ] && python a.py\n20\n", False),
    ):
        (shell.workdir / "f.txt").write_text(text)
        done = shell.run("file", "check", "f.txt")
        assert ("asked for" in done.stdout) is is_list, text
        assert done.returncode == (2 if text.startswith("[ -f") else 0)
    (shell.workdir / "f.txt").write_text(GOOD)
    done = shell.run("file", "check", "f.txt", "--mode", "single")
    assert "block 1" in done.stderr


def test_a_file_that_cannot_be_read_as_a_list_is_told_with_its_line(shell: Shell) -> None:
    (shell.workdir / "t.json").write_text('[\n{"cmd": "a" "b"}\n]')
    done = shell.run("file", "check", "t.json")
    assert done.returncode == 2
    assert "t.json:2:13: not JSON" in done.stderr


# --- what the daemon finds -------------------------------------------------------------------------------


def test_what_the_daemon_refuses_is_told_with_the_files_lines(shell: Shell, fake: FakeDaemon) -> None:
    mistakes = [
        {"index": 0, "field": "gpu_count", "problem": "it asks for 9 GPUs", "hint": "ask for less"},
        {"index": 1, "field": "queue", "problem": "there is no queue", "hint": "make it"},
        {"index": None, "field": "warn", "problem": "no limit", "hint": "give one"},
    ]
    answer = problem(400, "invalid_tasks", "tasks[0].gpu_count: ...", "correct these", mistakes=mistakes)
    fake.on("POST", "/api/submissions", answer)
    (shell.workdir / "t.yaml").write_text("- name: a\n  cmd: a\n  gpu_num: 9\n- cmd: b\n  queue: x\n")
    done = shell.run("submit", "json", "--file", "t.yaml")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "gavelq: 3 mistakes:",
        "  t.yaml:3: tasks[0].gpu_count (a): it asks for 9 GPUs (ask for less)",
        "  t.yaml:5: tasks[1].queue: there is no queue (make it)",
        "  t.yaml: options: warn: no limit (give one)",
        "hint: correct these",
    ]
    error = json.loads(shell.run("submit", "json", "--file", "t.yaml", "-o", "json").stderr)["error"]
    assert error["code"] == "invalid_tasks"
    assert [one["line"] for one in error["details"]["mistakes"]] == [3, 5, 0]


def test_a_refusal_of_the_whole_submission_stays_as_it_is(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions", problem(429, "limit_reached", "too many tasks", "wait"))
    (shell.workdir / "t.yaml").write_text(GOOD)
    done = shell.run("submit", "json", "--file", "t.yaml")
    assert done.stderr == "gavelq: too many tasks\nhint: wait\n"


def test_without_check_the_tasks_are_submitted(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions", Answer(status=201, document=[task(1), task(2)]))
    (shell.workdir / "t.yaml").write_text(GOOD)
    assert shell.run("submit", "json", "--file", "t.yaml").returncode == 0
    assert [one.get("queue") for one in fake.last().body["tasks"]] == ["night", None]
