"""/api/login, /api/login/link and /api/logout: a session cookie for browsers."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gavelq.api.auth import address_of, cookie_name, is_tls, session_of, token_of
from gavelq.api.body import read_object
from gavelq.api.callers import CallerOf
from gavelq.api.peer import Peer
from gavelq.api.routes.command_examples import answers, body
from gavelq.api.routes.tenant_examples import LINK, LOGIN, USER
from gavelq.daemon.service import Service
from gavelq.daemon.service.login import FIELDS
from gavelq.daemon.sessions import SESSION_S

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of sessions."""
    routes = APIRouter(tags=["login"])
    login = service.login

    @routes.post(
        "/api/login", summary="Open a session with a token, or with a name and a password; no token needed",
        responses=answers(USER), openapi_extra=body(LOGIN),
    )  # fmt: skip
    async def log_in(request: Request) -> JSONResponse:
        shown, secret = await login.login(await read_object(request, FIELDS), address_of(request))
        answer = JSONResponse(shown, headers={"Cache-Control": "no-store"})
        answer.set_cookie(
            cookie_name(request), secret, max_age=int(SESSION_S), path="/", secure=is_tls(request), httponly=True,
            samesite="strict",
        )  # fmt: skip
        return answer

    @routes.post(
        "/api/login/link", summary="A one-time link into the console, good for a minute, that opens a session of yours",
        responses=answers(LINK),
    )  # fmt: skip
    async def link(request: Request) -> JSONResponse:
        await read_object(request, ())
        peer: Peer | None = request.state.peer
        token = token_of(request)
        uid = peer.uid if peer is not None and token is None else None
        made = login.link(caller_of(request), uid=uid, token=token, address=address_of(request))
        return JSONResponse(made, headers={"Cache-Control": "no-store"})

    @routes.post("/api/logout", summary="End the session of this cookie", responses=answers({"logged_out": True}))
    async def log_out(request: Request) -> JSONResponse:
        await read_object(request, ())
        answer = JSONResponse(login.logout(caller_of(request), session_of(request), address_of(request)))
        answer.delete_cookie(cookie_name(request), path="/", secure=is_tls(request), httponly=True, samesite="strict")
        return answer

    return routes
