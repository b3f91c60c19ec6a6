"""/api/simulate: what is expected of the tasks that wait, under the rules in force and under others."""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_duration
from gavelq.daemon.service import Service
from gavelq.daemon.service.simulation import MAX_HOURS, Wish

Json = dict[str, Any]
_EXAMPLE: Json = {
    "at": "2026-08-01T14:32:00.000000Z",
    "until": "2026-08-02T14:32:00.000000Z",
    "assumed_s": None,
    "changed": [
        {"name": "scheduling.policy", "old": "fair", "new": "fifo", "was_default": True, "is_default": False}
    ],
    "summary": {
        "n_waiting": 1, "n_held": 0,
        "now": {"n_starting": 1, "mean_wait_s": 2040.0, "max_wait_s": 2040.0},
        "then": {"n_starting": 1, "mean_wait_s": 9240.0, "max_wait_s": 9240.0},
        "n_earlier": 0, "n_later": 1, "n_same": 0,
        "run_times": {"learned": 1, "limit": 0, "assumed": 0, "unknown": 0},
        "is_whole": True,
    },
    "tasks": [
        {
            "task_id": 1852, "name": "qwen-32b-lora", "tenant": "ada", "queue": "running", "gpu_count": 2,
            "submitted_at": "2026-08-01T14:30:00.000000Z", "run_time_s": 5400.0, "run_time_basis": "learned",
            "now": {
                "start_at": "2026-08-01T15:04:00.000000Z", "end_at": "2026-08-01T16:34:00.000000Z", "wait_s": 2040.0,
                "gpus": [3, 4], "why": None,
            },
            "then": {
                "start_at": "2026-08-01T17:04:00.000000Z", "end_at": "2026-08-01T18:34:00.000000Z", "wait_s": 9240.0,
                "gpus": [0, 1], "why": None,
            },
        }
    ],
}  # fmt: skip


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The route of simulations."""
    routes = APIRouter(tags=["config"])

    @routes.post(
        "/api/simulate", summary="When tasks that wait will start, also under other rules; nothing is changed",
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )  # fmt: skip
    async def simulate(request: Request) -> Json:
        body = await read_object(request, ("settings", "unset", "hours", "assume"))
        return await service.simulation.simulate(caller_of(request), _wish(body))

    return routes


def _wish(body: Json) -> Wish:
    settings, unset, hours = body.get("settings") or {}, body.get("unset") or [], body.get("hours", 24)
    if not isinstance(settings, dict):
        hint = 'send {"settings": {"scheduling.policy": "fifo"}}'
        raise InvalidField(field="settings", problem="it is not an object", hint=hint)
    if not isinstance(unset, list) or not all(isinstance(name, str) for name in unset):
        raise InvalidField(field="unset", problem="it is not a list of names", hint='send ["rules.max_gpu"]')
    if type(hours) is not int or not 1 <= hours <= MAX_HOURS:
        problem = f"{hours!r:.80} is no number of hours"
        raise InvalidField(field="hours", problem=problem, hint=f"send a whole number from 1 to {MAX_HOURS}")
    return Wish(settings=settings, unset=unset, hours=hours, assumed_s=_assumed(body.get("assume")))


def _assumed(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InvalidField(field="assume", problem=f"{value!r:.80} is no time", hint='send seconds, or "2h"')
    seconds = parse_duration(value, field="assume")
    if not 0 < seconds < 1e9:
        raise InvalidField(field="assume", problem=f"{value!r:.80} is no length of a task", hint='send "2h"')
    return seconds
