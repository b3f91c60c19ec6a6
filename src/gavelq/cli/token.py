"""`gavelq token`: what programs and people elsewhere are known by."""

from __future__ import annotations

import sys
from typing import Any

import click

from gavelq.cli.base import Command, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.tenants import print_tokens
from gavelq.cli.output.text import safe, say
from gavelq.client import lean
from gavelq.client.http import new_key, quote
from gavelq.core.errors import UsageError


@click.group(cls=Group)
def token() -> None:
    """Tokens, for programs and people elsewhere."""


@token.command("create", cls=Command)
@click.option("--tenant", metavar="NAME", help="Whose it is.")
@click.option("--admin", is_flag=True, help="One of the daemon's own user, who may do everything.")
@click.option("--scopes", metavar="LIST", help="read, submit, admin; default: all that its tenant may but admin.")
@click.option("--expires", metavar="TIME", help="When it ends, such as 30d or 2027-01-31; default: never.")
@click.option("--name", metavar="NAME", help="What it is for.")
@pass_call
def create(call: Call, tenant: str | None, admin: bool, **given: Any) -> int:
    """Make a token. It is shown this once, and kept nowhere."""
    if admin == (tenant is not None):
        raise UsageError("name a tenant with --tenant, or say --admin", hint="gavelq tenant list shows the tenants")
    wanted = {name: value for name, value in given.items() if value is not None}
    wanted |= {"admin": True} if admin else {"tenant": tenant}
    reply = call.link().send("POST", "/api/tokens", wanted, key=new_key())
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    say(found["token"])
    until = f" until {found['expires_at'][:16].replace('T', ' ')} UTC" if found["expires_at"] else ""
    scopes = ", ".join(found["scopes"])
    about = f"token {found['id']} of tenant {found['tenant']} ({scopes}){until}: keep it, it is not shown again"
    say(safe(about), sys.stderr)
    return 0


@token.command("list", cls=Command)
@pass_call
def list_(call: Call) -> int:
    """List tokens by their first characters: yours; for admins everybody's."""
    reply = call.link().send("GET", "/api/tokens")
    if call.is_json:
        print_body(reply.body)
    else:
        print_tokens(lean.loads(reply.body))
    return 0


@token.command("revoke", cls=Command)
@click.argument("named", metavar="ID|PREFIX")
@pass_call
def revoke(call: Call, named: str) -> int:
    """Revoke a token, at once and for good: by its id or its first characters."""
    reply = call.link().send("DELETE", f"/api/tokens/{quote(named)}")
    if call.is_json:
        print_body(reply.body)
    else:
        found = lean.loads(reply.body)
        say(safe(f"token {found['revoked']} ({found['prefix']}..., tenant {found['tenant']}): revoked"))
    return 0
