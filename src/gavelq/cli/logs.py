"""`task logs`: a task's output, byte for byte, and live where that is wanted."""

import sys
import time
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.options import COUNT, FLAG, Option
from gavelq.cli.output.text import say
from gavelq.cli.patience import PatientLink
from gavelq.client.http import query
from gavelq.client.wire import Reply
from gavelq.core.errors import LogNotFound

LOG = (
    Option("lines", ("-t", "-n", "--lines"), "Only the last N lines.", kind=COUNT, metavar="N", range=(0, 10_000_000)),
    Option("follow", ("-f", "--follow", "--tail"), "Go on printing until the task ends.", kind=FLAG),
)
WAIT_S = 20
_SLACK_S = 15
_SMALL = 65536
_ENDED = frozenset({"completed", "failed", "cancelled", "aborted"})
_PAUSE_S = 0.2


def print_log(call: Call, task_id: int, *, lines: int | None = None, is_followed: bool = False) -> int:
    """Print a task's log; returns 0. Raises LogNotFound, and what requests raise."""
    link = PatientLink(call.link())
    offset = 0
    if lines is not None:
        reply = _first(link, task_id, f"/api/tasks/{task_id}/logs" + query([("tail", lines)]), is_followed)
        offset = _write(call, task_id, reply, 0)
        if not is_followed:
            return 0
    while True:
        pairs = [("offset", offset), ("wait", WAIT_S if is_followed else None)]
        reply = _first(link, task_id, f"/api/tasks/{task_id}/logs" + query(pairs), is_followed)
        n_bytes = len(reply.body)
        _tell_gap(reply, offset)
        offset = _write(call, task_id, reply, offset)
        is_ended = reply.headers.get("x-gavelq-ended") == "1"
        if n_bytes == 0 and (is_ended or not is_followed):
            return 0
        # A task may write faster than we read: what is there now ends with a short answer.
        if not is_followed and not is_ended and n_bytes < _SMALL:
            return 0


def _first(link: PatientLink, task_id: int, target: str, is_followed: bool) -> Reply:
    """An answer; who follows a task that has not begun waits until there is a log."""
    is_told = False
    while True:
        try:
            return link.get(target, timeout_s=WAIT_S + _SLACK_S)
        except LogNotFound:
            if not is_followed:
                raise
            if _has_ended(link, task_id):
                raise
        if not is_told and sys.stderr.isatty():
            say(f"task {task_id} has not begun; `gavelq task why {task_id}` tells what it waits for", sys.stderr)
        is_told = True
        time.sleep(_PAUSE_S)


def _has_ended(link: PatientLink, task_id: int) -> bool:
    from gavelq.client import lean

    task = lean.loads(link.get(f"/api/tasks/{task_id}/wait" + query([("timeout", 5)]), timeout_s=30).body)
    return task["state"] in _ENDED


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
