"""`gavelq shell`: an interactive shell on leased GPUs."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gavelq.cli.base import Command, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.granting import LEASING, ask, granted_words, release, wait_until_granted
from gavelq.cli.interrupts import Interrupts, Signalled
from gavelq.cli.output.text import safe, say
from gavelq.client.leases import variables
from gavelq.core.errors import UsageError
from gavelq.core.units import parse_duration


@click.command("shell", cls=Command)
@options(LEASING)
@click.option("--wait", "wait_for", metavar="DURATION", help="Give up (exit code 8) after this time.")
@click.option(
    "--idle", metavar="DURATION", help="Close the shell after this time without keyboard input and running commands."
)
@pass_call
def shell(call: Call, **values: Any) -> int:
    """Start your shell on GPUs of your own; they are given back when it ends, is over time, or idle.

    The exit code is the shell's. A minute before the time limit it is announced on the terminal; then the shell and
    what runs in it are hung up.
    """
    from gavelq.cli.session import Session

    if call.address().socket is None:
        raise UsageError(
            "the GPUs are on another machine: a shell here could not use them",
            hint="log in there and call `gavelq shell`, or submit a command: gavelq run -- CMD",
        )
    timeout_s = None if values["wait_for"] is None else parse_duration(values["wait_for"], field="wait")
    idle_s = None if values["idle"] is None else parse_duration(values["idle"], field="idle")
    with Interrupts() as signals:
        task = ask(call, {**values, "name": values["name"] or "shell"}, pid=os.getpid())
        try:
            task = wait_until_granted(call, task, signals, timeout_s=timeout_s)
        except Signalled as caught:
            say(f"gavelq: the request for lease {task['id']} was taken back", sys.stderr)
            return caught.exit_code
    try:
        env = variables(task, call.link().fetch("GET", "/api/daemon"))
        say(safe(f"gavelq: lease {task['id']}: {granted_words(task)}; `exit` gives it back"), sys.stderr)
        return Session(call, task, env, idle_s=idle_s).run()
    finally:
        release(call, task)
