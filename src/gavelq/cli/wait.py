"""`task wait`: until tasks have ended, through restarts of the daemon."""

import sys
import time
from collections.abc import Sequence
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.listing import reason_of
from gavelq.cli.output.text import say
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.client.patience import PatientLink
from gavelq.core.errors import TimedOut

POLL_S = 25
_SLACK_S = 15
_TOLD = 10
"""So many tasks are named when the time is over."""
_ENDED = frozenset({"completed", "failed", "cancelled", "aborted"})


def wait(call: Call, ids: Sequence[int], *, timeout_s: float | None = None, pass_exit_code: bool = False) -> int:
    """Wait for all of them; returns 0 where all completed, else 1, or with `pass_exit_code` a task's own code.

    Raises TimedOut (8), which names those that have not ended when the time is over, and what requests raise.
    """
    link = PatientLink(call.link())
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    bodies: list[bytes] = []
    late: list[dict[str, Any]] = []
    code = 0
    for task_id in dict.fromkeys(ids):
        task, body = _wait_for(link, task_id, deadline)
        if task["state"] not in _ENDED:
            late.append(task)
            continue
        bodies.append(body.strip())
        _tell(call, task)
        code = code or exit_code_of(task, is_own=pass_exit_code)
    if late:
        raise _timed_out(timeout_s, late)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]")
    return code


def wait_any(call: Call, ids: Sequence[int], *, timeout_s: float | None = None, pass_exit_code: bool = False) -> int:
    """Wait for the first of them to end, and tell that one alone; exit codes and errors as of `wait`."""
    link = PatientLink(call.link())
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    wanted: list[tuple[str, object]] = [("id", task_id) for task_id in dict.fromkeys(ids)]
    while True:
        left = POLL_S if deadline is None else max(0.0, min(POLL_S, deadline - time.monotonic()))
        target = "/api/wait" + query([*wanted, ("timeout", f"{left:g}")])
        ended = lean.loads(link.get(target, timeout_s=left + _SLACK_S, deadline=deadline).body)
        if ended:
            first: dict[str, Any] = min(ended, key=lambda task: str(task["ended_at"]))
            _tell(call, first)
            if call.is_json:
                from gavelq.cli.output.document import print_document

                print_document(first)
            return exit_code_of(first, is_own=pass_exit_code)
        if deadline is not None and time.monotonic() >= deadline:
            raise TimedOut(
                timeout_s=f"{timeout_s:g}",
                what=f"none of these {len(wanted)} tasks has ended",
                hint="see what they do with: gavelq task list",
            )


def _wait_for(link: PatientLink, task_id: int, deadline: float | None) -> tuple[dict[str, Any], bytes]:
    """The task when it has ended, or as it is when the time is over."""
    while True:
        left = POLL_S if deadline is None else max(0.0, min(POLL_S, deadline - time.monotonic()))
        target = f"/api/tasks/{task_id}/wait" + query([("timeout", f"{left:g}")])
        reply = link.get(target, timeout_s=left + _SLACK_S, deadline=deadline)
        task: dict[str, Any] = lean.loads(reply.body)
        if task["state"] in _ENDED or (deadline is not None and time.monotonic() >= deadline):
            return task, reply.body


def _timed_out(timeout_s: float | None, late: Sequence[dict[str, Any]]) -> TimedOut:
    def told(task: dict[str, Any]) -> str:
        why = f", {task['pending_reason']}" if task.get("pending_reason") else ""
        return f"task {task['id']} is still {task['state']}{why}"

    more = f"; and {len(late) - _TOLD} more" if len(late) > _TOLD else ""
    what = "; ".join(told(task) for task in late[:_TOLD]) + more
    return TimedOut(timeout_s=f"{timeout_s:g}", what=what, hint=f"gavelq task why {late[0]['id']}")


def _tell(call: Call, task: dict[str, Any]) -> None:
    if not call.is_json:
        say(_sentence(task))
        sys.stdout.flush()


def _sentence(task: dict[str, Any]) -> str:
    reason = reason_of(task)
    return f"task {task['id']}: {task['state']}" + (f" ({reason})" if reason != "-" else "")


def exit_code_of(task: dict[str, Any], *, is_own: bool) -> int:
    """0 for a completed task; else 1, or the task's own code (128 + signal, as a shell says it)."""
    if task["state"] == "completed":
        return 0
    if is_own and task.get("signal") is not None:
        return 128 + int(task["signal"])
    return (int(task.get("exit_code") or 1) & 0xFF or 1) if is_own else 1
