"""/api/plan: what is to come on each GPU."""

from typing import Any

from fastapi import APIRouter, Query, Request

from gavelq.api.callers import CallerOf
from gavelq.api.routes.numbers import whole
from gavelq.daemon.service import Service

Json = dict[str, Any]
MAX_HOURS = 168
_EXAMPLE = {
    "at": "2026-08-01T14:32:00.000000Z",
    "until": "2026-08-01T20:32:00.000000Z",
    "budget": {"n_used": 4, "most": 6, "is_limited": True},
    "gpus": [
        {
            "index": 0, "uuid": "GPU-5c2d5e0e-1111-2222-3333-444455556666",
            "next": {
                "kind": "starts", "task_id": 1852, "name": "qwen-32b-lora", "at": "2026-08-01T15:04:00.000000Z",
                "text": "task 1852 (qwen-32b-lora) in about 32m",
            },
            "spans": [
                {
                    "kind": "running", "task_id": 1844, "name": "deepseek-7b", "tenant": "ada", "is_own": True,
                    "from": "2026-08-01T13:34:00.000000Z", "to": "2026-08-01T15:04:00.000000Z", "is_limit": True,
                },
                {
                    "kind": "reserved", "task_id": 1852, "name": "qwen-32b-lora", "tenant": "ada", "is_own": True,
                    "from": "2026-08-01T15:04:00.000000Z", "to": None, "is_limit": False,
                },
            ],
        }
    ],
    "pending": [
        {
            "task_id": 1852, "position": 1, "expected_start_at": "2026-08-01T15:04:00.000000Z",
            "expected_basis": "a reservation: the time limits on its GPUs are over by then", "gpus": [0],
        }
    ],
}  # fmt: skip


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The route of the plan."""
    routes = APIRouter(tags=["gpus"])

    @routes.get(
        "/api/plan", summary="What is to come on each GPU: time limits, reservations, expected starts",
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )  # fmt: skip
    async def plan(
        request: Request,
        hours: str | None = Query(None, description=f"So far ahead, 1 to {MAX_HOURS}; 6 unless given"),
    ) -> Json:
        wanted = whole(hours, "hours", default=6, low=1, high=MAX_HOURS)
        return service.plan.plan(caller_of(request), wanted or 6)

    return routes
