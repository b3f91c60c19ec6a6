"""`gavelq task`."""

from __future__ import annotations

from typing import Any

import click

from gavelq.cli import changes
from gavelq.cli import submission as submissions
from gavelq.cli.base import TASK_ID, Command, Group, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.changes import CHANGE
from gavelq.cli.hot import each
from gavelq.cli.hot.details import print_details
from gavelq.cli.hot.listing import list_tasks
from gavelq.cli.logs import LOG, print_log
from gavelq.cli.options import KILL, REQUEST, SUBMISSION, TASK_LISTING

_id = click.argument("task_id", type=TASK_ID, metavar="ID")
_ids = click.argument("ids", type=TASK_ID, nargs=-1, required=True, metavar="ID...")
_ids_or_submission = click.argument("ids", type=TASK_ID, nargs=-1, metavar="[ID...]")


@click.group(cls=Group)
def task() -> None:
    """Look at tasks and steer them."""


@task.command("list", cls=Command)
@options(TASK_LISTING)
@pass_call
def list_(call: Call, **values: Any) -> int:
    """List tasks; without an option those that have not ended."""
    return list_tasks(call, values)


@task.command("info", cls=Command)
@_id
@pass_call
def info(call: Call, task_id: int) -> int:
    """Show everything about a task."""
    return print_details(call, task_id)


@task.command("why", cls=Command)
@_id
@pass_call
def why(call: Call, task_id: int) -> int:
    """Tell what a task waits for, gate by gate; or how it ended."""
    from gavelq.cli.why import print_why

    return print_why(call, task_id)


@task.command("logs", cls=Command)
@_id
@options(LOG)
@pass_call
def logs(call: Call, task_id: int, lines: int | None, follow: bool, attempt: int | None) -> int:
    """Print a task's output."""
    return print_log(call, task_id, lines=lines, is_followed=follow, attempt=attempt)


@task.command("wait", cls=Command)
@_ids_or_submission
@options((SUBMISSION,))
@click.option("--any", "is_any", is_flag=True, help="Only for the first one that ends.")
@click.option("--timeout", metavar="DURATION", help="Give up (exit code 8) after this time, such as 90s or 2h.")
@click.option("--exit-code", "own", is_flag=True, help="Exit as the first task that did not complete (128 + signal).")
@pass_call
def wait(call: Call, ids: tuple[int, ...], submission: int | None, is_any: bool, timeout: str | None, own: bool) -> int:
    """Wait until tasks have ended: exit code 0 if all completed, else 1."""
    from gavelq.cli.wait import wait as wait_for
    from gavelq.cli.wait import wait_any
    from gavelq.core.errors import UsageError
    from gavelq.core.units import parse_duration

    is_zero = timeout is not None and timeout.strip() in ("0", "0s")
    seconds = None if timeout is None else 0.0 if is_zero else parse_duration(timeout, field="timeout")
    if (number := submissions.chosen(ids, submission)) is not None:
        if is_any:
            raise UsageError("--any waits for tasks that are named one by one", hint="gavelq task wait --any ID...")
        return submissions.wait(call, number, timeout_s=seconds, pass_exit_code=own)
    if is_any:
        return wait_any(call, ids, timeout_s=seconds, pass_exit_code=own)
    return wait_for(call, ids, timeout_s=seconds, pass_exit_code=own)


@task.command("run", cls=Command)
@_ids_or_submission
@options((SUBMISSION,))
@click.option("-q", "--queue", metavar="QUEUE", help="Move it there; default: out of `waiting` into `running`.")
@pass_call
def run(call: Call, ids: tuple[int, ...], submission: int | None, queue: str | None) -> int:
    """Let held tasks run."""
    if (number := submissions.chosen(ids, submission)) is not None:
        return submissions.act(call, number, "run", {"queue": queue}, "released")
    return each.act(call, ids, lambda i: ("POST", f"/api/tasks/{i}/run", {"queue": queue}), _state)


@task.command("hold", cls=Command)
@_ids_or_submission
@options((SUBMISSION,))
@pass_call
def hold(call: Call, ids: tuple[int, ...], submission: int | None) -> int:
    """Hold pending tasks back until `task run`."""
    if (number := submissions.chosen(ids, submission)) is not None:
        return submissions.act(call, number, "hold", {}, "held")
    return each.act(call, ids, lambda i: ("POST", f"/api/tasks/{i}/hold", {}), _state)


@task.command("kill", cls=Command)
@_ids_or_submission
@options(KILL)
@pass_call
def kill(call: Call, ids: tuple[int, ...], signal: str | None, submission: int | None) -> int:
    """End tasks: TERM to all of their processes, then KILL. Another signal may come first, or instead."""
    if (number := submissions.chosen(ids, submission)) is not None:
        return submissions.kill(call, number, signal)
    return each.kill(call, ids, signal)


@task.command("edit", cls=Command)
@_ids
@options((*CHANGE, *REQUEST))
@pass_call
def edit(call: Call, ids: tuple[int, ...], **values: Any) -> int:
    """Change tasks that have not started: all of them, or none. What is not named stays as it is."""
    return changes.edit(call, ids, values)


@task.command("rerun", cls=Command)
@_ids
@options((*CHANGE, *REQUEST))
@pass_call
def rerun(call: Call, ids: tuple[int, ...], **values: Any) -> int:
    """Submit ended tasks again, as new tasks, with changes. What they depended on is not waited for again."""
    different = changes.changes_of(call, values)
    return each.act(call, ids, lambda i: ("POST", f"/api/tasks/{i}/rerun", different), _new)


@task.command("remove", cls=Command)
@_ids
@pass_call
def remove(call: Call, ids: tuple[int, ...]) -> int:
    """Forget ended or held tasks, with their logs."""
    return each.act(call, ids, lambda i: ("POST", f"/api/tasks/{i}/remove", {}), _removed)


def _state(found: dict[str, Any]) -> str:
    return f"task {found['id']}: {found['state']} in queue {found['queue']}"


def _new(found: dict[str, Any]) -> str:
    return f"task {found['id']} submitted: {found['state']} in queue {found['queue']}"


def _removed(found: dict[str, Any]) -> str:
    return f"task {found['removed']}: removed"
