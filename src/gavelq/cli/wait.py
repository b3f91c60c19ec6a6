"""`task wait`: until tasks have ended, through restarts of the daemon."""

import sys
import time
from collections.abc import Sequence
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.listing import reason_of
from gavelq.cli.output.text import say
from gavelq.client.patience import PatientLink
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.core.errors import TimedOut

POLL_S = 25
_SLACK_S = 15
_ENDED = frozenset({"completed", "failed", "cancelled", "aborted"})


def wait(call: Call, ids: Sequence[int], *, timeout_s: float | None = None, pass_exit_code: bool = False) -> int:
    """Wait for all of them; returns 0 where all completed, else 1, or with `pass_exit_code` a task's own code.

    Raises TimedOut (8) when the time is over, and what requests raise.
    """
    link = PatientLink(call.link())
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    bodies: list[bytes] = []
    code = 0
    for task_id in dict.fromkeys(ids):
        task, body = _wait_for(link, task_id, deadline, timeout_s)
        bodies.append(body.strip())
        if not call.is_json:
            say(_sentence(task))
            sys.stdout.flush()
        code = code or exit_code_of(task, is_own=pass_exit_code)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]")
    return code


def _wait_for(
    link: PatientLink, task_id: int, deadline: float | None, timeout_s: float | None
) -> tuple[dict[str, Any], bytes]:
    while True:
        left = POLL_S if deadline is None else max(0.0, min(POLL_S, deadline - time.monotonic()))
        target = f"/api/tasks/{task_id}/wait" + query([("timeout", f"{left:g}")])
        reply = link.get(target, timeout_s=left + _SLACK_S, deadline=deadline)
        task: dict[str, Any] = lean.loads(reply.body)
        if task["state"] in _ENDED:
            return task, reply.body
        if deadline is not None and time.monotonic() >= deadline:
            why = f", {task['pending_reason']}" if task.get("pending_reason") else ""
            raise TimedOut(
                timeout_s=f"{timeout_s:g}",
                what=f"task {task_id} is still {task['state']}{why}",
                hint=f"gavelq task why {task_id}",
            )


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
