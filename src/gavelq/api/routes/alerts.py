"""/api/alerts: what fires, what fired lately, mutes, and a test of the channels."""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.api.routes.alert_examples import ALERTS, MUTE, TEST, TESTED, WANTED
from gavelq.api.routes.command_examples import answers, body
from gavelq.api.routes.numbers import switch, whole
from gavelq.daemon.service import Service
from gavelq.daemon.service.alerts import MUTE_FIELDS

Json = dict[str, Any]
MAX_RECENT = 1000


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of alerts."""
    routes = APIRouter(tags=["alerts"])
    alerts = service.alerts

    @routes.get("/api/alerts", summary="Alerts that fire, and what happened lately", responses=answers(ALERTS))
    async def show(request: Request, limit: str | None = None) -> Json:
        most = whole(limit, "limit", default=100, low=1, high=MAX_RECENT) or 100
        return await alerts.show(caller_of(request), limit=most)

    @routes.post(
        "/api/alerts/test", summary="Send a test to the channels, or to these URLs", responses=answers([TESTED]),
        openapi_extra=body(TEST),
    )  # fmt: skip
    async def test(request: Request) -> list[Json]:
        sent = await read_object(request, ("urls",))
        return await alerts.test(caller_of(request), sent.get("urls"))

    @routes.post(
        "/api/alerts/mutes", status_code=201, summary="Tell nobody of some alerts for a while",
        responses=answers(MUTE, 201), openapi_extra=body(WANTED),
    )  # fmt: skip
    async def mute(request: Request) -> Json:
        key = request.headers.get("idempotency-key")
        return await alerts.mute(caller_of(request), await read_object(request, MUTE_FIELDS), key)

    @routes.delete(
        "/api/alerts/mutes", summary="Take the mute of a rule and subject away, or with all=1 every mute",
        responses=answers([MUTE]),
    )  # fmt: skip
    async def unmute(
        request: Request, rule: str | None = None, subject: str | None = None, all: str | None = None
    ) -> list[Json]:
        await read_object(request, ())
        return await alerts.unmute(caller_of(request), rule=rule, subject=subject, is_all=switch(all, "all"))

    return routes
