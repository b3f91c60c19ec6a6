"""What the live view shows: one look at the daemon, and what is worked out from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

MAX_TASKS = 200
"""So many tasks of each kind are fetched and shown: more fit on no screen."""
WAITING = ("pending", "held")
RUNNING = ("starting", "running", "stopping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The machine at one moment, as the caller may see it."""

    at: float
    """Seconds since the epoch."""
    gpus: list[Json] = field(default_factory=list)
    running: list[Json] = field(default_factory=list)
    waiting: list[Json] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def task(self, task_id: int) -> Json | None:
        """A task that is shown."""
        return next((task for task in (*self.running, *self.waiting) if task["id"] == task_id), None)

    def memory_mib(self, task: Json) -> int | None:
        """What the task's processes have on all of its GPUs now; None: unknown, or no process there."""
        sizes = [
            process["memory_mib"]
            for gpu in self.gpus for process in gpu["processes"] if process["task_id"] == task["id"]
        ]  # fmt: skip
        return None if not sizes or None in sizes else sum(sizes)

    def utilization(self, task: Json) -> float | None:
        """The mean utilisation of the task's GPUs now; on one that n tasks share, an n-th of it."""
        mine = [gpu for gpu in self.gpus if gpu["uuid"] in task["gpu_uuids"]]
        parts = [
            gpu["utilization_percent"] / max(1, len(gpu["tasks"]) + gpu.get("n_other_tasks", 0))
            for gpu in mine if gpu["utilization_percent"] is not None
        ]  # fmt: skip
        return sum(parts) / len(parts) if parts else None


SORTS = ("id", "priority", "name", "queue", "tenant")


def chosen(tasks: Iterable[Json], *, words: str, sort: str) -> list[Json]:
    """The tasks that have all of these words somewhere, in this order; a higher priority goes first."""
    wanted = words.lower().split()
    found = [task for task in tasks if all(word in _text(task) for word in wanted)]
    if sort == "priority":
        return sorted(found, key=lambda task: (-task["priority"], task["id"]))
    return sorted(found, key=lambda task: (str(task[sort]).lower() if sort != "id" else "", task["id"]))


def _text(task: Json) -> str:
    names = ("id", "name", "queue", "tenant", "state", "command", "pending_reason")
    return " ".join(str(task[name]) for name in names if task.get(name) is not None).lower()
