"""/api/tenants, /api/tokens, who is who, and the audit log."""

from typing import Any

from fastapi import APIRouter, Query, Request, Response

from gavelq.api.body import flag, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import answers, body
from gavelq.api.routes.matching import MATCH, versions
from gavelq.api.routes.numbers import require_newest, switch, whole
from gavelq.api.routes.tenant_examples import ACT, CREATE, DELETED, SET, TENANT, TOKEN, TOKEN_SHOWN, TOKEN_WANTED, USER
from gavelq.daemon.service import Service
from gavelq.daemon.service.monitor import moment
from gavelq.daemon.service.tasks import MAX_PAGE, parse_states
from gavelq.daemon.service.tenants import MAX_ACTS
from gavelq.daemon.service.tokens import FIELDS
from gavelq.ports import TaskFilter

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of tenants."""
    routes = APIRouter(tags=["tenants"])
    _add_own(routes, service, caller_of)
    _add_tenants(routes, service, caller_of)
    _add_tokens(routes, service, caller_of)
    return routes


def _add_own(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    tenants = service.tenants

    @routes.get("/api/user", summary="Who the caller is, and what it may do", responses=answers(USER))
    async def user(request: Request) -> Json:
        return tenants.user(caller_of(request))

    @routes.get("/api/tenant", summary="The caller's tenant, and what it has of its quota", responses=answers(TENANT))
    async def own(request: Request) -> Json:
        return tenants.own(caller_of(request))

    @routes.get("/api/audit", summary="Administrative acts, oldest first", responses=answers([ACT]))
    async def audit(
        request: Request, since: str | None = None, before: str | None = None, limit: str | None = None,
        newest: str | None = None,
    ) -> list[Json]:  # fmt: skip
        require_newest(newest)
        at = 0.0 if since is None else moment(since, service.tenants.now(), field="since")
        most = whole(limit, "limit", default=100, low=1, high=MAX_ACTS) or 100
        last = whole(before, "before", default=None, low=1)
        return await tenants.audit(caller_of(request), since=at, limit=most, before=last)


def _add_tenants(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    tenants = service.tenants

    @routes.get("/api/tenants", summary="All tenants", responses=answers([TENANT]))
    async def list_tenants(request: Request) -> list[Json]:
        return tenants.list_tenants(caller_of(request))

    @routes.post(
        "/api/tenants", status_code=201, summary="One more tenant", responses=answers(TENANT, 201),
        openapi_extra=body(CREATE),
    )  # fmt: skip
    async def create(request: Request, response: Response) -> Json:
        sent = await read_object(request)
        name, password, is_taking_over = text(sent, "name"), sent.get("password"), flag(sent, "take_over")
        options = {key: value for key, value in sent.items() if key not in ("name", "password", "take_over")}
        made = await tenants.create(
            caller_of(request), name, options, password, is_taking_over=is_taking_over,
            key=request.headers.get("idempotency-key"),
        )  # fmt: skip
        response.headers["ETag"] = made["etag"]
        return made

    @routes.get("/api/tenants/{name}", summary="A tenant; its ETag is in the header", responses=answers(TENANT))
    async def show(name: str, request: Request, response: Response) -> Json:
        shown = tenants.show(caller_of(request), name)
        response.headers["ETag"] = shown["etag"]
        return shown

    @routes.patch(
        "/api/tenants/{name}", summary="Other values for some options, another password", responses=answers(TENANT),
        openapi_extra={**body(SET), **MATCH},
    )  # fmt: skip
    async def change(name: str, request: Request, response: Response) -> Json:
        done = await tenants.change(caller_of(request), name, await read_object(request), versions(request))
        response.headers["ETag"] = done["etag"]
        return done

    @routes.delete("/api/tenants/{name}", summary="Delete a tenant without tasks", responses=answers(DELETED))
    async def delete(name: str, request: Request) -> Json:
        await read_object(request, ())
        return await tenants.delete(caller_of(request), name)

    @routes.get("/api/tenants/{name}/tasks", summary="A tenant's tasks, as GET /api/tasks lists them")
    async def tasks(
        name: str,
        request: Request,
        state: list[str] | None = Query(None),  # noqa: B008  # how FastAPI declares a repeatable query parameter
        after: str | None = None,
        before: str | None = None,
        limit: str | None = None,
        newest: str | None = None,
    ) -> list[Json]:
        caller = caller_of(request)
        tenants.show(caller, name)
        wanted = TaskFilter(
            states=parse_states(state or []),
            tenant=name,
            after_id=whole(after, "after", default=0) or 0,
            before_id=whole(before, "before", default=None),
            limit=whole(limit, "limit", default=1000, low=1, high=MAX_PAGE) or 1000,
            newest=switch(newest, "newest"),
        )
        return await service.tasks.list_tasks(caller, wanted)


def _add_tokens(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    tokens = service.tokens

    @routes.get("/api/tokens", summary="Tokens, without what makes them work", responses=answers([TOKEN]))
    async def list_tokens(request: Request) -> list[Json]:
        return tokens.list_tokens(caller_of(request))

    @routes.post(
        "/api/tokens", status_code=201, summary="A new token: this answer alone shows it",
        responses=answers(TOKEN_SHOWN, 201), openapi_extra=body(TOKEN_WANTED),
    )  # fmt: skip
    async def create(request: Request) -> Json:
        key = request.headers.get("idempotency-key")
        return await tokens.create(caller_of(request), await read_object(request, FIELDS), key)

    @routes.delete("/api/tokens/{named}", summary="Revoke a token, by its id or its first characters")
    async def revoke(named: str, request: Request) -> Json:
        await read_object(request, ())
        return await tokens.revoke(caller_of(request), named)
