"""Reading a task's output through all of its attempts, as steps without I/O.

A generator of steps yields `Ask` (and is sent the Reply, or thrown the error) and pieces of output, until the end.
"""

from collections.abc import Generator
from dataclasses import dataclass

from gavelq.client.http import query
from gavelq.client.wire import Reply
from gavelq.core.errors import LogNotFound

WAIT_S = 20
SLACK_S = 15.0
LogSteps = Generator["Ask | bytes", "Reply | None", None]


@dataclass(frozen=True, slots=True)
class Ask:
    """A GET that has to be made."""

    target: str
    timeout_s: float = 30.0


def whole_log(task_id: int) -> LogSteps:
    """A task's output as it is now."""
    offset = 0
    while True:
        reply = _reply((yield Ask(_target(task_id, offset))))
        if not reply.body:
            return
        yield reply.body
        offset = _number(reply, "x-gavelq-offset")


def followed_log(task_id: int, *, tail: int | None = None) -> LogSteps:
    """A task's output as it comes, until the task has ended and all was read.

    It begins with the first byte, or with the last `tail` lines that are there. Later attempts follow earlier ones.
    """
    offset, attempt = 0, 0
    if tail is not None:
        try:
            reply = _reply((yield Ask(_target(task_id, None, tail=tail))))
        except LogNotFound:
            pass  # it has not begun; all that comes is new
        else:
            offset, attempt = _number(reply, "x-gavelq-offset"), _number(reply, "x-gavelq-attempt")
            if reply.body:
                yield reply.body
            if _is_over(reply):
                return
    while True:
        reply = _reply((yield Ask(_target(task_id, offset, wait=WAIT_S), WAIT_S + SLACK_S)))
        now = _number(reply, "x-gavelq-attempt")
        if attempt and now > attempt:  # this answer's log has nothing to do with our offset
            yield from _rest_of(task_id, offset, range(attempt, now))
            offset, attempt = 0, now
            continue
        attempt = now
        offset = _number(reply, "x-gavelq-offset")
        if reply.body:
            yield reply.body
        if _is_over(reply):
            return


def _rest_of(task_id: int, offset: int, attempts: range) -> LogSteps:
    """What is left of attempts that are over: the first one from `offset` on."""
    for attempt in attempts:
        while True:
            try:
                reply = _reply((yield Ask(_target(task_id, offset, attempt=attempt))))
            except LogNotFound:
                break  # it ended before its log was made
            if reply.body:
                yield reply.body
            offset = _number(reply, "x-gavelq-offset")
            if _is_over(reply) or not reply.body:
                break
        offset = 0


def _target(task_id: int, offset: int | None, **more: int | None) -> str:
    return f"/api/tasks/{task_id}/logs" + query([("offset", offset), *more.items()])


def _reply(sent: Reply | None) -> Reply:
    if sent is None:
        raise RuntimeError("an Ask is answered with a Reply")
    return sent


def _number(reply: Reply, name: str) -> int:
    text = reply.headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _is_over(reply: Reply) -> bool:
    return reply.headers.get("x-gavelq-ended") == "1"
