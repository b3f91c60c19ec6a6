"""`task wait`: for all, for the first, and not for ever."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gavelq.client.sdk import Client
from gavelq.core.errors import TimedOut
from gavelq.testing.waiting import wait_until
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, problem, task
from tests.daemon.gates import Gate
from tests.support.connected import is_connected
from tests.support.daemon import Box, box

DONE = task(8, state="completed", pending_reason=None, end_reason="exit_zero", ended_at="2026-01-31T12:00:01.000000Z")
LATER = task(
    9, state="failed", pending_reason=None, end_reason="exit_nonzero", exit_code=5,
    ended_at="2026-01-31T12:00:02.000000Z",
)  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """A daemon."""
    with box(n_gpus=1) as instance:
        yield instance


def test_the_first_end_is_enough(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", "/api/wait", Answer(document=[]), Answer(document=[LATER]))
    done = shell.run("task", "wait", "--any", "7", "9", "7")
    assert (done.returncode, done.stdout) == (1, "task 9: failed (exit 5)\n")
    assert [value for name, value in fake.last().query if name == "id"] == ["7", "9"]
    assert shell.run("task", "wait", "--any", "7", "9", "--exit-code").returncode == 5


def test_of_several_ends_the_earliest_counts(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/wait", [LATER, DONE])
    done = shell.run("task", "wait", "--any", "8", "9", "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["id"]) == (0, 8)


def test_no_end_in_time_is_a_time_out(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/wait", [])
    done = shell.run("task", "wait", "--any", "7", "9", "--timeout", "0.1")
    assert (done.returncode, done.stdout) == (8, "")
    assert "none of these 2 tasks" in done.stderr


def test_the_first_end_is_seen_through_a_restart(shell: Shell, fake: FakeDaemon) -> None:
    going = problem(503, "store_unavailable", "the daemon is going")
    cut = Answer(is_cut=True)
    fake.on("GET", "/api/wait", Answer(document=[]), going, cut, cut, cut, cut, Answer(document=[DONE]))
    assert shell.run("task", "wait", "--any", "8", "9").returncode == 0


def test_a_time_out_names_all_that_are_late_and_tells_who_was_in_time(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/tasks/7/wait", task(7))
    fake.gives("/api/tasks/8/wait", DONE)
    fake.gives("/api/tasks/9/wait", task(9, state="running", pending_reason=None))
    done = shell.run("task", "wait", "7", "8", "9", "--timeout", "0.1")
    assert (done.returncode, done.stdout) == (8, "task 8: completed\n")
    assert "task 7 is still pending, gpu_count; task 9 is still running" in done.stderr


def test_any_is_about_ids(shell: Shell) -> None:
    assert shell.run("task", "wait", "--any").returncode == 2
    assert shell.run("task", "wait", "--any", "--submission", "3").returncode == 2


def test_a_real_daemon_answers_at_the_first_end(real: Box) -> None:
    one, two = Gate(real, "one"), Gate(real, "two")
    first, second = (real.submit(gate.command(code), gpu_count=0) for gate, code in ((one, 3), (two, 0)))
    waiting = subprocess.Popen(
        [sys.executable, "-m", "gavelq", "task", "wait", "--any", "--exit-code", str(first), str(second)],
        env=real.env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    one.open()
    assert waiting.communicate(timeout=60)[0] == f"task {first}: failed (exit 3)\n"
    assert waiting.returncode == 3
    client = Client(socket=real.socket)
    assert client.wait_any([first, second])["id"] == first
    with pytest.raises(TimedOut):
        client.wait_any([second], timeout_s=0.05)
    two.open()
    assert client.wait_any([second])["exit_code"] == 0


def test_what_is_not_there_is_not_waited_for(real: Box) -> None:
    assert real.cli("task", "wait", "--any", "99998", "99999").returncode == 3


def test_a_stopped_daemon_lets_those_who_wait_go_at_once() -> None:
    with box(n_gpus=1) as fresh:
        gate = Gate(fresh)
        number = fresh.submit(gate.command(0), gpu_count=0)
        fresh.wait(number, "running")
        waiting = subprocess.Popen(
            [sys.executable, "-m", "gavelq", "task", "wait", "--any", str(number)],
            env=fresh.env, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_until(lambda: is_connected(waiting.pid), what="it is connected")
        assert fresh.stop() == 0
        fresh.start()
        gate.open()
        assert waiting.communicate(timeout=30)[0] == f"task {number}: completed\n"
