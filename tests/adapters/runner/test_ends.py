"""How attempts end: exit codes, signals, steps, logs, environments."""

import os
import resource
import signal
import stat
import time
from pathlib import Path

import pytest

from gavelq.adapters.runner import results
from gavelq.core.events import AttemptEnded, AttemptStarted
from gavelq.ports import SCRIPT_PLACEHOLDER, RunningAttempt
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box, is_alive


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_an_exit_code_is_reported_as_it_is(box: Box, code: int) -> None:
    box.spawn(1, f"exit {code}")
    result = box.result(1)
    assert (result.exit_code, result.signal, result.cause) == (code, None, "exited")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_command_that_a_signal_ends_is_reported_with_it(box: Box, signum: int) -> None:
    box.spawn(1, f"kill -{int(signum)} $$")
    result = box.result(1)
    assert (result.exit_code, result.signal, result.cause) == (None, signum, "exited")


@pytest.mark.parametrize("by_s", [43_200.0, -43_200.0, -1.7e9])
def test_where_the_clock_was_set_meanwhile_the_start_is_told_by_the_clock_that_tells_the_end(by_s: float) -> None:
    started_at = time.time() - by_s - 100
    begun = time.clock_gettime(time.CLOCK_BOOTTIME) - 100
    told = results.ended({}, status=0, started_at=started_at, begun=begun, cause="exited")["result"]
    assert told["ended_at"] - told["started_at"] >= 100
    assert told["started_at"] == pytest.approx(started_at + by_s, abs=60)


def test_the_start_comes_before_the_end_and_names_the_process(box: Box) -> None:
    box.spawn(1, "echo $$ > pid; exit 5")
    result = box.result(1)
    assert [type(event) for event in box.events] == [AttemptStarted, AttemptEnded]
    started = box.started(1)
    assert started.pid == int((box.root / "pid").read_text())
    assert started.supervisor.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert result.started_at == started.at
    assert started.at <= result.ended_at <= started.at + 10


def test_steps_run_one_after_another_until_one_fails(box: Box) -> None:
    lines = ("echo one", "echo two; exit 4", "echo three")
    box.spawn(1, tuple(("bash", "-c", line) for line in lines))
    assert box.result(1).exit_code == 4
    assert box.log(1).read_text() == "one\ntwo\n"


def test_all_steps_run_when_none_fails(box: Box) -> None:
    box.spawn(1, (("echo", "one"), ("bash", "-c", "echo two >&2"), ("true",)))
    assert box.result(1).exit_code == 0
    assert box.log(1).read_text() == "one\ntwo\n"


def test_a_later_step_that_cannot_start_ends_the_attempt_like_a_shell(box: Box) -> None:
    box.spawn(1, (("true",), ("no-such-program",)))
    result = box.result(1)
    assert result.exit_code == 127
    assert "no-such-program" in result.detail
    assert "no-such-program" in box.log(1).read_text()


def test_a_command_gets_exactly_the_environment_directory_and_input_it_was_given(box: Box) -> None:
    box.spawn(1, (("/usr/bin/env",), ("pwd",), ("cat",)), env={"X": "a b\nc"})
    assert box.result(1).exit_code == 0
    expected = {"PATH": os.environ["PATH"], **box.marks(1), "X": "a b\nc"}
    assert box.log(1).read_text() == "".join(f"{k}={v}\n" for k, v in expected.items()) + f"{box.root}\n"


def test_bytes_that_are_no_utf8_pass_unchanged(box: Box) -> None:
    value = b"caf\xe9-\xff".decode(errors="surrogateescape")
    box.spawn(1, (("bash", "-c", 'printf "%s|%s" "$X" "$1"', "-", value),), env={"X": value})
    assert box.result(1).exit_code == 0
    assert box.log(1).read_bytes() == b"caf\xe9-\xff|caf\xe9-\xff"


