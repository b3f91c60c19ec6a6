"""/api/gpu and /api/stats: what programs of other schedulers ask for, beside our own routes."""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import answers
from gavelq.daemon.service import Service

Json = dict[str, Any]

_PROCESS: Json = {
    "pid": 4711, "user": "ada", "memory_mib": 8192, "task_id": 7, "command": "python train.py", "started_at": None,
    "since": "2026-08-01T09:30:00.000000Z", "is_ignored": False, "gpu": 0, "gpu_uuid": "GPU-5e1f", "memory_mb": 8192,
}  # fmt: skip
_STATS: Json = {
    "tasks": {"total": 9, "pending": 2, "running": 1, "completed": 5, "failed": 1, "cancelled": 0},
    "counts": {"held": 0, "pending": 2, "running": 1, "completed": 5, "failed": 1},
    "gpus": {"total": 2, "lost": 0, "ignored": 0, "draining": 0, "foreign": 0, "shared": 0, "busy": 1, "free": 1},
    "memory_total_mib": 49152, "memory_used_mib": 8192, "queues": 2,
}  # fmt: skip


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of other schedulers' words."""
    routes = APIRouter(tags=["overview"])
    overview = service.overview

    @routes.get("/api/gpu", summary="The GPUs, with short names beside ours")
    async def gpu(request: Request) -> list[Json]:
        return overview.gpu(caller_of(request))

    @routes.get("/api/gpu/processes", summary="The processes on the GPUs", responses=answers([_PROCESS]))
    async def processes(request: Request) -> list[Json]:
        return overview.processes(caller_of(request))

    @routes.get("/api/stats", summary="How many tasks and GPUs are doing what", responses=answers(_STATS))
    async def stats(request: Request) -> Json:
        return await overview.stats(caller_of(request))

    return routes
