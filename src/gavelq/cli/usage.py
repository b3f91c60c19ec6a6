"""`gavelq usage`: who had how much of the GPUs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.usage import print_csv, print_usage
from gavelq.client import lean
from gavelq.client.http import query


class _CsvCommand(Command):
    """A command whose -o knows one more format; elsewhere it would have no meaning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for param in self.params:
            if param.name == "output":
                param.type = click.Choice(("table", "json", "csv"))


@click.command("usage", cls=_CsvCommand)
@click.option("--since", metavar="TIME", help="From then on: 7d (so long ago; the default), or 2026-12-01.")
@click.option("--until", metavar="TIME", help="Until then; default: now.")
@click.option("--by", metavar="WHAT", multiple=True, help="Split by tenant, queue, day, gpu, or several: tenant,day.")
@click.option("--tenant", metavar="NAME", help="Of this tenant alone.")
@pass_call
def usage(call: Call, since: str | None, until: str | None, by: tuple[str, ...], tenant: str | None) -> int:
    """Tell who had how much of the GPUs: hours, how busy, waits, ends. Admins see all tenants, others their own.

    Without --by it is split by tenant. CSV is as RFC 4180 has it, and a cell that a spreadsheet would take for a
    formula has an apostrophe before it.
    """
    pairs = [("since", _when(since)), ("until", _when(until)), ("by", ",".join(by) or "tenant"), ("tenant", tenant)]
    reply = call.link().send("GET", "/api/usage" + query(pairs), timeout_s=120)
    if call.is_json:
        print_body(reply.body)
    elif call.output == "csv":
        print_csv(lean.loads(reply.body))
    else:
        print_usage(lean.loads(reply.body))
    return 0


def _when(written: str | None) -> str | None:
    """`7d` is so long ago; a date or time without a zone is in the caller's own."""
    if written is None:
        return None
    if written[:1].isdigit() and written[-1:] in "smhdw":
        return "-" + written
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    return f"{at.timestamp():.6f}"
