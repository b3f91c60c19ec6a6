"""`gavelq doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.client import lean
from gavelq.client.http import Link
from gavelq.client.wire import Unreachable
from gavelq.core.errors import GavelqError
from gavelq.version import __version__

Row = dict[str, str]
_COLUMNS = (Column("AREA"), Column("CHECK"), Column("VERDICT"), Column("FOUND", is_soft=True))
_PATIENCE_S = 10


@click.command(cls=Command)
@pass_call
def doctor(call: Call) -> int:
    """Look at everything that gavelq needs here, with or without a daemon; 1 where something does not work."""
    rows = list(_rows(call))
    n_problems = sum(row["verdict"] == "problem" for row in rows)
    if call.is_json:
        print_document({"is_well": n_problems == 0, "checks": rows})
    else:
        _print(rows)
    return 1 if n_problems else 0


def _print(rows: list[Row]) -> None:
    is_terminal = sys.stdout.isatty()
    columns = _COLUMNS if is_terminal else (*_COLUMNS, Column("FIX"))
    cells = [
        (row["area"], row["check"], row["verdict"], row["found"], *(() if is_terminal else (row["fix"] or "-",)))
        for row in rows
    ]
    print_table(columns, cells)
    if not is_terminal:
        return
    # The column may be too narrow for what matters: that stands in full below.
    for row in rows:
        if row["verdict"] != "ok":
            say("")
            say(safe(f"{row['verdict']}: {row['area']}, {row['check']}: {row['found']}"))
            if row["fix"]:
                say(safe(f"  {row['fix']}"))
    counted = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ("problem", "note")}
    say(f"\n{counted['problem']} problem(s), {counted['note']} note(s)")


def _rows(call: Call) -> Iterator[Row]:
    from importlib import import_module

    from gavelq.config import health
    from gavelq.paths import resolve

    # Not a plain import: the command line does not know adapters, but here it looks at what they look at.
    looks = import_module("gavelq.adapters.doctor")
    paths = resolve(os.environ, config=call.config, socket=call.socket)
    config, mistakes = health.configuration(paths.config, os.environ)
    for found in (*health.versions(), *mistakes):
        yield _told(found)
    yield from _daemon(call)
    is_chosen = call.socket or os.environ.get("GAVELQ_SOCKET") or not config.socket.path
    socket = paths.socket if is_chosen else config.socket.path
    wanted = looks.Wanted(socket=socket, **health.looked_after(config))
    for found in looks.examine(paths, wanted, os.environ):
        yield _told(found)


def _told(found: Any) -> Row:
    return _row(found.area, found.name, found.verdict, found.text, found.fix)


def _row(area: str, check: str, verdict: str, found: str, fix: str = "") -> Row:
    return {"area": area, "check": check, "verdict": verdict, "found": found, "fix": fix}


def _daemon(call: Call) -> Iterator[Row]:
    try:
        reply = Link(call.address()).send("GET", "/api/daemon", timeout_s=_PATIENCE_S)
        found: dict[str, Any] = lean.loads(reply.body)
    except (GavelqError, Unreachable, TimeoutError, OSError) as error:
        if getattr(error, "exit_code", 5) == 5:
            yield _row("gavelq", "daemon", "note", "no daemon answers", "start it with: gavelq daemon init")
        else:
            yield _row("gavelq", "daemon", "problem", str(error), getattr(error, "hint", None) or "see its log")
        return
    where = f"pid {found['pid']}, {found['socket']}"
    if found["version"] == __version__:
        yield _row("gavelq", "daemon", "ok", f"it answers ({where})")
    else:
        text = f"the daemon is gavelq {found['version']} ({where})"
        yield _row("gavelq", "daemon", "note", text, "gavelq daemon restart: tasks go on")
    for warning in found.get("warnings") or ():
        yield _row("gavelq", "daemon", "note", str(warning))
