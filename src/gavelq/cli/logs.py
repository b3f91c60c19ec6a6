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
    Option(
        "attempt",
        ("--attempt",),
        "The output of its N-th try; default: the last one.",
        kind=COUNT,
        metavar="N",
        range=(1, 1_000_000_000),
    ),
)
WAIT_S = 20
_SLACK_S = 15
_SMALL = 65536


def print_log(
    call: Call, task_id: int, *, lines: int | None = None, is_followed: bool = False, attempt: int | None = None
) -> int:
    """Print a task's log; returns 0. Raises LogNotFound where there is none (yet), and what requests raise.

    Who follows a task sees every later try as well; with `attempt`, that one alone.
    """
    log = _Log(call, task_id, attempt)
    is_over = False
    if lines is not None or not is_followed:
        try:
            is_over = log.begin(lines)
        except LogNotFound:
            # Whoever follows a task that has not begun waits for its log below.
            if not is_followed:
                raise
        if is_over or (lines is not None and not is_followed):
            return 0
    return log.go_on(is_followed)


class _Log:
    """Where we are in a task's output."""

    def __init__(self, call: Call, task_id: int, wanted: int | None) -> None:
        self._call = call
        self._link = PatientLink(call.link())
        self._task_id = task_id
        self._wanted = wanted
        """The only attempt that is asked for."""
        self._attempt: int | None = None
        """The attempt whose log was read last; None: there is one log for all, or nothing was read."""
        self._offset = 0

    def begin(self, lines: int | None) -> bool:
        """Print the last lines, or the log from its beginning; whether that was all of it."""
        reply = self._ask([("tail", lines)], _SLACK_S)
        if lines is None:
            _tell_gap(reply, 0)
        self._attempt = _attempt_of(reply)
        return self._take(reply)

    def go_on(self, is_followed: bool) -> int:
        """Print what comes, to the end; returns 0."""
        is_told = False
        while True:
            pairs = [("offset", self._offset), ("wait", WAIT_S if is_followed else None)]
            reply = self._ask(pairs, WAIT_S + _SLACK_S)
            now = _attempt_of(reply)
            if now is not None and self._attempt is not None and now > self._attempt:
                self._catch_up(now)  # this reply's log has nothing to do with our offset
                continue
            self._attempt = now
            _tell_gap(reply, self._offset)
            # A task may write faster than we read: what is there now ends with a short answer.
            if self._take(reply) or (not is_followed and len(reply.body) < _SMALL):
                return 0
            if self._offset == 0 and not is_told and sys.stderr.isatty():
                say(f"nothing yet; `gavelq task why {self._task_id}` tells what it waits for", sys.stderr)
                is_told = True

    def _catch_up(self, to: int) -> None:
        """Print the rest of the tries that are over; go on with the log of try `to`."""
        for number in range(self._attempt or to, to):
            self._wanted = number
            try:
                is_over = False
                while not is_over:
                    reply = self._ask([("offset", self._offset)], _SLACK_S)
                    is_over = self._take(reply) or not reply.body
            except LogNotFound:
                pass  # it ended before its log was made
            self._offset = 0
        self._wanted, self._attempt = None, to

    def _ask(self, pairs: list[tuple[str, int | None]], timeout_s: float) -> Reply:
        target = f"/api/tasks/{self._task_id}/logs" + query([*pairs, ("attempt", self._wanted)])
        return self._link.get(target, timeout_s=timeout_s)

    def _take(self, reply: Reply) -> bool:
        """Print what came; whether nothing more will come."""
        self._offset = _write(self._call, self._task_id, reply, self._offset)
        return _is_over(reply)


def _attempt_of(reply: Reply) -> int | None:
    return _number(reply, "x-gavelq-attempt", 0) or None


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
