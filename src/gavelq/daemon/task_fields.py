"""A task as a JSON object, field by field: who wants only some of them pays only for those (`GET /api/tasks?fields=`).

The shape is `client/shapes/tasks.py::Task`; the names in the second half are those of other schedulers (SPEC
section 7).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from gavelq.core.engine.leases import expires_at
from gavelq.core.errors import InvalidField
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid
from gavelq.core.lifecycle import TaskState
from gavelq.core.notices import masked
from gavelq.core.signals import signal_name
from gavelq.core.task import Attempt, Lease, Task, describe
from gavelq.core.tenants import Isolation
from gavelq.daemon.views import (
    Json,
    dependency_json,
    lease_environment,
    pending_details,
    pending_text,
    people_index,
    retry_json,
    stamp,
    status_of,
    violation_json,
)
from gavelq.scheduling.reasons import Blocked

MAX_NAMES = 100


class Pictured:
    """What a task's fields are made from. A plain class with plain attributes: it is made for every row of a list."""

    __slots__ = (
        "attempt", "begun", "blocked", "cards", "ending", "expected_at", "holding", "lease", "lease_since", "level",
        "request", "task", "wish",
    )  # fmt: skip

    def __init__(
        self, task: Task, blocked: Blocked | None = None, cards: Mapping[GpuUuid, Card] | None = None, *,
        lease_since: float = 0.0, level: Isolation = Isolation.VISIBLE, expected_at: float | None = None,
    ) -> None:  # fmt: skip
        """`cards` give the listed GPUs the names that people use.

        `lease_since`: no lease could be renewed before. `level`: the isolation that it gets when it starts.
        `expected_at`: when it is to start, where that is known (seconds since the epoch).
        """
        state, command = task.state, task.request.command
        self.task = task
        self.request = task.request
        self.wish = task.request.gpus
        self.attempt = task.attempt
        """Its present attempt, or its last one."""
        is_put_back = state is TaskState.HELD or state is TaskState.PENDING
        self.begun = None if is_put_back else task.attempt
        """The attempt, unless that is over and the task has not started again."""
        self.holding = task.attempt if state.holds_gpus else None
        """The attempt, while it holds GPUs or a place to run."""
        self.ending = task.ending
        self.lease = command if isinstance(command, Lease) else None
        self.blocked = blocked if state is TaskState.PENDING else None
        """Why it waits, where it does."""
        self.cards = cards or {}
        self.lease_since = lease_since
        self.level = level
        self.expected_at = expected_at


def task_json(seen: Pictured, names: Iterable[str] | None = None) -> Json:
    """The task; only these fields where names are given (each has to be one of `FIELDS`)."""
    if names is None:
        return {name: make(seen) for name, make in _MAKERS}
    return {name: FIELDS[name](seen) for name in names}


def parse_names(written: str | None) -> tuple[str, ...] | None:
    """The fields that a query names, with commas; None: all of them. Raises InvalidField with the one that is none."""
    if written is None or not written.strip():
        return None
    names = tuple(dict.fromkeys(name.strip() for name in written[: 64 * MAX_NAMES].split(",") if name.strip()))
    unknown = next((name for name in names if name not in FIELDS), None)
    if unknown is not None:
        problem = f"a task has no field {unknown[:64]!r}"
        raise InvalidField(field="fields", problem=problem, hint=f"the fields are {', '.join(FIELDS)}")
    return names


def is_about_waiting(names: Collection[str] | None) -> bool:
    """Whether fields are wanted that tell why a task waits, and until when."""
    return names is None or not _OF_WAITING.isdisjoint(names)


def _gpu_ids(seen: Pictured) -> list[int | str]:
    cards = seen.cards
    return [people_index(cards[uuid].index) if uuid in cards else uuid for uuid in seen.wish.allowed]


def _warn(seen: Pictured) -> str | None:
    warn = seen.request.warn
    return None if warn is None else f"{signal_name(warn.signal)}@{warn.before_s:g}"


def _owner_pid(seen: Pictured) -> int | None:
    return seen.lease.owner.pid if seen.lease and seen.lease.owner else None


def _renew_s(seen: Pictured) -> float | None:
    return seen.lease.renew_s if seen.lease and seen.lease.owner is None else None


def _indices(attempt: Attempt | None) -> list[int | str]:
    return [people_index(index) for index in attempt.indices] if attempt else []


