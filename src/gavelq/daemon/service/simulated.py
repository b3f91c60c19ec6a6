"""A forecast of the queue as a caller sees it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.task import Task
from gavelq.daemon.discretion import Discretion
from gavelq.daemon.views import Json, people_index, stamp
from gavelq.scheduling.question import Question

SAME_S = 1.0
"""Starts that are closer to each other count as the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What was asked, and what is to be told of."""

    question: Question
    tasks: Mapping[TaskId, Task]
    """Those that wait and that the caller may see."""
    cards: Mapping[GpuUuid, Card]
    changes: Sequence[Json]
    n_held: int


def simulated_json(seen: Simulated, found: Mapping[str, Any], discretion: Discretion) -> Json:
    """The simulator's answer for a caller: a row for each task, by its expected start, and a summary."""
    now = found["forecasts"][0]
    then = found["forecasts"][1] if len(found["forecasts"]) > 1 else None
    rows = [_row(task, seen, found["lengths"][str(task.id)], now, then, discretion) for task in seen.tasks.values()]
    rows.sort(key=_order)
    return {
        "at": stamp(seen.question.now),
        "until": stamp(seen.question.until),
        "assumed_s": seen.question.assumed_s,
        "changed": list(seen.changes),
        "summary": _summary(rows, seen, is_whole=all(one["is_whole"] for one in found["forecasts"])),
        "tasks": rows,
    }


def _row(
    task: Task, seen: Simulated, length: Sequence[Any], now: Json, then: Json | None, discretion: Discretion
) -> Json:
    seconds, basis = length
    return {
        "task_id": task.id, "name": task.request.name, "tenant": task.request.tenant, "queue": task.queue,
        "gpu_count": task.request.gpus.count, "submitted_at": stamp(task.submitted_at),
        "run_time_s": seconds, "run_time_basis": basis,
        "now": _fate(task.id, seen, now, discretion),
        "then": None if then is None else _fate(task.id, seen, then, discretion),
    }  # fmt: skip


def _fate(task_id: TaskId, seen: Simulated, forecast: Json, discretion: Discretion) -> Json:
    start = forecast["starts"].get(str(task_id))
    if start is None:
        why = discretion.text(forecast["waits"].get(str(task_id), ""))
        return {"start_at": None, "end_at": None, "wait_s": None, "gpus": [], "why": why}
    at, end, gpus = start
    names = [people_index(seen.cards[uuid].index) for uuid in gpus if uuid in seen.cards]
    waited = max(0.0, at - seen.tasks[task_id].submitted_at)
    return {
        "start_at": stamp(at), "end_at": stamp(end) if end is not None else None, "wait_s": round(waited, 3),
        "gpus": names, "why": None,
    }  # fmt: skip


def _order(row: Json) -> tuple[str, str, int]:
    """By the expected start under the rules in force, then under the others; those without one come last."""
    starts = [fate["start_at"] or "~" if fate is not None else "" for fate in (row["now"], row["then"])]
    return starts[0], starts[1], row["task_id"]


def _summary(rows: Sequence[Json], seen: Simulated, *, is_whole: bool) -> Json:
    """Means are over the tasks that start under all rules that are told of: others would be no comparison."""
    is_changed = any(row["then"] is not None for row in rows)
    sides = ("now", "then") if is_changed else ("now",)
    both = [row for row in rows if all(row[side]["start_at"] for side in sides)]
    told = Counter(_shift(row) for row in rows) if is_changed else Counter[str]()
    return {
        "n_waiting": len(rows),
        "n_held": seen.n_held,
        "now": _side(rows, both, "now"),
        "then": _side(rows, both, "then") if is_changed else None,
        "n_earlier": told["earlier"],
        "n_later": told["later"],
        "n_same": told["same"],
        "run_times": dict.fromkeys(("learned", "limit", "assumed", "unknown"), 0)
        | Counter(row["run_time_basis"] for row in rows),
        "is_whole": is_whole,
    }


def _side(rows: Sequence[Json], both: Sequence[Json], side: str) -> Json:
    waits = [row[side]["wait_s"] for row in both]
    return {
        "n_starting": sum(row[side]["start_at"] is not None for row in rows),
        "mean_wait_s": round(sum(waits) / len(waits), 3) if waits else None,
        "max_wait_s": max(waits, default=None),
    }


def _shift(row: Json) -> str:
    """What becomes of a task under the other rules; to start at all is earlier than not to."""
    now, then = row["now"]["wait_s"], row["then"]["wait_s"]
    if now is None or then is None:
        return "same" if now is then else "later" if then is None else "earlier"
    return "same" if abs(then - now) < SAME_S else "later" if then > now else "earlier"
