"""The OpenAPI document: what FastAPI knows of the routes, put right and filled up from tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from gavelq.api.auth import OPEN
from gavelq.api.operations import OPERATIONS, PARAMETERS, STATES, Operation
from gavelq.api.schemas import Schemas

Json = dict[str, Any]
ABOUT = """gavelq keeps order on a machine whose GPUs are contested. These routes answer on the daemon's unix socket,
where the caller is known by its unix uid, and on TCP, where every request needs a token.

Every answer carries `X-Request-Id`. Errors are problem documents (RFC 9457). Lists are arrays. Times are ISO 8601 in
UTC."""
_AFTER = {
    "description": "Only what is behind this id", "schema": {"type": "integer", "minimum": 0}, "example": 0,
}  # fmt: skip
_KEYED = frozenset({
    "POST /api/tasks", "POST /api/submissions", "POST /api/tasks/{number}/rerun", "POST /api/queues",
    "POST /api/tenants", "POST /api/tokens", "POST /api/commands/{mode}/new", "POST /api/commands/{mode}/duplicate",
    "POST /api/scheduler/{mode}/start", "POST /api/scheduler/{mode}/submit", "POST /api/alerts/mutes",
})  # fmt: skip

_OTHER_ANSWERS = {("POST /api/tasks", "200"): "DryRun"}
"""Shapes of answers whose status tells that they are another kind of answer."""

_LAST_ONES = frozenset({"GET /api/audit", "GET /api/config/history"})
"""Lists that take the last ones whether that is said or not."""


def install(app: FastAPI) -> None:
    """Let /openapi.json show the finished document."""
    plain = app.openapi

    def finished() -> Json:
        if app.openapi_schema is None or "x-finished" not in app.openapi_schema:
            app.openapi_schema = finish(_with_whole_examples(plain(), app.state.routes))
        return app.openapi_schema

    app.openapi = finished  # type: ignore[method-assign]  # FastAPI's documented way to change the document


def _with_whole_examples(document: Json, routes: Iterable[BaseRoute]) -> Json:
    """Examples as the routes have them: FastAPI leaves every null out of its document, also out of what is answered."""
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        for method in (route.methods or set()) & {name.upper() for name in document["paths"].get(route.path, ())}:
            operation = document["paths"][route.path][method.lower()]
            for status, response in route.responses.items():
                _put_examples(operation["responses"].get(str(status), {}), response)
            _put_examples(operation.get("requestBody", {}), (route.openapi_extra or {}).get("requestBody", {}))
    return document


def _put_examples(shown: Json, written: Mapping[str, Any]) -> None:
    for kind, content in written.get("content", {}).items():
        if "example" in content and kind in shown.get("content", {}):
            shown["content"][kind]["example"] = content["example"]


def finish(document: Json) -> Json:
    """The document with summaries, parameters, bodies, answers and problems."""
    schemas = Schemas()
    schemas.found["AnyObject"] = {"type": "object"}
    problem = schemas.named("Problem")
    for name, operation in operations(document):
        _finish_one(name, operation, OPERATIONS.get(name, Operation()), schemas, problem)
    return {
        **document,
        "info": {**document["info"], "description": ABOUT, "license": {"name": "MIT"}},
        "security": [{"token": []}, {"session": []}],
        "components": {
            "schemas": dict(sorted(schemas.found.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "gavelq token create"},
                "session": {"type": "apiKey", "in": "cookie", "name": "gavelq_session_8080"},
            },
        },
        "x-finished": True,
    }


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Every operation of a document with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _finish_one(name: str, operation: Json, known: Operation, schemas: Schemas, problem: Json) -> None:
    method, _, path = name.partition(" ")
    operation["operationId"] = _id_of(method, path)
    operation["summary"] = known.summary or operation["summary"]
    if (method, path) in OPEN:
        operation["security"] = []
    _finish_parameters(name, operation)
    if known.body is not None:
        operation["requestBody"] = _body(known, schemas)
    responses = operation["responses"]
    responses.pop("422", None)
    for status, response in responses.items():
        response.setdefault("description", "Done")
        if known.answer is not None and status.startswith("2"):
            content = response.setdefault("content", {}).setdefault("application/json", {})
            content["schema"] = schemas.named(_OTHER_ANSWERS.get((name, status), known.answer))
    content = {"application/problem+json": {"schema": problem}}
    responses["default"] = {"description": "It was refused, or failed; nothing was changed", "content": content}


def _finish_parameters(name: str, operation: Json) -> None:
    for parameter in operation.get("parameters", []):
        _finish_parameter(name, parameter)
    if name in _KEYED:
        operation.setdefault("parameters", []).append({
            "name": "Idempotency-Key", "in": "header", "required": False, "example": "3f1c9d52-load-7",
            "description": "For 24 hours the same key brings the same answer, and nothing new is made",
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        })  # fmt: skip


def _finish_parameter(name: str, parameter: Json) -> None:
    known = PARAMETERS.get(parameter["name"])
    if parameter["name"] == "state":
        parameter["description"] = "In one of these states; may be repeated"
        words = {"enum": STATES}
        is_one = name.endswith("/turn")
        parameter["schema"] = words if is_one else {"type": "array", "items": words}
        parameter["example"] = "pending" if is_one else ["pending"]
    elif parameter["name"] == "after":
        parameter.update({key: value for key, value in _AFTER.items() if key not in parameter})
        parameter["schema"] = _AFTER["schema"]
    elif parameter["name"] == "newest" and name in _LAST_ONES:
        parameter.update({"description": "It is so anyhow", "schema": {"enum": ["1"]}, "example": "1"})
    elif known is not None:
        text, schema, example = known
        parameter.setdefault("description", text)
        parameter["schema"] = schema
        parameter["example"] = example


def _body(known: Operation, schemas: Schemas) -> Json:
    if isinstance(known.body, str):
        schema = schemas.named(known.body)
    else:
        schema = {"type": "object", "properties": dict(known.body or {}), "additionalProperties": False}
        if known.required:
            schema["required"] = list(known.required)
    content = {"schema": schema} | ({} if known.example is None else {"example": known.example})
    return {"required": known.needs_body, "content": {"application/json": content}}


def _id_of(method: str, path: str) -> str:
    words = [part.strip("{}") for part in path.split("/") if part not in ("", "api")]
    return "_".join([method.lower(), *words])
