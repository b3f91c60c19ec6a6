"""`gavelq lease`: GPUs for one's own processes, without a command."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Any

import click

from gavelq.cli.base import TASK_ID, Command, Count, Group, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.granting import LEASING, ask, end_of, granted_words, wait_until_granted
from gavelq.cli.hot import each
from gavelq.cli.interrupts import Interrupts, Signalled
from gavelq.cli.output.document import print_document
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration, local, run_time
from gavelq.client.leases import variables
from gavelq.core.errors import UsageError
from gavelq.core.units import parse_duration

_ids = click.argument("ids", type=TASK_ID, nargs=-1, required=True, metavar="ID...")
_COLUMNS = (
    Column("ID", is_right=True),
    Column("STATE"),
    Column("QUEUE", is_soft=True),
    Column("GPUS", is_soft=True),
    Column("TIME", is_right=True, is_optional=True),
    Column("KEPT BY"),
    Column("ENDS", is_optional=True),
    Column("REASON", is_optional=True),
    Column("NAME", is_soft=True, is_optional=True),
)


@click.group("lease", cls=Group, invoke_without_command=True)
@options(LEASING)
@click.option("--pid", type=Count(min=1), metavar="PID", help="The owner; default: the calling shell.")
@click.option("--no-owner", is_flag=True, help="No process owns it: `gavelq lease renew` keeps it.")
@click.option("--wait", "wait_for", metavar="DURATION", help="Give up (exit code 8) after this time.")
@click.option("--no-wait", is_flag=True, help="Only ask; do not wait for the GPUs.")
@click.option("--export", "is_export", is_flag=True, help='Only lines for the shell: eval "$(gavelq lease --export)".')
@click.pass_context
@pass_call
def lease(call: Call, ctx: click.Context, **values: Any) -> int:
    """Take GPUs for your own processes, and print them once they are granted.

    The lease ends when its owner does: the shell that called this command, or --pid. It is a task in all other
    respects: queued, explained by `task why`, limited by -t, ended by `task kill`.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    if values["no_owner"] and values["pid"] is not None:
        raise UsageError("--pid and --no-owner exclude each other", hint="give only one of them")
    if values["no_wait"] and (values["wait_for"] is not None or values["is_export"]):
        raise UsageError("--no-wait excludes --wait and --export", hint="give only one of them")
    timeout_s = None if values["wait_for"] is None else parse_duration(values["wait_for"], field="wait")
    with Interrupts() as signals:
        task = ask(call, values, pid=_owner(call, values))
        if values["no_wait"]:
            return _tell_asked(call, task)
        try:
            task = wait_until_granted(call, task, signals, timeout_s=timeout_s)
        except Signalled as caught:
            say(f"gavelq: the request for lease {task['id']} was taken back", sys.stderr)
            return caught.exit_code
    return _tell_granted(call, task, is_export=values["is_export"])


def _owner(call: Call, values: dict[str, Any]) -> int | None:
    """The owner's pid; None where renewals keep the lease: on purpose, or because the daemon is not on this machine."""
    if values["no_owner"]:
        return None
    given: int | None = values["pid"]
    if given is not None or call.address().socket is None:
        return given
    from gavelq.cli.owner import calling_process

    return calling_process()


def _tell_asked(call: Call, task: dict[str, Any]) -> int:
    if call.is_json:
        print_document(task)
    else:
        say(f"lease {task['id']} asked for: {task['state']} in queue {safe(task['queue'])}; {_kept(task)}")
    return 0


def _tell_granted(call: Call, task: dict[str, Any], *, is_export: bool) -> int:
    if call.is_json:
        print_document(task)
        return 0
    link = call.link()
    found = variables(task, link.fetch("GET", "/api/daemon"), is_local=link.address.socket is not None)
    sentence = f"lease {task['id']} granted: {granted_words(task)}; {_kept(task)}"
    say(safe(sentence), sys.stderr if is_export else sys.stdout)
    for name, value in found.items():
        say(f"export {name}={shlex.quote(value)}")
    return 0


def _kept(task: dict[str, Any]) -> str:
    if task.get("lease_owner_pid") is not None:
        return f"it ends with process {task['lease_owner_pid']}"
    return f"renew it every {duration(task['lease_renew_s'])} with: gavelq lease renew {task['id']}"


@lease.command("renew", cls=Command)
@_ids
@pass_call
def renew(call: Call, ids: tuple[int, ...]) -> int:
    """Keep leases without an owner alive."""
    return each.act(call, ids, lambda i: ("POST", f"/api/tasks/{i}/renew", {}), _renewed)


@lease.command("release", cls=Command)
@_ids
@pass_call
def release(call: Call, ids: tuple[int, ...]) -> int:
    """Give leased GPUs back, or the place in the queue."""
    return each.act(call, ids, lambda i: ("POST", f"/api/tasks/{i}/release", {}), _released)


@lease.command("list", cls=Command)
@pass_call
def list_(call: Call) -> int:
    """List the leases that have not ended."""
    found = call.link().fetch("GET", "/api/leases")
    if call.is_json:
        print_document(found)
    elif not found and sys.stdout.isatty():
        say("no leases")
    else:
        print_table(_COLUMNS, [_row(task) for task in found])
    return 0


def _row(task: dict[str, Any]) -> tuple[str, ...]:
    from gavelq.cli.hot.listing import gpus_of, reason_of

    owner, end = task["lease_owner_pid"], end_of(task)
    return (
        str(task["id"]),
        task["state"],
        task["queue"],
        gpus_of(task),
        duration(run_time(task, time.time())),
        f"renewals until {local(task['lease_expires_at'])[11:]}" if owner is None else f"pid {owner}",
        "-" if end is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(end)),
        reason_of(task),
        task["name"] if task["name"] != "lease" else "-",
    )


def _renewed(task: dict[str, Any]) -> str:
    return f"lease {task['id']}: {task['state']}, kept until {local(task['lease_expires_at'])}"


def _released(task: dict[str, Any]) -> str:
    return f"lease {task['id']}: {'given back' if task['state'] == 'stopping' else task['state']}"
