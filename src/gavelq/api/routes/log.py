"""/api/log: log files of people's own, bound to tasks of configurations. `process_index` counts from 0."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import answers, body
from gavelq.api.routes.log_examples import BIND, BINDINGS, BOUND, CONTENT, READ, UNBOUND
from gavelq.api.routes.numbers import seconds, switch, whole
from gavelq.api.routes.tasks import MAX_WAIT_S
from gavelq.core.errors import InvalidField
from gavelq.daemon.bound_logs import MAX_LINES, MAX_READ, Piece
from gavelq.daemon.service import Service
from gavelq.daemon.service.bindings import DEFAULT_LINES, Part, TaskPlace
from gavelq.formats.command_file import MAX_BLOCKS

Json = dict[str, Any]
_PLACE = ("mode", "config_index", "queue_id", "process_index")
_PART = ("tail_lines", "offset", "limit", "identity", "wait", "raw")


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of bound logs."""
    routes = APIRouter(tags=["log"])
    _add_bind(routes, service, caller_of)
    _add_read(routes, service, caller_of)
    return routes


def _add_bind(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    bindings = service.bindings

    @routes.post(
        "/api/log/bind", status_code=201, summary="Bind a log file of your own to a task of a configuration",
        responses=answers(BOUND, 201), openapi_extra=_query(*_PLACE, "log_path") | body(BIND),
    )  # fmt: skip
    async def bind(request: Request) -> JSONResponse:
        given = await _given(request)
        found = await bindings.bind(caller_of(request), _task_place(given), _text(given, "log_path"))
        return JSONResponse(found, 201)

    @routes.delete(
        "/api/log/bind", summary="Take a binding back; the file is left alone",
        responses=answers(UNBOUND), openapi_extra=_query(*_PLACE, "log_path"),  # takes what `bind` took
    )  # fmt: skip
    async def unbind(request: Request) -> JSONResponse:
        return JSONResponse(await bindings.unbind(caller_of(request), _task_place(await _given(request))))

    @routes.get(
        "/api/log/bindings", summary="Bound log files by MODE_CONFIGINDEX_QUEUEID_PROCESSINDEX",
        responses=answers(BINDINGS),
    )  # fmt: skip
    async def list_bindings(request: Request, mode: str | None = None, config_index: str | None = None) -> JSONResponse:
        index = whole(config_index, "config_index", default=None, high=1 << 30)
        return JSONResponse(await bindings.list_bindings(caller_of(request), mode, index))


def _add_read(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    bindings = service.bindings

    @routes.get(
        "/api/log/content", summary="The last lines of a bound log file, or what stands from an offset on",
        responses=answers(CONTENT), openapi_extra=_query(*_PLACE, *_PART),
    )  # fmt: skip
    async def content(request: Request) -> Response:
        given = request.query_params
        is_raw = switch(given.get("raw"), "raw")
        return _answer(is_raw, *await bindings.content(caller_of(request), _task_place(given), _part(given)))

    @routes.get(
        "/api/log/read", summary="The same of any file below the directories of logs.roots",
        responses=answers(READ), openapi_extra=_query("log_path", *_PART),
    )  # fmt: skip
    async def read(request: Request) -> Response:
        given = request.query_params
        is_raw = switch(given.get("raw"), "raw")
        return _answer(is_raw, *await bindings.read(caller_of(request), _text(given, "log_path"), _part(given)))


async def _given(request: Request) -> Mapping[str, Any]:
    """The fields of the query and of the body; each may stand in one of them."""
    sent = await read_object(request, (*_PLACE, "log_path"))
    asked = dict(request.query_params)
    for name in sent.keys() & asked.keys():
        raise InvalidField(field=name, problem="it is in the query and in the body", hint="send it once")
    return asked | sent


def _task_place(given: Mapping[str, Any]) -> TaskPlace:
    return TaskPlace(
        mode=_text(given, "mode"),
        config_index=_count(given, "config_index", 0, high=1 << 30),
        queue_id=_text(given, "queue_id"),
        process_index=_count(given, "process_index", high=MAX_BLOCKS - 1),
    )


def _part(given: Mapping[str, Any]) -> Part:
    has_offset = "offset" in given
    if has_offset and "tail_lines" in given:
        problem = "an offset is given as well"
        raise InvalidField(field="tail_lines", problem=problem, hint="ask for the last lines, or from an offset on")
    return Part(
        tail_lines=_count(given, "tail_lines", DEFAULT_LINES, high=MAX_LINES),
        offset=_count(given, "offset", high=1 << 53) if has_offset else None,
        limit=_count(given, "limit", MAX_READ, low=1, high=MAX_READ),
        identity=str(given.get("identity", ""))[:100],
        wait_s=seconds(given.get("wait"), "wait", most=MAX_WAIT_S),
    )


def _text(given: Mapping[str, Any], name: str) -> str:
    """A field that has to be there. A number will do: a queue id is one as often as not."""
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        problem = "it is missing" if value in (None, "") else f"{value!r:.80} is not a text"
        raise InvalidField(field=name, problem=problem, hint=f"send {name}=...")
    return str(value)


def _count(given: Mapping[str, Any], name: str, default: int | None = None, *, low: int = 0, high: int) -> int:
    """A whole number. Raises InvalidField, also where it is missing and there is no default."""
    value = None if given.get(name) is None and default is not None else _text(given, name)
    return whole(value, name, default=default, low=low, high=high) or 0


def _answer(is_raw: bool, shown: Json, piece: Piece) -> Response:
    """As JSON; with `raw=1` the bytes as they are, and what is about them in header fields."""
    if not is_raw:
        return JSONResponse(shown)
    headers = {
        "X-Gavelq-Start": str(piece.start),
        "X-Gavelq-Offset": str(piece.end),
        "X-Gavelq-Truncated": str(int(piece.is_anew)),
        "X-Gavelq-Identity": piece.look.identity if piece.look else "",
        "X-Gavelq-Exists": str(int(piece.look is not None)),
        "X-Gavelq-Ended": str(int(shown.get("ended", False) and piece.end >= (shown["size"] or 0))),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(piece.content, 200, headers, media_type="text/plain; charset=utf-8")


def _query(*names: str) -> dict[str, Any]:
    """The query's fields for the OpenAPI document. What `bind` takes may stand in its body as well."""
    return {"parameters": [{"name": name, "in": "query", **_FIELDS[name]} for name in names]}


_FIELDS: dict[str, Json] = {
    "mode": {"schema": {"type": "string", "enum": ["single", "multi"]}, "example": "single"},
    "config_index": {"schema": {"type": "integer", "minimum": 0, "default": 0}, "example": 0},
    "queue_id": {"schema": {"type": "string"}, "example": "car"},
    "process_index": {
        "schema": {"type": "integer", "minimum": 0}, "example": 1,
        "description": "From 0 among the tasks of the queue id, in file order.",
    },
    "log_path": {
        "schema": {"type": "string"}, "example": "out/car-2.log",
        "description": "A relative path counts from the configuration's directory.",
    },
    "tail_lines": {
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_LINES, "default": DEFAULT_LINES}, "example": 100
    },
    "offset": {"schema": {"type": "integer", "minimum": 0}, "description": "In bytes; instead of tail_lines."},
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": MAX_READ}, "description": "Bytes at most."},
    "identity": {"schema": {"type": "string"}, "description": "Of the file that the offset is about."},
    "wait": {
        "schema": {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S},
        "description": "Seconds to wait for something new, where nothing stands at the offset.",
    },
    "raw": {"schema": {"type": "integer", "enum": [0, 1]}, "description": "1: the bytes alone."},
}  # fmt: skip
