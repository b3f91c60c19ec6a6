"""kill -9 of the runner, of supervisors, of both, and of the client: nothing is lost that anybody could know."""

import os
import signal

import pytest

from gavelq.core.events import AttemptEnded, AttemptStarted
from gavelq.core.ids import TaskId
from gavelq.ports import RunningAttempt
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import DAEMONIZE, Box, is_alive

GATED = "while [ ! -e gate ]; do sleep 0.01; done; exit 7"


def open_gate(box: Box) -> None:
    (box.root / "gate").write_text("")


def test_exit_codes_survive_the_death_of_the_runner(box: Box) -> None:
    started = {number: box.start(number, GATED) for number in (1, 2)}
    box.kill_runner()
    box.await_reconnection()
    known = box.inventory()
    for number in (1, 2):
        assert known[number] == RunningAttempt(
            task_id=TaskId(number),
            attempt=1,
            pid=started[number].pid,
            supervisor=started[number].supervisor,
            started_at=started[number].at,
        )
    open_gate(box)
    assert (box.result(1).exit_code, box.result(2).exit_code) == (7, 7)


def test_an_end_without_any_runner_is_found_by_the_next_one(box: Box) -> None:
    started = box.start(1, GATED)
    box.kill_runner_for_good()
    open_gate(box)
    wait_until(lambda: not is_alive(started.supervisor.pid), what="the task ends by itself")
    box.reconnect_as_new_daemon()
    known = box.inventory()[1]
    assert isinstance(known, AttemptEnded)
    assert known.result.exit_code == 7


def test_an_adopted_task_can_be_stopped(box: Box) -> None:
    started = box.start(1, "sleep 300")
    box.kill_runner()
    box.await_reconnection()
    box.stop(1)
    assert box.result(1).cause == "stopped"
    assert not is_alive(started.pid)


def test_a_stop_that_the_dying_runner_had_not_passed_on_is_repeated(box: Box) -> None:
    box.start(1, "sleep 300")
    pid = box.runner_pid
    os.kill(pid, signal.SIGSTOP)
    box.stop(1)
    os.kill(pid, signal.SIGKILL)
    assert box.result(1).cause == "stopped"


def test_the_runner_reaps_for_a_dead_supervisor(box: Box) -> None:
    box.start(1, GATED)
    box.kill_supervisor(1)
    assert isinstance(box.inventory()[1], RunningAttempt)
    open_gate(box)
    result = box.result(1)
    assert (result.exit_code, result.cause) == (7, "exited")
    assert "supervisor" in result.detail


def test_what_a_command_without_supervisor_leaves_behind_is_killed(box: Box) -> None:
    # One has a new session, no parent of the task and an empty environment; one is a plain child.
    box.start(1, f"{DAEMONIZE} sleep 300 & echo $! >> pids; {GATED}")
    pids = box.pids_in("pids", 2)
    box.kill_supervisor(1)
    assert all(is_alive(pid) for pid in pids)
    open_gate(box)
    assert box.result(1).exit_code == 7
    assert [pid for pid in pids if is_alive(pid)] == []


def test_one_dead_supervisor_does_not_touch_the_tasks_of_others(box: Box) -> None:
    leave = "setsid bash -c 'env -i sleep 300 & echo $! >> pids; wait' &"
    others = [box.start(number, leave + "sleep 300") for number in (2, 3)]
    pids = box.pids_in("pids", 2)
    box.start(1, GATED)
    box.kill_supervisor(1)
    box.kill_supervisor(2)
    open_gate(box)
    assert box.result(1).exit_code == 7
    assert all(is_alive(pid) for pid in (*pids, *(other.pid for other in others)))


