"""What holds for every request, whoever makes it: an id, limits, header fields for browsers, a line in the log."""

import itertools
import re
import secrets
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gavelq.api import problems
from gavelq.api.body import MAX_BODY, TooLarge
from gavelq.api.heads import Fields, field_of
from gavelq.api.limits import Limits
from gavelq.core.errors import GavelqError, InvalidField
from gavelq.daemon import journal

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_FIELDS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""Answers are nobody's to guess at, to hand on or to keep. A route may say otherwise."""


class Front:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        # Unique without asking the kernel for random bytes each time.
        self._prefix = secrets.token_hex(4) + "-"
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI request (only HTTP is spoken here)."""
        if scope["type"] != "http":
            return
        given = field_of(scope, b"x-request-id") or b""
        request_id = given.decode() if _ID.fullmatch(given) else f"{self._prefix}{next(self._numbers):x}"
        number = request_id.encode()
        scope = {**scope, "state": {**scope.get("state", {}), "request_id": request_id}}
        is_head = scope["method"] == "HEAD"
        if is_head:  # answered like GET, whose content is left out
            scope |= {"method": "GET", "state": {**scope["state"], "is_head": True}}
        began, status = perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _completed(message["headers"], number)}
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        try:
            who = await self._pass_on(scope, receive, answer)
            if who is not None and status == 401:
                self._limits.failed(scope)
            elif who is not None and scope["state"].get("caller") is not None:
                self._limits.passed(who)
        finally:
            self._write_down(scope, status, perf_counter() - began)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> str | None:
        """Answer; who asked, as `Limits` has it, unless the request was refused here."""
        try:
            who = self._limits.admit(scope)
            _check_length(scope)
        except GavelqError as error:
            response = problems.problem(error)
            response.headers["Connection"] = "close"  # its body, if it has one, is not read
            await response(scope, receive, send)
            return None
        await self._app(scope, receive, send)
        return who

    @staticmethod
    def _write_down(scope: Scope, status: int, seconds: float) -> None:
        """One line: failures of ours always, refusals at `info`, the rest at `debug`."""
        is_worth = status >= 400 or status == 0
        if not is_worth and not journal.is_detailed():
            return
        state = scope["state"]
        caller = state.get("caller")
        client = scope.get("client")
        write = journal.note if is_worth else journal.detail
        write(
            "request", request_id=state["request_id"], method="HEAD" if state.get("is_head") else scope["method"],
            path=scope["path"][:200], status=status or "cut off", ms=round(seconds * 1000, 1),
            by=caller.name if caller is not None else None, address=client[0] if client and client[0] else "unix",
        )  # fmt: skip


def _completed(fields: Fields, number: bytes) -> Fields:
    """An answer's fields, with the request's number and what else every answer says."""
    names = {name.lower() for name, _ in fields}
    rest = [field for field in _FIELDS if field[0] not in names]
    return [*(field for field in fields if field[0].lower() != b"x-request-id"), (b"x-request-id", number), *rest]


def _check_length(scope: Scope) -> None:
    """Refuse what is too large before it is sent; what has no length is counted while it comes (`body.read_object`)."""
    given = field_of(scope, b"content-length")
    if given is None:
        return
    if not given.isdigit():
        raise InvalidField(field="Content-Length", problem="it is not a number", hint="send the body's size in bytes")
    if len(given) > 15 or int(given) > MAX_BODY:
        raise TooLarge(limit=MAX_BODY)
