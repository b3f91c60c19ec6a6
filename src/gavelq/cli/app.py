"""The tree of commands, and how click's own failures are told."""

import os
import sys

import click

from gavelq.cli.base import LazyGroup
from gavelq.core.errors import GavelqError, UsageError

_PLACES = {
    "submit": "gavelq.cli.submit:submit",
    "run": "gavelq.cli.run:run",
    "shell": "gavelq.cli.shell:shell",
    "lease": "gavelq.cli.lease:lease",
    "status": "gavelq.cli.short:status",
    "list": "gavelq.cli.short:list_",
    "cancel": "gavelq.cli.short:cancel",
    "logs": "gavelq.cli.short:logs",
    "task": "gavelq.cli.task:task",
    "gpu": "gavelq.cli.gpu:gpu",
    "queue": "gavelq.cli.queue:queue",
    "file": "gavelq.cli.file:file",
    "tenant": "gavelq.cli.tenant:tenant",
    "token": "gavelq.cli.token:token",
    "audit": "gavelq.cli.audit:audit",
    "alert": "gavelq.cli.alert:alert",
    "usage": "gavelq.cli.usage:usage",
    "top": "gavelq.cli.top:top",
    "ui": "gavelq.cli.ui:ui",
    "daemon": "gavelq.cli.daemon:daemon",
    "serve": "gavelq.cli.daemon:serve",
    "config": "gavelq.cli.config:config",
    "simulate": "gavelq.cli.simulate:simulate",
    "doctor": "gavelq.cli.doctor:doctor",
    "backup": "gavelq.cli.backup:backup",
    "service": "gavelq.cli.service:service",
    "completion": "gavelq.cli.completion:completion",
}


COMPLETION = "_GAVELQ_COMPLETE"
"""Set by the completion scripts of the shells."""


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from gavelq.version import __version__

        click.echo(f"gavelq {__version__}")
        ctx.exit()


cli = LazyGroup(
    name="gavelq",
    places=_PLACES,
    help="Keep order on a machine whose GPUs are contested: submit commands, and they run when it is their turn.",
    epilog='Begin with: gavelq submit "python train.py" -m 8. Reference: docs/cli.md.',
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    ],
)


def run_click(words: list[str]) -> int:
    """Carry out a command line through click; returns its exit code. Raises GavelqError."""
    try:
        if COMPLETION in os.environ:
            cli.main(words, prog_name="gavelq", complete_var=COMPLETION)
        # Not cli.main(): it answers Ctrl-C with an empty line on standard error.
        with cli.make_context("gavelq", list(words)) as ctx:
            result = cli.invoke(ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), file=sys.stderr)
        return 2
    except click.UsageError as error:
        raise _usage(error, words) from None
    except click.ClickException as error:
        raise GavelqError(error.format_message()) from None
    return result if isinstance(result, int) else 0


def _usage(error: click.UsageError, words: list[str]) -> UsageError:
    path = error.ctx.command_path.removesuffix(" short") if error.ctx else "gavelq"
    message = error.format_message().rstrip(".")
    hint = _meant(error, path, words) or f"{path} --help"
    return UsageError(message[:1].lower() + message[1:], hint=hint)


_LISTING = {
    "-a": "`gavelq list` shows tasks in every state; `gavelq task list` those that have not ended",
    "--all": "`gavelq list` shows tasks in every state; `gavelq task list` those that have not ended",
    "--running": "gavelq task list --running",
    "--finished": "gavelq task list --finished",
}
"""What people give `gavelq list` who know `gavelq task list`, or other tools."""


def _meant(error: click.UsageError, path: str, words: list[str]) -> str:
    """What to type instead, where that is known; empty: it is not."""
    if isinstance(error, click.NoSuchOption) and path == "gavelq list":
        return _LISTING.get(error.option_name, "")
    if error.ctx is None or error.ctx.command is not cli:
        return ""
    task = cli.get_command(error.ctx, "task")
    unknown = [word for word in words if repr(word) in error.format_message()]
    if not isinstance(task, click.Group) or not unknown or unknown[0] not in task.commands:
        return ""
    return f"gavelq task {unknown[0]}"
