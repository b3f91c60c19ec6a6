"""The one route that programs call a thousand times a second, without what FastAPI does around every call.

`POST /api/tasks` is declared in `routes/tasks.py` like all others, and described there, and both do the same.
What is left out here (finding the route, its dependencies, a model of the answer) is a third of such a request's cost.
"""

import json

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from gavelq.api import problems
from gavelq.api.callers import caller_of
from gavelq.api.routes.tasks import submit_one
from gavelq.core.errors import GavelqError
from gavelq.daemon.service import Service

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False).encode


def is_hot(scope: Scope) -> bool:
    """Whether `answer` answers this request."""
    return bool(scope["path"] == "/api/tasks" and scope["method"] == "POST")


async def answer(service: Service, scope: Scope, receive: Receive, send: Send) -> None:
    """Submit one task."""
    request = Request(scope, receive)
    try:
        response = Response(_encode(await submit_one(service, caller_of, request)), 201, media_type="application/json")
    except GavelqError as error:
        response = problems.problem(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller is told; the log has all of it
        response = problems.bug(request, error)
    await response(scope, receive, send)
