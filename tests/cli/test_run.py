"""`gavelq run`: the task's output and exit code, as if it had been called here."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gavelq.testing.waiting import wait_until
from tests.cli.screens import CONTROL_C, Terminal
from tests.daemon.gates import Gate
from tests.support.daemon import Box, box


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """A daemon with two simulated GPUs, and a long grace time for those who do not want to go."""
    with box(n_gpus=2, env={"GAVELQ_RUNNER_GRACE_S": "8"}) as instance:
        yield instance


@pytest.fixture
def gate(real: Box) -> Iterator[Gate]:
    """A gate that is open at the end, whatever happened."""
    found = Gate(real)
    found.close()
    yield found
    found.open()
    live = "/api/tasks?state=pending&state=starting&state=running&state=stopping"
    wait_until(lambda: not real.get(live), 60, "all that stood before the gate has passed")


def newest(real: Box) -> int:
    return int(real.get("/api/tasks?newest=1&limit=1")[0]["id"])


def start(real: Box, *words: str) -> "subprocess.Popen[str]":
    """`gavelq run` in the background, without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "gavelq", "run", *words],
        env=real.env, cwd="/tmp", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_output_and_exit_code_are_the_tasks_own(real: Box) -> None:
    done = real.cli("run", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\nerr\n")
    done = real.cli("run", "-c", "0", "--", "printf", "%s|", "a b", "-c")
    assert (done.returncode, done.stdout, done.stderr) == (0, "a b|-c|", "")


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["sh", "-c", "kill -9 $$"], 137, "signalled"),
        (["/no/such/program"], 127, "/no/such/program"),
    ],
)
def test_other_ends_are_told_on_standard_error(real: Box, command: list[str], code: int, told: str) -> None:
    done = real.cli("run", "-c", "0", "--", *command)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


def test_what_cannot_be_submitted_runs_nothing(real: Box) -> None:
    before = newest(real) if real.get("/api/tasks") else 0
    assert real.cli("run").returncode == 2
    assert real.cli("run", "a", "b").returncode == 2
    assert real.cli("run", "-c", "3", "true").returncode == 7
    refused = real.cli("run", "12")
    assert refused.returncode == 2
    assert "gavelq task run 12" in refused.stderr
    assert (newest(real) if before else 0) == before


def test_json_is_the_task_alone(real: Box) -> None:
    done = real.cli("run", "-o", "json", "-c", "0", "echo x; exit 4")
    assert done.returncode == 4
    assert json.loads(done.stdout)["end_reason"] == "exit_nonzero"


def test_it_says_why_it_waits(real: Box, gate: Gate) -> None:
    holder = real.submit(gate.command(0), gpu_count=2)
    waiting = start(real, "echo done")
    assert waiting.stderr is not None
    said = waiting.stderr.readline()
    assert "waits (gpu_count)" in said
    assert f"task {holder}" in said
    gate.open()
    assert waiting.communicate(timeout=60) == ("done\n", "")
    assert waiting.returncode == 0


def test_every_attempt_is_shown(real: Box) -> None:
    done = real.cli("run", "-c", "0", "--retries", "1", "--backoff", "0.1", "echo attempt $GAVELQ_ATTEMPT; exit 5")
    assert (done.returncode, done.stdout) == (5, "attempt 1\nattempt 2\n")
    assert "tried again" in done.stderr


def test_tries_that_follow_one_another_at_once_are_all_shown(real: Box) -> None:
    """The last one is over before anybody looks at the first."""
    done = real.cli("run", "--retries", "3", "--backoff", "0", 'echo "try $GAVELQ_ATTEMPT"; exit 7')
    assert (done.returncode, done.stdout) == (7, "try 1\ntry 2\ntry 3\ntry 4\n")


