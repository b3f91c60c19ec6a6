"""`gavelq config import`: a file of an older design, line by line, and then into the configuration."""

from __future__ import annotations

import os
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from gavelq.cli.author import author
from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.files import read_bytes
from gavelq.cli.output.document import print_document
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say, terminal_columns
from gavelq.cli.reloading import tell_reload, written
from gavelq.core.errors import InvalidField, InvalidFile, NotFound
from gavelq.formats.command_text import decode

if TYPE_CHECKING:
    from gavelq.config.importing import Finding, Plan

_DESIGNS = ("gavelrs", "gpu-grab", "compete", "minimalist")
_MAX_BYTES = 1 << 20
_COLUMNS = (
    Column("LINE", is_right=True),
    Column("KEY", is_soft=True),
    Column("VALUE", is_soft=True),
    Column("RESULT"),
)
PARTLY_DONE = 9
"""The exit code where lines were skipped."""


@click.command("import", cls=Command)
@click.argument("file", metavar="FILE")
@click.option("--from", "design", type=click.Choice(_DESIGNS), help="Whose file it is; default: its keys tell.")
@click.option("--apply", "is_applied", is_flag=True, help="Write the configuration; without it this is a dry run.")
@click.option("--skip-refused", is_flag=True, help="Take the rest over where lines have wrong values.")
@pass_call
def import_(call: Call, file: str, design: str | None, is_applied: bool, skip_refused: bool) -> int:
    """Take over the configuration file of an older design (YAML, JSON, or JSON with comments).

    Tells for each line what it becomes, why it has no counterpart, or what is wrong with its value. Nothing is written
    without --apply. `-` is the standard input.
    """
    from gavelq.config.importing import plan

    found = plan(file, _read(file), call.config_path, design)
    may_write = is_applied and (skip_refused or not found.refused)
    changed = _write(call, found) if may_write and found.changes_anything else None
    if call.is_json:
        print_document(_document(found, may_write, changed))
    else:
        _print(found, may_write)
        tell_reload(changed)
    if found.refused and not skip_refused:
        raise _refused(found)
    if not may_write:
        found.try_to_write()
    return PARTLY_DONE if found.refused and is_applied else 0


def _read(path: str) -> str:
    """The text, in UTF-8 or GBK. Raises NotFound and InvalidField."""
    if path != "-" and not os.path.exists(path):
        raise NotFound(f"there is no file {path}", hint="name the configuration file of an older design")
    try:
        return decode(read_bytes(path, _MAX_BYTES))[0]
    except InvalidField as error:
        hint = "name the configuration file of an older design"
        raise InvalidField(field="FILE", problem=error.details["problem"], hint=hint) from None


def _write(call: Call, found: Plan) -> dict[str, Any] | None:
    """Write, and let a running daemon read it. It is asked where it listens now: the import may say otherwise."""
    from gavelq.cli.daemon import reload

    is_new = call.config is not None and not os.path.exists(call.config)
    address = None if is_new else call.address()
    found.write(author("import"))
    return reload(address or call.address())


def _refused(found: Plan) -> InvalidFile:
    first, number = found.refused[0], len(found.refused)
    return InvalidFile(
        f"{found.path}: {number} {'line is' if number == 1 else 'lines are'} refused; nothing was written",
        hint="correct the file, or add --skip-refused to take over the rest",
        path=found.path,
        line=first.line,
        problem=first.because,
        mistakes=[{"line": one.line, "field": one.key, "problem": one.because} for one in found.refused],
    )


def _document(found: Plan, is_applied: bool, reloaded: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "path": found.path,
        "design": found.design,
        "recognised_by": list(found.recognised_by),
        "config": found.config_path,
        "applied": is_applied,
        "changed": is_applied and found.changes_anything,
        "lines": [_line_document(finding) for finding in found.findings],
        "settings": dict(found.settings),
        "gpus": {card: dict(fields) for card, fields in found.cards.items()},
        "commands": list(found.commands),
        "reloaded": reloaded,
    }


def _line_document(finding: Finding) -> dict[str, Any]:
    replaced = {"value": finding.replaces, "line": finding.replaces_line} if finding.replaces_line else None
    return {
        "line": finding.line or None,
        "key": finding.key,
        "value": finding.value,
        "outcome": finding.outcome.value,
        "setting": finding.setting or None,
        "to": finding.to,
        "because": finding.because or None,
        "command": finding.command or None,
        "replaces": replaced,
        "is_so_already": finding.is_so_already,
    }


def _print(found: Plan, is_applied: bool) -> None:
    told = [_told(finding, found.config_path) for finding in found.findings]
    is_terminal = sys.stdout.isatty()
    rows = [
        (
            str(finding.line or ""),
            finding.key,
            written(finding.value) if finding.line else "",
            head if is_terminal else " ".join((head, *more)),
        )
        for finding, (head, *more) in zip(found.findings, told, strict=True)
    ]
    under = {number: _wrapped(more) for number, (_, *more) in enumerate(told)} if is_terminal else None
    print_table(_COLUMNS, rows, under)
    _summarise(found, is_applied)


def _told(finding: Finding, config_path: str) -> list[str]:
    """What becomes of a line: the outcome, then the rest; together they are a sentence."""
    if not finding.setting:
        head = "refused" if finding.outcome == "refused" else "no counterpart"
        return [head, f"because: {finding.because}", *([f"instead: {finding.command}"] if finding.command else [])]
    told = ["added" if finding.outcome == "added" else "taken over", f"as: {finding.setting} = {written(finding.to)}"]
    if finding.is_so_already:
        told.append("(it says so already)")
    elif finding.replaces_line:
        told.append(f"replaces {written(finding.replaces)} ({os.path.basename(config_path)}:{finding.replaces_line})")
    return [*told, f"because: {finding.because}"] if finding.because else told


def _wrapped(parts: list[str]) -> list[str]:
    room = max(terminal_columns(sys.stdout) - 6, 20)
    return ["      " + line for part in parts for line in textwrap.wrap(part, room, break_long_words=False)]


def _summarise(found: Plan, is_applied: bool) -> None:
    sys.stdout.flush()
    counts = Counter(finding.outcome.value for finding in found.findings)
    parts = [f"{counts['taken']} taken over", f"{counts['added']} added" if counts["added"] else ""]
    parts += [f"{counts['no_counterpart']} without a counterpart", f"{counts['refused']} refused"]
    by = f" (known by {', '.join(found.recognised_by[:3])})" if found.recognised_by else ""
    say(safe(f"{found.design}{by}: {', '.join(filter(None, parts))}"), sys.stderr)
    if found.commands:
        say("to do by hand, where you want it:", sys.stderr)
        for command in found.commands:
            say(safe(f"  {command}"), sys.stderr)
    if not found.settings and not found.cards:
        say("nothing to write: no line became a setting", sys.stderr)
    elif not found.changes_anything:
        say(safe(f"nothing to write: {found.config_path} says all of it already"), sys.stderr)
    elif is_applied:
        say(safe(f"written into {found.config_path}"), sys.stderr)
    elif not found.refused:
        say("nothing was written yet; add --apply to write it", sys.stderr)
