"""The socket: who may connect, what is understood, and what a stranger's message does (nothing)."""

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.adapters.apart import clean_environment
from gavelq.adapters.runner import client as client_module
from gavelq.adapters.runner import sockets, supervisor, wire
from gavelq.adapters.runner.starting import command
from gavelq.core.errors import RunnerUnavailable
from gavelq.ports import SCRIPT_PLACEHOLDER, RunningAttempt
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box, is_alive

GOOD_SPAWN: dict[str, Any] = {
    "op": "spawn",
    "task": 5,
    "attempt": 1,
    "steps": [["true"]],
    "workdir": "/",
    "env": {},
    "log_path": "/dev/null",
    "log_max_bytes": 0,
    "grace_s": 1,
}


class Wire:
    """A bare connection."""

    def __init__(self, box: Box) -> None:
        wait_until((box.directory / "runner.sock").exists, 60, "the runner listens")
        self._socket = sockets.connect(str(box.directory), "runner.sock")
        self._socket.settimeout(10)
        self._file = self._socket.makefile("rb")

    def hear(self) -> dict[str, Any]:
        found = json.loads(self._file.readline() or b"{}")
        assert isinstance(found, dict)
        return found

    def say(self, message: object) -> None:
        self._socket.sendall(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")

    def hang_up(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def line(box: Box) -> Iterator[Wire]:
    made = Wire(box)
    yield made
    made.close()


def test_the_greeting_tells_who_and_where(line: Wire, box: Box) -> None:
    hello = line.hear()
    assert hello["kind"] == "hello"
    assert hello["protocols"] == [1, 2, 3]
    assert hello["uid"] == os.getuid()
    assert hello["pid"] == box.runner_pid
    assert hello["host"] == socket.gethostname()
    assert hello["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (b"not json\n", "JSON"),
        (b"[" * 200_000 + b"\n", "JSON"),
        (b"\xff\xfe\n", "JSON"),
        ([1], "object"),
        ({"op": "fly"}, "fly"),
        ({}, "op"),
        ({"op": "hello", "protocol": 99}, "protocol"),
        ({"op": "hello", "protocol": 1, "identity": 3}, "identity"),
        ({"op": "inventory"}, "id"),
        ({"op": "stop", "task": 1, "attempt": 1}, "signal"),
        ({"op": "stop", "task": 1, "attempt": 1, "signal": 65, "grace_s": 1}, "signal"),
        ({"op": "stop", "task": 1, "attempt": 1, "signal": 15, "grace_s": -1}, "grace_s"),
        ({"op": "stop", "task": 1, "attempt": 1, "signal": 15, "grace_s": float("nan")}, "grace_s"),
        ({"op": "signal", "task": True, "attempt": 1, "signal": 15}, "task"),
        ({"op": "limit", "task": 1, "attempt": 1, "grace_s": 1, "time_limit_s": "x"}, "time_limit_s"),
        ({"op": "forget", "task": 1}, "attempt"),
        ({**GOOD_SPAWN, "task": 0}, "task"),
        ({**GOOD_SPAWN, "task": "../5"}, "task"),
    ],
)
def test_what_is_not_understood_is_answered_with_the_member(line: Wire, message: object, named: str) -> None:
    line.hear()
    line.say(message)
    answer = line.hear()
    assert answer["kind"] == "error"
    assert named in answer["problem"]
    line.say({"op": "inventory", "id": 1})
    assert line.hear() == {"kind": "inventory", "id": 1, "attempts": []}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("steps", []),
        ("steps", [[]]),
        ("steps", [["a", 1]]),
        ("env", {"A": 1}),
        ("env", []),
        ("workdir", 7),
        ("log_max_bytes", -1),
        ("time_limit_s", -3),
        ("script", "no base64!"),
        ("claims", "GPU-a"),
        ("grace_s", None),
        ("warn_signal", 65),
        ("warn_signal", "USR1"),
        ("owner", {"pid": 1, "start_ticks": 1, "boot_id": "b"}),
    ],
)
def test_a_spawn_that_is_not_understood_fails_and_names_the_member(line: Wire, member: str, value: object) -> None:
    line.hear()
    line.say({"op": "hello", "protocol": 1})
    line.say({**GOOD_SPAWN, member: value})
    answer = line.hear()
    assert (answer["kind"], answer["task"], answer["is_transient"]) == ("spawn_failed", 5, False)
    assert answer["problem"].startswith(member)


