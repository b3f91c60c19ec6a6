"""The OpenAPI document is true: it describes every route, and a live daemon answers as it says."""

import json
import sys
from pathlib import Path

import pytest

from gavelq.api.openapi import operations
from tests.api.by_schema import send_all, target

ROOT = Path(__file__).parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())


def test_the_document_that_is_checked_in_is_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import openapi

    try:
        assert openapi.render() == (ROOT / "docs" / "openapi.json").read_text(), "run scripts/docs"
    finally:
        sys.modules.pop("openapi")


@pytest.mark.parametrize(("name", "operation"), list(operations(DOCUMENT)))
def test_every_route_is_described(name: str, operation: dict[str, object]) -> None:
    summary = operation["summary"]
    assert isinstance(summary, str)
    assert len(summary.split()) > 1, f"{name}: {summary!r} says too little"
    assert operation["tags"]
    responses = operation["responses"]
    assert isinstance(responses, dict)
    assert "application/problem+json" in responses["default"]["content"]
    parameters = operation.get("parameters", [])
    assert isinstance(parameters, list)
    for parameter in parameters:
        assert parameter["schema"], f"{name}: {parameter['name']} has no schema"
    body = operation.get("requestBody")
    if isinstance(body, dict):
        content = body["content"]["application/json"]
        assert content["schema"]
        assert "example" in content, f"{name} has no example"


def test_500_requests_made_from_the_document_are_answered_as_it_says() -> None:
    with target() as at:
        told = send_all(at, n_cases=500)
        assert at.get("/api/daemon")["running"]
    assert told.failures == {}
    assert told.n_cases >= 400
    assert not [status for status in told.statuses if status >= 500]
    assert told.statuses[200] > 50
    assert told.statuses[201] > 5
