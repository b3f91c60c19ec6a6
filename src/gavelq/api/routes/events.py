"""/api/events: every committed change, as it happens."""

from functools import partial

from fastapi import APIRouter, Query, Request

from gavelq.api.callers import CallerOf
from gavelq.api.event_stream import EventStream
from gavelq.api.routes.numbers import task_id, whole
from gavelq.config.mistakes import suggest
from gavelq.core.errors import InvalidField, LimitReached
from gavelq.core.event_names import EVENTS, KINDS
from gavelq.daemon.service import Service
from gavelq.daemon.told import Wanted

MAX_LISTENERS = 1000
_KNOWN = (*KINDS, *EVENTS, "gap", "sample")
"""What may be asked for. The last two come unasked as well: with one of them alone, no events do."""
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
        every_s = whole(samples, "samples", default=None, low=1, high=60)
        names = _names(kinds, has_samples=every_s is not None)
        wanted = Wanted(names=names, tasks=frozenset(task_id(number) for number in task or ()))
        place = whole(request.headers.get("last-event-id") or after, "after", default=None)
        if feed.n_listeners >= MAX_LISTENERS:
            problem = f"{MAX_LISTENERS} streams are open"
            raise LimitReached(limit="the number of event streams", problem=problem, hint="close some that are idle")
        is_by_token = getattr(request.state, "peer", None) is None
        discreet = None if caller.is_admin else service.overview.discretion(caller).words
        return EventStream(
            feed.listen(place, every_s=every_s), caller, wanted, is_checked_again=is_by_token, discreet=discreet,
            sample=partial(service.samples.text, caller),
        )  # fmt: skip

    return routes


def _names(written: str | None, *, has_samples: bool) -> frozenset[str]:
    """The kinds and events that are asked for. Raises InvalidField for what never comes: one would wait for ever."""
    names = [name.strip() for name in (written or "").split(",") if name.strip()]
    for name in names:
        if name not in _KNOWN:
            hint = suggest(name[:80], _KNOWN) or f"the kinds are {', '.join(KINDS)}; docs/events.md lists the events"
            raise InvalidField(field="kinds", problem=f"there is no event {name[:80]!r}", hint=hint)
    if "sample" in names and not has_samples:
        problem, hint = "samples come to those only who say how often", "add samples=2, for one every 2 seconds"
        raise InvalidField(field="kinds", problem=problem, hint=hint)
    return frozenset(names)