@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("steps", [["true"]], "steps: a lease"),
        ("owner", 7, "owner"),
        ("owner", {"start_ticks": 1, "boot_id": "b"}, "pid"),
        ("owner", {"pid": 0, "start_ticks": 1, "boot_id": "b"}, "pid"),
        ("owner", {"pid": 5, "start_ticks": -1, "boot_id": "b"}, "start_ticks"),
    ],
)
def test_a_lease_that_is_not_understood_fails_and_names_the_member(
    line: Wire, member: str, value: object, named: str
) -> None:
    line.hear()
    line.say({"op": "hello", "protocol": 2})
    line.say({**GOOD_SPAWN, "steps": [], "lease": True, member: value})
    answer = line.hear()
    assert (answer["kind"], answer["is_transient"]) == ("spawn_failed", False)
    assert answer["problem"].startswith(named)


def test_orders_about_unknown_attempts_are_answered(line: Wire) -> None:
    line.hear()
    line.say({"op": "stop", "task": 77, "attempt": 2, "signal": 15, "grace_s": 1})
    assert line.hear() == {"kind": "unknown", "task": 77, "attempt": 2}


def test_the_newest_daemon_gets_the_reports(line: Wire, box: Box) -> None:
    line.hear()
    line.say({"op": "hello", "protocol": 1})
    line.say(GOOD_SPAWN)
    assert [line.hear()["kind"] for _ in range(2)] == ["started", "ended"]
    assert not box.events
    line.close()
    box.spawn(6, "exit 3")
    assert box.result(6).exit_code == 3


def test_what_a_client_says_before_it_leaves_counts(box: Box) -> None:
    line = Wire(box)
    for number in range(100, 150):
        line.say({**GOOD_SPAWN, "task": number})
    line.close()
    wait_until(lambda: set(range(100, 150)) <= set(box.inventory()), what="all were started")


def test_a_message_over_the_limit_closes_the_connection_and_nothing_else(box: Box, line: Wire) -> None:
    line.hear()
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        line.say(b"x" * (80 << 20))
    box.spawn(1, "exit 2")
    assert box.result(1).exit_code == 2


def test_a_large_script_and_environment_travel(box: Box) -> None:
    script = b"#!/bin/bash\n" + b"# padding\n" * 500_000 + b"exit 6\n"
    box.spawn(1, ((SCRIPT_PLACEHOLDER,),), script=script, env={"BIG": "x" * 100_000})
    assert box.result(1).exit_code == 6


def test_supervisors_that_are_forked_in_a_row_hold_their_own_lock_alone(box: Box, line: Wire) -> None:
    spawns = [{**GOOD_SPAWN, "task": task, "steps": [["sleep", "300"]], "grace_s": 0} for task in range(1, 7)]
    line.say(b"".join(json.dumps(spawn).encode() + b"\n" for spawn in spawns))
    wait_until(lambda: len(_supervisors(box)) == 6, what="all run")
    for task, pid in _supervisors(box).items():
        assert _locks_of(pid) == [str(box.attempt_directory(task) / "lock")]


def _supervisors(box: Box) -> dict[int, int]:
    running = [known for known in box.inventory().values() if isinstance(known, RunningAttempt)]
    return {known.task_id: known.supervisor.pid for known in running if known.supervisor is not None}


def _locks_of(pid: int) -> list[str]:
    targets = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return [target for target in targets if target.endswith("/lock")]


def test_lines_are_cut_out_of_any_chunks() -> None:
    stream = b"a\nbb\n\nccc\ndddd"
    for size in range(1, len(stream) + 1):
        buffer = wire.LineBuffer()
        lines = [line for start in range(0, len(stream), size) for line in buffer.feed(stream[start : start + size])]
        assert lines == [b"a", b"bb", b"", b"ccc"]
        assert buffer.feed(b"\n") == [b"dddd"]
    with pytest.raises(wire.Malformed, match="longer than 3 bytes"):
        wire.LineBuffer(3).feed(b"abcd")
    with pytest.raises(wire.Malformed, match="longer than 3 bytes"):
        wire.LineBuffer(3).feed(b"abcd\n")


