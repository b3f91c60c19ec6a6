"""/api/scheduler: what the runs of command files do. (Starting and stopping them stands in scheduler.)"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gavelq.api.callers import CallerOf
from gavelq.api.routes.command_examples import answers
from gavelq.api.routes.numbers import switch, whole
from gavelq.api.routes.scheduler_examples import LIST, SCHEDULER
from gavelq.core.command_files import RunNotFound
from gavelq.daemon.run_views import list_text
from gavelq.daemon.service import Service

_ONE = answers(SCHEDULER)
_MANY = answers(LIST)
_EITHER: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"examples": {
    "with config_index": {"value": SCHEDULER}, "without": {"value": LIST},
}}}}}  # fmt: skip

MAX_AROUND = 10_000


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes that look at runs. `processes=0` leaves the tasks of each queue id out, which makes answers small.

    So does `around=N` for one run: of each queue id only N tasks around the one whose turn it is.
    """
    routes = APIRouter(tags=["scheduler"])
    states = service.run_states

    async def of_mode(
        mode: str, request: Request, config_index: str | None, processes: str | None, around: str | None
    ) -> Response:
        caller, with_processes = caller_of(request), _flag(processes)
        if config_index is None:
            return _json(list_text(await states.known(caller, mode, with_processes=with_processes)))
        place = whole(config_index, "config_index", default=0) or 0
        view = await states.of_configuration(caller, mode, place, with_processes=with_processes, around=_around(around))
        return _json(view.as_text())

    @routes.get("/api/scheduler/status", summary="All runs that are remembered", responses=_MANY)
    async def status(request: Request, processes: str | None = None) -> Response:
        return _json(list_text(await states.known(caller_of(request), with_processes=_flag(processes))))

    @routes.get("/api/scheduler/running", summary="The runs that are not over", responses=_MANY)
    async def running(request: Request, processes: str | None = None) -> Response:
        return _json(list_text(await states.running(caller_of(request), with_processes=_flag(processes))))

    @routes.get("/api/scheduler/run/{run_id}", summary="One run", responses=_ONE)
    async def run(run_id: str, request: Request, processes: str | None = None, around: str | None = None) -> Response:
        view = await states.of_run(
            caller_of(request), _run(run_id), with_processes=_flag(processes), around=_around(around)
        )
        return _json(view.as_text())

    @routes.get("/api/scheduler/{mode}/state", summary="The last run of a configuration", responses=_EITHER)
    async def state(
        mode: str, request: Request, config_index: str | None = None, processes: str | None = None,
        around: str | None = None,
    ) -> Response:  # fmt: skip
        return await of_mode(mode, request, config_index, processes, around)

    @routes.get("/api/scheduler/{mode}/status", summary="The same as state", responses=_EITHER)
    async def mode_status(
        mode: str, request: Request, config_index: str | None = None, processes: str | None = None,
        around: str | None = None,
    ) -> Response:  # fmt: skip
        return await of_mode(mode, request, config_index, processes, around)

    return routes


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _flag(written: str | None) -> bool:
    """`processes` of a query: 1 unless it is 0. Raises InvalidField."""
    return switch(written, "processes", default=True)


def _around(written: str | None) -> int | None:
    """`around` of a query: a number of tasks. Raises InvalidField."""
    return whole(written, "around", default=None, low=1, high=MAX_AROUND)


def _run(written: str) -> int:
    """A run's number in a path. Raises RunNotFound for anything that cannot be one."""
    if not (written.isascii() and written.isdigit() and 0 < len(written) <= 18):
        raise RunNotFound(run=written[:40])
    return int(written)