def test_a_command_inherits_nothing_of_ours(box: Box) -> None:
    command = "ls -l /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status; ulimit -Sn"
    box.spawn(1, command)
    box.result(1)
    n_lines, blocked, ignored, limit = box.log(1).read_text().splitlines()
    assert int(n_lines) == 1 + 4  # a heading, 0 to 2, and the directory that ls reads
    internal = 0b11 << 31  # 32 and 33 are the C library's own; its posix_spawn leaves them ignored
    assert int(blocked.split()[1], 16) == int(ignored.split()[1], 16) & ~internal == 0
    assert int(limit) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_command_has_the_limits_of_whoever_started_the_runner(root: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, limits[1]))
    box = Box(root)
    try:
        box.connect()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        box.spawn(1, "ulimit -Sn")
        box.result(1)
        assert box.log(1).read_text() == "300\n"
        of_runner = Path(f"/proc/{box.runner_pid}/limits").read_text().partition("Max open files")[2].split()
        assert of_runner[0] == of_runner[1] == str(limits[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        box.close()


def test_a_result_that_cannot_be_written_waits_for_the_disk(box: Box) -> None:
    started = box.start(1, "while [ ! -e gate ]; do sleep 0.01; done; exit 7")
    obstacle = box.attempt_directory(1) / "result.json"
    obstacle.mkdir()
    (box.root / "gate").touch()
    wait_until(lambda: not is_alive(started.pid), what="the command ends")
    log = box.directory / "runner.log"
    wait_until(lambda: "cannot be written yet" in log.read_text(), what="the supervisor says so")
    assert isinstance(box.inventory()[1], RunningAttempt)
    obstacle.rmdir()
    assert box.result(1).exit_code == 7


def test_a_script_is_copied_and_run(box: Box) -> None:
    script = b'#!/bin/bash\necho "$0" "$@"\n'
    box.spawn(1, ((SCRIPT_PLACEHOLDER, "a", "b"),), script=script)
    assert box.result(1).exit_code == 0
    assert box.log(1).read_text() == f"{box.attempt_directory(1)}/script a b\n"


def test_logs_are_appended_to_and_private(box: Box) -> None:
    box.log(1).write_text("before\n")
    box.spawn(1, "echo after")
    box.spawn(2, "echo x")
    box.result(1)
    box.result(2)
    assert box.log(1).read_text() == "before\nafter\n"
    assert stat.S_IMODE(box.log(2).stat().st_mode) == 0o600


def test_a_missing_log_directory_is_made(box: Box) -> None:
    box.spawn(1, "echo x", log_path=str(box.root / "logs" / "1.log"))
    assert box.result(1).exit_code == 0
    assert (box.root / "logs" / "1.log").read_text() == "x\n"


def test_cpu_time_and_memory_are_those_of_all_its_processes(box: Box) -> None:
    burn = "python3 -c 'x = bytearray(60 << 20); sum(range(3000000))'"
    # Double-forked: not waited for by the command, but by the supervisor that it comes back to.
    box.spawn(1, f"({burn}; echo x > done) & disown; while [ ! -e done ]; do sleep 0.02; done")
    result = box.result(1)
    assert result.max_rss_mib > 60
    assert 0.02 < result.cpu_s < 30


def test_everything_of_the_runner_is_private(box: Box) -> None:
    box.start(1, "sleep 60", script=b"#!/bin/sh\n")
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in [box.directory, *box.directory.rglob("*")]}
    assert modes[box.directory / "runner.sock"] == 0o600
    assert modes[box.directory] == 0o700
    private = [path for path, mode in modes.items() if mode & 0o077 and not stat.S_ISSOCK(path.lstat().st_mode)]
    assert private == []


def test_forgetting_deletes_the_directory_of_an_ended_attempt_only(box: Box) -> None:
    box.start(1, "sleep 60")
    box.spawn(2, "true")
    box.result(2)
    box.forget(1)
    box.forget(2)
    assert list(box.inventory()) == [1]
    attempts = box.directory / "attempts"
    wait_until(lambda: [path.name for path in attempts.iterdir()] == ["1-1"], what="only the running one is left")


def test_a_hundred_attempts_leave_nothing_once_forgotten(box: Box) -> None:
    for number in range(1, 101):
        box.spawn(number, (("true",),))
    wait_until(lambda: sum(isinstance(event, AttemptEnded) for event in box.events) == 100, 60, "all have ended")
    for number in range(1, 101):
        box.forget(number)
    assert box.inventory() == {}
    wait_until(lambda: not list((box.directory / "attempts").iterdir()), what="the directories are gone")
