"""`gavelq submit` and its nouns."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from gavelq.cli.base import Command, Group, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.file_options import START
from gavelq.cli.hot.submit import submit_one, submit_words
from gavelq.cli.options import COMMON, FLAG, REQUEST, SWEEP, TRIAL

_NOUNS = ("command", "script", "json", "file")
_SHORT = "short"
BEHIND = "gavelq.behind"


def routed(args: list[str]) -> list[str]:
    """The noun in front; without one the hidden command for the short form."""
    spelled = {flag: option for option in (*REQUEST, *SWEEP, *TRIAL, *COMMON) for flag in option.flags}
    at = 0
    while at < len(args) and args[at] != "--":
        word = args[at]
        if word[:1] != "-":
            if word in _NOUNS:
                return [word, *args[:at], *args[at + 1 :]]
            break
        option = spelled.get(word)
        at += 2 if option is not None and option.kind != FLAG else 1
    if not args or args[0] in ("-h", "--help"):
        return args
    return [_SHORT, *args]


class SubmitGroup(Group):
    """Understands `submit NOUN ...` and `submit "CMD" ...` alike."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the noun first, wherever it stood."""
        return super().parse_args(ctx, routed(args))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Both forms."""
        return ['[OPTIONS] {"CMD" | -- ARGV... | command | script | json | file} ...']

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The nouns, and the options of the short form."""
        found = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            return found
        known = {item.value for item in found}
        short = self.commands[_SHORT]
        more = short.shell_complete(click.Context(short, parent=ctx), incomplete)
        return [*found, *(item for item in more if item.value not in known)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the short form, then the nouns."""
        short = self.commands[_SHORT]
        with formatter.section("Options of the short form"):
            formatter.write_dl([record for p in short.get_params(ctx) if (record := p.get_help_record(ctx))])
        self.format_commands(ctx, formatter)


@click.group(cls=SubmitGroup)
def submit() -> None:
    """Submit work: a command line, a program with its arguments, a script, or a file of tasks.

    The short form takes one quoted command line, or a program and its arguments behind `--`. The daemon is started
    where it is not running.
    """


class ShortCommand(Command):
    """Keeps what stands behind `--` apart: click would forget where it began."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before `--`."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[BEHIND] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@submit.command(_SHORT, hidden=True, cls=ShortCommand)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@options((*REQUEST, *SWEEP, *TRIAL))
@pass_call
def short(call: Call, words: tuple[str, ...], **values: Any) -> int:
    """Submit a quoted command line, or a program and its arguments behind `--`."""
    behind = click.get_current_context().meta.get(BEHIND)
    return submit_words(call, values, list(words), behind)


@submit.command("command")
@click.option("--cmd", required=True, metavar="CMD", help="The command line, run by bash.")
@options((*REQUEST, *SWEEP, *TRIAL))
@pass_call
def command(call: Call, cmd: str, **values: Any) -> int:
    """Submit a shell command line."""
    return submit_one(call, values, {"command": cmd})


@submit.command("script")
@click.option("--file", "path", required=True, metavar="FILE", help="The script; it is copied now.")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@options((*REQUEST, *SWEEP, *TRIAL))
@pass_call
def script(call: Call, path: str, args: tuple[str, ...], **values: Any) -> int:
    """Submit a script file with arguments (behind `--`). Its header may hold `#GAVELQ` and `#SBATCH` lines."""
    from gavelq.cli.files import script_request

    return script_request(call, path, args, values)


@submit.command("json")
@click.option("--file", "path", required=True, metavar="FILE", help="A JSON or YAML list of task objects.")
@click.option("--check", "is_check", is_flag=True, help="Only judge the file: every mistake with its line.")
@options((*REQUEST, *SWEEP))
@pass_call
def json(call: Call, path: str, is_check: bool, queue: str | None, **values: Any) -> int:
    """Submit the tasks of a file: all of them, or none. The options are for tasks that say nothing themselves."""
    from gavelq.cli.files import list_request

    return list_request(call, path, queue, values, is_check=is_check)


@submit.command("file")
@click.option("--file", "path", required=True, metavar="FILE", help="The command file; `-` is the standard input.")
@click.option(
    "--mode",
    type=click.Choice(("single", "multi")),
    help="Whether its blocks end in the memory alone (single), or in the number of GPUs and the memory (multi); "
    "default: multi where the file's name contains `gpus`.",
)
@options(START)
@pass_call
def file(call: Call, path: str, mode: str | None, **values: Any) -> int:
    """Run a command file once, without keeping it (`gavelq file new` keeps one). The options win over the rules."""
    from gavelq.cli.file_submit import submit_file

    return submit_file(call, path, mode, values)
