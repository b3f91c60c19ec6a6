"""What a GPU did in the last hour, as `gpu info` shows it."""

import sys

from gavelq.cli.output.graph import draw, framed, has_braille
from gavelq.cli.output.text import say, terminal_columns
from gavelq.cli.output.times import memory
from gavelq.client.http import Link, query
from gavelq.core.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

RANGE = "-1h"
STEP_S = 30
_MARGIN = 10
"""Columns beside the graph."""


def history_of(link: Link, uuids: "Sequence[str]") -> "dict[str, Any] | None":
    """The last hour of these GPUs; None from a daemon that does not know it."""
    pairs: list[tuple[str, object]] = [("gpu", uuid) for uuid in uuids]
    try:
        found: dict[str, Any] = link.fetch(
            "GET", "/api/monitor/metrics" + query([*pairs, ("from", RANGE), ("step", STEP_S)])
        )
    except NotFound:
        return None
    return found


def print_history(gpu: "dict[str, Any]") -> None:
    """Two graphs on a terminal: utilisation and memory. Nothing where nothing is known."""
    used, total = gpu["series"]["memory_used_mib"], gpu["memory_total_mib"]
    graphs = (
        ("utilisation in the last hour, %", gpu["series"]["utilization_percent"], 100.0, "100"),
        ("memory in use in the last hour", used, float(total), memory(total)),
    )
    is_plain = not has_braille()
    most = 2 * max(10, terminal_columns(sys.stdout) - _MARGIN)
    for title, points, top, label in graphs:
        means = points["mean"][-most:]
        if any(value is not None for value in means):
            say("")
            for line in framed(title, draw(means, top, is_plain=is_plain), label, is_plain=is_plain):
                say(line)
