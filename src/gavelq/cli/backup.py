"""`gavelq backup`."""

from __future__ import annotations

import os

import click

from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import memory
from gavelq.client import lean


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@pass_call
def backup(call: Call, file: str) -> int:
    """Write a consistent copy of the running daemon's database to a new file."""
    reply = call.link().send("POST", "/api/backup", {"path": os.path.abspath(file)}, timeout_s=600)
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    n_bytes = found["bytes"]
    size = memory(n_bytes >> 20) if n_bytes >= 1 << 20 else f"{n_bytes} bytes"
    say(safe(f"copied the database to {found['path']} ({size})"))
    return 0
