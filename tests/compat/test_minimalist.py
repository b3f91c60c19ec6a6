"""What applications of the minimalist design could do through the API and by settings; tenants come later."""

from tests.compat.conftest import Person

REQUEST = {"name": "test-task", "gpu_request": 1, "memory_mb": 4096, "priority": 50}


def test_a_task_has_a_timeout_in_seconds(someone: Person) -> None:
    made = someone.box.post("/api/tasks", {**REQUEST, "command": "sleep 60", "timeout": 0.2, "workdir": "/"})
    assert (made["gpu_count"], made["memory_mib"], made["priority"]) == (1, 4096, 50)
    ended = someone.waits_for(made["id"])
    assert (ended["state"], ended["end_reason"]) == ("failed", "time_limit")


def test_what_is_more_urgent_may_stop_what_allows_it(someone: Person) -> None:
    someone.does("config", "set", "preemption.enabled", "true")
    someone.does("config", "set", "preemption.min_run_s", "0")
    # It goes on for ever at its first try alone.
    low = someone.submits("-g", "0", "--preemptible", 'test "$GAVELQ_ATTEMPT" = 2 || sleep 60')
    someone.waits_for(low, "running")
    urgent = someone.submits("-g", "0", "-p", "50", "true")
    assert someone.waits_for(urgent)["state"] == "completed"
    ended = someone.waits_for(low)
    assert ended["state"] == "completed"
    attempts = someone.asks("task", "info", str(low))["attempts"]
    assert [one["end_reason"] for one in attempts] == ["preempted", "exit_zero"]
    assert ended["n_failures"] == 0
    for name in ("enabled", "min_run_s"):
        someone.does("config", "unset", f"preemption.{name}")


def test_a_broken_gpu_is_left_and_comes_back_when_somebody_says_so(someone: Person) -> None:
    task_id = someone.submits("-g", "0,1", "-c", "1", "--retries", "1", "--backoff", "0", "sleep 60")
    first = someone.waits_for(task_id, "running")["gpus"][0]
    someone.pretends(xid={str(first): 79})
    someone.sees("it goes on elsewhere", "task", "info", str(task_id), key="attempt", value=2)
    assert someone.waits_for(task_id, "running")["gpus"] == [1 - first]
    broken = someone.asks("gpu", "info", str(first))
    assert (broken["state"], broken["fault"]) == ("draining", "Xid 79: GPU has fallen off the bus")
    assert someone.asks("task", "info", str(task_id))["attempts"][0]["end_reason"] == "gpu_lost"
    someone.pretends()
    someone.does("gpu", "unignore", str(first))
    assert someone.asks("gpu", "info", str(first))["state"] == "free"
    someone.ends(task_id)


def test_an_application_holds_gpus_for_its_own_processes_as_long_as_it_renews(someone: Person) -> None:
    made = someone.box.post("/api/tasks", {**REQUEST, "gpu_request": 2, "lease": True, "workdir": "/"})
    lease = someone.waits_for(made["id"], "running")
    assert (len(lease["gpus"]), lease["is_lease"], lease["command"]) == (2, True, None)
    renewed = someone.box.post(f"/api/tasks/{made['id']}/renew")
    assert renewed["lease_expires_at"] >= lease["lease_expires_at"]
    someone.box.post(f"/api/tasks/{made['id']}/release")
    ended = someone.waits_for(made["id"])
    assert (ended["state"], ended["end_reason"]) == ("completed", "released")
