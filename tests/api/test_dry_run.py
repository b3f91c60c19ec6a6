"""Submissions that are only tried, at a real daemon: by REST, on the command line and by the SDK."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from gavelq import Client
from gavelq.client import shapes
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import tenant

Json = dict[str, Any]
TASK: Json = {"command": "sleep 300", "workdir": "/tmp", "env": {"PATH": os.environ["PATH"]}, "dry_run": True}


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=2, listen="127.0.0.1:0") as instance:
        yield instance


def test_a_task_that_fits_would_start_and_is_not_made(at: Box) -> None:
    told = at.post("/api/tasks", {**TASK, "gpu_count": 2, "name": "tried"})
    assert set(told) == set(shapes.DryRun.__annotations__)
    assert set(told["task"]) == set(shapes.Task.__annotations__)
    assert (told["valid"], told["starts_now"], sorted(told["gpus"])) == (True, True, [0, 1])
    assert (told["task"]["id"], told["task"]["name"], told["task"]["submission_id"]) == (None, "tried", None)
    assert at.get("/api/tasks") == []
    first = at.submit("true", hold=True)
    assert first == 1, "a dry run used an id"


def test_without_the_word_it_is_a_submission(at: Box) -> None:
    status, _, content = at.raw(
        "POST", "/api/tasks", json.dumps({**TASK, "hold": True, "dry_run": False}).encode(),
        {"Content-Type": "application/json"},
    )  # fmt: skip
    assert status == 201
    assert json.loads(content)["id"] > 0
    assert at.raw("POST", "/api/tasks", json.dumps(TASK).encode(), {"Content-Type": "application/json"})[0] == 200


def test_what_would_wait_is_told_why_where_and_when(at: Box) -> None:
    running = at.submit("sleep 300", gpu_count=2, time_limit="1h")
    at.wait(running, "running")
    told = at.post("/api/tasks", {**TASK, "gpu_count": 1})
    assert (told["starts_now"], told["gpus"], told["position"]) == (False, [], 1)
    assert told["expected_start_at"] is not None
    assert f"task {running}" in told["summary"]
    assert [card["fits"] for card in told["cards"]] == [False, False]
    assert any(not gate["passed"] for gate in told["gates"])
    at.post(f"/api/tasks/{running}/kill")
    at.wait(running)


def test_a_lease_and_a_held_task_can_be_tried(at: Box) -> None:
    lease = at.post("/api/tasks", {"gpu_count": 1, "dry_run": True})
    assert (lease["task"]["is_lease"], lease["starts_now"]) == (True, True)
    held = at.post("/api/tasks", {**TASK, "queue": "waiting"})
    assert (held["starts_now"], held["task"]["state"], held["position"]) == (False, "held", None)
    assert "queue waiting" in held["summary"]


@pytest.mark.parametrize(
    "wrong",
    [{"gpu_count": 9}, {"memory": "900G"}, {"queue": "no"}, {"after": [999]}, {"colour": 1}, {"workdir": "/no"}],
)
def test_what_is_refused_is_refused_alike(at: Box, wrong: Json) -> None:
    with pytest.raises(Failure) as tried:
        at.post("/api/tasks", {**TASK, **wrong})
    with pytest.raises(Failure) as made:
        at.post("/api/tasks", {name: value for name, value in {**TASK, **wrong}.items() if name != "dry_run"})
    assert (tried.value.status, tried.value.body) == (made.value.status, made.value.body)


def test_the_word_is_true_or_false(at: Box) -> None:
    with pytest.raises(Failure, match="dry_run"):
        at.post("/api/tasks", {**TASK, "dry_run": "perhaps"})


def test_the_command_line_tells_in_words_and_as_json(at: Box) -> None:
    before = len(at.get("/api/tasks"))
    said = at.cli("submit", "--dry-run", "-c", "1", "true")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("valid; nothing was submitted: it would start now on GPU ")
    told = json.loads(at.cli("submit", "command", "--cmd", "true", "--dry-run", "-o", "json").stdout)
    assert told["starts_now"] is True
    assert at.cli("submit", "--dry-run", "--array", "0-3", "true").returncode == 2
    assert at.cli("submit", "--dry-run", "-c", "64", "true").returncode != 0
    assert len(at.get("/api/tasks")) == before


def test_the_sdk_asks_the_same(at: Box) -> None:
    told = Client(socket=at.socket).dry_run("true", gpu_count=1)
    assert told["starts_now"]


def test_a_tenant_is_told_of_its_own_quota_and_not_of_others(at: Box) -> None:
    ada, bob = tenant(at, "try-ada"), tenant(at, "try-bob", max_gpus=1)
    hers = ada.post("/api/tasks", {**TASK, "dry_run": False, "gpu_count": 2, "name": "zecret"})["id"]
    at.wait(hers, "running")
    answer = bob.ask("POST", "/api/tasks", TASK)
    assert answer.status == 200
    assert "zecret" not in answer.text
    assert f"task {hers}" not in answer.text
    assert "another tenant's task" in answer.json["summary"]
    at.post(f"/api/tasks/{hers}/kill")
