"""Ending a task ends all of it, within its grace time, and only it."""

import os
import signal
import time

import pytest

from gavelq.core.ids import TaskId
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import DAEMONIZE, Box, is_alive

STUBBORN = "trap '' TERM; echo $$ >> pids; while :; do sleep 0.05; done"


def test_a_stop_reaches_what_left_the_session_and_cleared_its_environment(box: Box) -> None:
    box.start(1, f"echo $$ >> pids; {DAEMONIZE} sleep 300")
    pids = box.pids_in("pids", 2)
    box.stop(1)
    result = box.result(1)
    assert (result.exit_code, result.signal, result.cause) == (None, signal.SIGTERM, "stopped")
    assert [pid for pid in pids if is_alive(pid)] == []


def test_what_a_command_leaves_behind_ends_with_it_and_is_counted(box: Box) -> None:
    box.spawn(1, f"{DAEMONIZE} while [ ! -s pids ]; do sleep 0.01; done; exit 3")
    result = box.result(1)
    assert (result.exit_code, result.cause) == (3, "exited")
    assert "left behind" in result.detail
    assert result.detail.endswith(": 1")
    assert not is_alive(box.pids_in("pids")[0])


def test_background_work_of_one_step_lives_as_long_as_the_later_steps(box: Box) -> None:
    steps = ("sleep 300 & echo $! > pids", "kill -0 $(cat pids) && echo alive")
    box.spawn(1, tuple(("bash", "-c", step) for step in steps))
    assert box.result(1).exit_code == 0
    assert box.log(1).read_text() == "alive\n"
    assert not is_alive(box.pids_in("pids")[0])


def test_a_task_that_ignores_term_is_killed_after_its_grace_time(box: Box) -> None:
    box.start(1, STUBBORN)
    (pid,) = box.pids_in("pids")
    begun = time.monotonic()
    box.stop(1, grace_s=0.3)
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGKILL, "stopped")
    assert 0.3 <= time.monotonic() - begun < 3
    assert "grace" in result.detail
    assert not is_alive(pid)


def test_a_leftover_that_ignores_term_is_killed_after_the_grace_time(box: Box) -> None:
    box.spawn(1, f"({STUBBORN}) & while [ ! -s pids ]; do sleep 0.01; done; exit 0", grace_s=0.2)
    assert box.result(1).exit_code == 0
    assert not is_alive(box.pids_in("pids")[0])


def test_a_task_that_handles_the_signal_reports_its_own_exit_code(box: Box) -> None:
    box.start(1, "trap 'exit 9' TERM; echo $$ > pids; while :; do sleep 0.02; done", grace_s=20.0)
    box.pids_in("pids")
    box.stop(1, grace_s=20.0)
    result = box.result(1)
    assert (result.exit_code, result.signal, result.cause) == (9, None, "stopped")


def test_no_further_step_begins_after_a_stop(box: Box) -> None:
    first = "trap 'exit 0' TERM; echo $$ > pids; while :; do sleep 0.02; done"
    box.spawn(1, (("bash", "-c", first), ("touch", "second")))
    box.pids_in("pids")
    box.stop(1, grace_s=20.0)
    assert box.result(1).cause == "stopped"
    assert not (box.root / "second").exists()


def test_a_second_stop_shortens_the_grace_time(box: Box) -> None:
    box.start(1, STUBBORN)
    box.pids_in("pids")
    box.stop(1, grace_s=600)
    box.stop(1, signum=signal.SIGKILL, grace_s=600)
    assert box.result(1).signal == signal.SIGKILL


def test_a_stop_that_follows_its_spawn_at_once_is_not_lost(box: Box) -> None:
    def both() -> None:
        box.client.spawn(box.request(1, "sleep 300"))
        box.client.stop(TaskId(1), 1, signal=signal.SIGTERM, grace_s=5)

    box.call(both)
    assert box.result(1).cause == "stopped"


