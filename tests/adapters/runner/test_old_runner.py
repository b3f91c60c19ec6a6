"""A new daemon that finds an old runner: what that cannot do is not lost on it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.adapters.runner import landlock
from gavelq.core.events import SpawnFailed
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box
from tests.adapters.runner.owners import Owner

why_not = landlock.problem()


@pytest.fixture
def old(root: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A running double of an old runner, in the place where the box looks for its own."""
    (root / "runner").mkdir(mode=0o700)
    script = Path(__file__).with_name("old_runner.py")
    running = subprocess.Popen([sys.executable, str(script), str(root / "runner")], stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    yield running
    running.kill()
    running.communicate()


def asked(box: Box) -> list[dict[str, object]]:
    """What the old runner was asked so far."""
    path = box.directory / "asked"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_an_old_runner_is_spoken_to_in_its_own_protocol(root: Path, old: "subprocess.Popen[bytes]") -> None:
    box = Box(root)
    try:
        box.connect()
        assert box.client.pid == old.pid
        box.spawn(1, "true")
        wait_until(lambda: len(asked(box)) == 2, what="it is greeted and asked")
        assert [(m["op"], m.get("protocol"), m.get("task")) for m in asked(box)] == [
            ("hello", 1, None),
            ("spawn", None, 1),
        ]
        assert old.poll() is None
    finally:
        old.kill()
        box.close()


@pytest.mark.parametrize(
    "wish", ["lease", "warn", pytest.param("devices", marks=pytest.mark.skipif(bool(why_not), reason=why_not or "-"))]
)
def test_an_old_runner_is_replaced_by_one_that_can_do_what_is_asked(
    root: Path, old: "subprocess.Popen[bytes]", wish: str
) -> None:
    box = Box(root)
    wishes: dict[str, dict[str, Any]] = {
        "lease": {"lease": True},
        "warn": {"warn_signal": signal.SIGUSR1, "warn_before_s": 1.0},
        "devices": {"devices": ()},
    }
    changes = wishes[wish]
    steps = () if wish == "lease" else (("sleep", "300"),)
    try:
        box.connect()
        box.spawn(1, steps, **changes)
        failure = box.failure(1)
        assert failure.is_transient
        assert {"lease": "leases", "warn": "warnings", "devices": "isolation of devices"}[wish] in failure.problem
        assert "is being replaced" in failure.problem
        assert old.wait(60) == -signal.SIGTERM
        box.await_reconnection()
        assert [m["op"] for m in asked(box)] in (["hello"], [])  # it never heard of the task
        assert box.inventory() == {}
        box.spawn(1, steps, attempt=2, **changes)
        assert box.started(1).attempt == 2
        box.call(box.client.stop, 1, 2, signal=signal.SIGKILL, grace_s=0)
        assert box.result(1).cause == "stopped"
        assert len(box.of(SpawnFailed, 1)) == 1
    finally:
        box.close()


def test_a_lease_of_an_owner_needs_the_new_protocol_too(root: Path, old: "subprocess.Popen[bytes]") -> None:
    box = Box(root)
    try:
        box.connect()
        with Owner() as owner:
            box.spawn(1, (), lease=True, owner=owner.identity)
            assert box.failure(1).is_transient
            assert owner.is_alive
    finally:
        box.close()
