"""A query's parameters at a real daemon: those that a route does not know, and those that stand there twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.api.openapi import operations
from tests.support.daemon import Box, Failure, box

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1, env={"GAVELQ_SUBMIT_DEFAULT_QUEUE": "waiting"}) as instance:
        yield instance


def refusal(at: Box, method: str, path: str) -> dict[str, Any]:
    with pytest.raises(Failure) as caught:
        at.request(method, path)
    assert caught.value.status == 400
    body: dict[str, Any] = caught.value.body
    assert body["code"] == "invalid_field"
    return body


def test_every_route_refuses_a_parameter_that_it_does_not_know_and_names_its_own(at: Box) -> None:
    for name, operation in operations(DOCUMENT):
        method, path = name.split(" ")
        if path == "/":
            continue
        target = path.format_map({"number": 1, "name": "a", "named": "a", "mode": "single", "index": 1, "run_id": 1})
        body = refusal(at, method, f"{target}?nonsense=1")
        assert body["details"]["field"] == "nonsense"
        declared = sorted(one["name"] for one in operation.get("parameters", []) if one["in"] == "query")
        assert body["hint"] == (f"this route knows {', '.join(declared)}" if declared else "this route takes none")


def test_every_declared_parameter_is_known_once_and_a_list_twice(at: Box) -> None:
    for name, operation in operations(DOCUMENT):
        method, path = name.split(" ")
        if method != "GET" or path == "/api/events":
            continue
        target = path.format_map({"number": 1, "name": "a", "mode": "single", "run_id": 1})
        for one in [one for one in operation.get("parameters", []) if one["in"] == "query"]:
            sent = f"{target}?{one['name']}=%00&{one['name']}=%00"  # no value that means anything
            try:
                at.get(sent)
                told = ""
            except Failure as failure:
                told = failure.body["message"]
            is_list = one["name"] in ("id", "gpu", "task", "by") or one["schema"].get("type") == "array"
            assert ("it is given 2 times" in told) is not is_list, (sent, told)
            assert "no such parameter" not in told


def test_nothing_is_done_where_a_parameter_is_refused(at: Box) -> None:
    body = refusal(at, "POST", "/api/tasks?dry_run=1")
    assert body["message"] == "dry_run: there is no such parameter here"
    assert at.get("/api/tasks") == []
    number = at.submit("true")
    refusal(at, "POST", f"/api/tasks/{number}/kill?signal=USR1")
    refusal(at, "GET", f"/api/tasks/{number}?fields=id")
    assert at.state(number) == "held"
    assert at.get("/api/commands/single?config_index=0")["config_index"] == 0
    body = refusal(at, "GET", "/api/commands/single?config_index=0&config_index=1")
    assert body["message"] == "config_index: it is given 2 times, and is no list"


def test_pages_take_any_query(at: Box) -> None:
    assert "gavelq is here" in at.get("/?from=mail")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/api/tasks?newest=2"), ("GET", "/api/tasks?newest="), ("GET", "/api/submissions?newest=yes"),
        ("GET", "/api/scheduler/running?processes=2"), ("DELETE", "/api/alerts/mutes?all=2"),
        ("GET", "/api/log/read?log_path=/etc/hosts&raw=2&wait=25"),
    ],
)  # fmt: skip
def test_a_switch_is_0_or_1(at: Box, method: str, target: str) -> None:
    assert "is not 0 or 1" in refusal(at, method, target)["message"]


def test_a_switch_may_be_a_word(at: Box) -> None:
    assert at.get("/api/tasks?newest=false") == at.get("/api/tasks?newest=0") == at.get("/api/tasks?newest=true")
