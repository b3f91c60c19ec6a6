"""The two routes that programs call a thousand times a second, without what FastAPI does around every call.

`POST /api/tasks` and `GET /api/tasks/{id}` are declared in `routes/tasks.py` like all others, and described there, and
both ways do the same. What is left out here (finding the route, its dependencies, a model of the answer) is a third of
such a request's cost.
"""

import json
import re

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from gavelq.api import problems
from gavelq.api.callers import caller_of
from gavelq.api.routes.tasks import show_one, submit_one
from gavelq.core.errors import GavelqError
from gavelq.daemon.service import Service

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False).encode

_TASK = re.compile("/api/tasks/[0-9]+")


def is_hot(scope: Scope) -> bool:
    """Whether `answer` answers this request. What has a query goes the long way, where that is refused."""
    path, method = scope["path"], scope["method"]
    if scope["query_string"]:
        return False
    return bool(path == "/api/tasks" if method == "POST" else method == "GET" and _TASK.fullmatch(path))


async def answer(service: Service, scope: Scope, receive: Receive, send: Send) -> None:
    """Submit one task, or show one."""
    request = Request(scope, receive)
    try:
        if scope["method"] == "POST":
            shown, status = await submit_one(service, caller_of, request)
        else:
            shown, status = await show_one(service, caller_of, request, scope["path"].rpartition("/")[2]), 200
        headers = {"ETag": shown["etag"]} if "etag" in shown else None
        response = Response(_encode(shown), status, headers, media_type="application/json")
    except GavelqError as error:
        response = problems.problem(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller is told; the log has all of it
        response = problems.bug(request, error)
    await response(scope, receive, send)
