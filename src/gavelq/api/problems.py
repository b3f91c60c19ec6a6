"""Errors as RFC 9457 problem documents, with the same code, hint and details as everywhere."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from gavelq.core.errors import GavelqError
from gavelq.daemon import journal


def problem(error: GavelqError) -> JSONResponse:
    """The response for an error of ours."""
    body = error.as_json()
    body |= {"type": f"urn:gavelq:{error.code}", "title": error.code, "status": error.http_status}
    body["detail"] = error.message
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
    if error.http_status == 413:
        headers["Connection"] = "close"  # the rest of the body is not read
    if "retry_after_s" in error.details:
        headers["Retry-After"] = str(error.details["retry_after_s"])
    return JSONResponse(body, error.http_status, headers, media_type="application/problem+json")


def _plain(status: int, code: str, message: str, details: Any = None) -> JSONResponse:
    body = {
        "type": f"urn:gavelq:{code}", "title": code, "status": status, "detail": message,
        "code": code, "message": message, "hint": "", "details": details or {},
    }  # fmt: skip
    return JSONResponse(body, status, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every failure with a problem document."""

    @app.exception_handler(GavelqError)
    async def _ours(_: Request, error: GavelqError) -> JSONResponse:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        mistakes = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
        first = f"{mistakes[0]['field']}: {mistakes[0]['problem']}" if mistakes else "the request cannot be understood"
        return _plain(400, "invalid_field", first, {"mistakes": mistakes})

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            return _other_method(request)
        message = error.detail if error.status_code != 404 else f"there is no {request.url.path} here"
        code = {404: "not_found"}.get(error.status_code, "failed")
        return _plain(error.status_code, code, str(message))

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        return bug(request, error)


def bug(request: Request, error: Exception) -> JSONResponse:
    """The response for a fault of ours, whose details stand in the log."""
    number = getattr(request.state, "request_id", None)
    journal.fail("a request failed unexpectedly", error, path=request.url.path, request_id=number)
    return _plain(500, "internal_error", "something went wrong inside the daemon; its log has the details")


def _other_method(request: Request) -> Response:
    """What can be done here: the answer to OPTIONS, and the way out for a method that there is not."""
    routes = [route for route in request.app.state.routes if isinstance(route, Route)]
    here = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in here for method in route.methods or ()}
    methods |= {"HEAD"} if "GET" in methods else set()
    allow = {"Allow": ", ".join(sorted(methods | {"OPTIONS"}))}
    if request.method == "OPTIONS":
        return Response(None, 204, allow)
    refused = _plain(405, "method_not_allowed", f"{request.url.path} knows {allow['Allow']}, not {request.method}")
    refused.headers["Allow"] = allow["Allow"]
    return refused
