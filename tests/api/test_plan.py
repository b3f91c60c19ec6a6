"""`GET /api/plan` at a real daemon, for an admin and for tenants; and what rows of tasks know of it."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from gavelq import Client
from gavelq.client import shapes
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import tenant

Json = dict[str, Any]
TASK: Json = {"workdir": "/tmp", "env": {"PATH": os.environ["PATH"]}, "command": "sleep 300"}


@pytest.fixture
def at() -> Iterator[Box]:
    with box(n_gpus=1, listen="127.0.0.1:0") as instance:
        yield instance


def seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def test_the_plan_has_what_runs_and_what_follows(at: Box) -> None:
    first = at.submit("sleep 300", name="first", time_limit="2h")
    at.wait(first, "running")
    second = at.submit("sleep 300", name="second", time_limit="1h")
    plan = Client(socket=at.socket).plan()
    assert set(plan) == set(shapes.Plan.__annotations__)
    assert seconds(plan["at"], plan["until"]) == 6 * 3600
    assert plan["budget"] == {"n_used": 1, "most": 1, "is_limited": False}
    (card,) = plan["gpus"]
    running, following = card["spans"]
    assert set(running) == set(shapes.PlanSpan.__annotations__)
    assert (running["kind"], running["task_id"], running["name"], running["is_own"]) == (
        "running",
        first,
        "first",
        True,
    )
    assert running["from"] == at.task(first)["started_at"]
    assert running["is_limit"]
    assert running["to"] is not None
    assert seconds(running["from"], running["to"]) == 7200
    assert (following["kind"], following["task_id"]) == ("reserved", second)
    assert (card["next"]["kind"], card["next"]["task_id"], card["next"]["at"]) == ("starts", second, following["from"])
    assert "second" in card["next"]["text"]
    (waiting,) = plan["pending"]
    assert (waiting["task_id"], waiting["position"], waiting["gpus"]) == (second, 1, [0])
    assert waiting["expected_start_at"] == following["from"]


def test_rows_of_pending_tasks_tell_the_expected_start_of_the_plan(at: Box) -> None:
    at.wait(at.submit("sleep 300", time_limit="2h"), "running")
    second = at.submit("true", time_limit="1h")
    third = at.submit("true", time_limit="1h")
    rows = {row["id"]: row["expected_start_at"] for row in at.get("/api/tasks?fields=id,expected_start_at")}
    planned = {one["task_id"]: one["expected_start_at"] for one in at.get("/api/plan?hours=24")["pending"]}
    assert abs(seconds(rows[second], planned[second])) < 2
    assert abs(seconds(rows[third], planned[third])) < 2
    assert seconds(rows[second], rows[third]) == pytest.approx(3600, abs=2)


def test_hours_cut_off_what_begins_later(at: Box) -> None:
    at.wait(at.submit("sleep 300", time_limit="2h"), "running")
    at.submit("true", time_limit="1h")
    assert [len(at.get(f"/api/plan?hours={hours}")["gpus"][0]["spans"]) for hours in (1, 3)] == [1, 2]
    for wrong in ("0", "169", "x"):
        with pytest.raises(Failure, match="hours"):
            at.get(f"/api/plan?hours={wrong}")


def test_a_tenant_sees_that_others_are_there_and_nothing_else_of_them(at: Box) -> None:
    ada, bob = tenant(at, "ada"), tenant(at, "bob")
    hers = ada.post("/api/tasks", {**TASK, "name": "zecret", "time_limit": "1h"})["id"]
    at.wait(hers, "running")
    ada.post("/api/tasks", {**TASK, "name": "zecret", "time_limit": "1h"})
    his = bob.post("/api/tasks", {**TASK, "name": "his", "time_limit": "1h"})["id"]
    answer = bob.ask("GET", "/api/plan")
    assert "zecret" not in answer.text
    assert "ada" not in answer.text
    plan = answer.json
    first, second, third = plan["gpus"][0]["spans"]
    assert (first["task_id"], first["name"], first["tenant"], first["is_own"]) == (None, None, None, False)
    assert first["to"] is not None
    assert second["task_id"] is None
    assert (third["task_id"], third["tenant"], third["is_own"]) == (his, "bob", True)
    assert plan["gpus"][0]["next"]["text"].startswith("another tenant's task")
    assert [(one["task_id"], one["position"]) for one in plan["pending"]] == [(his, 2)]
