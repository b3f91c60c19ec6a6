"""`task edit`, `task rerun` with changes, and the trees of `task info`."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from gavelq.cli.hot.tree import print_tree
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, problem, task


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["-p", "5", "--name", "b"], {"priority": 5, "name": "b"}),
        (["-t", "2h", "--warn", "USR1@60", "-c", "2"], {"time_limit": "2h", "warn": "USR1@60", "gpu_count": 2}),
        (["-g", "0,1", "-u", "20", "--tag", "a"], {"gpu_ids": ["0", "1"], "max_util": 80, "tags": ["a"]}),
        (["--after", "3,4", "--not-before", "+2h"], {"after": "3,4", "not_before": "+2h"}),
        (["-w", "/tmp", "--log", "/tmp/x.log"], {"workdir": "/tmp", "log_path": "/tmp/x.log"}),
        (["--cmd", "echo x", "--hold", "--share"], {"command": "echo x", "hold": True, "share": True}),
        (["-e", "A=1", "-e", "B="], {"env": {"A": "1", "B": ""}}),
        (["--env-keep", "OWN_TOKEN", "--env-keep", "NOT_THERE"], {"env": {"OWN_TOKEN": "t"}}),
        (["--unset", "time,after-any", "--unset", "--gpus"], {"time_limit": None, "after_any": None, "gpu_ids": None}),
        (["--unset", "env.A", "-e", "B=1"], {"env": {"A": None, "B": "1"}}),
    ],
)
def test_options_become_changes_and_nothing_is_taken_from_the_caller(
    shell: Shell, fake: FakeDaemon, words: list[str], changes: dict[str, Any]
) -> None:
    fake.on("PATCH", "/api/tasks/7", Answer(document=task(7)))
    fake.on("POST", "/api/tasks/7/rerun", Answer(status=201, document=task(8)))
    done = shell.run("task", "edit", "7", *words, env=shell.env(OWN_TOKEN="t"))
    assert (done.returncode, done.stdout) == (0, "task 7 edited: pending in queue running\n"), done.stderr
    assert fake.last().body == changes
    assert shell.run("task", "rerun", *words, "7", env=shell.env(OWN_TOKEN="t")).returncode == 0
    assert fake.last().body == changes


def test_the_whole_environment_goes_along_only_when_asked_for(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("PATCH", "/api/tasks/7", Answer(document=task(7)))
    shell.run("task", "edit", "7", "--env-all", env=shell.env(OWN_TOKEN="t"))
    assert fake.last().body["env"]["OWN_TOKEN"] == "t"
    assert "PATH" in fake.last().body["env"]


@pytest.mark.parametrize("words", [("-e", "CUDA_VISIBLE_DEVICES=3"), ("--env-keep", "GAVELQ_TASK_ID")])
def test_a_variable_that_gavelq_sets_is_no_change(shell: Shell, fake: FakeDaemon, words: Sequence[str]) -> None:
    done = shell.run("task", "edit", "7", *words)
    assert (done.returncode, "gavelq sets it" in done.stderr, fake.requests) == (2, True, [])


def test_several_tasks_are_one_request(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks/edit", Answer(document=[task(7), task(8)]))
    done = shell.run("task", "edit", "7", "8", "7", "-p", "5")
    assert done.stdout == "task 7 edited: pending in queue running\ntask 8 edited: pending in queue running\n"
    assert fake.last().body == {"ids": [7, 8], "changes": {"priority": 5}}
    asked = shell.run("task", "edit", "7", "8", "-p", "5", "-o", "json")
    assert [found["id"] for found in json.loads(asked.stdout)] == [7, 8]


def test_json_of_one_task_is_the_task(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("PATCH", "/api/tasks/7", Answer(document=task(7)))
    assert json.loads(shell.run("task", "edit", "7", "-p", "5", "-o", "json").stdout)["id"] == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing is to change"),
        (["-t", "2h", "--unset", "time"], "unset: time is given as well"),
        (["-e", "A=1", "--unset", "env.A"], "unset: env.A is given as well"),
        (["-e", "A"], "is not NAME=VALUE"),
        (["-u", "5", "--max-util", "5"], "say the same thing"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    shell: Shell, fake: FakeDaemon, words: list[str], said: str
) -> None:
    done = shell.run("task", "edit", "7", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert fake.requests == []


def test_a_refusal_is_told_with_its_exit_code(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks/edit", problem(409, "wrong_state", "task 7 is running: no", "rerun it"))
    done = shell.run("task", "edit", "7", "8", "-p", "5")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == "gavelq: task 7 is running: no\nhint: rerun it\n"


@pytest.mark.parametrize("verb", ["run", "hold", "kill", "remove", "rerun"])
def test_verbs_take_several_ids_and_9_says_that_some_failed(shell: Shell, fake: FakeDaemon, verb: str) -> None:
    answer = Answer(document={"removed": 7} if verb == "remove" else task(7))
    fake.on("POST", f"/api/tasks/7/{verb}", answer)
    fake.on("POST", f"/api/tasks/8/{verb}", problem(409, "wrong_state", "task 8 is running: no"))
    done = shell.run("task", verb, "7", "8")
    assert done.returncode == 9
    assert "task 7" in done.stdout
    assert "task 8 is running" in done.stderr
    assert shell.run("task", verb, "8").returncode == 6


def node(number: int, state: str = "pending", *, to: Any = (), by: Any = (), kind: str = "ok") -> dict[str, Any]:
    """A task of the graph: what it depends on, and who waits for it."""
    is_open = state in ("pending", "held")
    needs = [{"task_id": other, "kind": kind, "is_open": is_open} for other in to]
    reason = {"failed": "exit_nonzero", "completed": "exit_zero"}.get(state)
    return {
        "id": number, "name": f"n{number}", "state": state, "end_reason": reason, "dependencies": needs,
        "dependents": list(by),
    }  # fmt: skip


def test_a_diamond_is_drawn_from_the_middle_and_from_its_ends(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        node(1, "running", by=(2, 3)), node(2, to=(1,), by=(4,)), node(3, to=(1,), by=(4,)), node(4, to=(2, 3)),
    ]  # fmt: skip
    print_tree({"id": 4, "graph": nodes})
    assert capsys.readouterr().out == (
        "\ndepends on\n"
        "  task 2 n2: pending (to complete)\n"
        "    task 1 n1: running (to complete)\n"
        "  task 3 n3: pending (to complete)\n"
        "    task 1 n1: running (to complete), see above\n"
    )
    print_tree({"id": 1, "graph": nodes})
    assert capsys.readouterr().out == (
        "\nwaited for by\n"
        "  task 2 n2: pending (to complete)\n"
        "    task 4 n4: pending (to complete)\n"
        "  task 3 n3: pending (to complete)\n"
        "    task 4 n4: pending (to complete), see above\n"
    )


def test_what_is_over_is_not_unfolded_and_what_is_forgotten_has_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [node(5, "failed", to=(3, 4), kind="any"), node(3, "failed", to=(2,)), node(2, "completed", to=(1,))]
    print_tree({"id": 5, "graph": nodes})
    assert capsys.readouterr().out == (
        "\ndepends on\n  task 3 n3: failed (exit_nonzero) (had to end)\n  task 4 (had to end)\n"
    )


def test_a_task_on_its_own_has_no_tree_and_a_large_one_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_tree({"id": 1, "graph": [node(1)]})
    print_tree({"id": 1})
    assert capsys.readouterr().out == ""
    many = range(2, 102)
    print_tree({"id": 1, "graph": [node(1, by=many), *(node(n, to=(1,)) for n in many)]})
    assert capsys.readouterr().out.endswith("  task 41 n41: pending (to complete)\n  ... and 60 more\n")


def test_names_in_a_tree_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_tree({"id": 1, "graph": [node(1, to=(2,)), {**node(2), "name": "\x1b[2Jx"}]})
    assert "\x1b" not in capsys.readouterr().out
