"""/api/queues."""

from typing import Any

from fastapi import APIRouter, Request, Response

from gavelq.api.body import read_object, text
from gavelq.api.callers import CallerOf
from gavelq.api.routes.matching import MATCH, quoted, versions
from gavelq.daemon.service import Service

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of queues."""
    routes = APIRouter(tags=["queues"])
    queues = service.queues

    @routes.get("/api/queues")
    async def list_queues(request: Request) -> list[Json]:
        return queues.list_queues(caller_of(request))

    @routes.get("/api/queues/{name}")
    async def show(name: str, request: Request, response: Response) -> Json:
        response.headers["ETag"] = quoted(queues.version(name))
        return queues.show(caller_of(request), name)

    @routes.post("/api/queues", status_code=201)
    async def create(request: Request) -> Json:
        body = await read_object(request)
        name = text(body, "name")
        options = {key: value for key, value in body.items() if key != "name"}
        return await queues.create(caller_of(request), name, options, request.headers.get("idempotency-key"))

    @routes.patch("/api/queues/{name}", openapi_extra=MATCH)
    async def change(name: str, request: Request, response: Response) -> Json:
        done = await queues.change(caller_of(request), name, await read_object(request), versions(request))
        response.headers["ETag"] = quoted(queues.version(name))
        return done

    @routes.delete("/api/queues/{name}")
    async def delete(name: str, request: Request) -> Json:
        await read_object(request, ())
        return await queues.delete(caller_of(request), name)

    @routes.post("/api/queues/{name}/merge")
    async def merge(name: str, request: Request) -> Json:
        body = await read_object(request, ("into",))
        return await queues.merge(caller_of(request), name, text(body, "into"))

    return routes