def test_it_goes_on_through_a_restart_of_the_daemon() -> None:
    with box() as fresh:
        gate = Gate(fresh)
        following = start(fresh, "-c", "0", f"echo one; {gate.command(6)}")
        assert read_line(following) == "one\n"
        fresh.kill()
        fresh.start()
        gate.open()
        assert following.communicate(timeout=30) == ("", "")
        assert following.returncode == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_a_terminal_a_signal_cancels_the_task(real: Box, gate: Gate, number: signal.Signals) -> None:
    following = start(real, "-c", "0", f"echo begun; {gate.command(0)}")
    assert read_line(following) == "begun\n"
    following.send_signal(number)
    said = following.communicate(timeout=60)[1]
    assert "cancelled" in said
    assert following.returncode == 143, "the task ended by TERM"
    assert real.state(newest(real)) == "cancelled"


def test_a_second_signal_does_not_wait(real: Box, gate: Gate) -> None:
    following = start(real, "-c", "0", f"trap '' TERM; echo begun; {gate.command(0)}")
    assert read_line(following) == "begun\n"
    number = newest(real)
    following.send_signal(signal.SIGTERM)
    real.wait(number, "stopping")
    following.send_signal(signal.SIGINT)
    said = following.communicate(timeout=60)[1]
    assert following.returncode == 130
    assert f"task {number} is being stopped" in said


def test_a_request_that_waits_is_cancelled_as_well(real: Box, gate: Gate) -> None:
    real.submit(gate.command(0), gpu_count=2)
    waiting = start(real, "true")
    assert waiting.stderr is not None
    waiting.stderr.readline()
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 143
    assert real.state(newest(real)) == "cancelled"


def test_a_hangup_leaves_the_task_alone(real: Box, gate: Gate) -> None:
    following = start(real, "-c", "0", f"echo begun; {gate.command(0)}")
    assert read_line(following) == "begun\n"
    following.send_signal(signal.SIGHUP)
    said = following.communicate(timeout=60)[1]
    assert following.returncode == 129
    assert f"gavelq logs -f {newest(real)}" in said
    assert real.state(newest(real)) == "running"
    gate.open()
    assert real.wait(newest(real))["state"] == "completed"


# --- on a terminal -----------------------------------------------------------------------------------------


@pytest.fixture
def terminal(real: Box, gate: Gate) -> Iterator[Terminal]:
    """A task that waits at the gate, watched on a terminal."""
    found = Terminal("run", "-c", "0", f"echo begun; {gate.command(0, before='')}", env=real.env)
    found.read_until("begun")
    yield found
    found.close()


def test_control_c_asks_and_d_detaches(real: Box, terminal: Terminal) -> None:
    terminal.type(CONTROL_C)
    terminal.read_until("watching? ")
    terminal.type("d\n")
    terminal.read_until(f"task {newest(real)} goes on")
    assert terminal.end() == 130
    assert real.state(newest(real)) == "running"


def test_control_c_asks_and_c_cancels(real: Box, terminal: Terminal) -> None:
    terminal.type(CONTROL_C)
    terminal.read_until("watching? ")
    terminal.type("c\n")
    assert terminal.end() == 143
    assert real.state(newest(real)) == "cancelled"


def test_a_second_control_c_detaches(real: Box, terminal: Terminal) -> None:
    terminal.type(CONTROL_C)
    terminal.read_until("watching? ")
    terminal.type(CONTROL_C)
    assert terminal.end() == 130
    assert real.state(newest(real)) == "running"


def test_enter_goes_on_watching(real: Box, gate: Gate, terminal: Terminal) -> None:
    terminal.type(CONTROL_C)
    terminal.read_until("watching? ")
    terminal.type("\n")
    gate.open()
    assert terminal.end() == 0


def test_a_closed_terminal_leaves_the_task_alone(real: Box, terminal: Terminal) -> None:
    number = newest(real)
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.end() == 129
    assert real.state(number) == "running"


def test_the_reason_stands_on_one_line_that_changes(real: Box, gate: Gate) -> None:
    real.submit(gate.command(0), gpu_count=2)
    waiting = Terminal("run", "echo done", env=real.env)
    shown = waiting.read_until("waits (gpu_count)")
    assert "\n" not in shown
    gate.open()
    assert "runs on GPU" in waiting.read_until("done")
    assert waiting.end() == 0
    wait_until(lambda: real.state(newest(real)) == "completed")
    waiting.close()
