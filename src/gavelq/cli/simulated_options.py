"""Which options of `gavelq simulate` go together: what would mean nothing is refused, not passed over in silence."""

from __future__ import annotations

from typing import Literal

import click
from click.core import ParameterSource

from gavelq.core.errors import UsageError

Kind = Literal["trace", "synthetic", "history", "queue"]
"""What is simulated."""

_LOADS = (
    "gpus", "nodes", "policies", "backfill", "limits", "seed", "share", "weights", "mtbf", "repair", "foreign",
    "python",
)  # fmt: skip
"""Of a load alone: the queue stands on this machine, under the daemon's rules."""
_RULES_HINT = "leave it away; the forecast's rules are changed with --set, such as --set scheduling.policy=fifo"


def require_fitting(ctx: click.Context, kind: Kind) -> None:
    """Raises UsageError for an option that was given and says nothing about what is simulated."""
    given = {
        param.name: param.opts[0]
        for param in ctx.command.params
        if param.name is not None and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    }
    for name, option in given.items():
        if name in _LOADS and kind == "queue":
            raise UsageError(f"{option} says nothing about the live queue (--queue)", hint=_RULES_HINT)
        if name in ("n_jobs", "load") and kind != "synthetic":
            raise UsageError(f"{option} goes with --synthetic alone", hint="leave it away, or add --synthetic bursty")
        if name in ("hours", "assume") and kind != "queue":
            raise UsageError(f"{option} goes with --queue alone", hint="leave it away, or forecast the queue: --queue")
        if name in ("plot", "report") and "python" in given:
            problem = f"{option} needs matplotlib, which --python leaves behind"
            raise UsageError(problem, hint="leave one of them away, or simulate twice")
    for name, other, hint in (
        ("repair", "mtbf", "say how often cards break: --mtbf 30d"),
        *([("nodes", "gpus", "say what a node has: --gpus 8")] if kind != "queue" else []),
    ):
        if name in given and other not in given:
            raise UsageError(f"{given[name]} means nothing without --{other}", hint=hint)
