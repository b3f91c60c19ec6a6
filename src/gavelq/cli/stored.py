"""`gavelq file list|show`, and which configuration a command is about: a number, or a name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body, print_document
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.core.command_files import FileNotStored
from gavelq.core.errors import InvalidField
from gavelq.formats.command_file import Mode

LONG_S = 120.0
"""For texts of megabytes."""
MODES = tuple(mode.value for mode in Mode)
mode_option = click.option(
    "--mode",
    type=click.Choice(MODES),
    help="The configuration's mode; needed only where both have one of that number or name.",
)
_COLUMNS = (
    Column("INDEX", is_right=True),
    Column("MODE"),
    Column("NAME", is_soft=True),
    Column("TASKS", is_right=True),
    Column("QUEUES", is_right=True),
    Column("MISTAKES", is_right=True, is_optional=True),
    Column("RUNNING", is_optional=True),
    Column("MODIFIED", is_spare=True),
)


@click.command("list", cls=Command)
@click.option("--mode", type=click.Choice(MODES), help="Only those of this mode.")
@pass_call
def list_(call: Call, mode: str | None) -> int:
    """List the configurations that the daemon keeps."""
    files = listed(call, mode)
    if call.is_json:
        print_document(files)
    elif not files and sys.stdout.isatty():
        say("no configurations; make one with: gavelq file new FILE")
    else:
        print_table(_COLUMNS, [_row(file) for file in files])
    return 0


def _row(file: dict[str, Any]) -> Sequence[str]:
    return (
        str(file["index"]),
        file["mode"],
        file["name"],
        str(file["n_tasks"]),
        str(file["n_queues"]),
        str(file["n_mistakes"]) if file["n_mistakes"] else "-",
        f"submission {file['run_id']}" if file["is_running"] else "-",
        local(file["modified_at"]),
    )


@click.command("show", cls=Command)
@click.argument("word", metavar="N|NAME")
@mode_option
@pass_call
def show(call: Call, word: str, mode: str | None) -> int:
    """Print a configuration's text as it is."""
    reply = call.link().send("GET", target_of(*chosen(call, word, mode)), timeout_s=LONG_S)
    if call.is_json:
        print_body(reply.body)
        return 0
    content: str = lean.loads(reply.body)["content"]
    if sys.stdout.isatty():
        if content:
            say(safe(content.removesuffix("\n"), keep_newlines=True))
        return 0
    sys.stdout.flush()
    sys.stdout.buffer.write(content.encode())
    return 0


def chosen(call: Call, word: str, mode: str | None) -> tuple[str, int]:
    """The mode and the place from 0 of the configuration that people call `word`: 1, 2, ... or a name.

    Raises FileNotStored, and InvalidField where several are meant: of both modes, or of the same name.
    """
    file = chosen_file(call, word, mode)
    return file["mode"], file["config_index"]


def chosen_file(call: Call, word: str, mode: str | None) -> dict[str, Any]:
    """The same, with all that `file list` knows of it."""
    found = meant(listed(call, mode), word)
    if not found:
        raise FileNotStored(wanted=word, mode=mode or "single or multi")
    return only(found, word)


def only(found: Sequence[dict[str, Any]], word: str) -> dict[str, Any]:
    """The one that is meant. Raises InvalidField where there are several."""
    if len(found) > 1:
        told = ", ".join(f"{file['index']} of mode {file['mode']} ({file['name']})" for file in found[:5])
        hint = "add --mode single or --mode multi" if len({file["mode"] for file in found}) == len(found) else ""
        raise InvalidField(
            field="configuration", problem=f"{word!r} is several: {told}", hint=hint or "name it by its number"
        )
    return found[0]


def listed(call: Call, mode: str | None) -> list[dict[str, Any]]:
    """The configurations of a mode, or of both."""
    link = call.link()
    modes = [mode] if mode else MODES
    return [file for known in modes for file in link.fetch("GET", f"/api/commands/{known}/list", timeout_s=LONG_S)]


def meant(files: list[dict[str, Any]], word: str) -> list[dict[str, Any]]:
    """Those that `word` may mean: a number is a place, and only where there is no such place a name."""
    is_number = word.isascii() and word.isdigit() and len(word) < 9
    by_place = [file for file in files if is_number and file["index"] == int(word)]
    return by_place or [file for file in files if file["name"] == word]


def target_of(mode: str, config_index: int, verb: str = "") -> str:
    """Where a configuration is asked for."""
    return f"/api/commands/{mode}{verb}" + query([("config_index", config_index)])
