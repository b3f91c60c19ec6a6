"""`gavelq shell`: a shell on GPUs of one's own."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gavelq.cli import session
from gavelq.testing.waiting import wait_until
from tests.cli.screens import CONTROL_C, Terminal
from tests.support.daemon import Box, alive_with, box, is_alive


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """A daemon with two simulated GPUs."""
    with box(n_gpus=2) as instance:
        yield instance


PROMPT = "ready> "


def env(real: Box) -> dict[str, str]:
    """A person who uses bash with a prompt that a test can know."""
    home = real.home / "person"
    home.mkdir(exist_ok=True)
    (home / ".bashrc").write_text(f"PS1='{PROMPT}'\n")
    return {**real.env, "SHELL": "/bin/bash", "HOME": str(home)}


@pytest.fixture
def opened(real: Box) -> Iterator[list[Terminal]]:
    """The terminals that a test opened; they are closed afterwards."""
    found: list[Terminal] = []
    yield found
    for terminal in found:
        terminal.close()
    wait_until(lambda: not real.get("/api/leases"), 60, "all leases have ended")


def sit_down(real: Box, opened: list[Terminal], *words: str) -> Terminal:
    """A shell on leased GPUs, at its prompt."""
    terminal = Terminal("shell", *words, env=env(real))
    opened.append(terminal)
    terminal.read_until("gives it back")
    terminal.read_until(PROMPT)
    return terminal


def lease(real: Box) -> int:
    return int(real.get("/api/tasks?newest=1&limit=1")[0]["id"])


def test_a_shell_has_its_gpus_until_it_ends(real: Box, opened: list[Terminal]) -> None:
    terminal = sit_down(real, opened, "-c", "2")
    number = lease(real)
    assert real.task(number)["gpus"] == [0, 1]
    terminal.type("echo $GAVELQ_TASK_ID:$GAVELQ_GPUS:\n")
    terminal.read_until(f"{number}:0,1:")
    terminal.type("exit 5\n")
    assert terminal.end() == 5
    ended = real.wait(number)
    assert (ended["state"], ended["end_reason"], ended["name"]) == ("completed", "released", "shell")


def test_job_control_works_in_it(real: Box, opened: list[Terminal]) -> None:
    terminal = sit_down(real, opened)
    terminal.type("sleep 600\n")
    terminal.read_until("sleep 600")
    wait_until(lambda: len(descendants_named(terminal.process.pid, "sleep")) == 1, what="sleep runs")
    terminal.type("\x1a")
    terminal.read_until("Stopped")
    terminal.read_until(PROMPT)
    [sleep] = descendants_named(terminal.process.pid, "sleep")
    terminal.type("fg\n")
    wait_until(lambda: not is_stopped(sleep), what="sleep goes on, and has the terminal")
    terminal.type(CONTROL_C)
    terminal.read_until(PROMPT)
    terminal.type("echo still $((20 + 2))\n")
    terminal.read_until("still 22")
    terminal.type("exit\n")
    terminal.end()


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped (state T of proc(5))."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(") ")[2].startswith("T")


def descendants_named(pid: int, name: str) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    below = {pid}
    for _ in range(4):
        below |= {int(row[0]) for row in rows if int(row[1]) in below}
    return [int(row[0]) for row in rows if int(row[0]) in below and row[2] == name]


def test_a_shell_whose_lease_is_ended_is_hung_up_with_all_that_it_started(real: Box, opened: list[Terminal]) -> None:
    terminal = sit_down(real, opened)
    terminal.type("nohup sleep 7391 >/dev/null 2>&1 & sleep 7392\n")
    wait_until(lambda: alive_with("7391") and alive_with("7392"), what="both run")
    deaf = descendants_named(terminal.process.pid, "sleep")
    assert len(deaf) == 2
    real.post(f"/api/tasks/{lease(real)}/kill")
    terminal.read_until("is over (cancelled_by_user)")
    assert terminal.end() == 129
    assert not any(is_alive(pid) for pid in deaf), "also who ignores HUP, after the grace time"


def test_the_end_of_the_time_is_announced(real: Box, opened: list[Terminal]) -> None:
    terminal = Terminal("shell", "-t", "2", env=env(real))
    opened.append(terminal)
    terminal.read_until("and this shell with it")
    terminal.read_until("is over (time_limit)")
    assert terminal.end() == 129
    assert real.wait(lease(real))["end_reason"] == "time_limit"


def test_an_idle_shell_is_closed(real: Box, opened: list[Terminal]) -> None:
    terminal = Terminal("shell", "--idle", "1", env=env(real))
    opened.append(terminal)
    terminal.read_until("nothing happened here for 1s")
    terminal.end()
    assert real.wait(lease(real))["end_reason"] == "released"


def test_a_shell_with_a_running_command_is_not_idle(real: Box, opened: list[Terminal]) -> None:
    # A key counts until the end of its step of eight seconds; from the ninth on only the command keeps this open.
    terminal = sit_down(real, opened, "--idle", "1")
    terminal.type("sleep 11; echo over $((1 + 1))\n")
    terminal.read_until("over 2")


def test_each_key_counts_though_the_terminals_clock_moves_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first key at 800.5 moves the clock, one at 807 does not: until 808 somebody may have typed."""
    keyboard, terminal = pty.openpty()
    with open(terminal) as stdin, open(keyboard):
        os.utime(terminal, (800.5, 800.5))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert session._last_input() == 808.0


