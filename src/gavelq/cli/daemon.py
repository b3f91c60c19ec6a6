"""`gavelq daemon` and `gavelq serve`: the one place of the command line that may load the daemon, and does so last."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gavelq.cli.base import Command, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration
from gavelq.client.address import Address
from gavelq.client.http import Link
from gavelq.core.errors import DaemonUnreachable, NotAllowed

DEFAULT_LISTEN = "127.0.0.1:8080"


@click.group(cls=Group)
def daemon() -> None:
    """Start, stop and look at the daemon. Stopping it never ends a task unless asked."""


@daemon.command("init", cls=Command)
@pass_call
def init(call: Call) -> int:
    """Check the configuration, start the daemon in the background, and return when it answers."""
    return _init(call, _local(call, "starting"))


@daemon.command("stop", cls=Command)
@click.option("--kill-tasks", is_flag=True, help="End all running tasks as well.")
@pass_call
def stop(call: Call, kill_tasks: bool) -> int:
    """Stop the daemon; running tasks go on. Returns when it is gone."""
    from gavelq.cli.stop import elsewhere, stop_and_wait

    address = call.address()
    try:
        found = stop_and_wait(address, kill_tasks=kill_tasks)
    except DaemonUnreachable as error:
        other = elsewhere(call.config, address) if address.socket is not None and not call.socket else None
        hint = "there is nothing to stop"
        if other is not None:
            hint = f"it answers at the socket that it was started with: gavelq daemon stop --socket {other}"
        raise DaemonUnreachable(error.message, hint=hint) from None
    if call.is_json:
        print_document({"running": False, "pid": found.get("pid")})
    else:
        say(f"the daemon (pid {found.get('pid')}) has stopped")
    return 0


@daemon.command("restart", cls=Command)
@pass_call
def restart(call: Call) -> int:
    """Stop the daemon (running tasks go on) and start it again."""
    from gavelq.cli.start import running
    from gavelq.cli.stop import elsewhere, stop_and_wait

    address = _local(call, "restarting")
    _check_config(call)
    here: Address | None = address if running(address) is not None else None
    if here is None and not call.socket:
        here = elsewhere(call.config, address)
    if here is not None:
        stop_and_wait(here)
    return _init(call, address)


@daemon.command("status", cls=Command)
@pass_call
def status(call: Call) -> int:
    """Show the daemon; exit code 5 where it is not running."""
    address = call.address()
    try:
        found: dict[str, Any] = Link(address).fetch("GET", "/api/daemon", timeout_s=10)
    except DaemonUnreachable as error:
        if not call.is_json:
            raise
        print_document({"running": False, "socket": address.socket})
        return error.exit_code
    if call.is_json:
        print_document(found)
        return 0
    print_fields(_fields(found))
    return 0


@daemon.command("run", cls=Command)
@pass_call
def run(call: Call) -> int:
    """Run the daemon in the foreground."""
    return _foreground(call, None)


@click.command(cls=Command)
@click.option("--listen", metavar="HOST:PORT", help=f"Where to answer; default: http.listen, or {DEFAULT_LISTEN}.")
@pass_call
def serve(call: Call, listen: str | None) -> int:
    """Run the daemon in the foreground and serve the REST API over TCP, for callers with a token."""
    from gavelq.cli.settings import setting

    return _foreground(call, listen or (None if setting(call, "http.listen") else DEFAULT_LISTEN))


def _foreground(call: Call, listen: str | None) -> int:
    call.require_config()
    # gavelq.daemon is found by name: the command line must not depend on it where it only asks for help.
    from importlib import import_module

    result: int = import_module("gavelq.daemon.app").main(config_path=call.config, socket=call.socket, listen=listen)
    return result


def _local(call: Call, action: str) -> Address:
    """This machine's own address: daemons are not started through TCP."""
    if not call.socket and os.environ.get("GAVELQ_URL"):
        raise NotAllowed(
            action=f"{action} a daemon through GAVELQ_URL",
            why="it works on this machine's own daemon",
            hint="unset GAVELQ_URL, or name the daemon's socket with --socket",
        )
    return call.address()


def _check_config(call: Call) -> None:
    from gavelq.config import load

    load(call.config_path, os.environ)


def _init(call: Call, address: Address) -> int:
    from gavelq.cli.start import running, start

    _check_config(call)
    found = running(address)
    is_new = found is None
    if found is None:
        found = start(call, address)
    if call.is_json:
        print_document(found)
        return 0
    verb = "started the daemon" if is_new else "the daemon is running already"
    say(safe(f"{verb} (pid {found['pid']}, socket {found.get('socket') or address.socket})"))
    for problem in _problems(found):
        say(f"note: {safe(problem)}", sys.stderr)
    return 0


def _problems(found: dict[str, Any]) -> list[str]:
    told = [str(warning) for warning in found.get("warnings") or ()]
    return [*told, "its state cannot be written: it is read-only"] if found.get("read_only") else told


def _fields(found: dict[str, Any]) -> list[tuple[str, str]]:
    named = {"uptime_s": ("up", duration(found.get("uptime_s")))}
    fields = [named.get(key, (key.replace("_", " "), _shown(value))) for key, value in found.items()]
    return [(name, value) for name, value in fields if value]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{n} {key}" for key, n in value.items() if n) or "none"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return "" if value is None else str(value)


def reload(address: Address) -> dict[str, Any] | None:
    """Let a running daemon read its configuration again; None where none runs."""
    try:
        found: dict[str, Any] = Link(address).fetch("POST", "/api/config/reload", {})
    except DaemonUnreachable:
        return None
    return found
