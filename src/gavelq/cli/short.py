"""The short forms: `status`, `list`, `cancel`, `logs`."""

from __future__ import annotations

from typing import Any

import click

from gavelq.cli.base import TASK_ID, Command, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.hot.each import kill
from gavelq.cli.hot.listing import list_all
from gavelq.cli.hot.overview import print_status
from gavelq.cli.logs import LOG, print_log
from gavelq.cli.options import KILL, LISTING


@click.command(cls=Command)
@pass_call
def status(call: Call) -> int:
    """Show the daemon, its GPUs and its queues."""
    return print_status(call)


@click.command("list", cls=Command)
@options(LISTING)
@pass_call
def list_(call: Call, **values: Any) -> int:
    """List all tasks, newest last."""
    return list_all(call, values)


@click.command(cls=Command)
@click.argument("ids", type=TASK_ID, nargs=-1, metavar="[ID...]")
@options(KILL)
@pass_call
def cancel(call: Call, ids: tuple[int, ...], signal: str | None, submission: int | None) -> int:
    """End tasks, running or not (the same as `task kill`)."""
    from gavelq.cli import submission as submissions

    if (number := submissions.chosen(ids, submission)) is not None:
        return submissions.kill(call, number, signal)
    return kill(call, ids, signal)


@click.command(cls=Command)
@click.argument("task_id", type=TASK_ID, metavar="ID")
@options(LOG)
@pass_call
def logs(call: Call, task_id: int, **values: Any) -> int:
    """Print a task's output (the same as `task logs`)."""
    return print_log(call, task_id, lines=values["lines"], is_followed=values["follow"], attempt=values["attempt"])
