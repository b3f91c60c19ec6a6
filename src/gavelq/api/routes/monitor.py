"""/api/monitor: measures of GPUs and tasks over time."""

import asyncio
import json
from typing import Any

from fastapi import APIRouter, Query, Request, Response

from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import answers
from gavelq.api.routes.monitor_examples import METRICS
from gavelq.api.routes.numbers import task_id, whole
from gavelq.daemon.service import Service
from gavelq.daemon.service.monitor import Asked

MAX_STEP_S = 86400 * 366

Json = dict[str, Any]


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _encoded(found: Json) -> str:
    """The document, encoded series by series: the encoder lets no other thread work before it has done."""
    lists = [f'"{name}":[{",".join(_subject(one) for one in found[name])}]' for name in ("gpus", "tasks")]
    rest = _text({name: value for name, value in found.items() if name not in ("gpus", "tasks")})
    return f"{rest[:-1]},{','.join(lists)}}}"


def _subject(one: Json) -> str:
    series = ",".join(f"{_text(name)}:{_text(points)}" for name, points in one["series"].items())
    rest = _text({name: value for name, value in one.items() if name != "series"})
    return f'{rest[:-1]},"series":{{{series}}}}}'


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of the monitor."""
    routes = APIRouter(tags=["monitor"])

    @routes.get(
        "/api/monitor/metrics", summary="GPUs now, and what GPUs and tasks did over a range of time",
        responses=answers(METRICS),
    )  # fmt: skip
    async def metrics(
        request: Request,
        gpu: list[str] | None = Query(None, description="Index or UUID; may be repeated"),  # noqa: B008  # how FastAPI declares a repeatable query parameter
        task: list[str] | None = Query(None, description="A task's id; may be repeated"),  # noqa: B008
        start: str | None = Query(None, alias="from", description="ISO 8601, seconds since 1970, or `-1h`"),
        end: str | None = Query(None, alias="to", description="The same; default: now"),
        step: str | None = Query(None, description="Seconds of one point, at least"),
    ) -> Response:
        asked = Asked(
            gpus=tuple(gpu or ()),
            tasks=tuple(task_id(number) for number in task or ()),
            start=start,
            end=end,
            step_s=whole(step, "step", default=None, low=1, high=MAX_STEP_S),
        )
        found = await service.monitor.metrics(caller_of(request), asked)
        # The usual way would look at each of some hundred thousand numbers, on the loop.
        return Response(await asyncio.to_thread(_encoded, found), media_type="application/json")

    return routes
