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
from gavelq.cli.reloading import reload, tell_overruled, tell_reload, written
from gavelq.cli.undoing import history_, undo_
from gavelq.config import BY_NAME, check, load, set_value, unset_value
from gavelq.config.edit import put_values
from gavelq.config.load import SHORTHANDS
from gavelq.config.mistakes import as_error, suggest
from gavelq.config.reading import read_text
from gavelq.core.errors import InvalidField, NotFound, UsageError

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
@click.argument("words", nargs=-1, required=True, metavar="NAME VALUE | NAME=VALUE...", type=click.UNPROCESSED)
@pass_call
def set_(call: Call, words: tuple[str, ...]) -> int:
    """Write settings into the configuration file; a running daemon reads it at once.

    One as NAME VALUE, or several as NAME=VALUE: all of them, or none.
    """
    wanted = _wanted(words)
    if len(wanted) == 1:
        plain = {name: set_value(call.config_path, name, value, author("set")) for name, value in wanted.items()}
    else:
        put_values(call.config_path, wanted, author("set"))
        kinds = {name: BY_NAME[name].kind for name in wanted}
        plain = {name: kind.plain(kind.parse(wanted[name], field=name)) for name, kind in kinds.items()}
    changed = reload(call)
    if call.is_json:
        told = [
            {"name": name, "value": value, "path": call.config_path, "reloaded": changed}
            for name, value in plain.items()
        ]
        print_document(told if len(told) > 1 else told[0])
        return 0
    for name, value in plain.items():
        say(safe(f"{name}: {written(value)} (in {call.config_path})"))
    tell_overruled(plain)
    tell_reload(changed)
    return 0


def _wanted(words: tuple[str, ...]) -> dict[str, str]:
    """The settings and their values. Raises UsageError."""
    if len(words) == 2 and "=" not in words[0]:
        return {SHORTHANDS.get(words[0], words[0]): words[1]}
    found: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        name = SHORTHANDS.get(name, name)
        if not separator:
            hint = "gavelq config set NAME VALUE, or NAME=VALUE for each of several"
            raise UsageError(f"{word[:80]!r} is not NAME=VALUE", hint=hint)
        if name in found:
            raise InvalidField(field=name[:80], problem="it is given twice", hint="give it once")
        found[name] = value
    return found


@config.command("try", cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, metavar="NAME VALUE | NAME=VALUE...", type=click.UNPROCESSED)
@pass_call
def try_(call: Call, words: tuple[str, ...]) -> int:
    """Tell what would start now with these settings. Nothing is written, nothing starts."""
    from gavelq.cli.config_try import print_tried

    return print_tried(call, _wanted(words))


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
    tell_overruled([name])
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
