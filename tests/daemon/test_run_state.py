"""The state of runs at a real daemon: lane by lane, over kills and restarts, removals, and other people's questions."""

import json
from typing import Any, get_type_hints

import pytest

from gavelq.api.routes.scheduler_examples import SCHEDULER
from gavelq.client import shapes
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, Json, box


def blocks(*tasks: tuple[str, str], memory: str = "1") -> str:
    """The text of a command file: queue id and command of each task."""
    return "".join(f"{queue}\n{command}\n{memory}\n\n" for queue, command in tasks)


def submit(daemon: Box, *tasks: tuple[str, str], **options: Any) -> int:
    """Run a text once; the run's number."""
    body = {"name": "exp.txt", "content": blocks(*tasks), "workdir": "/tmp", "retries": 0, **options}
    return int(daemon.post("/api/scheduler/single/submit", body)[0]["submission_id"])


def run(daemon: Box, number: int, more: str = "") -> Json:
    found: Json = daemon.get(f"/api/scheduler/run/{number}{more}")
    return found


def until(daemon: Box, number: int, state: str, timeout_s: float = 60) -> Json:
    wait_until(lambda: run(daemon, number)["state"] == state, timeout_s, f"run {number} is {state}")
    return run(daemon, number)


def steady(found: Json) -> Json:
    """Without what depends on the time of the question."""
    told: Json = json.loads(json.dumps(found))
    for one in (told, *told["queues"].values()):
        for name in ("expected_end_at", "expected_basis", "memory_used_mib"):
            one.pop(name, None)
    return told


def require_shape(value: Json, shape: type) -> None:
    assert set(value) == set(get_type_hints(shape))


def test_a_run_is_told_lane_by_lane_and_task_by_task(daemon: Box) -> None:
    number = submit(daemon, ("1", "sleep 0.2"), ("1", "exit 3"), ("1", "sleep 600"), ("car", "sleep 601"))
    wait_until(lambda: run(daemon, number)["queues"]["1"]["failed_tasks"] == 1, 60, "the second task fails")
    wait_until(lambda: run(daemon, number)["running_tasks"] == 2, 60, "the third runs")
    found = run(daemon, number)
    lane = found["queues"]["1"]
    require_shape(found, shapes.Scheduler)
    require_shape(lane, shapes.SchedulerQueue)
    require_shape(lane["processes"][0], shapes.SchedulerProcess)
    assert (found["state"], found["pid"], found["config_index"], found["name"]) == ("running", number, None, "exp.txt")
    assert [found[f"{kind}_tasks"] for kind in ("pending", "running", "completed", "failed", "total")] == [
        0,
        2,
        1,
        1,
        4,
    ]
    assert [one["status"] for one in lane["processes"]] == ["completed", "failed", "running"]
    assert [one["index"] for one in lane["processes"]] == [0, 1, 2]
    assert (lane["current_task_id"], lane["current_task"]) == (lane["processes"][2]["task_id"], "exp.txt:1:3")
    assert lane["gpus"] == [lane["current_gpu"]] == lane["processes"][2]["gpus"]
    assert sorted(found["gpus_used"]) == sorted([*lane["gpus"], *found["queues"]["car"]["gpus"]])
    assert found["gpu_assignments"][str(lane["current_gpu"])] == ["1"]
    assert "exit code 3" in lane["last_error"] == found["last_error"]
    assert (lane["processes"][0]["commands"], lane["processes"][0]["memory_gb"]) == (["sleep 0.2"], 1)
    listed = daemon.get("/api/scheduler/running?processes=0")["schedulers"]
    assert [steady(one) for one in listed if one["pid"] == number] == [steady(run(daemon, number, "?processes=0"))]
    assert listed[0]["queues"]["1"]["processes"] == []
    daemon.post(f"/api/submissions/{number}/kill")
    over = until(daemon, number, "failed")
    assert (over["failed_tasks"], over["cancelled_tasks"], over["gpus_used"]) == (3, 2, [])
    assert over["ended_at"] == max(lane["ended_at"] for lane in over["queues"].values())
    assert number not in [one["pid"] for one in daemon.get("/api/scheduler/running")["schedulers"]]


def test_a_lane_that_was_stopped_tells_what_failed_first_and_only_as_many_tasks_as_are_wanted(daemon: Box) -> None:
    lane = [("1", "true"), ("1", "exit 7"), *[("1", "true")] * 6]
    number = submit(daemon, *lane, ("2", "sleep 600"), on_failure="stop")
    wait_until(lambda: run(daemon, number)["queues"]["1"]["ended_at"], 60, "the lane is over")
    found = run(daemon, number)
    failed = found["queues"]["1"]["processes"][1]
    for told in (found, found["queues"]["1"]):
        assert "exit code 7" in told["last_error"]
    assert found["queues"]["1"]["last_error_task_id"] == failed["task_id"]
    assert found["queues"]["2"]["last_error_task_id"] is None
    few = run(daemon, number, "?around=3")
    assert [one["index"] for one in few["queues"]["1"]["processes"]] == [5, 6, 7]
    assert [one["index"] for one in few["queues"]["2"]["processes"]] == [0]
    assert few["queues"]["1"]["total_tasks"] == 8
    assert [few["queues"]["1"][f"{kind}_tasks"] for kind in ("completed", "failed", "skipped")] == [1, 7, 6]
    with pytest.raises(Failure, match="around"):
        run(daemon, number, "?around=0")
    daemon.post(f"/api/submissions/{number}/kill")


