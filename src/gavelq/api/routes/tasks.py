"""/api/tasks and /api/submissions."""

import json
from typing import Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from gavelq.api.body import flag, optional_text, read_object, text
from gavelq.api.callers import CallerOf
from gavelq.api.heads import text_of
from gavelq.api.routes.matching import MATCH, versions
from gavelq.api.routes.numbers import seconds, switch, task_id, task_ids, whole
from gavelq.api.routes.task_examples import TRIED
from gavelq.daemon.service import Service
from gavelq.daemon.service.changes import read_ids
from gavelq.daemon.service.tasks import MAX_PAGE, parse_states, parse_status
from gavelq.daemon.task_fields import parse_names
from gavelq.ports import TaskFilter

MAX_WAIT_S = 25.0
SMALL = 16 << 10
"""Bytes of a request that is read on the spot."""
Json = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False).encode


def router(service: Service, caller_of: CallerOf) -> APIRouter:
    """The routes of tasks."""
    routes = APIRouter(tags=["tasks"])
    _add_submit(routes, service, caller_of)
    _add_look(routes, service, caller_of)
    _add_act(routes, service, caller_of)
    _add_edit(routes, service, caller_of)
    return routes


def _add_submit(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    @routes.post("/api/submissions", status_code=201)
    async def submit(request: Request) -> list[Json]:
        body = await read_object(request, ("tasks", "queue", "key", "base"))
        return await service.tasks.submit(
            caller_of(request),
            body.get("tasks"),
            queue=optional_text(body, "queue"),
            base=body.get("base"),
            key=optional_text(body, "key") or request.headers.get("idempotency-key"),
        )

    @routes.post("/api/tasks", status_code=201, responses={200: TRIED})
    async def submit_task(request: Request, response: Response) -> Json:
        shown, response.status_code = await submit_one(service, caller_of, request)
        return shown


async def submit_one(service: Service, caller_of: CallerOf, request: Request) -> tuple[Json, int]:
    """What `POST /api/tasks` does, here and in `gavelq.api.hot`: the answer, and its status."""
    body = await read_object(request)
    if "dry_run" in body:
        is_dry_run = flag(body, "dry_run")
        del body["dry_run"]
        if is_dry_run:
            return await service.tasks.dry_run(caller_of(request), body), 200
    key = text_of(request.scope, b"idempotency-key")
    length = text_of(request.scope, b"content-length") or ""
    is_small = length.isdigit() and int(length) <= SMALL
    return await service.tasks.submit_task(caller_of(request), body, key, is_small=is_small), 201


async def show_one(service: Service, caller_of: CallerOf, request: Request, number: str) -> Json:
    """What `GET /api/tasks/{id}` does, here and in `gavelq.api.hot`."""
    return await service.tasks.show(caller_of(request), task_id(number))


def _add_look(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    @routes.get("/api/tasks", response_model=list[Json])
    async def list_tasks(
        request: Request,
        state: list[str] | None = Query(None),  # noqa: B008  # how FastAPI declares a repeatable query parameter
        queue: str | None = None,
        submission: str | None = None,
        tenant: str | None = None,
        tenant_id: str | None = None,
        status: str | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: str | None = None,
        newest: str | None = None,
        ids: str | None = None,
        fields: str | None = None,
    ) -> Response:
        wanted = TaskFilter(
            ids=task_ids(ids, "ids"),
            states=parse_states(state or []) or parse_status(status),
            queue=queue,
            submission_id=whole(submission, "submission", default=None),
            tenant=tenant or tenant_id,
            after_id=whole(after, "after", default=0) or 0,
            before_id=whole(before, "before", default=None),
            limit=whole(limit, "limit", default=1000, low=1, high=MAX_PAGE) or 1000,
            newest=switch(newest, "newest"),
        )
        rows = await service.tasks.list_tasks(caller_of(request), wanted, parse_names(fields))
        # Encoded here: FastAPI would look at every value of thousands of rows once more.
        return Response(_encode(rows), media_type="application/json")

    @routes.get("/api/tasks/{number}")
    async def show(number: str, request: Request, response: Response) -> Json:
        found = await show_one(service, caller_of, request, number)
        response.headers["ETag"] = found["etag"]
        return found

    @routes.get("/api/tasks/{number}/why")
    async def why(number: str, request: Request) -> Json:
        return await service.tasks.why(caller_of(request), task_id(number))

    @routes.get("/api/tasks/{number}/wait")
    async def wait(
        number: str,
        request: Request,
        timeout: str | None = None,  # noqa: ASYNC109  # the query parameter's name
    ) -> Json:
        wait_s = seconds(timeout, "timeout", most=MAX_WAIT_S)
        return await service.tasks.wait(caller_of(request), task_id(number), wait_s)

    @routes.get("/api/tasks/{number}/logs", response_class=PlainTextResponse)
    async def logs(
        number: str,
        request: Request,
        tail: str | None = None,
        offset: str | None = None,
        wait: str | None = None,
        attempt: str | None = None,
    ) -> Response:
        chunk, is_over, which = await service.tasks.log(
            caller_of(request),
            task_id(number),
            tail=whole(tail, "tail", default=None, high=1_000_000),
            offset=whole(offset, "offset", default=None),
            wait_s=seconds(wait, "wait", most=MAX_WAIT_S),
            attempt=whole(attempt, "attempt", default=None, low=1),
        )
        headers = {
            "X-Gavelq-Start": str(chunk.start),
            "X-Gavelq-Offset": str(chunk.end),
            "X-Gavelq-Ended": "1" if is_over else "0",
            "X-Content-Type-Options": "nosniff",
        }
        if which is not None:
            headers["X-Gavelq-Attempt"] = str(which)
        return Response(chunk.content, 200, headers, media_type="text/plain; charset=utf-8")


def _add_act(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    tasks = service.tasks

    @routes.post("/api/tasks/{number}/run")
    async def run(number: str, request: Request) -> Json:
        body = await read_object(request, ("queue",))
        return await tasks.run(caller_of(request), task_id(number), optional_text(body, "queue"))

    @routes.post("/api/tasks/{number}/hold")
    async def hold(number: str, request: Request) -> Json:
        await read_object(request, ())
        return await tasks.hold(caller_of(request), task_id(number))

    @routes.post("/api/tasks/{number}/kill")
    async def kill(number: str, request: Request) -> Json:
        body = await read_object(request, ("signal",))
        return await tasks.kill(caller_of(request), task_id(number), body.get("signal"))

    @routes.delete("/api/tasks/{number}")
    async def delete(number: str, request: Request) -> Json:
        await read_object(request, ())
        return await tasks.kill(caller_of(request), task_id(number))

    @routes.post("/api/tasks/{number}/rerun", status_code=201)
    async def rerun(number: str, request: Request) -> Json:
        body = await read_object(request)
        return await tasks.rerun(caller_of(request), task_id(number), body, request.headers.get("idempotency-key"))

    @routes.post("/api/tasks/{number}/remove")
    async def remove(number: str, request: Request) -> Json:
        await read_object(request, ())
        return await tasks.remove(caller_of(request), task_id(number))

    @routes.post("/api/tasks/{number}/move")
    async def move(number: str, request: Request) -> Json:
        body = await read_object(request, ("queue",))
        return await tasks.move(caller_of(request), task_id(number), text(body, "queue"))

    @routes.post("/api/tasks/{number}/priority")
    async def prioritize(number: str, request: Request) -> Json:
        body = await read_object(request, ("priority",))
        return await tasks.prioritize(caller_of(request), task_id(number), body.get("priority"))


def _add_edit(routes: APIRouter, service: Service, caller_of: CallerOf) -> None:
    tasks = service.tasks

    @routes.patch("/api/tasks/{number}", openapi_extra=MATCH)
    async def edit(number: str, request: Request) -> Json:
        body = await read_object(request)
        return (await tasks.edit(caller_of(request), (task_id(number),), body, versions(request)))[0]

    @routes.post("/api/tasks/edit")
    async def edit_all(request: Request) -> list[Json]:
        body = await read_object(request, ("ids", "changes"))
        return await tasks.edit(caller_of(request), read_ids(body.get("ids")), body.get("changes"))