def test_a_runner_of_unknown_protocols_is_refused_with_the_way_out() -> None:
    assert client_module._common_protocol({"protocols": [1, 2, 3, 4]}) == 3
    with pytest.raises(RunnerUnavailable, match=re.escape("[7]")) as caught:
        client_module._common_protocol({"protocols": [7]})
    assert caught.value.hint


def test_the_placeholder_is_the_ports() -> None:
    assert supervisor.SCRIPT_PLACEHOLDER == SCRIPT_PLACEHOLDER


def test_the_runner_gets_none_of_the_daemons_secrets(box: Box) -> None:
    os.environ["GAVELQ_TEST_SECRET"] = "x"
    assert clean_environment({"PATH": "/bin", "TOKEN": "x"}) == {"PATH": "/bin"}
    environ = Path(f"/proc/{box.runner_pid}/environ").read_bytes()
    assert b"GAVELQ_TEST_SECRET" not in environ
    opened = [os.readlink(path) for path in Path(f"/proc/{box.runner_pid}/fd").iterdir()]
    assert not [target for target in opened if str(Path.cwd()) in target]
    assert os.readlink(f"/proc/{box.runner_pid}/cwd") == "/"


def test_the_runner_imports_nothing_heavy() -> None:
    import subprocess

    code = "; ".join(
        ["import sys", "sys.path.append(sys.argv[1])", "import gavelq.adapters.runner.launcher", "print(*sys.modules)"]
    )
    argv = command("/d", "/c", 1.0)
    loaded = subprocess.run([*argv[: argv.index("-c")], "-c", code, argv[argv.index("-c") + 2]], capture_output=True)
    modules = set(loaded.stdout.decode().split())
    assert "gavelq.adapters.runner.launcher" in modules
    assert not {"asyncio", "dataclasses", "inspect", "logging", "subprocess", "argparse", "typing"} & modules
    assert "pydantic" not in modules
    assert not {name for name in modules if name.startswith(("gavelq.core", "gavelq.ports", "gavelq.config"))}


def test_a_directory_path_of_any_length_will_do(root: Path) -> None:
    directory = root / ("long" * 50) / "runner"
    directory.parent.mkdir()
    box = Box(root, directory=directory)
    try:
        box.connect()
        box.start(1, "sleep 300")
        box.stop(1)
        assert box.result(1).cause == "stopped"
    finally:
        box.close()


def test_an_idle_runner_leaves_and_a_busy_one_stays(root: Path) -> None:
    box = Box(root, idle_exit_s=0.2)
    try:
        box.connect()
        started = box.start(1, "while [ ! -e gate ]; do sleep 0.01; done")
        runner = box.runner_pid
        box.run(box.client.close())
        with pytest.raises(AssertionError):
            wait_until(lambda: not is_alive(runner), 0.6, "it leaves")
        (root / "gate").touch()
        wait_until(lambda: not is_alive(started.pid), what="the task ends")
        wait_until(lambda: not is_alive(runner), what="the runner leaves")
        assert not (box.directory / "runner.sock").exists()
    finally:
        box.reconnect_as_new_daemon()
        box.close()


def test_two_clients_that_start_at_once_share_one_runner(root: Path) -> None:
    boxes = [Box(root), Box(root)]
    try:
        opened = [box.run_later(box.client.connect(box.events.append, box.note_runner)) for box in boxes]
        for future in opened:
            future.result(20)
        assert boxes[0].runner_pid == boxes[1].runner_pid
    finally:
        for box in boxes:
            box.close()


def test_an_idle_runner_uses_no_processor_time(box: Box) -> None:
    box.start(1, "sleep 300")
    ticks = _cpu_ticks(box.runner_pid)
    with pytest.raises(AssertionError):
        wait_until(lambda: _cpu_ticks(box.runner_pid) > ticks + 1, 1.0, "it works")


def _cpu_ticks(pid: int) -> int:
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


@pytest.mark.parametrize("trouble", ["file", "foreign lock"])
def test_a_directory_that_cannot_be_used_is_named(root: Path, trouble: str) -> None:
    box = Box(root)
    if trouble == "file":
        box.directory.write_text("")
    else:
        box.directory.mkdir()
        (box.directory / "lock").mkdir()
    try:
        with pytest.raises((RunnerUnavailable, OSError), match=r"runner|lock"):
            box.connect()
    finally:
        box.close()
