"""Time limits through a real daemon: the warning, the end, a queue's default and cap; also while the daemon is dead."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, alive_with, is_alive

TRAP = """exec 2>/dev/null
trap 'echo warned' USR1
trap 'echo told to end; exit 3' TERM
echo ready
while :; do sleep 0.02; done
"""


@pytest.fixture
def trap(tmp_path: Path) -> str:
    """A script that says which signals it gets, and ends at TERM."""
    path = tmp_path / "trap.sh"
    path.write_text(TRAP)
    return str(path)


def submitted(box: Box, *words: str) -> int:
    """A task from the command line; its id."""
    done = box.cli("submit", *words)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[1])


def log_file(box: Box, task_id: int) -> Path:
    return Path(str(box.task(task_id)["log_path"]))


def ran_for(box: Box, task_id: int) -> float:
    """Seconds between the start and the end of its attempt, as its supervisor wrote them down."""
    found = box.cli("task", "info", str(task_id), "-o", "json")
    assert found.returncode == 0, found.stderr
    task: dict[str, Any] = json.loads(found.stdout)
    return (datetime.fromisoformat(task["ended_at"]) - datetime.fromisoformat(task["started_at"])).total_seconds()


def test_a_task_is_warned_and_then_ended_at_its_limit(daemon: Box, trap: str) -> None:
    task_id = submitted(daemon, "-t", "2", "--warn", "USR1@1", "--", "bash", trap)
    task = daemon.wait(task_id)
    assert (task["state"], task["end_reason"], task["exit_code"]) == ("failed", "time_limit", 3)
    assert task["end_detail"] == "warned with SIGUSR1 1 s before the limit"
    assert daemon.log(task_id) == "ready\nwarned\ntold to end\n"
    assert ran_for(daemon, task_id) >= 2


def test_a_stubborn_task_is_killed_after_its_grace_time(daemon: Box) -> None:
    task_id = daemon.submit("trap '' TERM; while :; do sleep 0.02; done", time_limit="1.5s")
    task = daemon.wait(task_id)
    assert (task["end_reason"], task["signal"], task["exit_code"]) == ("time_limit", 9, None)
    assert "the grace time was over: KILL" in task["end_detail"]


def test_a_limit_and_its_warning_hold_while_the_daemon_is_dead(fresh: Box, trap: str) -> None:
    task_id = submitted(fresh, "-t", "4", "--warn", "USR1@1", "--", "bash", trap)
    fresh.wait(task_id, "running")
    fresh.wait_log(task_id, "ready")
    pid, log = int(fresh.task(task_id)["pid"]), log_file(fresh, task_id)
    fresh.kill()
    assert "warned" not in log.read_text()
    wait_until(lambda: not is_alive(pid), 60, "the task ends without a daemon")
    assert log.read_text() == "ready\nwarned\ntold to end\n"
    fresh.start()
    task = fresh.wait(task_id)
    assert (task["state"], task["end_reason"], task["exit_code"]) == ("failed", "time_limit", 3)
    assert ran_for(fresh, task_id) >= 4


def test_a_new_daemon_does_not_warn_again(fresh: Box, trap: str) -> None:
    task_id = submitted(fresh, "-t", "4", "--warn", "USR1@3", "--", "bash", trap)
    fresh.wait_log(task_id, "warned")
    fresh.kill()
    fresh.start()
    assert fresh.wait(task_id)["end_reason"] == "time_limit"
    assert fresh.log(task_id) == "ready\nwarned\ntold to end\n"
    assert ran_for(fresh, task_id) >= 4


def test_a_queue_gives_a_limit_and_caps_what_is_asked_for(fresh: Box) -> None:
    done = fresh.cli("queue", "set", "running", "time_limit=1", "max_time_limit=2")
    assert done.returncode == 0, done.stderr
    by_default = fresh.submit("sleep 4901")
    assert fresh.task(by_default)["time_limit_s"] == 1
    refused = fresh.cli("submit", "-t", "3", "--", "sleep", "4902")
    assert refused.returncode == 2
    assert "time_limit: 3 s is more than queue running allows (2 s)" in refused.stderr
    with pytest.raises(Failure) as failure:
        fresh.submit("sleep 4902", time_limit=3)
    assert failure.value.status in (400, 422)
    assert alive_with("sleep\0" + "4902\0") == []
    own = fresh.submit("sleep 4903", time_limit=2)
    ends = [fresh.wait(task_id) for task_id in (by_default, own)]
    assert [(task["end_reason"], task["signal"]) for task in ends] == [("time_limit", 15)] * 2
    assert ran_for(fresh, own) >= 2


def test_a_cap_binds_what_is_moved_or_run_again_as_well(fresh: Box) -> None:
    long = fresh.submit("true", time_limit=3)
    fresh.wait(long)
    held = fresh.submit("true", time_limit=3, queue="waiting")
    assert fresh.cli("queue", "set", "running", "max_time_limit=2").returncode == 0
    for words, way_out in (
        (("task", "rerun", str(long)), f"gavelq task rerun {long} -t"),
        (("task", "run", str(held)), f"gavelq task edit {held} -t"),
    ):
        refused = fresh.cli(*words)
        assert refused.returncode == 2
        assert "time_limit: 3 s is more than queue running allows (2 s)" in refused.stderr
        assert way_out in refused.stderr
    assert fresh.cli("task", "rerun", str(long), "-t", "2").returncode == 0
    assert fresh.cli("task", "edit", str(held), "-t", "2").returncode == 0
    assert fresh.cli("task", "run", str(held)).returncode == 0


def test_a_warning_that_could_never_come_is_refused(daemon: Box) -> None:
    for words, said in (
        (("--warn", "USR1@60"), "no time limit to warn of"),
        (("-t", "10", "--warn", "USR1@60"), "warn"),
        (("-t", "10", "--warn", "USR9@5"), "USR9"),
    ):
        done = daemon.cli("submit", *words, "--", "sleep", "4904")
        assert done.returncode == 2
        assert said in done.stderr
    assert alive_with("sleep\0" + "4904\0") == []


def test_a_limit_does_not_run_while_a_task_waits(daemon: Box) -> None:
    blocker = daemon.submit("sleep 4905", gpu_count=4)
    waiting = daemon.submit("echo ran", gpu_count=1, time_limit="1s")
    wait_until(lambda: daemon.task(waiting)["pending_reason"] is not None, 60, "it waits")
    with pytest.raises(AssertionError):
        wait_until(lambda: daemon.state(waiting) != "pending", 1.3, "the limit ends a task that waits")
    daemon.post(f"/api/tasks/{blocker}/kill", {"signal": "KILL"})
    assert daemon.wait(waiting)["state"] == "completed"
