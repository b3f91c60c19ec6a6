"""What all click commands of gavelq have in common: the common options, lazy loading, and exit codes as results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import click

from gavelq.cli.call import Call
from gavelq.cli.options import COMMON, COUNT, FLAG, Option

_META = "gavelq.common"
Callback = Callable[..., Any]


class Count(click.IntRange):
    """A whole number in a range; what is none is told in these words."""

    name = "whole number"


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.meta.setdefault(_META, {})[param.name] = value


def click_option(option: Option, **more: Any) -> click.Option:
    """The click form of an option table's entry."""
    kind: click.ParamType[Any] | None = None
    if option.kind == COUNT:
        kind = Count(*option.range)
    elif option.choices:
        kind = click.Choice(option.choices)
    if option.kind == FLAG:
        return click.Option([*option.flags, option.name], is_flag=True, help=option.help, **more)
    return click.Option(
        [*option.flags, option.name],
        type=kind,
        multiple=option.is_many,
        metavar=None if option.choices else option.metavar,
        help=option.help,
        **more,
    )


def common_options() -> list[click.Option]:
    """--config, --socket and -o, as every command and group takes them."""
    return [click_option(option, expose_value=False, callback=_remember) for option in COMMON]


class Command(click.Command):
    """A command that takes the common options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(common_options())


class Group(click.Group):
    """A group that takes the common options, and whose commands do."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(common_options())


class LazyGroup(Group):
    """A group whose commands are imported when they are called: `places` maps names to `module:attribute`.

    Commands that were added in the usual way stand behind them.
    """

    def __init__(self, *args: Any, places: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return [*self.places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        place = self.places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found


def options(table: Iterable[Option]) -> Callable[[Callback], Callback]:
    """Give a command the options of a table."""

    def decorate(callback: Callback) -> Callback:
        params = getattr(callback, "__click_params__", [])
        # click reads the list backwards, because decorators apply from the inside out.
        callback.__click_params__ = params + [click_option(option) for option in reversed(tuple(table))]  # type: ignore[attr-defined]  # where click keeps them
        return callback

    return decorate


def pass_call(callback: Callback) -> Callback:
    """Hand the callback a Call made of the common options as its first argument."""

    @functools.wraps(callback)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        ctx = click.get_current_context()
        return callback(Call(ctx.meta.get(_META, {})), *args, **kwargs)

    return wrapper


TASK_ID = Count(min=1)
"""A task's id."""