def test_a_task_without_supervisor_can_be_stopped_and_is_limited(box: Box) -> None:
    stubborn = "trap '' TERM; echo $$ >> pids; while :; do sleep 0.05; done"
    stopped, limited = box.start(1, stubborn), box.start(2, stubborn, time_limit_s=2.0)
    box.pids_in("pids", 2)
    box.kill_supervisor(1)
    box.kill_supervisor(2)
    box.stop(1)
    assert (box.result(1).signal, box.result(1).cause) == (signal.SIGKILL, "stopped")
    assert (box.result(2).signal, box.result(2).cause) == (signal.SIGKILL, "time_limit")
    assert not is_alive(stopped.pid)
    assert not is_alive(limited.pid)


def test_a_stop_is_gone_through_with_when_the_supervisor_dies_within_the_grace_time(box: Box) -> None:
    started = box.start(1, "trap 'echo $$ >> pids' TERM; echo ready; while :; do sleep 0.05; done")
    wait_until(lambda: "ready" in box.log(1).read_text(), what="it minds the signal")
    box.stop(1, grace_s=1.0)
    assert box.pids_in("pids") == [started.pid]  # it was told, and goes on
    box.kill_supervisor(1)
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGKILL, "stopped")
    assert not is_alive(started.pid)


@pytest.mark.parametrize("is_runner_dead", [False, True])
def test_a_supervisor_that_dies_while_it_ends_leftovers_has_noted_how_the_command_ended(
    box: Box, is_runner_dead: bool
) -> None:
    leftover = "(trap 'echo $BASHPID >> pids' TERM; echo $BASHPID >> pids; while :; do sleep 0.05; done) &"
    box.start(1, f"{leftover} {GATED}", grace_s=60.0)
    box.pids_in("pids")
    open_gate(box)
    pids = box.pids_in("pids", 2)  # the leftover was told to end, and goes on
    if is_runner_dead:
        box.kill_runner()
        box.await_reconnection()
    box.kill_supervisor(1)
    assert (box.result(1).exit_code, box.result(1).cause) == (7, "exited")
    assert not is_alive(pids[0])


def test_steps_that_nobody_starts_any_more_make_a_lost_attempt(box: Box) -> None:
    box.spawn(1, (("bash", "-c", GATED.replace("7", "0")), ("touch", "second")))
    box.kill_supervisor(1)
    open_gate(box)
    result = box.result(1)
    assert (result.exit_code, result.cause) == (None, "lost")
    assert "step 1 of 2" in result.detail


def test_a_supervisor_that_dies_with_its_command_is_no_riddle(box: Box) -> None:
    started = box.start(1, "sleep 300")
    os.kill(box.runner_pid, signal.SIGSTOP)
    os.kill(started.supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(started.supervisor.pid), what="the supervisor is dead")
    os.kill(started.pid, signal.SIGUSR2)
    wait_until(lambda: not is_alive(started.pid), what="the command is dead")
    os.kill(box.runner_pid, signal.SIGCONT)
    assert (box.result(1).signal, box.result(1).cause) == (signal.SIGUSR2, "exited")


@pytest.mark.parametrize("first", ["runner", "supervisor"])
def test_when_both_are_dead_what_still_runs_is_killed_and_reported_lost(box: Box, first: str) -> None:
    # One has a new session and no parent of the task, one no parent of the task, one is a plain child.
    sleeper = "bash -c 'echo $$ >> pids; exec sleep 300'"
    leave = f"(setsid {sleeper} &); ({sleeper} &); {sleeper} & "
    started = box.start(1, leave + "sleep 300")
    bystander = box.start(2, "sleep 300")
    pids = box.pids_in("pids", 3)
    os.kill(box.runner_pid, signal.SIGSTOP)  # so that the client does not start another one in between
    victims = [box.runner_pid, started.supervisor.pid]
    for pid in victims if first == "runner" else reversed(victims):
        os.kill(pid, signal.SIGKILL)
    result = box.result_or_inventory(1)
    assert (result.exit_code, result.signal, result.cause) == (None, None, "lost")
    assert [pid for pid in (started.pid, *pids) if is_alive(pid)] == []
    assert is_alive(bystander.pid)


