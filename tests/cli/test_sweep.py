"""Sweeps and submissions on the command line: what is sent, what is told, and the exit codes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, Request, problem, task
from tests.cli.terminal import on_terminal

STATES = ("held", "pending", "starting", "running", "stopping", "completed", "failed", "cancelled", "aborted")


def made(*ids: int) -> list[dict[str, Any]]:
    return [{**task(number), "submission_id": 7} for number in ids]


def submission(*, is_ended: bool = True, **counts: int) -> dict[str, Any]:
    return {
        "id": 7, "name": "train", "tenant": "a", "n_tasks": sum(counts.values()), "first_task_id": 12,
        "last_task_id": 15, "submitted_at": "2026-01-01T00:00:00.000000Z", "is_ended": is_ended,
        "counts": {**dict.fromkeys(STATES, 0), **counts},
    }  # fmt: skip


@pytest.fixture(autouse=True)
def accepts(fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions", Answer(status=201, document=made(12, 13)))


def sent(fake: FakeDaemon) -> dict[str, Any]:
    """The one task object of the last submission."""
    assert (fake.last().method, fake.last().path) == ("POST", "/api/submissions")
    (found,) = fake.last().body["tasks"]
    assert isinstance(found, dict)
    return found


# --- submit ----------------------------------------------------------------------------------------------

SWEEP = ("--array", "0-9%2", "--param", "lr=.1, .01", "--param", "bs=32", "--param", "lr=1")


@pytest.mark.parametrize(
    "words",
    [
        ("submit", *SWEEP, "train {lr}"),
        ("submit", *SWEEP, "--", "train", "{lr}"),
        ("submit", "command", "--cmd", "train {lr}", *SWEEP),
        ("submit", *SWEEP, "script", "--file", "run.sh", "--", "{lr}"),
    ],
)
def test_every_form_of_submit_takes_a_sweep(shell: Shell, fake: FakeDaemon, words: Sequence[str]) -> None:
    (shell.workdir / "run.sh").write_text("#!/bin/sh\ntrue\n")
    done = shell.run(*words)
    assert done.returncode == 0, done.stderr
    found = sent(fake)
    assert (found["array"], found["params"]) == ("0-9%2", {"lr": [".1", ".01", "1"], "bs": ["32"]})
    assert found["env"]
    assert done.stdout.splitlines() == [f"task {n} submitted: pending in queue running" for n in (12, 13)]


def test_a_file_of_tasks_takes_a_sweep_as_a_default(shell: Shell, fake: FakeDaemon) -> None:
    (shell.workdir / "t.json").write_text('[{"cmd": "a {index}"}, {"cmd": "b", "array": "3", "queue": "q"}]')
    done = shell.run(
        "submit", "json", "--file", "t.json", "--array", "0-1", "--max-parallel", "3", "-c", "2", "-q", "z"
    )
    assert done.returncode == 0, done.stderr
    body = fake.last().body
    assert [one["cmd"] for one in body["tasks"]] == ["a {index}", "b"]
    assert body["queue"] == "z"
    assert (body["base"]["array"], body["base"]["max_parallel"], body["base"]["gpu_count"]) == ("0-1", 3, 2)


def test_rows_come_from_a_csv_file(shell: Shell, fake: FakeDaemon) -> None:
    text = '\ufefflr, model \r\n0.1, "a, ""b"""\r\n\r\n,"two\nlines"\r\n'
    (shell.workdir / "p.csv").write_bytes(text.encode())
    assert shell.run("submit", "--param-file", "p.csv", "x {lr}").returncode == 0
    assert sent(fake)["param_rows"] == [{"lr": "0.1", "model": 'a, "b"'}, {"lr": "", "model": "two\nlines"}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "p.csv:1: there is no row"),
        ("lr,bs\n", "p.csv:1: there is no row"),
        ("lr,bs\n1,2\n1,2,3\n", "p.csv:3: the row has 3 values, and there are 2 names"),
        ("lr,bs\n1\n", "p.csv:2: the row has 1 values"),
        ("lr,lr\n1,2\n", "p.csv:1: the name 'lr' stands in the header twice"),
        ("0.1,0.2\n1,2\n", "p.csv:1: '0.1' is not a parameter's name"),
        ('lr\n"1\n', "p.csv:2: not CSV"),
        (b"lr\n\xff\n", "p.csv:2: this is not UTF-8"),
    ],
)
def test_a_wrong_csv_file_is_refused_with_its_line(
    shell: Shell, fake: FakeDaemon, content: str | bytes, told: str
) -> None:
    (shell.workdir / "p.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    done = shell.run("submit", "--param-file", "p.csv", "x")
    assert done.returncode == 2
    assert told in done.stderr
    assert "hint: " in done.stderr
    assert fake.requests == []


@pytest.mark.parametrize(
    "words",
    [("--param", "lr"), ("--param", "lr="), ("--param", "lr=1,"), ("--param", "=1"), ("--param-file", "none.csv")],
)
def test_wrong_options_are_refused_and_nothing_is_sent(shell: Shell, fake: FakeDaemon, words: Sequence[str]) -> None:
    done = shell.run("submit", *words, "x")
    assert (done.returncode, fake.requests) == (2, [])
    assert "hint: " in done.stderr


def test_what_the_daemon_refuses_is_told_without_a_lists_index(shell: Shell, fake: FakeDaemon) -> None:
    answer = problem(400, "invalid_tasks", "tasks[0].array: the range 3-1 ends before it begins (write 1-3)")
    fake.on("POST", "/api/submissions", answer)
    done = shell.run("submit", "--array", "3-1", "x")
    assert done.returncode == 2
    assert "gavelq: array: the range 3-1" in done.stderr


def test_an_empty_array_is_sent_and_not_taken_for_none(shell: Shell, fake: FakeDaemon) -> None:
    shell.run("submit", "--array", "", "x")
    assert sent(fake)["array"] == ""


def test_json_is_an_array_even_where_the_sweep_made_one_task(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions", Answer(status=201, document=made(12)))
    done = shell.run("submit", "--array", "4", "x", "-o", "json")
    assert [one["id"] for one in json.loads(done.stdout)] == [12]


def test_a_terminal_gets_one_line_for_many_tasks_and_a_pipe_all_of_them(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions", Answer(status=201, document=made(*range(12, 44))))
    assert on_terminal(shell, "submit", "--array", "0-31", "x").text.strip() == "submission 7: 32 tasks, 12 to 43"
    assert len(shell.run("submit", "--array", "0-31", "x").stdout.splitlines()) == 32


def test_a_terminal_gets_all_lines_of_few_tasks(shell: Shell, fake: FakeDaemon) -> None:
    shown = on_terminal(shell, "submit", "--array", "0-1", "x").text.strip()
    assert shown.replace("\r", "").split("\n") == [
        "task 12 submitted: pending in queue running",
        "task 13 submitted: pending in queue running",
        "submission 7: 2 tasks, 12 to 13",
    ]


# --- script headers --------------------------------------------------------------------------------------


def header(shell: Shell, *lines: str, words: Sequence[str] = ()) -> "tuple[int, str]":
    (shell.workdir / "run.sh").write_text("\n".join(["#!/bin/bash", *lines, "true"]))
    done = shell.run("submit", "script", "--file", "run.sh", *words)
    return done.returncode, done.stderr


def test_the_header_of_a_script_may_hold_a_sweep(shell: Shell, fake: FakeDaemon) -> None:
    lines = ("#GAVELQ --param lr=1,2", "#GAVELQ --param bs=3 -e A=1", "#GAVELQ -e B=2", "#GAVELQ --array 0-3")
    code, told = header(shell, *lines, words=("--param", "n=5", "--array", "0-1"))
    assert code == 0, told
    found = sent(fake)
    assert (found["params"], found["array"]) == ({"lr": ["1", "2"], "bs": ["3"], "n": ["5"]}, "0-1")
    assert (found["env"]["A"], found["env"]["B"]) == ("1", "2")


def test_sbatchs_array_dependencies_and_begin_are_understood(shell: Shell, fake: FakeDaemon) -> None:
    lines = (
        "#SBATCH --array=0-9%2 -o out/%a.txt",
        "#SBATCH --dependency=afterok:12:13,afterany:14,afternotok:15,afterok:16",
        "#SBATCH --begin=now+2hours --requeue",
    )
    code, told = header(shell, *lines)
    assert (code, told) == (0, "")
    found = sent(fake)
    assert (found["array"], found["log_path"]) == ("0-9%2", str(shell.workdir / "out/{index}.txt"))
    assert (found["after"], found["after_any"], found["after_fail"]) == ("12,13,16", "14", "15")
    assert (found["not_before"], found["requeue"]) == ("+2h", True)


@pytest.mark.parametrize(("written", "meant"), [("USR1@90", "USR1@90"), ("B:USR2@30", "USR2@30"), ("10", "10@60")])
def test_sbatchs_signal_is_the_warning_of_a_limit(shell: Shell, fake: FakeDaemon, written: str, meant: str) -> None:
    assert header(shell, "#SBATCH -a 1", f"#SBATCH --signal={written}", "#SBATCH --time=30") == (0, "")
    assert (sent(fake)["warn"], sent(fake)["time_limit"]) == (meant, "30m")
    code, told = header(shell, "#SBATCH -a 1", f"#SBATCH --signal={written}")
    assert (code, "it needs --time" in told, "warn" in sent(fake)) == (0, True, False)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-p 200", "200 is not in the range 0<=x<=100"),
        ("-c many", "'many' is not a valid whole number"),
        ("--nodes 2", "no such option '--nodes'"),
        ("-o json", "no such option '-o'"),
        ("--time", "requires an argument"),
        ("--", "more than options"),
        ("sleep 3", "unexpected extra arguments"),
    ],
)
def test_a_mistake_in_a_header_is_named_with_its_line(shell: Shell, fake: FakeDaemon, line: str, told: str) -> None:
    code, said = header(shell, "# text", f"#GAVELQ {line}")
    assert (code, fake.requests) == (2, [])
    assert f"run.sh:3: '#GAVELQ {line}': " in said
    assert told in said


def test_what_sbatch_means_otherwise_is_told_and_left_out(shell: Shell, fake: FakeDaemon) -> None:
    lines = (
        "#SBATCH -d singleton,after:3,aftercorr:4",
        "#SBATCH -a 1",
        "#SBATCH -b tomorrow",
        "#SBATCH -d afterok:1?2",
    )
    code, told = header(shell, *lines, "#SBATCH -o %J.txt")
    assert code == 0
    for word in ("singleton", "after:3", "aftercorr:4", "-b", "afterok:1?2", "-o"):
        assert word in told
    assert not sent(fake).keys() & {"after", "after_any", "not_before", "log_path"}


@pytest.mark.parametrize(
    ("written", "meant"), [("16:00", "16:00"), ("noon", "12:00"), ("now+90", "+90s"), ("now+5minutes", "+5m")]
)
def test_a_begin_of_sbatch_becomes_a_time_of_ours(shell: Shell, fake: FakeDaemon, written: str, meant: str) -> None:
    assert header(shell, f"#SBATCH --begin={written}", "#SBATCH -a 1")[0] == 0
    assert sent(fake)["not_before"] == meant


# --- submissions -----------------------------------------------------------------------------------------


def test_lists_can_be_limited_to_a_submission(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/tasks", made(12))
    for words in (("list",), ("task", "list")):
        assert shell.run(*words, "--submission", "7").returncode == 0
        assert ("submission", "7") in fake.last().query
    assert "12" in on_terminal(shell, "task", "list", "--submission", "7").text


@pytest.mark.parametrize(
    ("words", "verb", "body", "done"),
    [
        (("task", "hold"), "hold", {}, "held"),
        (("task", "run", "-q", "z"), "run", {"queue": "z"}, "released"),
        (("task", "kill"), "kill", {}, "killed"),
        (("task", "kill", "--signal", "USR1"), "kill", {"signal": "USR1"}, "signalled"),
        (("cancel",), "kill", {}, "killed"),
    ],
)
def test_an_action_on_a_submission_says_how_many(
    shell: Shell, fake: FakeDaemon, words: Sequence[str], verb: str, body: dict[str, Any], done: str
) -> None:
    answer = {**submission(is_ended=False, running=2, held=3), "n_done": 3, "n_refused": 2, "refused": []}
    fake.on("POST", f"/api/submissions/7/{verb}", Answer(document=answer))
    ended = shell.run(*words, "--submission", "7")
    assert (ended.returncode, fake.last().body) == (0, body)
    assert ended.stdout == f"submission 7: 3 tasks {done}, 2 not (3 held, 2 running now)\n"
    assert json.loads(shell.run(*words, "--submission", "7", "-o", "json").stdout) == answer


def test_refused_tasks_are_told_with_the_reason_and_the_exit_code_is_9(shell: Shell, fake: FakeDaemon) -> None:
    error = {"code": "not_allowed", "message": "queue lab: tenant ada may use running", "hint": "ask", "details": {}}
    counts = submission(is_ended=False, pending=1, held=1)
    answer = {**counts, "n_done": 1, "n_refused": 1, "refused": [{"id": 8, "error": error}]}
    fake.on("POST", "/api/submissions/7/run", Answer(document=answer))
    ended = shell.run("task", "run", "--submission", "7")
    assert (ended.returncode, ended.stdout.count("1 task released, 1 not")) == (9, 1)
    assert ended.stderr == "gavelq: task 8: queue lab: tenant ada may use running\nhint: ask\n"
    ended = shell.run("task", "run", "--submission", "7", "-o", "json")
    assert (ended.returncode, json.loads(ended.stdout)) == (9, answer)
    told = json.loads(ended.stderr)["error"]
    assert (told["code"], told["details"]["results"]) == ("partly_done", [{"id": 8, "error": error}])


def test_where_nothing_can_be_done_the_exit_code_is_6(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions/7/hold", problem(409, "wrong_state", "submission 7 is 2 completed: ..."))
    assert shell.run("task", "hold", "--submission", "7").returncode == 6


@pytest.mark.parametrize(
    "words",
    [
        ("task", "kill"),
        ("task", "kill", "3", "--submission", "7"),
        ("cancel", "3", "--submission", "7"),
        ("task", "wait"),
        ("task", "wait", "--any", "--submission", "7"),
        ("task", "hold", "--submission", "x"),
    ],
)
def test_ids_and_a_submission_exclude_each_other(shell: Shell, fake: FakeDaemon, words: Sequence[str]) -> None:
    done = shell.run(*words)
    assert (done.returncode, fake.requests) == (2, [])


def test_waiting_for_a_submission_ends_with_its_last_task(shell: Shell, fake: FakeDaemon) -> None:
    going, over = submission(is_ended=False, running=1, completed=1), submission(completed=2)
    fake.on("GET", "/api/submissions/7/wait", Answer(document=going), Answer(document=over))
    done = shell.run("task", "wait", "--submission", "7")
    assert (done.returncode, done.stdout) == (0, "submission 7 (train): 2 completed\n")
    assert len(fake.requests) == 2
    assert json.loads(shell.run("task", "wait", "--submission", "7", "-o", "json").stdout) == over


def test_waiting_tells_by_its_exit_code_how_the_submission_ended(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/submissions/7/wait", submission(completed=2, failed=1))

    def failed(request: Request) -> Answer:
        assert ("submission", "7") in request.query
        assert ("state", "completed") not in request.query
        return Answer(document=[{**task(14), "state": "failed", "exit_code": 5}])

    fake.on("GET", "/api/tasks", failed)
    assert shell.run("task", "wait", "--submission", "7").returncode == 1
    assert shell.run("task", "wait", "--submission", "7", "--exit-code").returncode == 5


def test_a_time_out_of_waiting_says_what_is_left(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/submissions/7/wait", submission(is_ended=False, running=1, pending=4))
    done = shell.run("task", "wait", "--submission", "7", "--timeout", "0")
    assert done.returncode == 8
    assert "4 pending, 1 running" in done.stderr
