"""/api/gpus."""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.body import flag, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.core.errors import InvalidField
from gavelq.daemon.service import Service

Json = dict[str, Any]


def _names(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, int | str) and not isinstance(v, bool) for v in value):
        raise InvalidField(field="gpus", problem="it is not a list of GPU ids", hint='send for example ["0", "1"]')
    if not value:  # not the same as none: whoever made an empty list wants no card that comes first
        raise InvalidField(field="gpus", problem="it names no GPU", hint="name some, or send count instead")
    return [str(v) for v in value]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of GPUs."""
    routes = APIRouter(tags=["gpus"])
    gpus = service.gpus

    @routes.get("/api/gpus")
    async def list_gpus(request: Request) -> list[Json]:
        return gpus.list_gpus(caller_of(request))

    @routes.get("/api/gpus/{name}")
    async def show(name: str, request: Request) -> Json:
        return gpus.show(caller_of(request), name)

    @routes.post("/api/gpus/allocate")
    async def allocate(request: Request) -> list[Json]:
        body = await read_object(request, ("queue", "gpus", "count"))
        names = _names(body.get("gpus"))
        return await gpus.allocate(caller_of(request), text(body, "queue"), names, body.get("count"))

    @routes.post("/api/gpus/{name}/release")
    async def release(name: str, request: Request) -> Json:
        body = await read_object(request, ("requeue",))
        return await gpus.release(caller_of(request), name, requeue=flag(body, "requeue"))

    @routes.post("/api/gpus/{name}/ignore")
    async def ignore(name: str, request: Request) -> Json:
        await read_object(request, ())
        return await gpus.ignore(caller_of(request), name)

    @routes.post("/api/gpus/{name}/unignore")
    async def unignore(name: str, request: Request) -> Json:
        await read_object(request, ())
        return await gpus.unignore(caller_of(request), name)

    @routes.post("/api/gpus/{name}/share")
    async def share(name: str, request: Request) -> Json:
        body = await read_object(request, ("pid",))
        return await gpus.share(caller_of(request), name, body.get("pid"))

    @routes.post("/api/gpus/{name}/unshare")
    async def unshare(name: str, request: Request) -> Json:
        await read_object(request, ())
        return await gpus.unshare(caller_of(request), name)

    @routes.post("/api/gpus/{name}/drain")
    async def drain(name: str, request: Request) -> Json:
        body = await read_object(request, ("now", "requeue"))
        return await gpus.drain(caller_of(request), name, now=flag(body, "now"), requeue=flag(body, "requeue"))

    return routes
