"""/api/daemon, /api/status, /api/config, /api/backup and what anybody may ask."""

import os
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from gavelq.api.auth import token_of
from gavelq.api.body import flag, optional_text, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.api.console import HOME, wants_page
from gavelq.api.peer import Peer
from gavelq.daemon.service import Service

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes about the daemon as a whole."""
    routes = APIRouter(tags=["daemon"])
    admin = service.admin

    @routes.get("/", response_class=PlainTextResponse)
    async def root(request: Request) -> Response:
        varying = {"Vary": "Accept"}
        if wants_page(request):
            return RedirectResponse(HOME, 303, varying)
        return PlainTextResponse(
            f"gavelq is here: {HOME} is its console, /openapi.json describes its API.\n", 200, varying
        )

    @routes.get("/api/gpu/status")
    async def health() -> Json:
        return admin.health()

    @routes.get("/api/daemon")
    async def daemon(request: Request) -> Json:
        return await admin.daemon(caller_of(request))

    @routes.get("/api/status")
    async def status(request: Request) -> Json:
        return await admin.status(caller_of(request))

    @routes.get("/api/doctor")
    async def doctor(request: Request) -> list[Json]:
        return await service.doctor.checks(caller_of(request))

    @routes.post("/api/daemon/stop", status_code=202)
    async def stop(request: Request) -> Json:
        body = await read_object(request, ("kill_tasks",))
        return await admin.stop(caller_of(request), kill_tasks=flag(body, "kill_tasks"))

    @routes.post("/api/daemon/listen")
    async def listen(request: Request) -> Json:
        body = await read_object(request, ("address",))
        peer: Peer | None = request.state.peer
        is_local = peer is not None and peer.uid in (os.getuid(), 0) and token_of(request) is None
        return await admin.listen(caller_of(request), is_local=is_local, address=optional_text(body, "address"))

    @routes.post("/api/config/reload")
    async def reload(request: Request) -> Json:
        await read_object(request, ())
        return admin.reload(caller_of(request))

    @routes.post("/api/backup")
    async def backup(request: Request) -> Json:
        body = await read_object(request, ("path",))
        return await admin.backup(caller_of(request), text(body, "path"))

    return routes
