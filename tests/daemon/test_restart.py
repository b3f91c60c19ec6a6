"""Stop, start, restart, upgrade and reboot while tasks run."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

import gavelq
from gavelq.testing.waiting import wait_until
from tests.daemon.gates import Gate, begin
from tests.support.daemon import Box, Failure, box, is_alive, parent

OTHER_BOOT = "00000000-1111-2222-3333-444444444444"


def test_running_tasks_outlive_a_stop_and_their_ends_are_known_at_the_next_start(fresh: Box) -> None:
    gate, later = Gate(fresh), Gate(fresh, "later")
    short, long = begin(fresh, gate.command(3)), begin(fresh, later.command(4))
    waiting = fresh.submit("exit 5", gpu_count=4)
    runner = fresh.runner_pid
    assert fresh.stop() == 0
    assert is_alive(long["pid"]), "stopping the daemon ends no task"
    assert not os.path.exists(fresh.socket)
    gate.open()
    wait_until(lambda: not is_alive(short["pid"]), what="the short task ends while there is no daemon")
    fresh.start()
    known = fresh.wait(short["id"])
    assert (known["state"], known["exit_code"]) == ("failed", 3)
    assert fresh.runner_pid == runner
    assert fresh.task(long["id"])["pid"] == long["pid"]
    later.open()
    assert fresh.wait(long["id"])["exit_code"] == 4
    assert fresh.wait(waiting)["exit_code"] == 5


def test_daemon_stop_and_restart_at_the_command_line_return_when_it_is_so(fresh: Box) -> None:
    gate = Gate(fresh)
    task = begin(fresh, gate.command(6))
    before = fresh.get("/api/daemon")["pid"]
    done = fresh.cli("daemon", "restart", "-o", "json")
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout)["pid"]
    assert after != before
    assert not is_alive(before)
    gate.open()
    assert fresh.wait(task["id"])["exit_code"] == 6
    stopped = fresh.cli("daemon", "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert not is_alive(after)
    assert not os.path.exists(fresh.socket)
    assert fresh.cli("daemon", "stop").returncode == 5


def test_another_version_drives_the_runner_that_it_finds(tmp_path: Path) -> None:
    shutil.copytree(Path(gavelq.__file__).parent, tmp_path / "gavelq", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "gavelq" / "version.py").write_text('"""Newer."""\n\n__version__ = "99.1.2"\n')
    with box() as instance:
        gate = Gate(instance)
        task = begin(instance, gate.command(7))
        runner = instance.runner_pid
        instance.stop()
        instance.env["PYTHONPATH"] = str(tmp_path)
        instance.start()
        found = instance.get("/api/daemon")
        assert (found["version"], found["runner_pid"]) == ("99.1.2", runner)
        assert instance.task(task["id"])["state"] == "running"
        assert instance.wait(instance.submit("exit 8"))["exit_code"] == 8
        gate.open()
        assert instance.wait(task["id"])["exit_code"] == 7
        assert instance.runner_pid == runner


def test_cards_that_are_gone_after_a_restart_are_missed_and_not_fatal(fresh: Box) -> None:
    done = fresh.wait(fresh.submit("true", gpu_ids=["3"]))
    held = fresh.submit("true", gpu_ids=["3"], hold=True)
    waiting = fresh.submit("true", gpu_ids=["3"], queue="waiting")
    fresh.stop()
    fresh.env["GAVELQ_GPU_SIMULATED_COUNT"] = "2"
    fresh.start()
    daemon = fresh.get("/api/daemon")["pid"]
    for path in (f"/api/tasks/{done['id']}/rerun", f"/api/tasks/{held}/run", f"/api/tasks/{waiting}/run"):
        with pytest.raises(Failure) as failure:
            fresh.post(path)
        assert (failure.value.status, failure.value.body["code"]) == (404, "gpu_not_found"), path
    assert [gpu["index"] for gpu in fresh.get("/api/gpus")] == [0, 1]
    assert fresh.get("/api/daemon")["pid"] == daemon


def _pretend_reboot(instance: Box) -> None:
    """What is on disk after a power failure: attempts of another boot, without locks and without results."""
    runner_dir = instance.home / "state" / "runner"
    ours = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for path in (runner_dir / "lock", *runner_dir.glob("attempts/*/lock"), *runner_dir.glob("attempts/*/started.json")):
        written = path.read_text()
        assert ours in written, path
        path.write_text(written.replace(ours, OTHER_BOOT))


def test_a_reboot_marks_what_ran_as_lost_and_requeues_only_what_asked_for_it(fresh: Box) -> None:
    done = fresh.wait(fresh.submit("exit 1"))
    plain = begin(fresh, "exec sleep 78.1")
    again = begin(fresh, "[ $GAVELQ_ATTEMPT = 2 ] && exit 9; exec sleep 78.2", requeue=True)
    stopping = begin(fresh, "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    fresh.wait_log(stopping["id"], "ready")
    waiting = fresh.submit("exit 5", gpu_count=4)
    fresh.post(f"/api/tasks/{stopping['id']}/kill")
    supervisors = [parent(task["pid"]) for task in (plain, again, stopping)]
    runner = fresh.runner_pid
    fresh.kill()
    for pid in (runner, *supervisors, plain["pid"], again["pid"], stopping["pid"]):
        os.kill(pid, signal.SIGKILL)
    _pretend_reboot(fresh)
    fresh.start()
    lost = fresh.wait(plain["id"])
    assert (lost["state"], lost["end_reason"], lost["exit_code"]) == ("aborted", "lost", None)
    assert "reboot" in fresh.get(f"/api/tasks/{plain['id']}/why")["summary"]
    rerun = fresh.wait(again["id"])
    assert (rerun["exit_code"], rerun["attempt"]) == (9, 2)
    assert rerun["attempts"][0]["cause"] == "lost"
    assert fresh.wait(stopping["id"])["end_reason"] == "cancelled_by_user"
    assert fresh.wait(waiting)["exit_code"] == 5
    assert fresh.task(done["id"])["exit_code"] == 1
    assert all(gpu["state"] == "free" for gpu in fresh.get("/api/gpus"))
