"""What stands in the tables of the live view. Text of others is made harmless here."""

from __future__ import annotations

import sys
import time
from typing import Any

from gavelq.cli.output.gpus import model, with_unit
from gavelq.cli.output.table import Column
from gavelq.cli.output.text import safe
from gavelq.cli.output.times import duration, epoch, memory
from gavelq.cli.screen.snapshot import Snapshot

Json = dict[str, Any]

GPU_COLUMNS = (
    Column("GPU"), Column("MODEL", is_soft=True, is_optional=True), Column("STATE"), Column("MEMORY"),
    Column("USED", is_right=True), Column("UTIL", is_right=True), Column("TEMP", is_right=True, is_optional=True),
    Column("POWER", is_right=True, is_optional=True, is_spare=True), Column("FOR", is_soft=True, is_optional=True),
)  # fmt: skip
RUNNING_COLUMNS = (
    Column("ID"), Column("NAME", is_soft=True), Column("TENANT", is_soft=True, is_spare=True),
    Column("QUEUE", is_soft=True, is_spare=True), Column("PRIO", is_right=True), Column("STATE", is_spare=True),
    Column("GPUS"), Column("TIME"), Column("MEM", is_right=True), Column("UTIL", is_right=True),
)  # fmt: skip
WAITING_COLUMNS = (
    Column("ID"), Column("NAME", is_soft=True), Column("TENANT", is_soft=True, is_spare=True),
    Column("QUEUE", is_soft=True, is_spare=True), Column("PRIO", is_right=True), Column("GPUS", is_right=True),
    Column("WAITS", is_right=True), Column("START", is_right=True, is_optional=True), Column("REASON", is_soft=True),
)  # fmt: skip
_BAR = 10


def gpu_cells(gpu: Json, snapshot: Snapshot, marks: str, *, is_wide: bool) -> tuple[str, ...]:
    """One GPU; `marks`: the two characters that its bar is made of. A narrow screen has no room for the model."""
    used, total = gpu["memory_used_mib"], gpu["memory_total_mib"]
    power, limit = gpu["power_w"], gpu["power_limit_w"]
    return (
        str(gpu["index"]),
        safe(model(gpu["name"])) if is_wide else "-",
        gpu["state"],
        bar(used, total, marks),
        f"{memory(used)}/{memory(total)}",
        with_unit(gpu["utilization_percent"], "%"),
        "-" if gpu["temperature_c"] is None else with_unit(gpu["temperature_c"], "C"),
        "-" if power is None else f"{power:.0f}W" if limit is None else f"{power:.0f}/{limit:.0f}W",
        safe(_users(gpu, snapshot)) or "-",
    )


def bar(used: int | None, total: int, marks: str, columns: int = _BAR) -> str:
    """How full a memory is; what is used at all has at least one mark. Unknown is a line of question marks."""
    if used is None:
        return "?" * columns
    n = min(columns, max(1 if used > 0 else 0, round(columns * used / total))) if total else 0
    return marks[0] * n + marks[1] * (columns - n)


def bar_marks() -> str:
    """The characters of bars, as far as the locale has them."""
    try:
        "\u2588\u2591".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#."
    return "\u2588\u2591"


def _users(gpu: Json, snapshot: Snapshot) -> str:
    told = []
    for task_id in gpu["tasks"]:
        task = snapshot.task(task_id)
        told.append(f"{task_id} {task['name']} ({task['tenant']})" if task is not None else str(task_id))
    n_others = gpu.get("n_other_tasks", 0)
    if n_others:
        told.append("another tenant" if n_others == 1 else f"{n_others} tasks of other tenants")
    foreign = {process["user"] or "?" for process in gpu["processes"] if process["task_id"] is None}
    told += [f"foreign: {', '.join(sorted(foreign))}"] if foreign else []
    told += [gpu["fault"]] if gpu["fault"] else []
    return "; ".join(told)


def running_cells(task: Json, snapshot: Snapshot) -> tuple[str, ...]:
    """A task that runs."""
    passed = snapshot.at - epoch(task["started_at"]) if task["started_at"] else None
    limit = task["time_limit_s"]
    return (
        str(task["id"]),
        safe(task["name"]),
        safe(task["tenant"]),
        safe(task["queue"]),
        str(task["priority"]),
        task["state"],
        ",".join(map(str, task["gpus"])) or "-",
        duration(passed) + (f"/{duration(limit)}" if limit is not None else ""),
        "-" if (mib := snapshot.memory_mib(task)) is None else memory(mib),
        "-" if (percent := snapshot.utilization(task)) is None else f"{percent:.0f}%",
    )


def waiting_cells(task: Json, snapshot: Snapshot) -> tuple[str, ...]:
    """A task that waits, or is held."""
    start = task["expected_start_at"]
    return (
        str(task["id"]),
        safe(task["name"]),
        safe(task["tenant"]),
        safe(task["queue"]),
        str(task["priority"]),
        str(task["gpu_count"]),
        duration(snapshot.at - epoch(task["submitted_at"])),
        _clock(epoch(start), snapshot.at) if start else "-",
        safe(_reason(task)),
    )


def _reason(task: Json) -> str:
    if task["state"] == "held":
        return f"held: {task['hold_reason']}" if task["hold_reason"] else "held"
    told = (task["pending_reason"], task["pending_detail"])
    return ": ".join(part for part in told if part) or "-"


def _clock(at: float, now: float) -> str:
    """An hour of the day in the caller's zone; with the date where it is not today or tonight."""
    shape = "%H:%M" if at - now < 18 * 3600 else "%m-%d %H:%M"
    return time.strftime(shape, time.localtime(at))


def why_lines(found: Json) -> list[str]:
    """An explanation: what stands in the way first, then the cards."""
    lines = [found["summary"]]
    if found["position"] is not None:
        lines.append(f"position {found['position']}")
    if found["expected_start_at"]:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch(found["expected_start_at"])))
        lines.append(f"expected start {at}" + (f" ({found['expected_basis']})" if found["expected_basis"] else ""))
    lines += [f"no   {gate['gate']}: {gate['text']}" for gate in found["gates"] if not gate["passed"]]
    lines += [f"{'ok' if card['fits'] else 'no':4} GPU {card['index']}: {card['text']}" for card in found["cards"]]
    lines += [f"try  {change['text']}" for change in found["would_start"]]
    passed = [gate["gate"] for gate in found["gates"] if gate["passed"]]
    lines += [f"ok   {', '.join(passed)}"] if passed else []
    return [safe(line) for line in lines]
