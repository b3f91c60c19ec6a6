"""/api/scheduler: start, stop and change the runs of command files. (Their state stands in scheduler_state.)"""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.body import optional_text, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.api.routes.numbers import whole
from gavelq.core.command_files import RunNotFound
from gavelq.daemon.service import Service
from gavelq.formats.start_options import OPTIONS

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes that act on runs."""
    routes = APIRouter(tags=["scheduler"])
    runs = service.runs

    @routes.post("/api/scheduler/{mode}/start", status_code=201)
    async def start(mode: str, request: Request, config_index: str | None = None) -> Json:
        options = await read_object(request, OPTIONS)
        key = request.headers.get("idempotency-key")
        return await runs.start(caller_of(request), mode, _place(config_index), options, key)

    @routes.post("/api/scheduler/{mode}/stop")
    async def stop(mode: str, request: Request, config_index: str | None = None) -> Json:
        await read_object(request, ())
        return await runs.stop(caller_of(request), mode, _place(config_index))

    @routes.post("/api/scheduler/stop/{run_id}")
    async def stop_run(run_id: str, request: Request) -> Json:
        await read_object(request, ())
        return await runs.stop_run(caller_of(request), _run(run_id))

    @routes.post("/api/scheduler/{mode}/submit", status_code=201)
    async def submit(mode: str, request: Request) -> list[Json]:
        body = await read_object(request, (*OPTIONS, "name", "content"))
        name, content = optional_text(body, "name") or "commands", text(body, "content")
        options = {field: value for field, value in body.items() if field not in ("name", "content")}
        key = request.headers.get("idempotency-key")
        return await runs.submit_text(caller_of(request), name, mode, content, options, key)

    return routes


def _place(written: str | None) -> int:
    """`config_index` of a query, 0 where it is missing. Raises InvalidField."""
    return whole(written, "config_index", default=0) or 0


def _run(written: str) -> int:
    """A run's number in a path. Raises RunNotFound for anything that cannot be one."""
    if not (written.isascii() and written.isdigit() and 0 < len(written) <= 18):
        raise RunNotFound(run=written[:40])
    return int(written)
