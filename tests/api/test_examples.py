"""The examples of the OpenAPI document are answers as the API gives them, nulls and all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from gavelq.api.openapi import operations

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
Json = dict[str, Any]


def shown() -> Iterator[tuple[str, Any, Json]]:
    """Every example of a JSON answer with its schema, by the operation's name and the status."""
    for name, operation in operations(DOCUMENT):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json", {})
            if "example" in content:
                yield f"{name} {status}", content["example"], content.get("schema", {})


@pytest.mark.parametrize(("example", "schema"), [pytest.param(*case, id=name) for name, *case in shown()])
def test_an_example_is_what_the_schema_says(example: Any, schema: Json) -> None:
    check = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    mistakes = [f"{one.instance_path}: {one.message}"[:300] for one in check.iter_errors(example)]
    assert mistakes == []


def test_nulls_are_told() -> None:
    examples = {name: example for name, example, _ in shown()}
    assert examples["GET /api/tenants/{name} 200"]["quota"]["max_running"] is None
    assert examples["GET /api/log/content 200"]["task_id"] is not None
    assert examples["POST /api/log/bind 201"]["problem"] is None
    assert examples["GET /api/user 200"]["task_id"] is None
