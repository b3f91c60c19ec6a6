"""The reference of all commands, written from the click tree: `docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from gavelq.cli.app import cli
from gavelq.cli.options import COMMON

_HEAD = """# Command reference

Written from the commands themselves. Every command also takes the common options, in any position:

{common}

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 daemon unreachable, 6 wrong state, 7 refused by a
limit, 8 timed out, 9 partly done. `task wait` exits with 0 where all tasks completed, 1 where not, 8 when the time is
over; with `--exit-code` it passes a task's own code on (128 + signal).

Tables fit a terminal; in a pipe they are tab-separated, untruncated, with one line of titles. `-o json` prints exactly
what the REST API answers ([shapes](rest.md)); errors then are `{{"error": {{...}}}}` on standard error. NO_COLOR is
honoured.

The daemon is found by `--socket`, else `GAVELQ_URL` (`http://host:port`, with `GAVELQ_TOKEN`), else `GAVELQ_SOCKET`,
else the setting `socket.path`, else the default place (`$XDG_RUNTIME_DIR/gavelq/`, `/tmp/gavelq-UID/`, or below
`GAVELQ_HOME`).
"""


def render() -> str:
    """The whole document, as Markdown."""
    common = "\n".join(f"* `{', '.join(option.flags)}`: {option.help}" for option in COMMON)
    parts = [_HEAD.format(common=common)]
    root = click.Context(cli, info_name="gavelq")
    for path, command, ctx in commands(cli, root):
        parts.append("\n".join(_section(path, command, ctx)))
    return "\n".join(parts).rstrip("\n") + "\n"


def commands(
    group: click.Group, ctx: click.Context, prefix: str = "gavelq"
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command that is not hidden: its whole name, itself, its context."""
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        if found is None or found.hidden:
            continue
        path, inner = f"{prefix} {name}", click.Context(found, info_name=name, parent=ctx)
        yield path, found, inner
        if isinstance(found, click.Group):
            yield from commands(found, inner, path)


def _section(path: str, command: click.Command, ctx: click.Context) -> Iterator[str]:
    depth = "##" if path.count(" ") == 1 else "###"
    yield f"{depth} {path}"
    yield ""
    yield f"`{' '.join([path, *command.collect_usage_pieces(ctx)])}`"
    yield ""
    yield " ".join((command.help or "").replace("\b", "").split())
    yield ""
    hidden = command.commands.get("short") if isinstance(command, click.Group) else None
    rows = list(_option_rows(hidden or command, ctx))
    if rows:
        yield "| option | meaning |"
        yield "|---|---|"
        yield from rows
        yield ""


def _option_rows(command: click.Command, ctx: click.Context) -> Iterator[str]:
    common = {option.name for option in COMMON}
    for param in command.params:
        if not isinstance(param, click.Option) or param.name in common or param.hidden:
            continue
        record = param.get_help_record(ctx)
        if record is not None:
            spelled, text = record
            yield f"| `{spelled.replace('|', chr(92) + '|')}` | {text.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    click.echo(render(), nl=False)
