"""/api/commands: configurations of command files, by mode (`single`, `multi`) and `config_index` from 0."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import (
    ALL,
    CHECKED,
    CREATE,
    DELETED,
    LIST,
    MATCH,
    NAME,
    PUT,
    TEXT,
    answers,
    body,
)
from gavelq.api.routes.numbers import whole
from gavelq.core.command_files import FileNotStored
from gavelq.daemon.service import Service

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of configurations."""
    routes = APIRouter(tags=["commands"])
    _add_look(routes, service, caller_of)
    _add_change(routes, service, caller_of)
    _add_more(routes, service, caller_of)
    return routes


def _add_look(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    files = service.files

    @routes.get("/api/commands/{mode}/list", summary="Configurations without their texts", responses=answers(LIST))
    async def list_files(mode: str, request: Request) -> JSONResponse:
        return JSONResponse(await files.list_files(caller_of(request), mode))

    @routes.get("/api/commands/{mode}/all", summary="Configurations with their texts", responses=answers(ALL))
    async def all_files(mode: str, request: Request) -> JSONResponse:
        return JSONResponse(await files.all_files(caller_of(request), mode))

    @routes.get("/api/commands/{mode}", summary="A configuration; its ETag is in the header", responses=answers(TEXT))
    async def show(mode: str, request: Request, config_index: str | None = None) -> JSONResponse:
        return _tagged(await files.show(caller_of(request), mode, _place(config_index)))

    @routes.post(
        "/api/commands/{mode}/check", summary="What is wrong with a text that is not kept",
        responses=answers(CHECKED), openapi_extra=body({"content": TEXT["content"]}),
    )  # fmt: skip
    async def check(mode: str, request: Request) -> JSONResponse:
        sent = await read_object(request, ("content",))
        return JSONResponse(await files.check(mode, sent.get("content")))


def _add_change(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    files = service.files

    @routes.post(
        "/api/commands/{mode}/new", status_code=201, summary="One more configuration",
        responses=answers(TEXT, 201), openapi_extra=body(CREATE),
    )  # fmt: skip
    async def create(mode: str, request: Request) -> JSONResponse:
        key = request.headers.get("idempotency-key")
        return _tagged(await files.create(caller_of(request), mode, await read_object(request), key), 201)

    @routes.put(
        "/api/commands/{mode}", summary="Another text or name; with If-Match only for the version that is named",
        responses=answers(TEXT) | answers(TEXT, 201), openapi_extra={**body(PUT), **MATCH},
    )  # fmt: skip
    async def put(mode: str, request: Request, config_index: str | None = None) -> JSONResponse:
        sent = await read_object(request)
        place = _place(config_index)
        found, is_new = await files.put(caller_of(request), mode, place, sent, request.headers.get("if-match"))
        return _tagged(found, 201 if is_new else 200)

    @routes.post(
        "/api/commands/{mode}/reset", summary="Back to the text that ran last, or the first one",
        responses=answers(TEXT), openapi_extra=MATCH,
    )  # fmt: skip
    async def reset(mode: str, request: Request, config_index: str | None = None) -> JSONResponse:
        await read_object(request, ())
        match = request.headers.get("if-match")
        return _tagged(await files.reset(caller_of(request), mode, _place(config_index), match))


def _add_more(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    files = service.files

    @routes.post(
        "/api/commands/{mode}/duplicate", status_code=201, summary="One more, with the same text",
        responses=answers(TEXT, 201), openapi_extra=body(NAME),
    )  # fmt: skip
    async def duplicate(mode: str, request: Request, config_index: str | None = None) -> JSONResponse:
        sent = await read_object(request, ("name",))
        key = request.headers.get("idempotency-key")
        found = await files.duplicate(caller_of(request), mode, _place(config_index), sent.get("name"), key)
        return _tagged(found, 201)

    @routes.delete(
        "/api/commands/{mode}/{index}", summary="Delete a configuration (never the first one)",
        responses=answers(DELETED), openapi_extra=MATCH,
    )  # fmt: skip
    async def delete(mode: str, index: str, request: Request) -> Json:
        if not (index.isascii() and index.isdigit() and len(index) <= 9):
            raise FileNotStored(wanted=f"at {index[:40]!r}", mode=mode[:40])
        await read_object(request, ())
        return await files.delete(caller_of(request), mode, int(index), request.headers.get("if-match"))


def _place(config_index: str | None) -> int:
    """The place from 0 that a query names; the first one where it names none. Raises InvalidField."""
    return whole(config_index, "config_index", default=0, high=1 << 30) or 0


def _tagged(found: Json, status: int = 200) -> JSONResponse:
    return JSONResponse(found, status, {"ETag": found["etag"]})
