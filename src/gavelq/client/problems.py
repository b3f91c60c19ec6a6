"""From a problem document (RFC 9457) back to the error that the daemon raised."""

from collections.abc import Iterator
from typing import Any

from gavelq.client import lean
from gavelq.core.errors import GavelqError, NotAllowed, NotFound, Refused, Unauthenticated, UsageError, WrongState

_EXIT_CODES = {400: 2, 401: 4, 403: 4, 404: 3, 405: 2, 408: 8, 409: 6, 412: 6, 413: 2, 415: 2, 422: 7, 429: 7, 503: 1}
"""What a status means for an exit code where the error's code is one that this version does not know."""


_KINDS: dict[int, type[GavelqError]] = {
    400: UsageError, 401: Unauthenticated, 403: NotAllowed, 404: NotFound, 405: UsageError, 409: WrongState,
    413: UsageError, 415: UsageError, 422: Refused, 429: Refused,
}  # fmt: skip
"""What such an error is a kind of, so that `except NotAllowed` catches it."""


def error_of(status: int, body: bytes) -> GavelqError:
    """The error that an answer of this status (400 or higher) carries."""
    try:
        document = lean.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        text = body[:200].decode("utf-8", "replace").strip()
        return revive(
            {"code": f"http_{status}", "message": f"the server answered {status}: {text or 'nothing'}"}, status
        )
    return revive(document, status)


def revive(document: dict[str, Any], status: int = 500) -> GavelqError:
    """Make the error again: its class by its code, its texts as they were sent."""
    code = str(document.get("code") or "failed")
    message = str(document.get("message") or document.get("detail") or document.get("title") or code)
    found = _class_of(code) or _unknown(code, status)
    error: GavelqError = Exception.__new__(found, message)
    error.message = message
    error.hint = str(document.get("hint") or "")
    details = document.get("details")
    error.details = details if isinstance(details, dict) else {}
    return error


def _unknown(code: str, status: int) -> type[GavelqError]:
    """A class for a code that only the daemon's side knows, or a newer daemon."""
    about = {"code": code, "http_status": status, "exit_code": _EXIT_CODES.get(status, 1)}
    return type("UnknownProblem", (_KINDS.get(status, GavelqError),), {"__doc__": "an error of the daemon", **about})


def _class_of(code: str) -> type[GavelqError] | None:
    import gavelq.core.command_files  # its errors belong to the tree, and only errors need it here
    import gavelq.core.tenants  # noqa: F401  # the same

    return next((found for found in _tree(GavelqError) if found.code == code), None)


def _tree(root: type[GavelqError]) -> Iterator[type[GavelqError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)