def test_an_adopted_supervisor_that_dies_makes_its_task_lost(box: Box) -> None:
    started = box.start(1, "sleep 300")
    box.kill_runner()
    box.await_reconnection()
    os.kill(started.supervisor.pid, signal.SIGKILL)
    assert box.result(1).cause == "lost"
    assert not is_alive(started.pid)


def test_a_reboot_makes_what_ran_lost(box: Box) -> None:
    started = box.start(1, "sleep 300")
    box.kill_runner_for_good()
    for pid in (started.supervisor.pid, started.pid):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not is_alive(pid), what="it is dead")  # type: ignore[misc]  # mypy does not infer lambdas with defaults
    lock = box.attempt_directory(1) / "lock"
    lock.write_bytes(lock.read_bytes().replace(b"boot_id=", b"boot_id=another-"))
    box.reconnect_as_new_daemon()
    known = box.inventory()[1]
    assert isinstance(known, AttemptEnded)
    assert (known.result.cause, known.result.detail) == ("lost", "reboot")
    assert known.result.started_at == started.at


@pytest.mark.parametrize("content", [None, "", "not json"])
def test_a_directory_without_lock_or_result_is_lost_after_a_reboot(box: Box, content: str | None) -> None:
    box.kill_runner_for_good()
    box.attempt_directory(9).mkdir()
    if content is not None:
        (box.attempt_directory(9) / "lock").write_text(content)
    (box.directory / "lock").write_text("another-boot\n")
    box.reconnect_as_new_daemon()
    known = box.inventory()[9]
    assert isinstance(known, AttemptEnded)
    assert known.result.cause == "lost"


@pytest.mark.parametrize("content", [None, "", "boot_id=x\0grace_s=1\0"])
def test_an_attempt_that_the_runner_died_before_starting_may_be_started_again(box: Box, content: str | None) -> None:
    box.kill_runner_for_good()
    box.attempt_directory(9).mkdir()
    if content is not None:
        (box.attempt_directory(9) / "lock").write_text(content)
    box.reconnect_as_new_daemon()
    assert box.inventory() == {}
    box.spawn(9, "exit 5")
    assert box.result(9).exit_code == 5


def test_a_new_daemon_finds_everything(box: Box) -> None:
    running = box.start(1, "sleep 300")
    box.spawn(2, "exit 3")
    ended = box.result(2)
    box.reconnect_as_new_daemon()
    known = box.inventory()
    assert isinstance(known[1], RunningAttempt)
    assert known[1].pid == running.pid
    assert known[2] == AttemptEnded(task_id=TaskId(2), attempt=1, result=ended)


def test_spawning_a_known_attempt_again_changes_nothing_and_is_answered(box: Box) -> None:
    box.start(1, "echo x >> ran; sleep 300")
    box.spawn(2, "echo y >> ran; exit 3")
    box.result(2)
    box.spawn(1, "echo x >> ran; sleep 300")
    box.spawn(2, "echo y >> ran; exit 3")
    wait_until(lambda: len(box.of(AttemptStarted, 1)) == 2, what="the start is told again")
    wait_until(lambda: len(box.of(AttemptEnded, 2)) == 2, what="the end is told again")
    assert sorted((box.root / "ran").read_text().split()) == ["x", "y"]


def test_twenty_deaths_of_the_runner_lose_no_exit_code(box: Box) -> None:
    for number in range(1, 21):
        box.spawn(number, f"sleep 0.0{number % 10}; exit {number}")
        if number % 4 == 0:
            before = box.n_reconnections
            box.kill_runner()
            box.await_reconnection(before + 1)
            known = box.inventory()
            for missing in set(range(1, number + 1)) - set(known):
                box.spawn(missing, f"exit {missing}")
    assert [box.result_or_inventory(number).exit_code for number in range(1, 21)] == list(range(1, 21))
