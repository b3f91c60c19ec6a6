"""Every pending task can say why, every ended task how it ended (SPEC section 10, promise 5)."""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import begin
from tests.support.daemon import Box, box, parent


@pytest.fixture(scope="module")
def told() -> Iterator[Box]:
    """Two cards, one of them owned by queue `own`."""
    with box(n_gpus=3, env={"GAVELQ_LIMITS_MAX_CPU_TASKS": "1"}) as instance:
        instance.post("/api/queues", {"name": "own"})
        instance.post("/api/gpus/allocate", {"queue": "own", "gpus": ["2"]})
        yield instance


def test_every_pending_task_says_why_in_a_word_and_in_a_sentence(told: Box) -> None:
    holders = [begin(told, "sleep 1000", gpu_ids=["0"]), begin(told, "sleep 1000", gpu_count=0)]
    told.post("/api/queues", {"name": "paused", "paused": True})
    told.post("/api/queues", {"name": "nowhere", "pool": False})
    told.post("/api/queues", {"name": "none", "max_running": 0})
    told.post("/api/gpus/2/ignore")
    waiting = {
        told.submit("true", queue="paused"): ("queue_paused", "paused"),
        told.submit("true", queue="nowhere"): ("infeasible", "nowhere"),
        told.submit("true", gpu_count=9, allow_infeasible=True): ("infeasible", "9"),
        told.submit("true", queue="none"): ("queue_limit", "max_running"),
        told.submit("true", gpu_count=0): ("task_limit", "max_cpu_tasks"),
        told.submit("true", queue="own"): ("gpu_unavailable", "ignored"),
        told.submit("true", gpu_count=2): ("gpu_count", str(holders[0]["id"])),
    }
    late = told.submit("true")
    waiting[late] = ("priority", "held back")
    for task_id, (reason, words) in waiting.items():
        wait_until(lambda task_id=task_id: told.task(task_id)["pending_reason"], what="it has a reason")  # type: ignore[misc]  # mypy does not infer lambdas with defaults
        task = told.task(task_id)
        assert task["pending_reason"] == reason, task
        assert words in task["pending_detail"]
        why = told.get(f"/api/tasks/{task_id}/why")
        assert task["pending_detail"] in why["summary"]
        assert [gate["reason"] for gate in why["gates"] if not gate["passed"]], "a gate that blocks is among those told"
        listed = json.loads(told.cli("task", "list", "-o", "json").stdout)
        assert next(row for row in listed if row["id"] == task_id)["pending_reason"] == reason
        said = told.cli("task", "why", str(task_id))
        assert said.returncode == 0
        assert reason in said.stdout
    for task_id in (*waiting, *(task["id"] for task in holders)):
        told.post(f"/api/tasks/{task_id}/kill")
    for task in holders:
        told.wait(task["id"])
    told.post("/api/gpus/2/unignore")


def test_every_ended_task_says_how_it_ended(told: Box) -> None:
    def run(command: str, **fields: object) -> int:
        return int(told.wait(told.submit(command, **fields))["id"])

    def ended_by(path: str, body: object = None) -> int:
        task = begin(told, "sleep 100", gpu_ids=["0"])
        told.post(path.format(task["id"]), body)
        return int(told.wait(task["id"])["id"])

    held = told.submit("true", hold=True)
    told.post(f"/api/tasks/{held}/kill")
    lost = begin(told, "exec sleep 100", gpu_ids=["1"])
    ends = {
        run("true"): ("completed", "exit_zero", 0, "exit code 0"),
        run("exit 3"): ("failed", "exit_nonzero", 3, "exit code 3"),
        run("kill -SEGV $$"): ("failed", "signalled", None, "SEGV"),
        run("sleep 100", time_limit="0.2s"): ("failed", "time_limit", None, "time limit"),
        told.wait(told.post("/api/tasks", {"argv": ["/no/such/program"], "workdir": "/tmp"})["id"])["id"]: (
            "failed", "spawn_failed", None, "/no/such/program",
        ),
        ended_by("/api/tasks/{}/kill"): ("cancelled", "cancelled_by_user", None, "cancelled"),
        held: ("cancelled", "cancelled_by_user", None, "before it started"),
        ended_by("/api/gpus/0/release"): ("aborted", "gpu_released", None, "released"),
        ended_by("/api/gpus/0/drain", {"now": True}): ("aborted", "gpu_drained", None, "drained"),
    }  # fmt: skip
    told.post("/api/gpus/0/unignore")
    runner = told.runner_pid
    told.kill()
    for pid in (runner, parent(lost["pid"]), lost["pid"]):
        os.kill(pid, signal.SIGKILL)
    told.start()
    told.wait(lost["id"])
    ends[lost["id"]] = ("aborted", "lost", None, "lost")
    for task_id, (state, reason, exit_code, words) in ends.items():
        task = told.task(task_id)
        assert (task["state"], task["end_reason"], task["exit_code"]) == (state, reason, exit_code), task
        assert task["ended_at"]
        assert task["pending_reason"] is None
        summary = told.get(f"/api/tasks/{task_id}/why")["summary"]
        assert words in summary, summary
        said = told.cli("task", "why", str(task_id))
        assert (said.returncode, words in said.stdout) == (0, True), said.stdout
