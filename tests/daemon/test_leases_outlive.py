"""Leases through a real daemon: they outlive it, end with their owner while it is dead, and leave what survives."""

import os
import signal
import subprocess
import sys
from typing import Any

from gavelq.testing.waiting import wait_until
from tests.adapters.runner.owners import Owner
from tests.support.daemon import Box, is_alive


def leased(box: Box, owner: Owner, **fields: Any) -> int:
    """A lease that has begun; its id."""
    request = {"lease": True, "pid": owner.process.pid, "workdir": "/tmp", **fields}
    task_id = int(box.post("/api/tasks", request)["id"])
    box.wait(task_id, "running")
    return task_id


def supervisor_of(box: Box, task_id: int) -> int:
    """The process that holds a lease: a child of the runner, with the lease's name."""
    runner = box.runner_pid
    children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(runner)], capture_output=True, text=True)
    found = [int(line.split()[0]) for line in children.stdout.splitlines() if line.split()[1] == "gavelq-lease"]
    assert len(found) == 1, f"task {task_id}: {children.stdout}"
    return found[0]


def test_a_lease_outlives_the_daemon_and_holds_its_card(fresh: Box) -> None:
    with Owner() as owner:
        task_id = leased(fresh, owner, gpu_count=4)
        assert fresh.task(task_id)["pid"] == owner.process.pid
        fresh.kill()
        fresh.start()
        assert fresh.state(task_id) == "running"
        waiting = fresh.submit("true", gpu_count=1)
        wait_until(lambda: fresh.task(waiting)["pending_reason"] == "gpu_count", 60, "the cards are still held")
        owner.end()
        task = fresh.wait(task_id)
        assert (task["state"], task["end_reason"]) == ("aborted", "lease_expired")
        assert f"process {owner.process.pid}, is gone" in task["end_detail"]
        assert fresh.wait(waiting)["state"] == "completed"
        assert fresh.log(task_id) == ""


def test_a_lease_whose_owner_dies_while_the_daemon_is_dead_has_expired(fresh: Box) -> None:
    with Owner() as owner:
        task_id = leased(fresh, owner)
        holder = supervisor_of(fresh, task_id)
        fresh.kill()
        owner.end()
        wait_until(lambda: not is_alive(holder), 60, "the lease ends without a daemon")
        fresh.start()
        assert fresh.wait(task_id)["end_reason"] == "lease_expired"


def test_a_lease_is_ended_at_its_limit_without_touching_its_owner(fresh: Box) -> None:
    with Owner() as owner:
        task_id = leased(fresh, owner, time_limit="1s")
        task = fresh.wait(task_id)
        assert (task["state"], task["end_reason"], task["signal"]) == ("failed", "time_limit", None)
        killed = leased(fresh, owner)
        fresh.post(f"/api/tasks/{killed}/kill", {"signal": "KILL"})
        assert fresh.wait(killed)["end_reason"] == "cancelled_by_user"
        lost = leased(fresh, owner)
        os.kill(supervisor_of(fresh, lost), signal.SIGKILL)
        assert fresh.wait(lost)["end_reason"] == "lost"
        assert owner.end() == ""


def test_what_runs_on_a_leased_card_is_the_lease_s_and_foreign_afterwards(fresh: Box) -> None:
    with Owner() as owner:
        task_id = leased(fresh, owner)
        task = fresh.task(task_id)
        index, uuid = task["gpus"][0], task["gpu_uuids"][0]
        env = {**fresh.env, "CUDA_VISIBLE_DEVICES": uuid, "GAVELQ_SIM_DIR": str(fresh.home / "state" / "simulated")}
        command = [sys.executable, "-m", "gavelq.testing.simtask", "--vram", "8G", "--hold", "300"]
        user = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        try:

            def shown() -> list[tuple[int, int | None]]:
                processes = fresh.get(f"/api/gpus/{index}")["processes"]
                return [(process["pid"], process["task_id"]) for process in processes]

            wait_until(lambda: shown() == [(user.pid, task_id)], 60, "it is the lease's")
            owner.end()
            assert fresh.wait(task_id)["end_reason"] == "lease_expired"
            wait_until(lambda: shown() == [(user.pid, None)], 60, "it is foreign")
            assert fresh.get(f"/api/gpus/{index}")["state"] == "foreign"
            assert user.poll() is None
        finally:
            user.kill()
            user.wait()
