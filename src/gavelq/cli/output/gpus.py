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
    Column("BLOCKS", is_right=True, is_optional=True),
)
_MAKER = ("NVIDIA ", "GeForce ")
_MAX_FOREIGN = 5
"""So many foreign processes of a GPU get a line of their own."""


def print_gpus(gpus: "Iterable[dict[str, Any]]", tasks: "Iterable[dict[str, Any]]" = ()) -> None:
    """Print the GPUs; `tasks` (those that hold some) tell since when."""
    found = list(gpus)
    if not found and sys.stdout.isatty():
        say("no GPUs")
        return
    by_id = {task["id"]: task for task in tasks}
    now = time.time()
    is_terminal = sys.stdout.isatty()
    rows: list[tuple[str, ...]] = []
    under: dict[int, list[str]] = {}
    for gpu in found:
        ours, cells = _tasks(gpu, by_id, now), _cells(gpu, is_terminal)
        if is_terminal:
            # A line for each user: ids are never cut off.
            rows.append((*cells, *(ours[0] if ours else ("-", "-")), "-"))
            rows.extend((*([""] * len(cells)), *user, "") for user in ours[1:])
            under[len(rows) - 1] = (
                _excluded_lines(gpu) + fault_lines(gpu, now) + violation_lines(gpu) + foreign_lines(gpu, now)
            )
        else:
            users = _excluded(gpu) + _faults(gpu, now) + _violations(gpu) + ours + _others(gpu, now)
            told = (", ".join(column) or "-" for column in (zip(*users, strict=True) if users else ((), ())))
            rows.append((*cells, *told, str(gpu.get("blocks") or "-")))
    print_table(_COLUMNS, rows, under)


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


def _tasks(gpu: "dict[str, Any]", tasks: "dict[int, dict[str, Any]]", now: float) -> list[tuple[str, str]]:
    """Our tasks on a GPU, with the memory that each one has, and for how long."""
    by_task: dict[int, int | None] = dict.fromkeys(gpu.get("tasks") or ())
    for process in gpu.get("processes") or ():
        task_id, mib = process.get("task_id"), process.get("memory_mib")
        if task_id in by_task and mib is not None:
            by_task[task_id] = (by_task[task_id] or 0) + mib
    ours = []
    for task_id, mib in by_task.items():
        started = tasks.get(task_id, {}).get("started_at")
        tenant = tasks.get(task_id, {}).get("tenant")
        text = " ".join(part for part in (f"task {task_id}", tenant, memory(mib) if mib else "") if part)
        ours.append((text, _lasting(started, now)))
    n_others = gpu.get("n_other_tasks")
    if n_others:
        ours.append(("another tenant" if n_others == 1 else f"{n_others} tasks of other tenants", "-"))
    return ours


def _lasting(since: str | None, now: float) -> str:
    return duration(now - epoch(since)) if since else "-"


def _foreign(gpu: "dict[str, Any]") -> "list[dict[str, Any]]":
    """The processes of others that are to be minded; one of a task that was not placed here is among them."""
    return [
        process
        for process in gpu.get("processes") or ()
        if process.get("task_id") not in (gpu.get("tasks") or ()) and not process.get("is_ignored")
    ]


def _others(gpu: "dict[str, Any]", now: float) -> list[tuple[str, str]]:
    """Who else uses a GPU, and for how long."""
    found = []
    for process in _foreign(gpu):
        who = f"{process.get('user') or '?'} pid {process['pid']} {memory(process.get('memory_mib'))}"
        found.append((who, _lasting(process.get("since") or process.get("started_at"), now)))
    if gpu.get("unattributed_mib"):
        unseen = f"unseen process {memory(gpu['unattributed_mib'])}"
        found.append((unseen, _lasting(gpu.get("unattributed_since"), now)))
    if gpu.get("claimed_by"):
        found.append((f"claimed by {gpu['claimed_by']}", _lasting(gpu.get("claimed_since"), now)))
    return found


def _faults(gpu: "dict[str, Any]", now: float) -> list[tuple[str, str]]:
    return [(f"fault: {gpu['fault']}", _lasting(gpu.get("fault_at"), now))] if gpu.get("fault") else []


def _excluded(gpu: "dict[str, Any]") -> list[tuple[str, str]]:
    return [("not among rules.compete_gpus", "-")] if gpu.get("excluded") else []


def _excluded_lines(gpu: "dict[str, Any]") -> list[str]:
    """That the rules leave a GPU out, while tasks that were there before may still run."""
    return [f"  {told}" for told, _ in _excluded(gpu)]


def fault_lines(gpu: "dict[str, Any]", now: float) -> list[str]:
    """What is wrong with a GPU, since when, and how it comes back."""
    return [
        line
        for fault, lasting in _faults(gpu, now)
        for line in (f"  {fault}, for {lasting}", f"  when it is well again: gavelq gpu unignore {gpu['index']}")
    ]


def _violations(gpu: "dict[str, Any]") -> list[tuple[str, str]]:
    return [(f"violation: task {found['task_id']}: {found['text']}", "-") for found in gpu.get("violations") or ()]


def violation_lines(gpu: "dict[str, Any]") -> list[str]:
    """What tasks do on a GPU that they should not (docs/isolation.md)."""
    return [f"  {told}" for told, _ in _violations(gpu)]


def foreign_lines(gpu: "dict[str, Any]", now: float) -> list[str]:
    """Who else uses a GPU, since when, and how many tasks wait for that: a line for each."""
    waits = waiting(gpu)
    tail = f": {waits}" if waits else ""
    processes = _foreign(gpu)
    lines = []
    for process in processes[:_MAX_FOREIGN]:
        whose = "" if process.get("task_id") is None else f" (of task {process['task_id']}, which is not placed here)"
        who = f"{process.get('user') or '?'} pid {process['pid']} {program(process)}".rstrip() + whose
        lines.append(f"{who}, {memory(process.get('memory_mib'))}{_for(process.get('since'), now)}{tail}")
    if len(processes) > _MAX_FOREIGN:
        lines.append(f"{len(processes) - _MAX_FOREIGN} more processes")
    if gpu.get("unattributed_mib"):
        size = memory(gpu["unattributed_mib"])
        lines.append(f"an unseen process (a container?), {size}{_for(gpu.get('unattributed_since'), now)}{tail}")
    if gpu.get("claimed_by"):
        lines.append(f"claimed by {gpu['claimed_by']}{_for(gpu.get('claimed_since'), now)}{tail}")
    if lines:
        return [f"  foreign: {line}" for line in lines]
    if gpu.get("calm_at") and waits:
        return [f"  foreign: left a moment ago, calm in {duration(max(0.0, epoch(gpu['calm_at']) - now) + 1)}{tail}"]
    return [f"  too busy{tail}"] if waits else []


def _for(since: str | None, now: float) -> str:
    return f", for {_lasting(since, now)}" if since else ""


def waiting(gpu: "dict[str, Any]") -> str:
    """`3 tasks wait` for what others do on a GPU; empty where none does."""
    n = gpu.get("blocks") or 0
    return "" if not n else "1 task waits" if n == 1 else f"{n} tasks wait"


def program(process: "dict[str, Any]") -> str:
    """A process's program, without directory and arguments; empty where the command is not known."""
    words = str(process.get("command") or "").split(None, 1)
    return words[0].rstrip("/").rpartition("/")[2] if words else ""
