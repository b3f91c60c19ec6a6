"""/api/events: every committed change, as it happens."""

from functools import partial

from fastapi import APIRouter, Query, Request

from gavelq.api.callers import CallerOf
from gavelq.api.event_stream import EventStream
from gavelq.api.routes.numbers import task_id, whole
from gavelq.core.errors import InvalidField, LimitReached
from gavelq.daemon.service import Service
from gavelq.daemon.told import KINDS, Wanted

MAX_LISTENERS = 1000
_MAX_NAMES = 50
_EXAMPLE = (
    'id: 41\nevent: task\ndata: {"id":41,"kind":"task","at":"2026-08-01T09:30:00.000000Z","event":"started","by":"",'
    '"task_id":7,"subject":"","details":{"attempt":1},"tenant":"ada"}\n\n'
)


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The route of events."""
    routes = APIRouter(tags=["events"])
    feed = service.feed

    @routes.get(
        "/api/events", summary="Every committed change, as server-sent events", response_class=EventStream,
        status_code=200,  # FastAPI would read it from the class, whose constructor has none
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
    )  # fmt: skip
    async def events(
        request: Request,
        kinds: str | None = Query(None, description=f"Of {', '.join(KINDS)}, or events such as `ended`; with commas"),
        task: list[str] | None = Query(None, description="A task's id; may be repeated"),  # noqa: B008  # how FastAPI declares a repeatable query parameter
        after: str | None = Query(None, description="Go on behind this id; the header Last-Event-ID wins"),
        samples: str | None = None,
    ) -> EventStream:
        caller = caller_of(request)
        wanted = Wanted(names=_names(kinds), tasks=frozenset(task_id(number) for number in task or ()))
        place = whole(request.headers.get("last-event-id") or after, "after", default=None)
        if feed.n_listeners >= MAX_LISTENERS:
            problem = f"{MAX_LISTENERS} streams are open"
            raise LimitReached(limit="the number of event streams", problem=problem, hint="close some that are idle")
        is_by_token = getattr(request.state, "peer", None) is None
        discreet = None if caller.is_admin else service.overview.discretion(caller).words
        every_s = whole(samples, "samples", default=None, low=1, high=60)
        return EventStream(
            feed.listen(place, every_s=every_s), caller, wanted, is_checked_again=is_by_token, discreet=discreet,
            sample=partial(service.samples.text, caller),
        )  # fmt: skip

    return routes


def _names(written: str | None) -> frozenset[str]:
    names = frozenset(name.strip() for name in (written or "").split(",") if name.strip())
    if len(names) > _MAX_NAMES or any(not (name.isascii() and name.replace("_", "").isalpha()) for name in names):
        hint = f"the kinds are {', '.join(KINDS)}; names of events, such as ended, will do as well"
        raise InvalidField(field="kinds", problem=f"{written!r:.80} is no list of names", hint=hint)
    return names
