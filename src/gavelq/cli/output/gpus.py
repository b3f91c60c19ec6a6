"""The table of GPUs: what each one does, for whom, and for how long."""

import sys
import time

from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import say
from gavelq.cli.output.times import duration, epoch, memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_COLUMNS = (
    Column("GPU"),
    Column("MODEL", is_soft=True),
    Column("STATE"),
    Column("QUEUE", is_optional=True, is_soft=True),
    Column("MEMORY", is_right=True),
    Column("UTIL", is_right=True, is_optional=True),
    Column("TEMP", is_right=True, is_optional=True, is_spare=True),
    Column("POWER", is_right=True, is_optional=True, is_spare=True),
    Column("USED BY", is_optional=True),
    Column("FOR", is_right=True, is_optional=True),
)
_MAKER = ("NVIDIA ", "GeForce ")


def print_gpus(gpus: "Iterable[dict[str, Any]]", tasks: "Iterable[dict[str, Any]]" = ()) -> None:
    """Print the GPUs; `tasks` (those that hold some) tell since when."""
    found = list(gpus)
    if not found and sys.stdout.isatty():
        say("no GPUs")
        return
    by_id = {task["id"]: task for task in tasks}
    now = time.time()
    is_terminal = sys.stdout.isatty()
    rows = []
    for gpu in found:
        users = _users(gpu, by_id, now)
        cells = _cells(gpu, is_terminal)
        if is_terminal:
            # A line for each user: ids are never cut off.
            rows.append((*cells, *(users[0] if users else ("-", "-"))))
            rows.extend((*([""] * len(cells)), *user) for user in users[1:])
        else:
            rows.append((*cells, ", ".join(u for u, _ in users) or "-", ", ".join(t for _, t in users) or "-"))
    print_table(_COLUMNS, rows)


def model(name: str) -> str:
    """A card's name without its maker: that is the same for all of them."""
    for word in _MAKER:
        name = name.removeprefix(word)
    return name


def _cells(gpu: "dict[str, Any]", is_short: bool) -> tuple[str, ...]:
    used, total = memory(gpu.get("memory_used_mib")), memory(gpu.get("memory_total_mib"))
    label = gpu.get("label")
    name = model(gpu["name"]) if is_short else gpu["name"]
    return (
        str(gpu["index"]),
        f"{name} ({label})" if label else name,
        gpu["state"],
        gpu.get("queue") or "-",
        f"{used}/{total}" if used[-1:] != total[-1:] else f"{used[:-1]}/{total}",
        with_unit(gpu.get("utilization_percent"), "%"),
        with_unit(gpu.get("temperature_c"), "C"),
        power(gpu.get("power_w"), gpu.get("power_limit_w")),
    )


def with_unit(value: "Any", unit: str) -> str:
    """`98%`; `?` where the driver does not tell: unknown is not zero."""
    return "?" if value is None else f"{value:.0f}{unit}"


def power(now: float | None, limit: float | None) -> str:
    """`250/350W`; `?` for what the driver does not tell."""
    if now is None and limit is None:
        return "?"
    shown = "?" if now is None else f"{now:.0f}"
    return f"{shown}W" if limit is None else f"{shown}/{limit:.0f}W"


def _users(gpu: "dict[str, Any]", tasks: "dict[int, dict[str, Any]]", now: float) -> list[tuple[str, str]]:
    """Who is on a GPU, with the memory that each one has, and for how long: our tasks, then foreign processes."""
    by_task: dict[int, int | None] = dict.fromkeys(gpu.get("tasks") or ())
    foreign = []
    for process in gpu.get("processes") or ():
        task_id, mib = process.get("task_id"), process.get("memory_mib")
        if task_id is None:
            started = process.get("started_at")
            lasting = duration(now - epoch(started)) if started else "-"
            who = process.get("user") or "?"
            foreign.append((f"{who} pid {process['pid']} {memory(mib)}", lasting))
        else:
            known = by_task.get(task_id)
            by_task[task_id] = known if mib is None else (known or 0) + mib
    ours = []
    for task_id, mib in by_task.items():
        started = tasks.get(task_id, {}).get("started_at")
        tenant = tasks.get(task_id, {}).get("tenant")
        text = " ".join(part for part in (f"task {task_id}", tenant, memory(mib) if mib else "") if part)
        ours.append((text, duration(now - epoch(started)) if started else "-"))
    if gpu.get("unattributed_mib"):
        foreign.append((f"unseen process {memory(gpu['unattributed_mib'])}", "-"))
    if gpu.get("claimed_by"):
        foreign.append((f"claimed by {gpu['claimed_by']}", "-"))
    return ours + foreign