def test_a_stopped_process_is_woken_up_to_end(box: Box) -> None:
    box.start(1, "trap 'exit 8' TERM; echo $$ > pids; while :; do sleep 0.02; done")
    (pid,) = box.pids_in("pids")
    box.call(box.client.send_signal, TaskId(1), 1, signal.SIGSTOP)
    wait_until(lambda: _state(pid) == "T", what="it is stopped")
    box.stop(1, grace_s=20)
    assert box.result(1).exit_code == 8


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_a_signal_that_does_not_end_a_task_is_delivered_to_its_group(box: Box) -> None:
    box.start(1, "trap 'echo got' USR1; echo $$ > pids; for i in {1..500}; do sleep 0.02; done")
    box.pids_in("pids")
    box.call(box.client.send_signal, TaskId(1), 1, signal.SIGUSR1)
    wait_until(lambda: "got" in box.log(1).read_text(), what="the signal arrives")
    assert box.inventory()[1] is not None


def test_a_fork_bomb_is_killed_whole(box: Box) -> None:
    # Forty processes, each of which replaces itself all the time, so that no list of them is ever right.
    bomb = (
        "import os, time\n"
        "for _ in range(40):\n"
        "    if os.fork() == 0:\n"
        "        end = time.monotonic() + 30\n"
        "        while time.monotonic() < end:\n"
        "            if os.fork(): os._exit(0)\n"
        "            os.setsid(); time.sleep(0.002)\n"
        "        os._exit(0)\n"
        "open('armed', 'w').write('x')\n"
        "time.sleep(60)\n"
    )
    (box.root / "bomb.py").write_text(bomb)
    started = box.start(1, "exec python3 bomb.py")
    wait_until((box.root / "armed").exists, what="the bomb is armed")
    box.stop(1, signum=signal.SIGKILL)
    assert box.result(1).signal == signal.SIGKILL
    left = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _cwd(pid) == str(box.root)]
    assert set(left) <= {started.supervisor.pid}
    wait_until(lambda: not is_alive(started.supervisor.pid), what="the supervisor is gone")


def _cwd(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def test_a_time_limit_is_enforced(box: Box) -> None:
    box.spawn(1, "sleep 300", time_limit_s=0.2)
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGTERM, "time_limit")
    assert result.started_at is not None
    assert 0.2 <= result.ended_at - result.started_at < 5


def test_a_time_limit_is_enforced_while_no_daemon_is_connected(box: Box) -> None:
    started = box.start(1, STUBBORN, time_limit_s=0.5)
    box.run(box.client.close())
    wait_until(lambda: not is_alive(started.pid), what="the time limit ends the task")
    box.reconnect_as_new_daemon()
    wait_until(lambda: "ended" in str(box.inventory()[1]), what="the end is in the inventory")
    known = box.inventory()[1]
    assert getattr(known, "result").cause == "time_limit"  # noqa: B009  # what it is, is what is tested


@pytest.mark.parametrize("limit_s", [0.0, 0.3])
def test_a_time_limit_may_be_set_while_the_task_runs(box: Box, limit_s: float) -> None:
    box.start(1, "sleep 300")
    box.call(box.client.set_limit, TaskId(1), 1, time_limit_s=limit_s, grace_s=0.3)
    assert box.result(1).cause == "time_limit"


def test_a_time_limit_may_be_lifted(box: Box) -> None:
    box.start(1, "sleep 0.6; exit 4", time_limit_s=0.4)
    box.call(box.client.set_limit, TaskId(1), 1, time_limit_s=None, grace_s=0.3)
    assert box.result(1).exit_code == 4


def test_other_tasks_do_not_notice(box: Box) -> None:
    bystander = box.start(2, "sleep 300")
    box.start(1, f"{DAEMONIZE} sleep 300")
    box.pids_in("pids")
    box.stop(1)
    box.result(1)
    assert is_alive(bystander.pid)
