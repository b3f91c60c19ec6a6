"""`gavelq file new|put|rename|duplicate|reset|delete`: what becomes of the configurations that the daemon keeps."""

from __future__ import annotations

from typing import Any

import click

from gavelq.cli.asking import confirm
from gavelq.cli.base import Command, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.cli.stored import LONG_S, MODES, chosen_file, listed, meant, mode_option, only, target_of
from gavelq.cli.stored_text import CAPTURE, called, captured, counted, name_of, read_command_text, tell_stored
from gavelq.client import lean
from gavelq.client.http import new_key
from gavelq.core.command_files import FileNotStored
from gavelq.formats.command_file import Mode, mode_of

_word = click.argument("word", metavar="N|NAME")
_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@click.command("new", cls=Command)
@click.argument("path", required=False, metavar="[FILE|-]")
@click.option(
    "--mode", type=click.Choice(MODES), help="The mode; default: multi where the file's name contains `gpus`."
)
@click.option("-n", "--name", metavar="NAME", help="What it is called; default: the file's name.")
@options(CAPTURE)
@pass_call
def new(call: Call, path: str | None, mode: str | None, name: str | None, **values: Any) -> int:
    """Let the daemon keep a command file as one more configuration, behind the others; without FILE an empty one.

    The directory and the environment of now are kept with it for its tasks.
    """
    text = read_command_text(path) if path is not None else ""
    mode = mode or (mode_of(name_of(path or "-") or "")).value
    fields, dropped = captured(call, values)
    payload = {"content": text, "name": name or name_of(path or "-"), **fields}
    reply = call.link().send("POST", f"/api/commands/{mode}/new", payload, timeout_s=LONG_S, key=new_key())
    tell_stored(call, reply, "new", dropped=dropped, path=path or "")
    return 0


@click.command("put", cls=Command)
@_word
@click.argument("path", metavar="FILE|-")
@mode_option
@click.option("-n", "--name", metavar="NAME", help="Another name for it.")
@options(CAPTURE)
@pass_call
def put(call: Call, word: str, path: str, mode: str | None, name: str | None, **values: Any) -> int:
    """Give a configuration another text; the number behind the last one makes one more.

    A submission of it that runs goes on as it is. The directory and the environment of now are kept with it.
    """
    text = read_command_text(path)
    place = _place_for(call, word, mode, path)
    fields, dropped = captured(call, values)
    is_new = place["etag"] is None
    named = name or (name_of(path) if is_new else None)
    reply = call.link().send(
        "PUT", target_of(place["mode"], place["config_index"]), {"content": text, "name": named, **fields},
        timeout_s=LONG_S, match=place["etag"] or '"0-0"',
    )  # fmt: skip
    tell_stored(call, reply, "new" if is_new else "has another text now", dropped=dropped, path=path)
    return 0


def _place_for(call: Call, word: str, mode: str | None, path: str) -> dict[str, Any]:
    """The configuration that is meant, or the free place behind the last one (its `etag` is None then)."""
    files = listed(call, mode)
    found = meant(files, word)
    if found:
        return only(found, word)
    wanted = Mode(mode) if mode else mode_of(name_of(path) or "")
    n_there = sum(file["mode"] == wanted for file in files)
    if word != str(n_there + 1):
        hint = f"the next free number of mode {wanted} is {n_there + 1}; `gavelq file new FILE` takes it"
        raise FileNotStored(wanted=word, mode=mode or "single or multi", hint=hint)
    return {"mode": wanted.value, "config_index": n_there, "etag": None}


@click.command("rename", cls=Command)
@_word
@click.argument("name", metavar="NAME")
@mode_option
@pass_call
def rename(call: Call, word: str, name: str, mode: str | None) -> int:
    """Give a configuration another name."""
    file = chosen_file(call, word, mode)
    target = target_of(file["mode"], file["config_index"])
    reply = call.link().send("PUT", target, {"name": name}, timeout_s=LONG_S, match=file["etag"])
    if call.is_json:
        print_body(reply.body)
    else:
        say(safe(f"{called(file)}: called {lean.loads(reply.body)['name']} now"))
    return 0


@click.command("duplicate", cls=Command)
@_word
@mode_option
@click.option("-n", "--name", metavar="NAME", help="What the copy is called.")
@pass_call
def duplicate(call: Call, word: str, mode: str | None, name: str | None) -> int:
    """Make one more configuration with the same text, directory and environment."""
    file = chosen_file(call, word, mode)
    target = target_of(file["mode"], file["config_index"], "/duplicate")
    reply = call.link().send("POST", target, {"name": name}, timeout_s=LONG_S, key=new_key())
    tell_stored(call, reply, f"a copy of configuration {file['index']}", dropped=[])
    return 0


@click.command("reset", cls=Command)
@_word
@mode_option
@_yes
@pass_call
def reset(call: Call, word: str, mode: str | None, yes: bool) -> int:
    """Go back to the text that ran last, or to the first one where none has run."""
    file = chosen_file(call, word, mode)
    if file["is_changed"] and not yes:
        confirm(f"throw away what was changed in {called(file)} since it ran last?")
    target = target_of(file["mode"], file["config_index"], "/reset")
    reply = call.link().send("POST", target, {}, timeout_s=LONG_S, match=file["etag"])
    verb = "back to its earlier text" if file["is_changed"] else "was not changed"
    tell_stored(call, reply, verb, dropped=[])
    return 0


@click.command("delete", cls=Command)
@_word
@mode_option
@_yes
@pass_call
def delete(call: Call, word: str, mode: str | None, yes: bool) -> int:
    """Delete a configuration that does not run, with its bindings; those behind it move up by one.

    The first one of a mode cannot be deleted: give it another text. Tasks that it started stay listed.
    """
    file = chosen_file(call, word, mode)
    if not yes and file["index"] > 1 and not file["is_running"]:
        bindings = f" and {counted(file['n_bindings'], 'binding')}" if file["n_bindings"] else ""
        confirm(f"delete {called(file)} with its {counted(file['n_tasks'], 'task')}{bindings}?")
    target = f"/api/commands/{file['mode']}/{file['config_index']}"
    reply = call.link().send("DELETE", target, match=file["etag"])
    if call.is_json:
        print_body(reply.body)
        return 0
    n_moved = lean.loads(reply.body)["n_moved"]
    moved = f"; {n_moved} behind it moved up by one" if n_moved else ""
    say(safe(f"{called(file)}: deleted{moved}"))
    return 0
