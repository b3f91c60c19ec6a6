"""The application: a door that every request passes, the routes behind it, problem documents for what goes wrong."""

from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gavelq.api import hot, openapi, problems
from gavelq.api.auth import Doorkeeper
from gavelq.api.callers import caller_of
from gavelq.api.console import Console, is_page
from gavelq.api.front import Front
from gavelq.api.limits import Limits
from gavelq.api.parameters import require_known
from gavelq.api.routes import (
    admin,
    alerts,
    commands,
    compat,
    config,
    events,
    gpus,
    leases,
    log,
    login,
    metrics,
    monitor,
    plan,
    queues,
    scheduler,
    scheduler_state,
    simulation,
    submissions,
    tasks,
    tenants,
    usage,
)
from gavelq.core.errors import GavelqError
from gavelq.daemon.service import Service
from gavelq.version import __version__


def build_app(service: Service, doorkeeper: Doorkeeper, limits: Limits | None = None) -> ASGIApp:
    """The ASGI application for both the unix socket and TCP."""
    return Front(Door(build_routes(service), doorkeeper, service), limits or Limits(lambda: None, doorkeeper.own_uid))


def build_routes(service: Service) -> FastAPI:
    """The routes alone, and the document that describes them."""
    # Swagger's pages load scripts from elsewhere, so they are left out; /openapi.json describes all.
    # FastAPI measures and reports by itself where the environment names somebody to report to; gavelq does not.
    silent: Any = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    app = FastAPI(title="gavelq", version=__version__, docs_url=None, redoc_url=None, telemetry=silent)
    problems.install(app)
    app.state.routes = []  # for those who ask what can be done at a path
    for module in (
        tasks, submissions, leases, gpus, plan, queues, monitor, usage, commands, log, scheduler, scheduler_state,
        config, simulation, admin, events, metrics, compat,
        tenants, login, alerts,
    ):  # fmt: skip
        routes = module.router(service, caller_of)
        app.include_router(routes, dependencies=[Depends(require_known)])
        app.state.routes.extend(routes.routes)
    openapi.install(app)
    return app


class Door:
    """Lets requests in by their peer's uid, token or session, before anything else looks at them."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, service: Service) -> None:
        self._app = app
        self._service = service
        self._doorkeeper = doorkeeper
        self._console = Console()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI request (only HTTP is spoken here)."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        try:
            scope["state"]["caller"] = await self._doorkeeper.admit(request)
        except GavelqError as error:
            await problems.problem(error)(scope, receive, send)
            return
        if is_page(scope["path"]):
            await self._console.answer(scope, receive, send)
        elif hot.is_hot(scope):
            await hot.answer(self._service, scope, receive, send)
        else:
            await self._app(scope, receive, send)
