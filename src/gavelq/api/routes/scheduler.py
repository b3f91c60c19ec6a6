"""/api/scheduler: start, stop and change the runs of command files. (Their state stands in scheduler_state.)"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gavelq.api.body import flag, optional_text, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import MATCH, answers, body
from gavelq.api.routes.numbers import whole
from gavelq.api.routes.run_examples import APPLIED, APPLY, DIFFERENCE, START, STOPPED, SUBMIT, SUBMITTED
from gavelq.api.routes.scheduler_examples import SCHEDULER
from gavelq.core.command_files import RunNotFound
from gavelq.daemon.run_views import RunView
from gavelq.daemon.service import Service
from gavelq.formats.start_options import OPTIONS

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes that act on runs."""
    routes = APIRouter(tags=["scheduler"])
    _add_start(routes, service, caller_of)
    _add_stop(routes, service, caller_of)
    _add_change(routes, service, caller_of)
    return routes


def _add_start(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    runs, states = service.runs, service.run_states

    @routes.post(
        "/api/scheduler/{mode}/start", status_code=201, summary="Run a configuration as it is now",
        responses=answers(SCHEDULER, 201), openapi_extra={**body(START), **MATCH},
    )  # fmt: skip
    async def start(mode: str, request: Request, config_index: str | None = None) -> Response:
        options = await read_object(request, OPTIONS)
        key, match = request.headers.get("idempotency-key"), request.headers.get("if-match")
        caller = caller_of(request)
        number = await runs.start(caller, mode, _place(config_index), options, key, match)
        return _json(await states.of_run(caller, number, with_processes=True), 201)

    @routes.post(
        "/api/scheduler/{mode}/submit", status_code=201, summary="Run a text once, without keeping it",
        responses=answers(SUBMITTED, 201), openapi_extra=body(SUBMIT),
    )  # fmt: skip
    async def submit(mode: str, request: Request) -> list[Json]:
        sent = await read_object(request, (*OPTIONS, "name", "content"))
        name, content = optional_text(sent, "name") or "commands", text(sent, "content")
        options = {field: value for field, value in sent.items() if field not in ("name", "content")}
        key = request.headers.get("idempotency-key")
        return await runs.submit_text(caller_of(request), name, mode, content, options, key)


def _add_stop(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    runs, states = service.runs, service.run_states

    async def stopped(request: Request, number: int) -> Response:
        caller = caller_of(request)
        done = await runs.stop_run(caller, number)
        view = await states.of_run(caller, number, with_processes=False)
        return _json(RunView(fields={**view.fields, **done}, lanes=view.lanes))

    @routes.post(
        "/api/scheduler/{mode}/stop", summary="End the run of a configuration, tasks that wait first",
        responses=answers(STOPPED),
    )  # fmt: skip
    async def stop(mode: str, request: Request, config_index: str | None = None) -> Response:
        await read_object(request, ())
        return await stopped(request, runs.running(caller_of(request), mode, _place(config_index)))

    @routes.post("/api/scheduler/stop/{run_id}", summary="End a run", responses=answers(STOPPED))
    async def stop_run(run_id: str, request: Request) -> Response:
        await read_object(request, ())
        return await stopped(request, _run(run_id))


def _add_change(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    changes = service.runs.changes

    @routes.get(
        "/api/scheduler/{mode}/diff", summary="What tells a configuration from its run", responses=answers(DIFFERENCE)
    )
    async def diff(mode: str, request: Request, config_index: str | None = None) -> Json:
        return await changes.diff(caller_of(request), mode, _place(config_index))

    @routes.post(
        "/api/scheduler/{mode}/apply", summary="Bring an edited configuration into its run",
        responses=answers(APPLIED), openapi_extra={**body(APPLY), **MATCH},
    )  # fmt: skip
    async def apply(mode: str, request: Request, config_index: str | None = None) -> Json:
        sent = await read_object(request, ("dry_run",))
        match = request.headers.get("if-match")
        return await changes.apply(
            caller_of(request), mode, _place(config_index), match=match, is_dry_run=flag(sent, "dry_run")
        )


def _json(view: RunView, status: int = 200) -> Response:
    return Response(view.as_text(), status, media_type="application/json")


def _place(written: str | None) -> int:
    """`config_index` of a query, 0 where it is missing. Raises InvalidField."""
    return whole(written, "config_index", default=0, high=1 << 30) or 0


def _run(written: str) -> int:
    """A run's number in a path. Raises RunNotFound for anything that cannot be one."""
    if not (written.isascii() and written.isdigit() and 0 < len(written) <= 18):
        raise RunNotFound(run=written[:40])
    return int(written)
