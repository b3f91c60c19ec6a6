"""kill -9 of the runner, of supervisors, and of everything: `lost` only where nobody could know (DESIGN section 5)."""

import os
import signal
from collections.abc import Iterator

import pytest

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import Gate, begin
from tests.support.daemon import Box, Json, alive_with, box, is_alive, parent


@pytest.fixture(scope="module")
def shared() -> Iterator[Box]:
    """One instance whose processes are killed by every test, and which must be well again after each."""
    with box() as instance:
        yield instance


@pytest.fixture
def gate(shared: Box) -> Iterator[Gate]:
    """Where this test's tasks wait for their end."""
    closed = Gate(shared)
    yield closed
    closed.close()


@pytest.fixture
def victim(shared: Box) -> Iterator[Box]:
    """The shared instance; afterwards nothing holds a GPU and a new task runs."""
    yield shared
    wait_until(lambda: all(gpu["state"] == "free" for gpu in shared.get("/api/gpus")), 60, "every GPU is free again")
    assert shared.wait(shared.submit("exit 4", gpu_count=4))["exit_code"] == 4


def kill(*pids: int) -> None:
    """kill -9, at once."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def outcome(task: Json) -> tuple[str, str, int | None]:
    """How a task ended."""
    return task["state"], task["end_reason"], task["exit_code"]


LOST = ("aborted", "lost", None)


def test_a_dead_runner_is_replaced_and_its_tasks_end_with_their_own_codes(victim: Box, gate: Gate) -> None:
    before = victim.runner_pid
    tasks = [begin(victim, gate.command(code)) for code in (0, 7)]
    kill(before)
    gate.open()
    assert [outcome(victim.wait(task["id"])) for task in tasks] == [
        ("completed", "exit_zero", 0),
        ("failed", "exit_nonzero", 7),
    ]
    assert victim.runner_pid != before


def test_tasks_submitted_while_the_runner_is_dead_run_once(victim: Box) -> None:
    kill(victim.runner_pid)
    ids = [victim.submit(f"exit {number}") for number in range(6)]
    tasks = [victim.wait(task_id) for task_id in ids]
    assert [(task["exit_code"], task["attempt"]) for task in tasks] == [(number, 1) for number in range(6)]


def test_a_dead_supervisor_is_stood_in_for_by_the_runner(victim: Box, gate: Gate) -> None:
    task = begin(victim, gate.command(6))
    kill(parent(task["pid"]))
    gate.open()
    assert outcome(victim.wait(task["id"])) == ("failed", "exit_nonzero", 6)


def test_a_task_without_supervisor_can_be_killed(victim: Box) -> None:
    task = begin(victim, "sleep 77.01")
    supervisor = parent(task["pid"])
    kill(supervisor)
    wait_until(lambda: not is_alive(supervisor), what="the supervisor is dead")
    victim.post(f"/api/tasks/{task['id']}/kill")
    assert outcome(victim.wait(task["id"]))[:2] == ("cancelled", "cancelled_by_user")
    assert not alive_with("77.01")


def test_a_task_whose_supervisor_and_runner_died_is_lost_and_nothing_of_it_goes_on(victim: Box) -> None:
    task = begin(victim, "sleep 77.02 & sleep 77.02")
    wait_until(lambda: len(alive_with("77.02")) == 3, what="both sleeps run")
    kill(victim.runner_pid, parent(task["pid"]))
    assert outcome(victim.wait(task["id"])) == LOST
    assert not alive_with("77.02")


def test_a_lost_task_that_asked_for_it_runs_again(victim: Box) -> None:
    task = begin(victim, "[ $GAVELQ_ATTEMPT = 2 ] && exit 9; sleep 77.03", requeue=True)
    kill(victim.runner_pid, parent(task["pid"]))
    ended = victim.wait(task["id"])
    assert outcome(ended) == ("failed", "exit_nonzero", 9)
    assert [attempt["cause"] for attempt in ended["attempts"]] == ["lost", "exited"]


def test_supervisors_alone_know_the_end_when_daemon_and_runner_died(victim: Box, gate: Gate) -> None:
    running = begin(victim, gate.command(3))
    waiting = victim.submit("exit 5", gpu_count=4)
    runner = victim.runner_pid
    victim.kill()
    kill(runner)
    gate.open()
    wait_until(lambda: not is_alive(running["pid"]), what="the task has ended without anybody to tell")
    victim.start()
    assert outcome(victim.wait(running["id"])) == ("failed", "exit_nonzero", 3)
    assert outcome(victim.wait(waiting)) == ("failed", "exit_nonzero", 5)


def test_the_runner_alone_knows_the_end_when_daemon_and_supervisor_died(victim: Box, gate: Gate) -> None:
    task = begin(victim, gate.command(2))
    supervisor = parent(task["pid"])
    victim.kill()
    kill(supervisor)
    gate.open()
    wait_until(lambda: not is_alive(task["pid"]), what="the command has ended")
    victim.start()
    assert outcome(victim.wait(task["id"])) == ("failed", "exit_nonzero", 2)


def test_when_everything_but_the_command_died_it_is_lost_and_ended(victim: Box) -> None:
    tasks = [begin(victim, f"sleep 77.1{number}") for number in range(3)]
    runner = victim.runner_pid
    victim.kill()
    kill(runner, *(parent(task["pid"]) for task in tasks))
    assert alive_with("77.1")
    victim.start()
    assert [outcome(victim.wait(task["id"])) for task in tasks] == [LOST] * 3
    assert not alive_with("77.1")


def test_when_everything_died_only_what_ran_is_lost(victim: Box) -> None:
    running = begin(victim, "exec sleep 77.2", gpu_count=4)
    waiting = victim.submit("exit 8")
    held = victim.submit("exit 0", hold=True)
    runner, supervisor = victim.runner_pid, parent(running["pid"])
    victim.kill()
    kill(runner, supervisor, running["pid"])
    victim.start()
    assert outcome(victim.wait(running["id"])) == LOST
    assert outcome(victim.wait(waiting)) == ("failed", "exit_nonzero", 8)
    assert victim.state(held) == "held"
    victim.post(f"/api/tasks/{held}/kill")
