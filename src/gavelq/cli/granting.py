"""Asking for a lease and waiting until it is granted; whoever gives up gives its place back."""

import contextlib
import sys
import time
from collections.abc import Mapping
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.submit import request_of, send_submission
from gavelq.cli.interrupts import Interrupts
from gavelq.cli.options import REQUEST
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import epoch
from gavelq.cli.waiting import Task, reason, until
from gavelq.client import lean
from gavelq.client.leases import WAITS, renewal_pause
from gavelq.client.patience import PatientLink
from gavelq.core.errors import GavelqError, NotFound, TimedOut, WrongState

_OF_COMMANDS = frozenset(
    {"env", "env_keep", "env_all", "log", "requeue", "retries", "backoff", "retry_burst", "retry_on", "on_gpu_oom"}
    | {"learn_memory", "warn", "preemptible"}
)
LEASING = tuple(option for option in REQUEST if option.name not in _OF_COMMANDS)
"""What can be asked for without a command: the options of `submit` but for those that are about its command."""

_RENEWAL_TIMEOUT_S = 10.0


class NotGranted(GavelqError):
    """lease {task_id} is {state}: {why}"""

    code = "not_granted"
    http_status = 409
    exit_code = 6


def ask(call: Call, values: Mapping[str, Any], *, pid: int | None) -> Task:
    """Ask for a lease of process `pid` (None: of whoever renews it); returns at once. Raises what submissions do."""
    request, _ = request_of(call, values)
    request = {name: value for name, value in request.items() if name not in ("env", "env_dropped")}
    request["lease"] = True
    if pid is not None:
        request["pid"] = pid
    task: Task = lean.loads(send_submission(call, "/api/tasks", request).body)
    return task


def wait_until_granted(call: Call, task: Task, signals: Interrupts, *, timeout_s: float | None = None) -> Task:
    """Wait until the lease has its GPUs; renews it meanwhile, where it needs that.

    Raises TimedOut, NotGranted where it was ended, and Signalled; the request is taken back then.
    """
    link = PatientLink(call.link(), was_there=True)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        task = until(_is_granted, link, task, signals, deadline=deadline, renew=_Renewer(call, task).renew)
        if task["state"] in WAITS:
            hint = "wait longer, or ask for less; `gavelq task why` explains such waits"
            raise TimedOut(timeout_s=f"{timeout_s:g}", what=reason(task), hint=hint)
    except BaseException:
        release(call, task)
        raise
    if task["state"] != "running":
        why = task.get("end_detail") or task.get("end_reason") or "it ended before it was granted"
        raise NotGranted(task_id=task["id"], state=task["state"], why=why)
    return task


def _is_granted(task: Task) -> bool:
    return bool(task["state"] == "running")


def release(call: Call, task: Task, *, patience_s: float = 10.0) -> None:
    """Give the lease back, if it is not over yet; says so where the daemon cannot be told."""
    link = PatientLink(call.link(), was_there=True)
    try:
        link.post(f"/api/tasks/{task['id']}/release", deadline=time.monotonic() + patience_s)
    except (WrongState, NotFound):
        return  # it is over already
    except GavelqError as error:
        with contextlib.suppress(OSError):  # the terminal may be gone
            say(safe(f"gavelq: lease {task['id']} could not be given back: {error.message}"), sys.stderr)


def end_of(task: Task) -> float | None:
    """When a lease's time limit is reached, in seconds since the epoch; None: it has none, or has not begun."""
    if task.get("time_limit_s") is None or not task.get("started_at"):
        return None
    return epoch(task["started_at"]) + float(task["time_limit_s"])


def granted_words(task: Task) -> str:
    """`GPU 0,1 until 14:05:00`."""
    gpus = "GPU " + ",".join(str(index) for index in task["gpus"]) if task["gpus"] else "no GPU"
    end = end_of(task)
    return gpus + (f" until {time.strftime('%H:%M:%S', time.localtime(end))}" if end is not None else "")


class _Renewer:
    """Renews a lease while it is waited for."""

    def __init__(self, call: Call, task: Task) -> None:
        self._link = call.link()
        self._target = f"/api/tasks/{task['id']}/renew"
        self._pause_s = renewal_pause(task)
        self._due = time.monotonic() + (self._pause_s or 0.0)

    def renew(self) -> float:
        """Renew it where that is due; the seconds until the next time."""
        if self._pause_s is None:
            return float("inf")
        now = time.monotonic()
        if now >= self._due:
            # Where it cannot be renewed, the wait that follows tells why.
            with contextlib.suppress(GavelqError):
                self._link.send("POST", self._target, {}, timeout_s=_RENEWAL_TIMEOUT_S)
            self._due = now + self._pause_s
        return max(0.1, self._due - now)
