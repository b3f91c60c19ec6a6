"""`task logs`: a task's output, byte for byte, and live where that is wanted."""

import sys
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.options import COUNT, FLAG, Option
from gavelq.cli.output.text import say
from gavelq.client.http import query
from gavelq.client.patience import PatientLink
from gavelq.client.wire import Reply
from gavelq.core.errors import LogNotFound

LOG = (
    Option("lines", ("-t", "-n", "--lines"), "Only the last N lines.", kind=COUNT, metavar="N", range=(0, 1_000_000)),
    Option("follow", ("-f", "--follow", "--tail"), "Go on printing until the task ends.", kind=FLAG),
)
WAIT_S = 20
_SLACK_S = 15
_SMALL = 65536


def print_log(call: Call, task_id: int, *, lines: int | None = None, is_followed: bool = False) -> int:
    """Print a task's log; returns 0. Raises LogNotFound where there is none (yet), and what requests raise."""
    link = PatientLink(call.link())
    offset = 0
    if lines is not None or not is_followed:
        try:
            offset, is_over = _begin(call, link, task_id, lines)
        except LogNotFound:
            # Whoever follows a task that has not begun waits for its log below.
            if not is_followed:
                raise
            is_over = False
        if is_over or (lines is not None and not is_followed):
            return 0
    return _go_on(call, link, task_id, offset, is_followed)


def _begin(call: Call, link: PatientLink, task_id: int, lines: int | None) -> tuple[int, bool]:
    """Print the last lines, or the log from its beginning; the next offset, and whether that was all of it."""
    reply = link.get(f"/api/tasks/{task_id}/logs" + query([("tail", lines)]), timeout_s=_SLACK_S)
    if lines is None:
        _tell_gap(reply, 0)
    return _write(call, task_id, reply, 0), _is_over(reply)


def _go_on(call: Call, link: PatientLink, task_id: int, offset: int, is_followed: bool) -> int:
    is_told = False
    while True:
        pairs = [("offset", offset), ("wait", WAIT_S if is_followed else None)]
        reply = link.get(f"/api/tasks/{task_id}/logs" + query(pairs), timeout_s=WAIT_S + _SLACK_S)
        _tell_gap(reply, offset)
        offset = _write(call, task_id, reply, offset)
        # A task may write faster than we read: what is there now ends with a short answer.
        if _is_over(reply) or (not is_followed and len(reply.body) < _SMALL):
            return 0
        if offset == 0 and not is_told and sys.stderr.isatty():
            say(f"nothing yet; `gavelq task why {task_id}` tells what it waits for", sys.stderr)
            is_told = True


def _is_over(reply: Reply) -> bool:
    """Nothing more will come, and this was the last of it."""
    return reply.headers.get("x-gavelq-ended") == "1"


def _tell_gap(reply: Reply, asked: int) -> None:
    start = _number(reply, "x-gavelq-start", asked)
    if start > asked:
        sys.stdout.flush()
        say(f"gavelq: {start - asked} bytes are gone (the log was cut)", sys.stderr)


def _write(call: Call, task_id: int, reply: Reply, offset: int) -> int:
    """Print what came; returns the next offset."""
    after = _number(reply, "x-gavelq-offset", offset + len(reply.body))
    if call.is_json:
        import json

        if reply.body:
            text = reply.body.decode("utf-8", "replace")
            document: dict[str, Any] = {"task_id": task_id, "offset": after, "text": text}
            say(json.dumps(document))
    else:
        sys.stdout.buffer.write(reply.body)
    sys.stdout.flush()
    return after


def _number(reply: Reply, name: str, default: int) -> int:
    text = reply.headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default
