"""`gavelq top`: the machine as it goes on, on the whole screen."""

from __future__ import annotations

import os
from importlib.util import find_spec

import click

from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.core.errors import GavelqError, UsageError


class ScreenMissing(GavelqError):
    """`gavelq top` needs Textual, which is not installed"""

    code = "extra_missing"
    hint = "pip install 'gavelq[top]' (or: pip install 'textual>=1'), in the environment that gavelq is in"


@click.command("top", cls=Command)
@pass_call
def top(call: Call) -> int:
    """Watch GPUs, running and waiting tasks on the whole screen, and act on them. Press ? there for the keys.

    It needs the extra `top`: pip install 'gavelq[top]'.
    """
    if call.is_json or not call.is_terminal or os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError("top draws on a terminal, and this is none", hint="gavelq status -o json tells the same once")
    if find_spec("textual") is None:
        raise ScreenMissing
    user = call.link().fetch("GET", "/api/user")  # says what is wrong before the screen is taken
    from gavelq.cli.screen.app import Top
    from gavelq.client.async_link import AsyncLink

    Top(AsyncLink(call.address()), user=user).run()
    return 0
