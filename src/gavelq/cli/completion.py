"""`gavelq completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from gavelq.cli.base import Command
from gavelq.core.errors import GavelqError


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(gavelq completion bash)"     in ~/.bashrc
    zsh:   eval "$(gavelq completion zsh)"      in ~/.zshrc
    fish:  gavelq completion fish > ~/.config/fish/completions/gavelq.fish
    """
    from gavelq.cli.app import COMPLETION, cli

    found = get_completion_class(shell)
    if found is None:
        raise GavelqError(f"click knows no completion for {shell}", hint="choose bash, zsh or fish")
    # source() of the bash class also runs `bash` to check its version; the template needs no bash.
    script = found(cli, {}, "gavelq", COMPLETION)
    click.echo(found.source_template % script.source_vars())
    return 0
