"""Renewing and releasing leases, and the long answers for those who wait."""

from typing import Any

from fastapi import APIRouter, Query, Request

from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.api.routes.numbers import seconds, task_id
from gavelq.daemon.service import Service

MAX_WAIT_S = 25.0
Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of leases."""
    routes = APIRouter(tags=["leases"])
    leases = service.leases

    @routes.get("/api/leases")
    async def list_leases(request: Request) -> list[Json]:
        return await leases.list_leases(caller_of(request))

    @routes.post("/api/tasks/{number}/renew")
    async def renew(number: str, request: Request) -> Json:
        await read_object(request, ())
        return await leases.renew(caller_of(request), task_id(number))

    @routes.post("/api/tasks/{number}/release")
    async def release(number: str, request: Request) -> Json:
        await read_object(request, ())
        return await leases.release(caller_of(request), task_id(number))

    @routes.get("/api/tasks/{number}/turn")
    async def turn(
        number: str,
        state: str,
        request: Request,
        timeout: str | None = None,  # noqa: ASYNC109  # the parameter's name
    ) -> Json:
        wait_s = seconds(timeout, "timeout", most=MAX_WAIT_S)
        return await leases.turn(caller_of(request), task_id(number), state, wait_s)

    @routes.get("/api/wait")
    async def wait(
        request: Request,
        id: list[str] = Query(),  # noqa: B008  # how FastAPI declares a repeatable query parameter
        timeout: str | None = None,  # noqa: ASYNC109
    ) -> list[Json]:
        ids = [task_id(number) for number in id]
        return await leases.first_ended(caller_of(request), ids, seconds(timeout, "timeout", most=MAX_WAIT_S))

    return routes
