"""Waiting for the start of a task with the person informed: why it waits, on one line that changes."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from gavelq.cli.interrupts import Interrupts
from gavelq.cli.output.text import safe, say, shorten, terminal_columns
from gavelq.cli.output.times import duration
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.client.leases import WAITS
from gavelq.client.patience import PatientLink

_FIRST_S = 0.3
"""What starts within this time never shows why it waited."""
_REDRAWN_S = 2.0
_POLL_S = 20.0
_SLACK_S = 15.0

Task = dict[str, Any]


class Progress:
    """One line on standard error that says what is waited for: rewritten on a terminal, said once elsewhere."""

    def __init__(self) -> None:
        self.is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._began = time.monotonic()
        self._is_shown = False

    def show(self, task: Task) -> None:
        """Say why the task waits."""
        text = f"gavelq: {reason(task)}"
        if self.is_terminal:
            lasting = f" [{duration(time.monotonic() - self._began)}]"
            room = terminal_columns(sys.stderr) - len(lasting) - 1
            sys.stderr.write(f"\r\x1b[K{shorten(safe(text), room)}{lasting}")
            sys.stderr.flush()
        elif not self._is_shown:
            say(safe(text), sys.stderr)
        self._is_shown = True

    def clear(self) -> None:
        """The line has done its duty."""
        if self.is_terminal and self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_shown = False


def reason(task: Task) -> str:
    """Why a task has not started, in one sentence."""
    name = f"{'lease' if task.get('is_lease') else 'task'} {task['id']}"
    if task["state"] == "held":
        return f"{name} is held; let it run with: gavelq task run {task['id']}"
    if task["state"] == "starting":
        return f"{name} is starting"
    why = task.get("pending_reason")
    detail = task.get("pending_detail")
    return f"{name} waits" + (f" ({why})" if why else "") + (f": {detail}" if detail else "")


def turned(link: PatientLink, task: Task, wait_s: float, *, deadline: float | None = None) -> Task:
    """The task as soon as its state is another one, or as it is after `wait_s` seconds."""
    target = f"/api/tasks/{task['id']}/turn" + query([("state", task["state"]), ("timeout", f"{wait_s:g}")])
    found: Task = lean.loads(link.get(target, timeout_s=wait_s + _SLACK_S, deadline=deadline).body)
    return found


def until(
    is_enough: Callable[[Task], bool],
    link: PatientLink,
    task: Task,
    signals: Interrupts,
    *,
    deadline: float | None = None,
    renew: Callable[[], float] | None = None,
) -> Task:
    """Wait until the task is as it should be, has ended, or the deadline (of time.monotonic) is over.

    `renew` is called now and then, and tells after how many seconds it wants to be called again. Raises Signalled.
    """
    progress = Progress()
    wait_s = _FIRST_S
    try:
        while not is_enough(task) and task["state"] in (*WAITS, "running", "stopping"):
            left = wait_s if deadline is None else max(0.0, min(wait_s, deadline - time.monotonic()))
            if renew is not None:
                left = min(left, renew())
            with signals.open():
                task = turned(link, task, left, deadline=deadline)
            if deadline is not None and time.monotonic() >= deadline:
                break
            if not is_enough(task) and task["state"] in WAITS:
                progress.show(task)
            wait_s = _REDRAWN_S if progress.is_terminal else _POLL_S
    finally:
        progress.clear()
    return task
