"""/api/daemon, /api/status, /api/config, /api/backup and what anybody may ask."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from gavelq.api.body import flag, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.daemon.service import Service

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes about the daemon as a whole."""
    routes = APIRouter(tags=["daemon"])
    admin = service.admin

    @routes.get("/", response_class=PlainTextResponse)
    async def root() -> PlainTextResponse:
        return PlainTextResponse("gavelq is here; the console comes with a later version. See docs/rest.md.\n")

    @routes.get("/api/gpu/status")
    async def health() -> Json:
        return admin.health()

    @routes.get("/api/daemon")
    async def daemon(request: Request) -> Json:
        return await admin.daemon(caller_of(request))

    @routes.get("/api/status")
    async def status(request: Request) -> Json:
        return await admin.status(caller_of(request))

    @routes.post("/api/daemon/stop", status_code=202)
    async def stop(request: Request) -> Json:
        body = await read_object(request, ("kill_tasks",))
        return await admin.stop(caller_of(request), kill_tasks=flag(body, "kill_tasks"))

    @routes.post("/api/config/reload")
    async def reload(request: Request) -> Json:
        await read_object(request, ())
        return admin.reload(caller_of(request))

    @routes.post("/api/backup")
    async def backup(request: Request) -> Json:
        body = await read_object(request, ("path",))
        return await admin.backup(caller_of(request), text(body, "path"))

    return routes
