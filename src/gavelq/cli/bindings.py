"""`gavelq file bind|unbind|bindings|log`: log files of one's own, bound to tasks of configurations."""

from __future__ import annotations

import sys
from typing import Any

import click

from gavelq.cli.base import Command, Count, pass_call
from gavelq.cli.bound_log import print_bound_log
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local
from gavelq.cli.stored import MODES, chosen, mode_option
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.core.errors import GavelqError

MAX_LINES = 10_000
_COLUMNS = (
    Column("INDEX", is_right=True),
    Column("MODE", is_spare=True),
    Column("QUEUE"),
    Column("TASK", is_right=True),
    Column("ID", is_right=True, is_optional=True),
    Column("STATE", is_optional=True),
    Column("BYTES", is_right=True),
    Column("MODIFIED", is_spare=True),
    Column("PATH", is_soft=True),
    Column("NOTE", is_optional=True),
)
_word = click.argument("word", metavar="N|NAME")
_queue = click.argument("queue_id", metavar="QUEUE_ID")
_number = click.argument("number", type=Count(1, MAX_LINES), metavar="TASK_NUMBER")


@click.command("bind", cls=Command)
@_word
@_queue
@_number
@click.argument("path", metavar="PATH")
@mode_option
@pass_call
def bind(call: Call, word: str, queue_id: str, number: int, path: str, mode: str | None) -> int:
    """Bind a log file of your own to a task of a configuration: the TASK_NUMBER-th of its QUEUE_ID, from 1.

    The file may come later. A relative PATH counts from the directory that is kept with the configuration. Paths
    outside of the directories of the setting `logs.roots` are refused.
    """
    place = _place(chosen(call, word, mode), queue_id, number)
    try:
        reply = call.link().send("POST", "/api/log/bind", {**place, "log_path": path})
    except GavelqError as error:
        raise _in_words_of_people(error, number) from None
    found = lean.loads(reply.body)
    if call.is_json:
        print_body(reply.body)
    else:
        notes = [] if found["exists"] else ["not there yet"]
        notes += [f"instead of {found['replaced']}"] if found["replaced"] else []
        told = f" ({', '.join(notes)})" if notes else ""
        say(safe(f"{_called(found)}: bound to {found['path']}{told}"))
    if not found["known"]:
        say(safe(f"note: configuration {found['index']} has no task {number} in queue {queue_id!r} now"), sys.stderr)
    return 0


@click.command("unbind", cls=Command)
@_word
@_queue
@_number
@mode_option
@pass_call
def unbind(call: Call, word: str, queue_id: str, number: int, mode: str | None) -> int:
    """Take a binding back; the log file is left alone."""
    place = _place(chosen(call, word, mode), queue_id, number)
    try:
        reply = call.link().send("DELETE", "/api/log/bind" + query(list(place.items())))
    except GavelqError as error:
        raise _in_words_of_people(error, number) from None
    if call.is_json:
        print_body(reply.body)
    else:
        index = place["config_index"] + 1
        path = lean.loads(reply.body)["path"]
        say(safe(f"configuration {index} ({place['mode']}), queue {queue_id}, task {number}: not bound to {path} now"))
    return 0


@click.command("bindings", cls=Command)
@click.argument("word", metavar="[N|NAME]", required=False)
@click.option("--mode", type=click.Choice(MODES), help="Only those of this mode.")
@pass_call
def bindings(call: Call, word: str | None, mode: str | None) -> int:
    """List the bound log files, of one configuration or of all: how they are now, and what runs there."""
    index = None
    if word is not None:
        mode, index = chosen(call, word, mode)
    reply = call.link().send("GET", "/api/log/bindings" + query([("mode", mode), ("config_index", index)]))
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    if not found["bindings"] and sys.stdout.isatty():
        roots = ", ".join(found["roots"]) or "no directory"
        say(safe(f"no log file is bound; they may lie below {roots} (logs.roots)"))
    else:
        print_table(_COLUMNS, [_row(one) for one in found["bindings"].values()])
    return 0


@click.command("log", cls=Command)
@_word
@_queue
@_number
@click.option(
    "-t", "-n", "--lines", type=Count(0, MAX_LINES), metavar="N", help="Only the last N lines; default: the whole file."
)
@click.option("-f", "--follow", "--tail", "follow", is_flag=True, help="Go on printing until the task ends.")
@mode_option
@pass_call
def log(
    call: Call, word: str, queue_id: str, number: int, lines: int | None, follow: bool, mode: str | None
) -> int:  # fmt: skip
    """Print the log file that is bound to a task of a configuration.

    Following goes on when the file is cut or another one takes its name, when it comes later, and when the daemon
    restarts. It ends when the task of the last run has ended; where there is none, with Ctrl-C.
    """
    place = _place(chosen(call, word, mode), queue_id, number)
    try:
        return print_bound_log(call, place, lines=lines, is_followed=follow)
    except GavelqError as error:
        raise _in_words_of_people(error, number) from None


def _place(found: tuple[str, int], queue_id: str, number: int) -> dict[str, Any]:
    mode, index = found
    return {"mode": mode, "config_index": index, "queue_id": queue_id, "process_index": number - 1}


def _in_words_of_people(error: GavelqError, number: int) -> GavelqError:
    """The same error; where it speaks of a task's number, that counts from 1."""
    if error.code == "binding_not_found":
        error.message = f"no log file is bound to task {number} of queue {error.details.get('queue_id')}"
    return error


def _called(one: dict[str, Any]) -> str:
    return f"configuration {one['index']} ({one['name']}), queue {one['queue_id']}, task {one['process_index'] + 1}"


def _row(one: dict[str, Any]) -> list[str]:
    notes = [] if one["known"] else ["no such task now"]
    notes += [one["problem"]] if one["problem"] else [] if one["exists"] else ["not there yet"]
    return [
        str(one["index"]),
        one["mode"],
        one["queue_id"],
        str(one["process_index"] + 1),
        str(one["task_id"] or "-"),
        one["task_state"] or "-",
        "-" if one["size"] is None else str(one["size"]),
        local(one["modified_at"]),
        one["path"],
        "; ".join(notes) or "-",
    ]
