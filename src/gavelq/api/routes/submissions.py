"""/api/submissions/{id}: the tasks that came in together, as one thing. (`POST /api/submissions` stands in tasks.)"""

from typing import Any

from fastapi import APIRouter, Request

from gavelq.api.body import optional_text, read_object
from gavelq.api.callers import CallerOf
from gavelq.api.routes.numbers import seconds, switch, whole
from gavelq.api.routes.tasks import MAX_WAIT_S
from gavelq.core.errors import SubmissionNotFound
from gavelq.daemon.service import Service
from gavelq.ports import TaskFilter

Json = dict[str, Any]


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of submissions."""
    routes = APIRouter(tags=["submissions"])
    submissions = service.submissions

    @routes.get("/api/submissions", summary="Submissions by number; `newest` takes the last ones")
    async def list_submissions(
        request: Request,
        after: str | None = None,
        before: str | None = None,
        limit: str | None = None,
        newest: str | None = None,
    ) -> list[Json]:
        wanted = TaskFilter(
            after_id=whole(after, "after", default=0) or 0,
            before_id=whole(before, "before", default=None),
            limit=whole(limit, "limit", default=100, low=1, high=1000) or 100,
            newest=switch(newest, "newest"),
        )
        return await submissions.list_submissions(caller_of(request), wanted)

    @routes.get("/api/submissions/{number}")
    async def show(number: str, request: Request) -> Json:
        return await submissions.show(caller_of(request), _number(number))

    @routes.get("/api/submissions/{number}/wait")
    async def wait(
        number: str,
        request: Request,
        timeout: str | None = None,  # noqa: ASYNC109  # the query parameter's name
    ) -> Json:
        wait_s = seconds(timeout, "timeout", most=MAX_WAIT_S)
        return await submissions.wait(caller_of(request), _number(number), wait_s)

    @routes.post("/api/submissions/{number}/hold")
    async def hold(number: str, request: Request) -> Json:
        await read_object(request, ())
        return await submissions.hold(caller_of(request), _number(number))

    @routes.post("/api/submissions/{number}/run")
    async def run(number: str, request: Request) -> Json:
        body = await read_object(request, ("queue",))
        return await submissions.run(caller_of(request), _number(number), optional_text(body, "queue"))

    @routes.post("/api/submissions/{number}/kill")
    async def kill(number: str, request: Request) -> Json:
        body = await read_object(request, ("signal",))
        return await submissions.kill(caller_of(request), _number(number), body.get("signal"))

    return routes


def _number(written: str) -> int:
    """A submission's number in a path. Raises SubmissionNotFound for anything that cannot be one."""
    if not (written.isascii() and written.isdigit() and 0 < len(written) <= 18):
        raise SubmissionNotFound(submission_id=written[:40])
    return int(written)
