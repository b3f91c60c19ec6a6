"""`gavelq tenant`: who may use this machine, and how much of it."""

from __future__ import annotations

import sys
from typing import Any

import click

from gavelq.cli.asking import confirm
from gavelq.cli.base import Command, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.tenants import fields_of, print_tenants, told_of
from gavelq.cli.output.text import safe, say
from gavelq.client import lean
from gavelq.client.http import new_key, quote
from gavelq.core.errors import InvalidField, UsageError

_name = click.argument("name", metavar="NAME")
_pairs = click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
_OPTIONS = (
    ("role", "ROLE", "tenant, viewer (may only look) or admin."),
    ("uid", "UID", "The unix user who is this tenant on the shared socket (a number or a name); `none`: nobody."),
    ("weight", "W", "Its part in fair share; default 1."),
    ("max-gpus", "N", "At most so many GPUs at once; `none`: no limit."),
    ("max-memory", "M", "At most so much GPU memory at once, such as 40G."),
    ("max-running", "N", "At most so many tasks that run at once."),
    ("max-queued", "N", "At most so many tasks that have not started."),
    ("gpu-hours", "H", "At most so many GPU-hours within --window."),
    ("window", "T", "The time that --gpu-hours are for; default 7d."),
    ("max-priority", "P", "No task may ask for more."),
    ("max-time-limit", "T", "No task may run longer; one without a limit gets this."),
    ("queues", "A,B", "Only these queues; `none`: all."),
    ("gpus", "IDS", "Only these GPUs, by index or UUID; `none`: all."),
    ("isolation", "LEVEL", "How its tasks are kept to their GPUs: visible, watched, device or mps."),
    ("enforce", "BOOL", "Whether tasks that leave their GPUs are killed, not only told of."),
    ("description", "TEXT", "A line about it."),
)


def _tenant_options(callback: Any) -> Any:
    for name, metavar, text in reversed(_OPTIONS):
        callback = click.option(f"--{name}", metavar=metavar, help=text)(callback)
    return callback


@click.group(cls=Group)
def tenant() -> None:
    """Who may use this machine, and how much of it."""


@tenant.command("create", cls=Command)
@_name
@_pairs
@_tenant_options
@click.option("--password", is_flag=True, help="Ask for a password for the login page (or read it, where piped).")
@click.option("--take-over", is_flag=True, help="It gets what a deleted tenant of this name left behind.")
@pass_call
def create(call: Call, name: str, pairs: tuple[str, ...], password: bool, take_over: bool, **given: Any) -> int:
    """Make a tenant. Options may be written as KEY=VALUE as well."""
    settings = _settings(pairs, given)
    if password:
        settings["password"] = _read_password()
    if take_over:
        settings["take_over"] = True
    reply = call.link().send("POST", "/api/tenants", {"name": name, **settings}, key=new_key())
    return _tell(call, reply.body, "created")


@tenant.command("list", cls=Command)
@pass_call
def list_(call: Call) -> int:
    """List the tenants, with what they hold of what they may hold."""
    reply = call.link().send("GET", "/api/tenants")
    if call.is_json:
        print_body(reply.body)
    else:
        print_tenants(lean.loads(reply.body))
    return 0


@tenant.command("show", cls=Command)
@click.argument("name", required=False, metavar="[NAME]")
@pass_call
def show(call: Call, name: str | None) -> int:
    """Show a tenant: its quota, and what it has of it. Without a name: your own."""
    reply = call.link().send("GET", "/api/tenant" if name is None else f"/api/tenants/{quote(name)}")
    if call.is_json:
        print_body(reply.body)
    else:
        print_fields(fields_of(lean.loads(reply.body)))
    return 0


@tenant.command("set", cls=Command)
@_name
@_pairs
@_tenant_options
@click.option("--password", is_flag=True, help="Ask for a new password (or read it, where piped).")
@click.option("--no-password", is_flag=True, help="Take the password away: no login page, tokens only.")
@pass_call
def set_(
    call: Call, name: str, pairs: tuple[str, ...], password: bool, no_password: bool, **given: Any
) -> int:  # fmt: skip
    """Change a tenant; what is not named stays."""
    settings = _settings(pairs, given)
    if password and no_password:
        raise UsageError("--password and --no-password contradict each other", hint="gavelq tenant set --help")
    if password or no_password:
        settings["password"] = _read_password() if password else None
    if not settings:
        raise UsageError("nothing was given to change", hint="gavelq tenant set --help")
    reply = call.link().send("PATCH", f"/api/tenants/{quote(name)}", settings)
    return _tell(call, reply.body, "changed")


@tenant.command("delete", cls=Command)
@_name
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_call
def delete(call: Call, name: str, yes: bool) -> int:
    """Delete a tenant whose tasks have ended; its tokens go with it, its history stays under its name."""
    if not yes:
        confirm(f"delete tenant {name} with its tokens?")
    reply = call.link().send("DELETE", f"/api/tenants/{quote(name)}")
    if call.is_json:
        print_body(reply.body)
    else:
        say(safe(f"tenant {name}: deleted"))
    return 0


def _settings(pairs: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    """What was said, by option's name; `none` as null."""
    found = {name: value for name, value in given.items() if value is not None}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        key = key.replace("-", "_")
        if not separator or not key or key == "password":
            hint = "write for example max_gpus=2" if key != "password" else "ask for it with --password"
            raise InvalidField(field=pair.partition("=")[0][:80], problem="this is not KEY=VALUE", hint=hint)
        if key in found:
            raise InvalidField(field=key[:80], problem="it is given twice", hint="give it once")
        found[key] = value
    if "uid" in found:
        found["uid"] = _uid(found["uid"])
    return found


def _uid(written: str) -> str:
    """A unix user's number; a name is looked up here, where the caller's user database is."""
    if written.lower() in ("none", "-1") or written.isdecimal():
        return written
    import pwd

    try:
        return str(pwd.getpwnam(written).pw_uid)
    except KeyError:
        problem = f"there is no unix user {written!r}"
        raise InvalidField(field="uid", problem=problem, hint="write a name or a number, as `id` shows them") from None


def _read_password() -> str:
    """Asked for twice, unseen, on a terminal; else a line of the standard input. Never on the command line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    import getpass

    password = getpass.getpass("password: ", stream=sys.stderr)
    if getpass.getpass("again: ", stream=sys.stderr) != password:
        raise InvalidField(field="password", problem="the two are different", hint="nothing was changed; try again")
    return password


def _tell(call: Call, body: bytes, what: str) -> int:
    if call.is_json:
        print_body(body)
    else:
        found = lean.loads(body)
        say(safe(f"tenant {found['name']}: {what} ({', '.join(told_of(found))})"))
    return 0
