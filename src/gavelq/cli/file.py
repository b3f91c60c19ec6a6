"""`gavelq file`: command files."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict

import click

from gavelq.cli.base import Command, LazyGroup, pass_call
from gavelq.cli.call import Call
from gavelq.cli.files import read_bytes
from gavelq.cli.output.document import print_document
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import InvalidFile
from gavelq.formats.command_file import CommandFile, Mode, mode_of, read_command_file

MAX_BYTES = 16 << 20
_SHOWN = 50


_PLACES: dict[str, str] = {
    "list": "gavelq.cli.stored:list_",
    "show": "gavelq.cli.stored:show",
    "new": "gavelq.cli.stored_changes:new",
    "put": "gavelq.cli.stored_changes:put",
    "edit": "gavelq.cli.stored_editing:edit",
    "rename": "gavelq.cli.stored_changes:rename",
    "duplicate": "gavelq.cli.stored_changes:duplicate",
    "reset": "gavelq.cli.stored_changes:reset",
    "delete": "gavelq.cli.stored_changes:delete",
    "bind": "gavelq.cli.bindings:bind",
    "unbind": "gavelq.cli.bindings:unbind",
    "bindings": "gavelq.cli.bindings:bindings",
    "log": "gavelq.cli.bindings:log",
    "start": "gavelq.cli.file_run:start",
    "stop": "gavelq.cli.file_run:stop",
    "diff": "gavelq.cli.file_run:diff",
    "apply": "gavelq.cli.file_run:apply",
    "state": "gavelq.cli.run_state:state",
}


@click.group(cls=LazyGroup, places=_PLACES)
def file() -> None:
    """Command files: blocks of a queue id, command lines, and numbers at the end."""


@file.command("check", cls=Command)
@click.argument("path", metavar="FILE")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="Whether its blocks end in the memory alone (single), or in the number of GPUs and the memory (multi); "
    "default: multi where the file's name contains `gpus`.",
)
@pass_call
def check(call: Call, path: str, mode: str | None) -> int:
    """Look for mistakes in a command file, or in a list of tasks (JSON, YAML), and tell each one with its line."""
    from gavelq.cli.checking import check_tasks, is_task_list

    content = read_bytes(path, MAX_BYTES)
    if mode is None and is_task_list(path, content):
        return check_tasks(call, path, content)
    found = read_command_file(content, Mode(mode) if mode else mode_of(os.path.basename(path)))
    if found.mistakes:
        raise _as_error(path, found)
    lanes = Counter(block.queue_id for block in found.blocks)
    if call.is_json:
        print_document({"path": path, "mode": found.mode.value, "tasks": len(found.blocks), "queues": dict(lanes)})
    else:
        say(safe(f"{path}: no mistakes; {len(found.blocks)} task(s) in {len(lanes)} queue(s), {found.mode.value}-GPU"))
    return 0


def _as_error(path: str, found: CommandFile) -> InvalidFile:
    """All mistakes in one error, each on a line of its own."""
    told = [f"{path}:{one.line}: {one.block}: {one.problem} ({one.hint})" for one in found.mistakes[:_SHOWN]]
    if len(found.mistakes) > _SHOWN:
        told.append(f"... and {len(found.mistakes) - _SHOWN} more")
    head = [] if len(told) == 1 else [f"{len(found.mistakes)} mistakes:"]
    first = found.mistakes[0]
    return InvalidFile(
        "\n".join([*head, *told]), hint="gavelq file check --help", path=path, line=first.line, problem=first.problem,
        mode=found.mode.value, mistakes=[asdict(one) for one in found.mistakes],
    )  # fmt: skip
