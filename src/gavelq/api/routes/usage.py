"""/api/usage: who had how much of the GPUs."""

from typing import Any

from fastapi import APIRouter, Query, Request

from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import answers
from gavelq.daemon.service import Service
from gavelq.daemon.service.usage import UsageAsked

Json = dict[str, Any]

_SUMS: Json = {
    "gpu_hours": 41.25, "idle_gpu_hours": 2.5, "foreign_gpu_hours": None, "efficiency_percent": 78.4, "n_started": 12,
    "n_ended": 11, "n_aborted": 0, "n_cancelled": 1, "n_completed": 9, "n_failed": 1, "wait_mean_s": 341.5,
    "wait_p50_s": 12.25, "wait_p95_s": 1811.0,
}  # fmt: skip
USAGE: Json = {
    "at": "2026-08-08T09:30:07.250000Z",
    "from": "2026-08-01T09:30:07.250000Z",
    "to": "2026-08-08T09:30:07.250000Z",
    "utc_offset_s": 7200,
    "by": ["tenant"],
    "tenant": None,
    "note": None,
    "rows": [{"tenant": "ada", "queue": None, "day": None, "gpu": None, **_SUMS}],
    "total": {"tenant": None, "queue": None, "day": None, "gpu": None, **_SUMS, "foreign_gpu_hours": 3.1},
}


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The route of usage reports."""
    routes = APIRouter(tags=["monitor"])

    @routes.get(
        "/api/usage", summary="GPU-hours, waits, ends and efficiency, by tenant, queue, day and GPU",
        responses=answers(USAGE),
    )  # fmt: skip
    async def usage(
        request: Request,
        since: str | None = Query(None, description="ISO 8601, seconds since 1970, or `-7d` (the default)"),
        until: str | None = Query(None, description="The same; default: now"),
        by: list[str] | None = Query(None, description="`tenant`, `queue`, `day`, `gpu`, with commas between"),  # noqa: B008  # how FastAPI declares a repeatable query parameter
        tenant: str | None = Query(None, description="Of this tenant alone"),
    ) -> Json:
        asked = UsageAsked(since=since, until=until, by=tuple(by or ()), tenant=tenant)
        return await service.usage.usage(caller_of(request), asked)

    return routes