FIELDS: dict[str, Callable[[Pictured], Any]] = {
    "id": lambda seen: seen.task.id,
    "name": lambda seen: seen.request.name,
    "state": lambda seen: seen.task.state.value,
    "pending_reason": lambda seen: seen.blocked.reason.value if seen.blocked else None,
    "pending_detail": lambda seen: pending_text(seen.task, seen.blocked) if seen.blocked else None,
    "pending_details": lambda seen: pending_details(seen.task, seen.blocked) if seen.blocked else None,
    "end_reason": lambda seen: seen.ending.reason.value if seen.ending else None,
    "end_detail": lambda seen: seen.ending.detail if seen.ending else None,
    "exit_code": lambda seen: seen.ending.exit_code if seen.ending else None,
    "signal": lambda seen: seen.ending.signal if seen.ending else None,
    "queue": lambda seen: seen.task.queue,
    "priority": lambda seen: seen.task.priority,
    "tenant": lambda seen: seen.request.tenant,
    "tags": lambda seen: list(seen.request.tags),
    "command": lambda seen: describe(seen.request.command) or None,
    "workdir": lambda seen: seen.request.workdir,
    "gpu_count": lambda seen: seen.wish.count,
    "min_gpus": lambda seen: seen.wish.count if seen.wish.is_elastic else None,
    "max_gpus": lambda seen: seen.wish.max_count,
    "gpu_left": lambda seen: seen.wish.gpu_left,
    "gpu_ids": _gpu_ids,
    "memory_mib": lambda seen: seen.wish.memory,
    "max_util": lambda seen: seen.wish.max_util,
    "share": lambda seen: seen.wish.share,
    "time_limit_s": lambda seen: seen.request.time_limit_s,
    "requeue": lambda seen: seen.request.requeue,
    "warn": _warn,
    "retry": lambda seen: retry_json(seen.request.retry),
    "n_failures": lambda seen: seen.task.n_failures,
    "retry_at": lambda seen: stamp(seen.task.retry_at),
    "depends_on": lambda seen: [dependency.task_id for dependency in seen.request.depends_on],
    "dependencies": lambda seen: [dependency_json(one, seen.task) for one in seen.request.depends_on],
    "not_before": lambda seen: stamp(seen.request.not_before),
    "preemptible": lambda seen: seen.request.preemptible,
    "learn_memory": lambda seen: seen.request.learn_memory,
    "is_lease": lambda seen: seen.lease is not None,
    "lease_owner_pid": _owner_pid,
    "lease_renew_s": _renew_s,
    "lease_expires_at": lambda seen: stamp(expires_at(seen.task, seen.lease_since)),
    "environment": lambda seen: lease_environment(seen.task),
    "array_index": lambda seen: seen.request.array_index,
    "params": lambda seen: dict(seen.request.params),
    "hold_reason": lambda seen: seen.task.hold_reason or None,
    "isolation": lambda seen: (seen.begun.isolation if seen.begun else seen.level).value,
    "mps_percent": lambda seen: seen.request.mps_percent,
    "violations": lambda seen: [violation_json(one) for one in (seen.attempt.violations if seen.attempt else ())],
    "peak_memory_mib": lambda seen: seen.attempt.peak_memory if seen.attempt else None,
    "submission_id": lambda seen: seen.task.submission_id,
    "gpus": lambda seen: _indices(seen.attempt),
    "gpu_uuids": lambda seen: list(seen.attempt.gpus) if seen.attempt else [],
    "pid": lambda seen: seen.holding.pid if seen.holding else None,
    "attempt": lambda seen: seen.task.n_attempts,
    "submitted_at": lambda seen: stamp(seen.task.submitted_at),
    "started_at": lambda seen: stamp(seen.begun.started_at) if seen.begun else None,
    "ended_at": lambda seen: stamp(seen.ending.at) if seen.ending else None,
    "log_path": lambda seen: seen.task.log_path,
    "env_dropped": lambda seen: list(seen.request.dropped_env),
    "expected_start_at": lambda seen: stamp(seen.expected_at),
    "description": lambda seen: seen.request.description or None,
    "notify": lambda seen: [masked(url) for url in seen.request.notify],
    "notify_on": lambda seen: [one.value for one in seen.request.notify_on] if seen.request.notify else [],
    "idle_since": lambda seen: stamp(seen.holding.idle_since) if seen.holding else None,
    # Some once more, under the names that programs of other schedulers look for.
    "status": lambda seen: status_of(seen.task.state),
    "tenant_id": lambda seen: seen.request.tenant,
    "gpu_request": lambda seen: seen.wish.count,
    "memory_mb": lambda seen: seen.wish.memory,
    "timeout": lambda seen: seen.request.time_limit_s,
    "device_ids": lambda seen: _indices(seen.holding),
}
"""Every field of a task, and how it is made."""
_MAKERS = tuple(FIELDS.items())
_OF_WAITING = frozenset({"pending_reason", "pending_detail", "pending_details", "expected_start_at"})
