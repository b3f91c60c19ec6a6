"""`gavelq config history` and `gavelq config undo`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gavelq.cli.author import author, history
from gavelq.cli.base import Command, Count, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local
from gavelq.cli.reloading import reload, tell_reload, written
from gavelq.config.edit import undo
from gavelq.config.load import SHORTHANDS
from gavelq.config.settings import BY_NAME
from gavelq.config.undoing import listed
from gavelq.core.errors import InvalidField

_COLUMNS = (
    Column("CHANGE", is_right=True), Column("WHEN"), Column("BY", is_soft=True), Column("HOW"),
    Column("SETTING"), Column("OLD", is_soft=True), Column("NEW", is_soft=True), Column("NOTE", is_optional=True),
)  # fmt: skip


@click.command("history", cls=Command)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("-n", "most", type=Count(1, 10_000), default=20, metavar="N", help="The last N changes; default: 20.")
@pass_call
def history_(call: Call, name: str | None, most: int) -> int:
    """Show who changed which setting when, from what to what; newest last."""
    if name is not None:
        name = SHORTHANDS.get(name, name)
        if name not in BY_NAME and name != "gpus":
            raise InvalidField(field=name, problem="there is no such setting", hint="`gavelq config show` lists them")
    changes, n_bad = history().changes(call.config_path)
    found = listed(changes, name=name, most=most)
    if n_bad:
        say(f"note: {n_bad} line(s) of the history cannot be read and are passed over", sys.stderr)
    if call.is_json:
        print_document(found)
    else:
        print_table(_COLUMNS, [row for change in found for row in _rows(change)])
    return 0


@click.command("undo", cls=Command)
@click.argument("number", required=False, type=Count(1, 1 << 53), metavar="[NUMBER]")
@pass_call
def undo_(call: Call, number: int | None) -> int:
    """Put back what a change of the configuration replaced: the last one that stands, or the one with that number."""
    made = undo(call.config_path, number, author("undo"))
    changed = reload(call)
    if call.is_json:
        print_document({**made.as_json(), "path": call.config_path, "reloaded": changed})
        return 0
    for one in made.as_json()["settings"]:
        new = "taken out (its default applies)" if one["is_default"] else written(one["new"])
        say(safe(f"{one['name']}: {new} (in {call.config_path})"))
    say(f"change {made.undoes} is undone; to do it again: gavelq config undo {made.number}")
    tell_reload(changed)
    return 0


def _rows(change: dict[str, Any]) -> list[tuple[str, ...]]:
    notes = []
    if change["undoes"] is not None:
        notes.append(f"undoes {change['undoes']}")
    if change["undone_by"] is not None:
        notes.append(f"undone by {change['undone_by']}")
    head = (str(change["number"]), local(change["at"]), change["by"], change["how"])
    tail = ", ".join(notes) or "-"
    if not change["settings"]:
        return [(*head, "(the file could not be read before)", "?", "?", tail)]
    return [
        (
            *head, one["name"],
            "(default)" if one["was_default"] else written(one["old"]),
            "(default)" if one["is_default"] else written(one["new"]), tail,
        )
        for one in change["settings"]
    ]  # fmt: skip
