"""The table of queues."""

import sys

from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.times import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_COLUMNS = (
    Column("QUEUE", is_soft=True),
    Column("STATE"),
    Column("GPUS"),
    Column("RUNNING", is_right=True),
    Column("PENDING", is_right=True),
    Column("HELD", is_right=True, is_optional=True),
    Column("PRIO", is_right=True, is_optional=True),
    Column("OPTIONS", is_optional=True),
)
_RETRY_OPTIONS = (
    ("retries", "retries"), ("backoff", "backoff"), ("burst", "retry_burst"), ("on", "retry_on"),
    ("on_gpu_oom", "on_gpu_oom"),
)  # fmt: skip
"""Fields of a queue's retry rules, and the options that set them."""


def print_queues(queues: "Iterable[dict[str, Any]]") -> None:
    """Print the queues with what is in them and what was set for them."""
    rows = []
    for queue in queues:
        cells, options = _cells(queue), options_of(queue)
        if not sys.stdout.isatty():
            rows.append((*cells, ", ".join(options) or "-"))
            continue
        # Two to a line: options are never cut off.
        lines = [", ".join(options[at : at + 2]) for at in range(0, len(options), 2)] or ["-"]
        rows.append((*cells, lines[0]))
        rows.extend((*([""] * len(cells)), line) for line in lines[1:])
    print_table(_COLUMNS, rows)


def _cells(queue: "dict[str, Any]") -> tuple[str, ...]:
    return (
        queue["name"],
        state_of(queue),
        ",".join(str(index) for index in queue.get("gpus") or ()) or ("pool" if queue.get("pool", True) else "none"),
        str(queue["n_running"]),
        str(queue["n_pending"]),
        str(queue["n_held"]) if queue.get("n_held") else "-",
        str(queue["priority"]) if queue.get("priority") else "-",
    )


def state_of(queue: "dict[str, Any]") -> str:
    """`hold`, `paused` or `open`."""
    return "hold" if queue.get("hold") else "paused" if queue.get("paused") else "open"


def options_of(queue: "dict[str, Any]") -> list[str]:
    """What was set for a queue: its limits, whether it uses the pool and lends its GPUs, and its tasks' defaults."""
    places = ["pool=false"] if not queue.get("pool", True) else []
    places += ["lend=true"] if queue.get("lend") else []
    return [*limits_of(queue), *places, *retries_of(queue)]


def limits_of(queue: "dict[str, Any]") -> list[str]:
    """The limits that are set, as `queue set` takes them."""
    found = [f"{name}={queue[name]}" for name in ("max_running", "max_gpus", "max_util") if queue.get(name) is not None]
    if queue.get("mem_type", "ignore") != "ignore":
        unit = "%" if queue["mem_type"] == "percentage" else "MiB"
        found.append(f"free_memory>={queue.get('mem_value')}{unit}")
    times = [(name, queue.get(f"{name}_s")) for name in ("time_limit", "max_time_limit", "idle_after")]
    found += [f"{name}={duration(limit)}" for name, limit in times if limit is not None]
    return found if queue.get("idle_after_s") is None else [*found, f"idle_action={queue.get('idle_action')}"]


def retries_of(queue: "dict[str, Any]") -> list[str]:
    """The retry rules of tasks that name none, as `queue set` takes them."""
    rules = queue.get("retry") or {}
    found = [(option, rules.get(name)) for name, option in _RETRY_OPTIONS]
    return [
        f"{option}={','.join(value) if isinstance(value, list) else value}"
        for option, value in found
        if value is not None
    ]