class Clocks:
    """What `time` says, told by the test: the machine's clock, and the one that nobody sets."""

    CLOCK_BOOTTIME = 7

    def __init__(self) -> None:
        self.now, self.passed = 1_700_000_000.0, 500.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.now

    def clock_gettime(self, number: int) -> float:
        """Seconds since boot."""
        assert number == self.CLOCK_BOOTTIME
        return self.passed

    def advance(self, seconds: float) -> None:
        """Time passes on both."""
        self.now += seconds
        self.passed += seconds


@pytest.mark.parametrize("by_s", [43_200.0, -43_200.0])
def test_a_clock_that_is_set_closes_no_shell_and_keeps_none(monkeypatch: pytest.MonkeyPatch, by_s: float) -> None:
    clocks, keyboard, terminal = Clocks(), *pty.openpty()
    child = subprocess.Popen(["sleep", "600"])
    with open(terminal) as stdin, open(keyboard), contextlib.ExitStack() as after:
        after.callback(child.wait)
        after.callback(child.kill)
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(session, "time", clocks)
        os.utime(terminal, (clocks.now - 100, clocks.now - 100))
        task = {"id": 1, "state": "running", "time_limit_s": 3600, "started_at": "2023-11-14T22:13:20.000000Z"}
        shell = session.Session(None, task, {}, idle_s=600.0)  # type: ignore[arg-type]  # it calls nobody here
        clocks.advance(400)
        os.utime(terminal, (clocks.now, clocks.now))
        assert shell._why_end(child.pid) == ""
        clocks.now += by_s
        assert shell._why_end(child.pid) == ""
        clocks.advance(590)
        assert shell._why_end(child.pid) == ""
        clocks.advance(20)
        assert "nothing happened here" in shell._why_end(child.pid)
        clocks.advance(2600)
        assert "time_limit" in shell._why_end(child.pid)


def test_a_shell_that_is_killed_gives_its_gpus_back(real: Box, opened: list[Terminal]) -> None:
    terminal = sit_down(real, opened, "-c", "2")
    os.kill(terminal.process.pid, signal.SIGKILL)
    assert real.wait(lease(real))["end_reason"] == "lease_expired"
    assert [gpu["state"] for gpu in real.get("/api/gpus")] == ["free", "free"]


def test_a_closed_terminal_gives_its_gpus_back(real: Box, opened: list[Terminal]) -> None:
    terminal = sit_down(real, opened)
    number = lease(real)
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.end() == 129
    assert real.wait(number)["end_reason"] == "released"


def test_control_c_takes_a_waiting_request_back(real: Box, opened: list[Terminal]) -> None:
    sit_down(real, opened, "-c", "2")
    waiting = Terminal("shell", env=env(real))
    waiting.read_until("waits (gpu_count)")
    number = lease(real)
    waiting.type(CONTROL_C)
    waiting.read_until("taken back")
    assert waiting.end() == 130
    waiting.close()
    assert real.state(number) == "cancelled"


def test_without_a_terminal_the_shell_reads_its_input(real: Box) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gavelq", "shell", "-c", "1", "-w", "/"],
        env=env(real), input="pwd; echo $GAVELQ_GPUS\nexit 7\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (7, "/\n0\n")


def test_a_shell_that_cannot_be_started_holds_nothing(real: Box) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gavelq", "shell"],
        env={**env(real), "SHELL": "/no/such/shell"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "/no/such/shell" in done.stderr
    assert real.wait(lease(real))["end_reason"] == "released"


def test_a_shell_outlives_the_daemons_restart() -> None:
    with box(n_gpus=1) as fresh:
        terminal = Terminal("shell", env=env(fresh))
        terminal.read_until(PROMPT)
        number = lease(fresh)
        fresh.kill()
        fresh.start()
        terminal.type("echo here $((1 + 1))\n")
        terminal.read_until("here 2")
        assert fresh.state(number) == "running"
        terminal.type("exit\n")
        assert terminal.end() == 0
        assert fresh.wait(number)["end_reason"] == "released"
        terminal.close()


def test_gpus_of_another_machine_are_of_no_use_here(real: Box) -> None:
    remote = {**env(real), "GAVELQ_URL": "http://127.0.0.1:9", "GAVELQ_TOKEN": "x"}
    done = subprocess.run([sys.executable, "-m", "gavelq", "shell"], env=remote, capture_output=True, text=True)
    assert done.returncode == 2
    assert "another machine" in done.stderr
