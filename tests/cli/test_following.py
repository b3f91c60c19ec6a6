"""`logs` and `wait`: following what happens, through restarts of the daemon."""

import json
import os
import signal
import subprocess
import sys

import pytest

from gavelq.testing.waiting import wait_until
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, Request, problem, task

LOGS = "/api/tasks/7/logs"


def piece(text: bytes, start: int, *, ended: bool = False, begins: int | None = None) -> Answer:
    headers = {"X-Gavelq-Offset": str(start + len(text)), "X-Gavelq-Ended": "1" if ended else "0"}
    headers["X-Gavelq-Start"] = str(start if begins is None else begins)
    return Answer(raw=text, headers=headers)


@pytest.mark.parametrize("words", [["logs", "7"], ["task", "logs", "7"]])
def test_the_whole_log_comes_byte_for_byte(shell: Shell, fake: FakeDaemon, words: list[str]) -> None:
    fake.on("GET", LOGS, piece(b"a\xff\x1b[1m", 0), piece(b"", 6))
    done = subprocess.run([sys.executable, "-m", "gavelq", *words], env=shell.env(), capture_output=True)
    assert done.stdout == b"a\xff\x1b[1m"
    assert [request.query for request in fake.requests] == [[], [("offset", "6")]]


def test_a_long_log_is_fetched_to_its_end(shell: Shell, fake: FakeDaemon) -> None:
    whole = bytes(range(97, 123)) * 20000

    def answer(request: Request) -> Answer:
        begin = int(dict(request.query).get("offset", 0))
        return piece(whole[begin : begin + 100_000], begin, ended=begin + 100_000 >= len(whole))

    fake.on("GET", LOGS, answer)
    assert shell.run("logs", "7").stdout == whole.decode()


def test_the_last_lines_are_asked_for(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", LOGS, piece(b"two\nthree\n", 4))
    assert shell.run("logs", "7", "-t", "2").stdout == "two\nthree\n"
    assert [request.query for request in fake.requests] == [[("tail", "2")]]


@pytest.mark.parametrize("flag", ["-f", "--tail"])
def test_following_ends_with_the_task(shell: Shell, fake: FakeDaemon, flag: str) -> None:
    fake.on("GET", LOGS, piece(b"one\n", 0), piece(b"", 4), piece(b"two\n", 4, ended=True))
    done = shell.run("task", "logs", "7", flag)
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")
    assert [dict(request.query)["offset"] for request in fake.requests] == ["0", "4", "4"]
    assert all(int(dict(request.query)["wait"]) > 0 for request in fake.requests)


def test_following_may_begin_with_the_last_lines(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", LOGS, piece(b"two\n", 4), piece(b"three\n", 8, ended=True))
    assert shell.run("logs", "7", "-t", "1", "-f").stdout == "two\nthree\n"
    assert [request.query[0] for request in fake.requests] == [("tail", "1"), ("offset", "8")]


def test_following_survives_a_restart_of_the_daemon(shell: Shell, fake: FakeDaemon) -> None:
    cut = Answer(is_cut=True)
    fake.on("GET", LOGS, piece(b"one\n", 0), cut, cut, cut, cut, piece(b"two\n", 4, ended=True))
    assert shell.run("logs", "7", "-f").stdout == "one\ntwo\n"


def test_bytes_that_are_gone_are_told(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", LOGS, piece(b"late\n", 1000, begins=1000), piece(b"", 1005))
    done = shell.run("logs", "7")
    assert done.stdout == "late\n"
    assert "1000 bytes are gone" in done.stderr


def test_a_log_that_is_not_there_yet_is_waited_for(shell: Shell, fake: FakeDaemon) -> None:
    missing = problem(404, "log_not_found", "task 7 has no log yet: /x")
    fake.on("GET", LOGS, missing)
    assert shell.run("logs", "7").returncode == 3
    assert shell.run("logs", "7", "-t", "5").returncode == 3
    fake.on("GET", LOGS, missing, piece(b"", 0), piece(b"x\n", 0, ended=True))
    assert shell.run("logs", "7", "-t", "5", "-f").stdout == "x\n"
    assert [dict(request.query).get("offset") for request in fake.requests[-2:]] == ["0", "0"]


def test_control_c_ends_following_quietly(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", LOGS, piece(b"one\n", 0), piece(b"", 4))
    child = subprocess.Popen(
        [sys.executable, "-m", "gavelq", "logs", "7", "-f"],
        env=shell.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: len(fake.requests) > 1, what="the second request")
    os.kill(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, b"one\n", b"")


def test_a_reader_that_has_seen_enough_ends_it_quietly(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/tasks", [task(i) for i in range(1, 900)])
    script = f'"{sys.executable}" -m gavelq list | head -1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], env=shell.env(), capture_output=True, text=True)
    assert done.stdout.startswith("ID\t")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("end", "options", "code"),
    [
        ({"state": "completed", "exit_code": 0}, [], 0),
        ({"state": "failed", "end_reason": "exit_nonzero", "exit_code": 3}, [], 1),
        ({"state": "failed", "end_reason": "exit_nonzero", "exit_code": 3}, ["--exit-code"], 3),
        ({"state": "failed", "end_reason": "signalled", "signal": 9}, ["--exit-code"], 137),
        ({"state": "cancelled", "end_reason": "cancelled_by_user"}, ["--exit-code"], 1),
        ({"state": "completed", "exit_code": 0}, ["--exit-code"], 0),
    ],
)
def test_waiting_tells_how_it_ended(
    shell: Shell, fake: FakeDaemon, end: dict[str, object], options: list[str], code: int
) -> None:
    fake.on("GET", "/api/tasks/7/wait", Answer(document=task(7)), Answer(document=task(7, pending_reason=None, **end)))
    assert shell.run("task", "wait", "7", *options).returncode == code
    assert len(fake.requests) == 2


def test_waiting_for_several_is_over_when_all_have_ended(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/tasks/7/wait", task(7, state="completed", pending_reason=None))
    fake.gives(
        "/api/tasks/8/wait", task(8, state="failed", pending_reason=None, end_reason="exit_nonzero", exit_code=3)
    )
    done = shell.run("task", "wait", "7", "8")
    assert (done.returncode, done.stdout) == (1, "task 7: completed\ntask 8: failed (exit 3)\n")
    assert [one["id"] for one in json.loads(shell.run("task", "wait", "7", "8", "-o", "json").stdout)] == [7, 8]


def test_waiting_gives_up_when_the_time_is_over(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/tasks/7/wait", task(7))
    done = shell.run("task", "wait", "7", "--timeout", "0.1")
    assert done.returncode == 8
    assert "still pending, gpu_count" in done.stderr
    assert shell.run("task", "wait", "7", "--timeout", "soon").returncode == 2


def test_waiting_survives_a_restart_of_the_daemon(shell: Shell, fake: FakeDaemon) -> None:
    cut = Answer(is_cut=True)
    going = Answer(status=500, raw=b"Internal Server Error")
    done_task = Answer(document=task(7, state="completed", pending_reason=None))
    fake.on("GET", "/api/tasks/7/wait", Answer(document=task(7)), going, cut, cut, cut, cut, done_task)
    assert shell.run("task", "wait", "7").returncode == 0


def test_waiting_where_no_daemon_is_fails_at_once(shell: Shell) -> None:
    done = shell.run("task", "wait", "7")
    assert done.returncode == 5
    assert "gavelq daemon init" in done.stderr