def test_a_configuration_shows_its_last_run_and_one_that_never_ran_shows_nothing(fresh: Box) -> None:
    path = "/api/scheduler/single/state?config_index=0"
    empty = fresh.get(path)
    require_shape(empty, shapes.Scheduler)
    assert (empty["state"], empty["pid"], empty["total_tasks"], empty["queues"]) == (None, None, 0, {})
    for _ in range(2):
        fresh.post("/api/commands/single/new", {"content": blocks(("1", "true")), "name": "exp.txt"})
    assert fresh.get(path)["state"] is None
    with pytest.raises(Failure, match="configuration_not_found"):
        fresh.get("/api/scheduler/single/state?config_index=2")
    with pytest.raises(Failure, match="mode_not_found"):
        fresh.get("/api/scheduler/double/state")
    first = fresh.post("/api/scheduler/single/start?config_index=1", {"workdir": "/tmp"})["pid"]
    until(fresh, first, "completed")
    second = fresh.post("/api/scheduler/single/start?config_index=1", {"workdir": "/tmp"})["pid"]
    found = fresh.get("/api/scheduler/single/status?config_index=1")
    assert (found["pid"], found["config_index"], found["index"]) == (second, 1, 2)
    until(fresh, second, "completed")
    assert [one["pid"] for one in fresh.get("/api/scheduler/single/state")["schedulers"]] == [first, second]
    assert fresh.get("/api/scheduler/multi/state") == {"schedulers": []}
    fresh.request("DELETE", "/api/commands/single/1")
    assert (run(fresh, second)["config_index"], run(fresh, second)["index"]) == (None, None)


def test_a_kill_and_a_restart_leave_the_state_as_it_was(fresh: Box) -> None:
    tasks = [("1", "true"), ("1", "test -e done || { touch done; exit 4; }; sleep 602"), ("2", "exit 5"), ("2", "true")]
    number = submit(fresh, *tasks, workdir=str(fresh.home), retries=1)
    before: Json = {}

    def is_there() -> object:
        before.update(run(fresh, number))
        again = before["queues"]["1"]["processes"][1]
        return again["task_state"] == "running" and again["retry_count"] == 1 and before["queues"]["2"]["ended_at"]

    wait_until(is_there, 60, "the second task runs again")
    assert "exit code 4" in before["queues"]["1"]["processes"][1]["last_error"]
    assert before["queues"]["2"]["retries"] == 1
    fresh.kill()
    fresh.start()
    assert steady(run(fresh, number)) == steady(before)
    fresh.post(f"/api/submissions/{number}/kill")
    over = until(fresh, number, "failed")
    fresh.restart()
    assert steady(run(fresh, number)) == steady(over)


def test_removed_tasks_leave_the_run_and_a_run_without_tasks_is_gone(daemon: Box) -> None:
    number = submit(daemon, ("1", "true"), ("1", "true"))
    found = until(daemon, number, "completed")
    first, second = (one["task_id"] for one in found["queues"]["1"]["processes"])
    daemon.post(f"/api/tasks/{first}/remove")
    assert [one["task_id"] for one in run(daemon, number)["queues"]["1"]["processes"]] == [second]
    assert run(daemon, number)["total_tasks"] == 1
    daemon.post(f"/api/tasks/{second}/remove")
    with pytest.raises(Failure, match="run_not_found"):
        run(daemon, number)
    assert number not in [one["pid"] for one in daemon.get("/api/scheduler/status")["schedulers"]]


def test_a_lane_that_waits_tells_why_and_when_it_may_begin() -> None:
    with box(n_gpus=1) as daemon:
        number = submit(daemon, ("1", "sleep 600"), ("2", "sleep 600"), ("2", "sleep 600"), seed=1, time_limit="10m")
        wait_until(lambda: run(daemon, number)["running_tasks"] == 1, 60, "one runs")
        lanes = run(daemon, number)["queues"].values()
        (running,) = (lane for lane in lanes if lane["status"] == "running")
        (waiting,) = (lane for lane in lanes if lane["status"] == "waiting")
        assert waiting["pending_reason"] == "gpu_count"
        assert waiting["expected_end_at"] > running["expected_end_at"]
        assert "expected start of its next task" in waiting["expected_basis"]
        found = run(daemon, number)
        assert found["expected_end_at"] >= max(lane["expected_end_at"] for lane in found["queues"].values())
        head = next(one for one in waiting["processes"] if one["pending_reason"] == "gpu_count")
        assert daemon.get(f"/api/tasks/{head['task_id']}/why")["expected_start_at"] is not None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("run/999", "run_not_found"), ("run/x", "run_not_found"), ("run/0", "run_not_found"),
        ("single/state?config_index=x", "invalid_field"), ("single/state?processes=2", "invalid_field"),
        ("status?processes=", "invalid_field"), ("nothing/status", "mode_not_found"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_by_name(daemon: Box, path: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        daemon.get(f"/api/scheduler/{path}")
    assert caught.value.body["code"] == code


def test_the_openapi_document_has_examples_of_runs(daemon: Box) -> None:
    require_shape(SCHEDULER, shapes.Scheduler)
    require_shape(SCHEDULER["queues"]["1"], shapes.SchedulerQueue)
    for process in SCHEDULER["queues"]["1"]["processes"]:
        require_shape(process, shapes.SchedulerProcess)
    paths = daemon.get("/openapi.json")["paths"]
    for path in ("run/{run_id}", "status", "running", "{mode}/state", "{mode}/status"):
        content = paths[f"/api/scheduler/{path}"]["get"]["responses"]["200"]["content"]["application/json"]
        assert "sweep.txt:1:2" in json.dumps(content.get("example") or content["examples"])
