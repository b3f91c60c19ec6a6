"""`gavelq file edit`: a configuration's text in an editor. Whatever goes wrong, what was written is not lost."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import Any

import click

from gavelq.cli.asking import Declined, confirm
from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.editing import open_editor
from gavelq.cli.output.text import safe, say
from gavelq.cli.stored import LONG_S, chosen, listed, mode_option, target_of
from gavelq.cli.stored_text import captured, read_command_text, tell_stored
from gavelq.client.wire import Reply
from gavelq.core.command_files import ChangedMeanwhile, FileNotStored
from gavelq.core.errors import GavelqError

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
_MAX_NAME = 60


@click.command("edit", cls=Command)
@click.argument("word", metavar="N|NAME")
@mode_option
@pass_call
def edit(call: Call, word: str, mode: str | None) -> int:
    """Open a configuration's text in $VISUAL or $EDITOR, and keep what you make of it.

    A submission of it that runs goes on as it is; `gavelq file apply` brings the difference into it. Where somebody
    else changed the configuration meanwhile, nothing is replaced, and your text is kept in a file.
    """
    mode, config_index = chosen(call, word, mode)
    target = target_of(mode, config_index)
    file: dict[str, Any] = call.link().fetch("GET", target, timeout_s=LONG_S)
    place = tempfile.mkdtemp(prefix="gavelq-edit-")
    path = os.path.join(place, _file_name(file["name"]))
    with open(path, "w", encoding="utf-8", newline="") as copy:
        copy.write(file["content"])
    try:
        while True:
            open_editor(path)
            reply, dropped = _store(call, target, file, path)
            if reply is None:
                say("nothing was changed", sys.stderr)
                break
            file = tell_stored(call, reply, "changed", dropped=dropped)
            if call.is_json or not _is_to_be_edited_again(file):
                break
    except _Kept as kept:
        if not os.listdir(place):
            os.rmdir(place)
        raise kept.error from None
    except GavelqError:  # of the editor
        shutil.rmtree(place, ignore_errors=True)
        raise
    except BaseException:
        say(safe(f"note: your text is kept in {path}"), sys.stderr)
        raise
    shutil.rmtree(place, ignore_errors=True)
    return 0


class _Kept(Exception):
    """What was written could not be stored; its file stays."""

    def __init__(self, error: GavelqError) -> None:
        self.error = error
        super().__init__(error.message)


def _store(call: Call, target: str, file: dict[str, Any], path: str) -> tuple[Reply | None, list[str]]:
    """Send what was written, where it is new; None: it is not. Raises _Kept where it could not be stored."""
    try:
        text = read_command_text(path)
        if text == file["content"]:
            return None, []
        fields, dropped = captured(call, {})
        payload = {"content": text, "env": fields["env"]}
        return call.link().send("PUT", target, payload, timeout_s=LONG_S, match=file["etag"]), dropped
    except GavelqError as error:
        if os.path.exists(path):
            kept = f"your text is kept in {path}"
            is_late = isinstance(error, ChangedMeanwhile | FileNotStored)
            error.hint = f"{kept}: {_way_out(call, file, path)}" if is_late else f"{error.hint}; {kept}".lstrip("; ")
            error.details = {**error.details, "kept": path}
        raise _Kept(error) from None


def _way_out(call: Call, file: dict[str, Any], path: str) -> str:
    """How to go on after somebody else changed the configuration, moved it or deleted it."""
    mode: str = file["mode"]
    try:
        now = next((other for other in listed(call, mode) if other["id"] == file["id"]), None)
    except GavelqError:
        return "see `gavelq file list`"
    if now is None:
        return f"that one is gone; make another one with `gavelq file new --mode {mode} {path}`"
    number = f"{now['index']} --mode {mode}"
    return (
        f"compare it with `gavelq file show {number}`, then store it with `gavelq file put {number} {path}`, "
        f"or begin again with `gavelq file edit {number}`"
    )


def _is_to_be_edited_again(file: dict[str, Any]) -> bool:
    """Ask where a person is there and the text has mistakes."""
    if not file["mistakes"] or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        confirm("edit it again?")
    except Declined:
        return False
    return True


def _file_name(name: str) -> str:
    """A plain file name for a configuration's name, which is any text."""
    plain = "".join(character if character in _PLAIN else "_" for character in name)[:_MAX_NAME].lstrip(".")
    return (plain or "commands").removesuffix(".txt") + ".txt"
