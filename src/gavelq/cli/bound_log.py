"""Printing a bound log file, byte for byte, and live where that is wanted."""

import sys
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import say
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.client.patience import PatientLink
from gavelq.client.wire import Reply
from gavelq.core.errors import LogNotFound

WAIT_S = 20
_SLACK_S = 20
_SMALL = 1 << 16
"""A file may be written faster than we read: what is there now ends with an answer of fewer bytes."""


def print_bound_log(call: Call, place: dict[str, Any], *, lines: int | None, is_followed: bool) -> int:
    """Print the file that is bound to `place`; returns 0. Raises LogNotFound where there is none (yet)."""
    return _BoundLog(call, place).show(lines, is_followed)


class _BoundLog:
    """Where we are in a bound file."""

    def __init__(self, call: Call, place: dict[str, Any]) -> None:
        self._call = call
        self._link = PatientLink(call.link())
        self._place = list(place.items())
        self._offset = 0
        self._identity = ""

    def show(self, lines: int | None, is_followed: bool) -> int:
        """Print it from its beginning or its last lines, and go on where it is followed."""
        part: list[tuple[str, Any]] = [("offset", 0)] if lines is None else [("tail_lines", lines)]
        is_first = True
        while True:
            seen = self._ask(part)
            if not seen["exists"] and not is_followed:
                raise LogNotFound("the bound file is not there (yet)", hint="`gavelq file log -f` waits for it")
            is_all = lines is not None or seen["next_offset"] - seen["start"] < _SMALL
            if seen["ended"] or (is_all and not is_followed):
                return 0
            if is_first and not seen["exists"] and sys.stderr.isatty():
                say("the bound file is not there yet", sys.stderr)
            is_first = False
            part = [("offset", self._offset), ("identity", self._identity or None)]
            part += [("wait", WAIT_S)] if is_followed else []

    def _ask(self, part: list[tuple[str, Any]]) -> dict[str, Any]:
        """Print the next part; what there is to know of it."""
        raw = None if self._call.is_json else 1
        target = "/api/log/content" + query([*self._place, *part, ("raw", raw)])
        reply = self._link.get(target, timeout_s=WAIT_S + _SLACK_S)
        seen: dict[str, Any] = lean.loads(reply.body) if self._call.is_json else _of_header(reply)
        if seen["truncated"]:
            sys.stdout.flush()
            say("gavelq: the file begins anew (it was cut, or another one has its name)", sys.stderr)
        if not self._call.is_json:
            sys.stdout.buffer.write(reply.body)
        elif seen["content"]:
            print_body(reply.body)
        sys.stdout.flush()
        self._offset, self._identity = seen["next_offset"], seen["identity"] or self._identity
        return seen


def _of_header(reply: Reply) -> dict[str, Any]:
    """What the header fields tell of raw bytes, under the names that the JSON answer has."""

    def field(name: str) -> str:
        return reply.headers.get(f"x-gavelq-{name}", "")

    return {
        "exists": field("exists") == "1",
        "truncated": field("truncated") == "1",
        "ended": field("ended") == "1",
        "identity": field("identity"),
        "start": int(field("start")),
        "next_offset": int(field("offset")),
    }
