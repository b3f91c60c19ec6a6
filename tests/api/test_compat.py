"""What programs of other schedulers send and look for, at a real daemon (SPEC section 7)."""

from collections.abc import Iterator

import pytest

from gavelq.core.lifecycle import TaskState
from gavelq.daemon.views import states_of, status_of
from tests.support.daemon import Box, Failure, box


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=2) as instance:
        yield instance


def me(at: Box) -> str:
    return str(at.get("/api/user")["tenant"])


def test_a_task_without_a_command_is_a_lease_that_tells_its_gpus(at: Box) -> None:
    sent = {"tenant_id": me(at), "name": "test-task", "gpu_request": 1, "memory_mb": 4096, "priority": 50}
    lease = at.post("/api/tasks", sent)
    assert lease["is_lease"]
    assert (lease["tenant_id"], lease["gpu_request"], lease["memory_mb"], lease["priority"]) == (me(at), 1, 4096, 50)

    running = at.wait(lease["id"], "running")

    assert running["status"] == "running"
    assert len(running["device_ids"]) == 1
    assert running["environment"]["CUDA_VISIBLE_DEVICES"] == ",".join(running["gpu_uuids"])
    assert running["environment"]["GAVELQ_TASK_ID"] == str(lease["id"])
    assert at.post(f"/api/tasks/{lease['id']}/renew")["lease_expires_at"] > running["lease_expires_at"]
    over = at.request("DELETE", f"/api/tasks/{lease['id']}")
    assert at.wait(over["id"])["device_ids"] == []


def test_description_and_timeout_are_kept_and_shown(at: Box) -> None:
    sent = {"command": "true", "description": "two\nlines", "timeout": 60, "workdir": "/tmp", "gpu_request": 0}
    task = at.post("/api/tasks", sent)
    assert (task["description"], task["timeout"], task["device_ids"]) == ("two\nlines", 60, [])
    at.wait(task["id"])
    at.restart()
    assert at.task(task["id"])["description"] == "two\nlines"
    assert at.post(f"/api/tasks/{task['id']}/rerun", {"description": "again"})["description"] == "again"


@pytest.mark.parametrize("bad", ["a\x07b", "x" * 9000, 7])
def test_a_description_that_is_none_is_refused(at: Box, bad: object) -> None:
    with pytest.raises(Failure) as refused:
        at.post("/api/tasks", {"command": "true", "description": bad})
    assert refused.value.status == 400
    assert "description" in refused.value.body["message"]


def test_admins_submit_for_tenants_that_exist(at: Box) -> None:
    with pytest.raises(Failure) as refused:
        at.post("/api/tasks", {"command": "true", "tenant_id": "nobody"})
    assert refused.value.body["code"] == "tenant_not_found"
    at.post("/api/tenants", {"name": "ada"})
    task = at.post("/api/tasks", {"command": "true", "tenant_id": "ada", "workdir": "/tmp"})
    assert (task["tenant"], task["tenant_id"]) == ("ada", "ada")
    assert task["id"] in [one["id"] for one in at.get("/api/tasks?tenant_id=ada")]


def test_a_task_is_never_moved_to_another_tenant(at: Box) -> None:
    held = at.submit("true", hold=True)
    with pytest.raises(Failure) as refused:
        at.request("PATCH", f"/api/tasks/{held}", {"tenant_id": "ada"})
    assert refused.value.status == 400
    assert refused.value.body["message"].startswith("tenant_id")


def test_lists_can_be_filtered_by_other_words(at: Box) -> None:
    done, held = at.submit("true"), at.submit("true", hold=True)
    at.wait(done)
    assert held in [one["id"] for one in at.get("/api/tasks?status=pending")]
    assert done in [one["id"] for one in at.get("/api/tasks?status=completed")]
    assert {held, done} <= {one["id"] for one in at.get("/api/tasks?status=all")}
    with pytest.raises(Failure) as refused:
        at.get("/api/tasks?status=sleeping")
    assert refused.value.status == 400


def test_every_state_has_one_word_and_every_word_its_states() -> None:
    words = {status_of(state) for state in TaskState}
    assert words == {"pending", "running", "completed", "failed", "cancelled"}
    assert sorted(state for word in words for state in states_of(word)) == sorted(state.value for state in TaskState)


def test_gpus_and_stats_have_short_names(at: Box) -> None:
    shown = at.get("/api/gpu")
    assert [gpu["id"] for gpu in shown] == [0, 1]
    assert {gpu["memory_total"] for gpu in shown} == {24576}
    assert at.get("/api/gpu/processes") == []
    assert at.get("/api/gpu/status") == {"status": "ok"}
    stats = at.get("/api/stats")
    assert stats["gpus"]["total"] == 2
    assert stats["tasks"]["total"] == sum(n for word, n in stats["tasks"].items() if word != "total")
    assert stats["tasks"]["total"] == sum(stats["counts"].values()) > 0
