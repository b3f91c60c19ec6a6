"""`gavelq config`."""

from __future__ import annotations

import os
import sys

import click

from gavelq.cli.author import author
from gavelq.cli.base import Command, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.config_import import import_
from gavelq.cli.output.document import print_document
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.reloading import reload, tell_reload, written
from gavelq.cli.undoing import history_, undo_
from gavelq.config import BY_NAME, check, load, set_value, unset_value
from gavelq.config.load import SHORTHANDS
from gavelq.config.mistakes import as_error, suggest
from gavelq.config.reading import read_text
from gavelq.core.errors import InvalidField, NotFound

_COLUMNS = (Column("SETTING"), Column("VALUE", is_soft=True), Column("SOURCE"))


@click.group(cls=Group)
def config() -> None:
    """Look at the configuration and change it."""


@config.command("path", cls=Command)
@pass_call
def path(call: Call) -> int:
    """Print where the configuration file is."""
    place = call.config_path
    if call.is_json:
        print_document({"path": place, "exists": os.path.exists(place)})
    else:
        say(safe(place))
    return 0


@config.command("show", cls=Command)
@pass_call
def show(call: Call) -> int:
    """Show every setting with its value and where that comes from."""
    call.require_config()
    rows = load(call.config_path, os.environ).rows()
    if call.is_json:
        print_document(rows)
    else:
        print_table(_COLUMNS, [(row["name"], written(row["value"]), row["source"]) for row in rows])
    return 0


@config.command("get", cls=Command)
@click.argument("name", metavar="NAME")
@pass_call
def get(call: Call, name: str) -> int:
    """Print a setting's value."""
    call.require_config()
    name = SHORTHANDS.get(name, name)
    if name not in BY_NAME:
        raise InvalidField(
            field=name, problem="there is no such setting", hint=suggest(name, BY_NAME) or "gavelq config show"
        )
    row = next(row for row in load(call.config_path, os.environ).rows() if row["name"] == name)
    if call.is_json:
        print_document(row)
    else:
        say(safe(written(row["value"])))
    return 0


@config.command("set", cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="NAME")
@click.argument("value", metavar="VALUE", type=click.UNPROCESSED)
@pass_call
def set_(call: Call, name: str, value: str) -> int:
    """Write a setting into the configuration file; a running daemon reads it at once."""
    name = SHORTHANDS.get(name, name)
    plain = set_value(call.config_path, name, value, author("set"))
    changed = reload(call)
    if call.is_json:
        print_document({"name": name, "value": plain, "path": call.config_path, "reloaded": changed})
        return 0
    say(safe(f"{name}: {written(plain)} (in {call.config_path})"))
    tell_reload(changed)
    return 0


@config.command("unset", cls=Command)
@click.argument("name", metavar="NAME")
@pass_call
def unset(call: Call, name: str) -> int:
    """Take a setting out of the configuration file, so that its default applies again."""
    name = SHORTHANDS.get(name, name)
    was_there = unset_value(call.config_path, name, author("unset"))
    changed = reload(call) if was_there else None
    if call.is_json:
        print_document({"name": name, "removed": was_there, "path": call.config_path, "reloaded": changed})
        return 0
    say(safe(f"{name}: {'taken out of' if was_there else 'not in'} {call.config_path}"))
    tell_reload(changed)
    return 0


@config.command("check", cls=Command)
@click.argument("file", required=False, metavar="[FILE]")
@pass_call
def check_(call: Call, file: str | None) -> int:
    """Look for mistakes in the configuration, and tell each one with its line."""
    place = os.path.abspath(file) if file else call.config_path
    text = read_text(place)
    if text is None and (file or call.config):
        raise NotFound(f"there is no file {place}", hint="`gavelq config path` prints where the file is expected")
    _, mistakes = check(place, text, os.environ)
    if mistakes:
        raise as_error(mistakes)
    if call.is_json:
        print_document({"path": place, "exists": text is not None, "mistakes": []})
    else:
        say(safe(f"{place}: {'no mistakes' if text is not None else 'no such file; the defaults apply'}"))
    return 0


@config.command("edit", cls=Command)
@pass_call
def edit(call: Call) -> int:
    """Open the configuration file in an editor; only a version without mistakes is kept."""
    from gavelq.cli.editing import edit_file

    if not edit_file(call.config_path, author("edit")):
        say("nothing was changed", sys.stderr)
        return 0
    say(safe(f"{call.config_path}: changed"))
    tell_reload(reload(call))
    return 0


config.add_command(history_)
config.add_command(undo_)
config.add_command(import_)
