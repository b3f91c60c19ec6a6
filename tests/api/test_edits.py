"""Keys that make repetitions harmless, versions that keep edits apart, and pages of lists, at a real daemon."""

import json
from collections.abc import Iterator

import pytest

from gavelq import Client
from tests.support.daemon import Box, Failure, box


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1) as instance:
        yield instance


def send(at: Box, method: str, path: str, body: object, **fields: str) -> tuple[int, dict[str, str], object]:
    given = {name.replace("_", "-"): value for name, value in fields.items()} | {"Content-Type": "application/json"}
    status, found, content = at.raw(method, path, json.dumps(body).encode(), given)
    return status, found, json.loads(content)


def test_a_key_brings_the_same_task_again_and_no_other_request(at: Box) -> None:
    body = {"command": "true", "hold": True, "workdir": "/tmp"}
    first = at.post("/api/submissions", {"tasks": [body], "key": "k1"})
    assert at.post("/api/submissions", {"tasks": [body], "key": "k1"})[0]["id"] == first[0]["id"]
    at.restart()
    assert at.post("/api/submissions", {"tasks": [body | {"env": {"A": "1"}}], "key": "k1"})[0]["id"] == first[0]["id"]
    with pytest.raises(Failure) as refused:
        at.post("/api/submissions", {"tasks": [body | {"command": "false"}], "key": "k1"})
    assert (refused.value.status, refused.value.body["code"]) == (422, "key_reused")


def test_the_header_is_as_good_as_the_field(at: Box) -> None:
    body = {"command": "true", "hold": True, "workdir": "/tmp"}
    one = send(at, "POST", "/api/tasks", body, Idempotency_Key="k2")
    two = send(at, "POST", "/api/tasks", body, Idempotency_Key="k2")
    assert one[0] == two[0] == 201
    assert isinstance(one[2], dict)
    assert isinstance(two[2], dict)
    assert one[2]["id"] == two[2]["id"]
    assert send(at, "POST", "/api/tasks", body | {"priority": 9}, Idempotency_Key="k2")[0] == 422


def test_an_edit_of_another_version_of_a_task_is_refused(at: Box) -> None:
    task = at.submit("true", hold=True)
    _, found, seen = send(at, "GET", f"/api/tasks/{task}", {})
    assert isinstance(seen, dict)
    assert found["etag"] == seen["etag"]

    assert send(at, "PATCH", f"/api/tasks/{task}", {"priority": 5}, If_Match=found["etag"])[0] == 200
    status, _, problem = send(at, "PATCH", f"/api/tasks/{task}", {"priority": 6}, If_Match=found["etag"])

    assert status == 412
    assert isinstance(problem, dict)
    assert problem["code"] == "changed_meanwhile"
    assert at.task(task)["priority"] == 5
    assert send(at, "PATCH", f"/api/tasks/{task}", {"priority": 6}, If_Match="*")[0] == 200
    assert send(at, "PATCH", f"/api/tasks/{task}", {"priority": 7})[0] == 200


def test_a_task_s_version_stays_while_it_runs_and_over_a_restart(at: Box) -> None:
    task = at.submit("sleep 30")
    before = at.task(task)["etag"]
    at.wait(task, "running")
    at.restart()
    assert at.task(task)["etag"] == before
    at.post(f"/api/tasks/{task}/kill")


def test_an_edit_of_another_version_of_a_queue_is_refused(at: Box) -> None:
    at.post("/api/queues", {"name": "edited"})
    _, found, _ = send(at, "GET", "/api/queues/edited", {})
    status, changed, _ = send(at, "PATCH", "/api/queues/edited", {"max_running": 1}, If_Match=found["etag"])
    assert status == 200
    assert changed["etag"] != found["etag"]
    assert send(at, "PATCH", "/api/queues/edited", {"max_running": 2}, If_Match=found["etag"])[0] == 412
    assert send(at, "PATCH", "/api/queues/edited", {"max_running": 2}, If_Match=changed["etag"])[0] == 200
    assert send(at, "PATCH", "/api/queues/nothing", {"max_running": 2}, If_Match='"x"')[0] == 404


def test_submissions_are_listed_page_by_page(at: Box) -> None:
    made = [at.post("/api/submissions", {"tasks": [{"command": "true", "hold": True}] * 2}) for _ in range(3)]
    numbers = [tasks[0]["submission_id"] for tasks in made]
    found = at.get(f"/api/submissions?after={numbers[0] - 1}&limit=2")
    assert [one["id"] for one in found] == numbers[:2]
    assert {one["n_tasks"] for one in found} == {2}
    assert [one["id"] for one in at.get("/api/submissions?newest=1&limit=1")] == numbers[-1:]
    with pytest.raises(Failure):
        at.get("/api/submissions?limit=0")
    assert Client(socket=at.socket).tasks()


def test_a_task_tells_the_names_of_its_variables_and_never_a_value(at: Box) -> None:
    body = {"command": "true", "hold": True, "workdir": "/tmp", "env": {"LR": "0.5-zq7", "DATA": "/data-zq7"}}
    made = at.post("/api/tasks", body)
    path = f"/api/tasks/{made['id']}"
    assert at.get(path)["env_names"] == ["DATA", "LR"]
    at.request("PATCH", path, {"env": {"SEED": "zq7"}})
    told = at.get(path)
    assert told["env_names"] == ["DATA", "LR", "SEED"]
    assert "zq7" not in json.dumps(told)
    lease = at.post("/api/tasks", {"lease": True, "hold": True, "gpu_count": 1, "env": {"A": "1"}})
    assert at.get(f"/api/tasks/{lease['id']}")["env_names"] == []
