"""`gavelq audit`: who changed what about how this machine is run."""

from __future__ import annotations

import click

from gavelq.cli.base import Command, Count, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.tenants import print_acts
from gavelq.client import lean
from gavelq.client.http import query


@click.command("audit", cls=Command)
@click.option("-n", "--lines", "lines", type=Count(1, 10_000), default=50, metavar="N", help="So many; default 50.")
@click.option("--since", metavar="TIME", help="Only since then: 2026-12-01, or 7d for so long ago.")
@pass_call
def audit(call: Call, lines: int, since: str | None) -> int:
    """Administrative acts, newest last: tenants, tokens, queues, GPUs, configuration, logins. For admins."""
    if since is not None and since[-1:].isalpha() and since[:1].isdigit() and not since.upper().endswith("Z"):
        since = "-" + since
    reply = call.link().send("GET", "/api/audit" + query([("limit", lines), ("since", since)]))
    if call.is_json:
        print_body(reply.body)
    else:
        print_acts(lean.loads(reply.body))
    return 0
