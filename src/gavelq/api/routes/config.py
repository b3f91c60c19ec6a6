"""/api/config and /api/settings: the configuration, its history, undoing."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.api.routes.numbers import require_newest, whole
from gavelq.core.errors import InvalidField
from gavelq.daemon.service import Service
from gavelq.daemon.service.settings import MAX_SHOWN

Json = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=MAX_SHOWN)]


_TRIED: Json = {
    "changed": [{"name": "rules.max_gpu", "old": 4, "new": 6, "was_default": False, "is_default": False}],
    "now": [],
    "then": [{"task_id": 1852, "name": "qwen-32b-lora", "gpus": [3, 4]}],
    "reasons": [
        {
            "task_id": 1852, "name": "qwen-32b-lora", "then": None, "then_reason": None, "now_reason": "gpu_budget",
            "now": "gavelq uses 4 GPU(s) and may use 4 (rules.gpu_left, min_gpu, max_gpu); it needs 2",
        }
    ],
    "preempted": [],
    "budget": {
        "now": {"n_used": 4, "most": 4, "is_limited": True}, "then": {"n_used": 6, "most": 6, "is_limited": True},
    },
    "file": {
        "path": "/home/ada/.config/gavelq/config.yaml", "before": "rules: {max_gpu: 4}\n",
        "after": "rules: {max_gpu: 6}\n",
    },
}  # fmt: skip


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of the configuration. Each answer's ETag stands for the file as it is; If-Match makes sure of it."""
    routes = APIRouter(tags=["config"])
    settings = service.settings

    async def tagged(response: Response) -> None:
        response.headers["ETag"] = f'"{await settings.version()}"'

    @routes.get("/api/config")
    async def show(request: Request, response: Response) -> list[Json]:
        found = settings.show(caller_of(request))
        await tagged(response)
        return found

    @routes.put("/api/config")
    async def put(request: Request, response: Response) -> Json:
        values, unset = _wanted(await read_object(request))
        done = await settings.put(caller_of(request), values, unset=unset, versions=_versions(request))
        await tagged(response)
        return done

    @routes.get("/api/config/history")
    async def history(
        request: Request, name: str | None = None, before: str | None = None, limit: Limit = 1000,
        newest: str | None = None,
    ) -> list[Json]:  # fmt: skip
        require_newest(newest)
        last = whole(before, "before", default=None, low=1)
        return await settings.history(caller_of(request), name=name, most=limit, before=last)

    @routes.post(
        "/api/config/try", summary="What would start now under other rules; nothing is changed",
        responses={200: {"content": {"application/json": {"example": _TRIED}}}},
    )  # fmt: skip
    async def try_rules(request: Request) -> Json:
        body = await read_object(request, ("settings", "unset"))
        wanted = body.get("settings")
        if not isinstance(wanted, dict):
            problem, hint = "it is not an object", 'send {"settings": {"rules.min_gpu": 2}}'
            raise InvalidField(field="settings", problem=problem, hint=hint)
        return await settings.try_rules(caller_of(request), wanted, _names(body.get("unset", [])))

    @routes.post("/api/config/undo")
    async def undo(request: Request, response: Response) -> Json:
        number = (await read_object(request, ("number",))).get("number")
        if number is not None and (type(number) is not int or number < 1):
            hint = "send the number that GET /api/config/history gives, or null for the last change"
            raise InvalidField(field="number", problem=f"{number!r:.80} is not the number of a change", hint=hint)
        done = await settings.undo(caller_of(request), number, versions=_versions(request))
        await tagged(response)
        return done

    @routes.get("/api/settings")
    async def described(request: Request, response: Response) -> dict[str, Json]:
        found = settings.describe(caller_of(request))
        await tagged(response)
        return found

    @routes.put("/api/settings")
    async def put_described(request: Request, response: Response) -> Json:
        body = await read_object(request)
        done = await settings.put_described(caller_of(request), body, versions=_versions(request))
        await tagged(response)
        return done

    return routes


def _wanted(body: Json) -> tuple[Json, list[str]]:
    """The values, and what is to be taken out: `{"name": value, ...}`, or `{"values": {...}, "unset": [...]}`."""
    if not {"values", "unset"} & set(body):
        return body, []
    values, unset = body.get("values", {}), body.get("unset", [])
    for name in set(body) - {"values", "unset"}:
        raise InvalidField(field=name[:80], problem="it stands beside `values`", hint="put it into `values`")
    if not isinstance(values, dict):
        raise InvalidField(field="values", problem="it is not an object", hint='send {"rules.max_gpu": 2}')
    return values, _names(unset)


def _names(unset: object) -> list[str]:
    if not isinstance(unset, list) or not all(isinstance(name, str) for name in unset):
        raise InvalidField(field="unset", problem="it is not a list of names", hint='send ["rules.max_gpu"]')
    return unset


def _versions(request: Request) -> list[str] | None:
    """The versions of If-Match (RFC 9110, 13.1.1); None: any will do. Weak ones never match."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    tags = [part.strip() for part in given.split(",")]
    return [tag[1:-1] for tag in tags if len(tag) >= 2 and tag[0] == tag[-1] == '"']
