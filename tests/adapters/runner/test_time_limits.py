"""The warning before a time limit: once, in time, and by the supervisor alone."""

import signal

import pytest

from gavelq.core.ids import TaskId
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box, is_alive

QUIET = "exec 2>/dev/null; "  # bash has a word to say about each sleep that a signal ends
HEEDING = f"{QUIET}trap 'echo warned' USR1; echo ready; while :; do sleep 0.02; done"
SAVING = f"{QUIET}trap 'echo saved; exit 0' USR1; while :; do sleep 0.02; done"
USR1 = {"warn_signal": int(signal.SIGUSR1)}


def set_limit(box: Box, limit_s: float | None) -> None:
    box.call(box.client.set_limit, TaskId(1), 1, time_limit_s=limit_s, grace_s=0.3)


def wait_for_log(box: Box, text: str) -> None:
    wait_until(lambda: box.log(1).exists() and text in box.log(1).read_text(), what=f"the log says {text}")


def test_a_command_is_warned_once_and_ended_at_the_limit(box: Box) -> None:
    box.spawn(1, HEEDING, time_limit_s=2.0, warn_before_s=0.7, grace_s=30, **USR1)
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGTERM, "time_limit")
    assert result.detail == "warned with SIGUSR1 0.7 s before the limit"
    assert box.log(1).read_text() == "ready\nwarned\n"
    assert result.started_at is not None
    assert result.ended_at - result.started_at >= 2.0


def test_who_heeds_the_warning_ends_as_it_likes(box: Box) -> None:
    box.spawn(1, SAVING, time_limit_s=300.0, warn_before_s=299.0, **USR1)
    result = box.result(1)
    assert (result.exit_code, result.cause, result.detail) == (0, "exited", "")
    assert box.log(1).read_text() == "saved\n"


def test_who_dies_of_the_warning_is_told_of_it(box: Box) -> None:
    box.spawn(1, (("sleep", "300"),), time_limit_s=300.0, warn_before_s=299.7, warn_signal=int(signal.SIGUSR2))
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGUSR2, "exited")
    assert result.detail == "warned with SIGUSR2 299.7 s before the limit"


def test_the_whole_process_group_is_warned_and_nothing_beyond(box: Box) -> None:
    child = f"{QUIET}trap 'echo child' USR1; while :; do sleep 0.02; done"
    beyond = f"{QUIET}trap 'echo beyond' USR1; while :; do sleep 0.02; done"
    box.spawn(
        1, f"setsid bash -c \"{beyond}\" & bash -c \"{child}\" & {HEEDING}", time_limit_s=1.8, warn_before_s=0.5, **USR1
    )  # fmt: skip
    box.result(1)
    assert sorted(box.log(1).read_text().split()) == ["child", "ready", "warned"]


def test_the_step_that_runs_is_warned(box: Box) -> None:
    steps = (("bash", "-c", "trap 'echo first' USR1; true"), ("bash", "-c", SAVING))
    box.spawn(1, steps, time_limit_s=300.0, warn_before_s=298.8, **USR1)
    assert box.result(1).exit_code == 0
    assert box.log(1).read_text() == "saved\n"


def test_a_warning_comes_while_neither_daemon_nor_runner_are_there(box: Box) -> None:
    started = box.start(1, HEEDING, time_limit_s=1.5, warn_before_s=0.5, **USR1)
    box.kill_runner_for_good()
    wait_until(lambda: not is_alive(started.pid), what="the time limit ends the task")
    box.reconnect_as_new_daemon()
    assert box.log(1).read_text() == "ready\nwarned\n"
    result = box.result_or_inventory(1)
    assert (result.cause, result.detail) == ("time_limit", "warned with SIGUSR1 0.5 s before the limit")


def test_a_warning_moves_with_the_limit_and_is_not_repeated(box: Box) -> None:
    box.start(1, HEEDING, time_limit_s=300.0, warn_before_s=100.0, **USR1)
    wait_for_log(box, "ready")
    set_limit(box, 100.0)  # the warning is due at once
    wait_for_log(box, "warned")
    set_limit(box, 300.0)
    set_limit(box, 50.0)
    set_limit(box, 0.0)
    assert box.result(1).cause == "time_limit"
    assert box.log(1).read_text() == "ready\nwarned\n"


def test_a_later_limit_delays_the_warning_and_a_lifted_one_takes_it_back(box: Box) -> None:
    box.start(1, HEEDING, time_limit_s=300.0, warn_before_s=299.0, **USR1)
    set_limit(box, None)
    with pytest.raises(AssertionError):
        wait_until(lambda: "warned" in box.log(1).read_text(), 1.3, "it is warned")
    set_limit(box, 2.5)
    assert box.result(1).cause == "time_limit"
    assert box.log(1).read_text() == "ready\nwarned\n"


def test_without_a_limit_nobody_is_warned(box: Box) -> None:
    box.start(1, HEEDING, warn_before_s=0.0, **USR1)
    with pytest.raises(AssertionError):
        wait_until(lambda: "warned" in box.log(1).read_text(), 0.4, "it is warned")


def test_a_task_that_is_being_stopped_is_not_warned(box: Box) -> None:
    stubborn = "trap 'echo term' TERM; trap 'echo warned' USR1; echo ready; while :; do sleep 0.02; done"
    box.start(1, stubborn, time_limit_s=300.0, warn_before_s=298.5, **USR1)
    wait_for_log(box, "ready")
    box.stop(1, grace_s=1.8)
    assert box.result(1).cause == "stopped"
    assert "warned" not in box.log(1).read_text()


def test_the_limit_is_counted_over_all_steps(box: Box) -> None:
    box.spawn(1, (("sleep", "1"), ("bash", "-c", "sleep 1.4; echo late")), time_limit_s=1.5)
    assert box.result(1).cause == "time_limit"
    assert box.log(1).read_text() == ""  # not a limit for each


def test_a_stubborn_command_gets_its_grace_time_after_the_limit(box: Box) -> None:
    box.spawn(1, f"{QUIET}trap 'echo term' TERM; while :; do sleep 0.02; done", time_limit_s=1.5, grace_s=0.4)
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGKILL, "time_limit")
    assert "grace time" in result.detail
    assert box.log(1).read_text() == "term\n"
    assert result.started_at is not None
    assert result.ended_at - result.started_at >= 1.9


def test_the_runner_warns_in_a_dead_supervisor_s_place(box: Box) -> None:
    box.start(1, HEEDING, time_limit_s=300.0, warn_before_s=1.5, **USR1)
    set_limit(box, 4.0)
    wait_for_log(box, "ready")
    wait_until(lambda: "[4.0,10,1.5," in _started_file(box), what="the new limit is written down")
    assert ",false]" in _started_file(box)  # the warning is still to come
    box.kill_supervisor(1)
    result = box.result(1)
    assert (result.signal, result.cause) == (signal.SIGTERM, "time_limit")
    assert result.detail == "warned with SIGUSR1 1.5 s before the limit; its supervisor was killed"
    assert box.log(1).read_text() == "ready\nwarned\n"


def test_a_warning_is_not_repeated_in_a_dead_supervisor_s_place(box: Box) -> None:
    box.start(1, HEEDING, time_limit_s=3.0, warn_before_s=1.8, **USR1)
    wait_for_log(box, "warned")
    wait_until(lambda: ",true]" in _started_file(box), what="the warning is written down")
    box.kill_supervisor(1)
    assert box.result(1).cause == "time_limit"
    assert box.log(1).read_text() == "ready\nwarned\n"


def _started_file(box: Box) -> str:
    return (box.attempt_directory(1) / "started.json").read_text()
