"""/api/commands: configurations of command files, by mode (`single`, `multi`) and `config_index` from 0."""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.callers import CallerOf
from gavelq.daemon.service import Service

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of configurations."""
    routes = APIRouter(tags=["commands"])
    files = service.files

    @routes.get("/api/commands/{mode}/list")
    async def list_files(mode: str, request: Request) -> list[Json]:
        return files.list_files(caller_of(request), mode)

    return routes
