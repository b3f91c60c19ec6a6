"""The state as JSON objects: one shape on every surface (SPEC section 4, `client/shapes`)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from gavelq.core.dependencies import waited_behind, waited_for, waiting_behind, waiting_for
from gavelq.core.gpu import Card, GpuProcess, index_key
from gavelq.core.isolation import Violation, violation_text
from gavelq.core.learned import Learned, name_key, pattern_key, pattern_of, run_time
from gavelq.core.lifecycle import TaskState
from gavelq.core.measures import MEASURES, HostUse, Kind, Stat
from gavelq.core.queue import Queue
from gavelq.core.retry_words import format_backoff, format_oom_action, format_retries
from gavelq.core.retrying import RetryRules, RetryWish
from gavelq.core.state import State
from gavelq.core.step import Record
from gavelq.core.task import Attempt, Dependency, Lease, Task, TaskRequest
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.spending import Standing

Json = dict[str, Any]


def stamp(at: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC with six decimals and Z."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")[:-6] + "Z"  # three times strftime's speed


def budget_json(found: Standing) -> Json:
    """How many cards gavelq uses, and how many it may use."""
    return {"n_used": found.n_used, "most": found.most, "is_limited": found.is_limited}


def people_index(index: str) -> int | str:
    """`0` as a number, a MIG device's `0:1` as a string."""
    return int(index) if index.isdigit() else index


def status_of(state: TaskState) -> str:
    """A task's state in the five words that other schedulers have."""
    return _STATUS.get(state, state.value)


def states_of(status: str) -> tuple[str, ...]:
    """The states that such a word stands for; empty where it is none."""
    return tuple(state.value for state in TaskState if status_of(state) == status)


_STATUS = {
    TaskState.HELD: "pending",
    TaskState.STARTING: "running",
    TaskState.STOPPING: "running",
    TaskState.ABORTED: "failed",
}


def lease_environment(task: Task) -> Json | None:
    """What a program on leased GPUs needs in its environment; null while it has none, and for other tasks."""
    attempt = task.attempt
    if not isinstance(task.request.command, Lease) or attempt is None or task.state is not TaskState.RUNNING:
        return None
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(attempt.gpus),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "GAVELQ_TASK_ID": str(task.id),
        "GAVELQ_ATTEMPT": str(attempt.number),
        "GAVELQ_QUEUE": task.queue,
        "GAVELQ_GPUS": ",".join(attempt.indices),
    }


def retry_json(rules: RetryRules) -> Json:
    """The rules by which a task is tried again."""
    shown = _retry_words(rules)
    return {**shown, "on": list(shown["on"])}


@lru_cache(maxsize=256)  # most tasks of a list go by the same rules
def _retry_words(rules: RetryRules) -> Json:
    return {
        "retries": format_retries(rules.retries), "backoff": format_backoff(rules.backoff), "burst": rules.burst,
        "on": [reason.value for reason in rules.on], "on_gpu_oom": format_oom_action(rules.on_gpu_oom),
    }  # fmt: skip


def pending_text(task: Task, blocked: Blocked) -> str:
    """Why a task waits, in words. Those of one shape have one reason; which tasks it waits for is its own matter."""
    if blocked.reason is Reason.SERIAL:
        return waiting_behind(task)
    return waiting_for(task) if blocked.reason is Reason.DEPENDENCY else blocked.text


def pending_details(task: Task, blocked: Blocked) -> Json:
    """The same as data."""
    if blocked.reason is Reason.SERIAL:
        return waited_behind(task)
    return waited_for(task) if blocked.reason is Reason.DEPENDENCY else dict(blocked.told)


def dependency_json(dependency: Dependency, task: Task) -> Json:
    """One dependency, and whether it is still open."""
    is_open = dependency in task.waits_for and not task.state.is_ended
    return {"task_id": dependency.task_id, "kind": dependency.kind.value, "is_open": is_open}


def violation_json(violation: Violation) -> Json:
    """Something that a task did and should not have done."""
    return {
        "at": stamp(violation.at), "what": violation.kind.value, "gpu": people_index(violation.index),
        "gpu_uuid": violation.gpu, "pid": violation.pid, "memory_mib": violation.memory,
        "declared_mib": violation.declared, "text": violation_text(violation),
    }  # fmt: skip


def attempt_json(attempt: Attempt) -> Json:
    """One attempt with its result, where it has one."""
    result = attempt.result
    return {
        "attempt": attempt.number,
        "gpus": [people_index(index) for index in attempt.indices],
        "gpu_uuids": list(attempt.gpus),
        "pid": attempt.pid,
        "placed_at": stamp(attempt.placed_at),
        "started_at": stamp(attempt.started_at),
        "ended_at": stamp(result.ended_at) if result else None,
        "exit_code": result.exit_code if result else None,
        "signal": result.signal if result else None,
        "cause": result.cause if result else None,
        "end_reason": attempt.reason.value if attempt.reason else None,
        "log_path": attempt.log_path or None,
        "peak_memory_mib": attempt.peak_memory,
        "utilization_percent": None if attempt.utilization is None else round(attempt.utilization, 1),
        "borrowed": attempt.borrowed,
        "isolation": attempt.isolation.value,
        "violations": [violation_json(violation) for violation in attempt.violations],
        "cpu_s": result.cpu_s if result else None,
        "max_rss_mib": result.max_rss_mib if result else None,
        "detail": result.detail if result else "",
    }


def learned_json(request: TaskRequest, learned: Mapping[str, Learned]) -> Json | None:
    """What is known of a task's name; of names that differ in numbers alone, where its own is new."""
    if not request.is_named:
        return None
    exact = learned.get(name_key(request.tenant, request.name))
    known = exact or learned.get(pattern_key(request.tenant, request.name))
    if known is None:
        return None
    return {
        "name": request.name if exact else pattern_of(request.name),
        "is_exact": exact is not None,
        "n_ends": known.n_ends,
        "run_time_s": run_time(known),
        "peak_memory_mib": known.peak_memory,
        "utilization_percent": None if known.utilization is None else round(known.utilization, 1),
    }


def measured_json(total: Mapping[str, Stat]) -> Json:
    """What a task used over its whole life: peak and mean of each measure; null where it is unknown."""
    return {
        name: {"peak": total[name].high, "mean": round(total[name].mean, 2)} if name in total else None
        for name in MEASURES[Kind.TASK]
    }


def record_json(record: Record) -> Json:
    """One row of the event history."""
    return {
        "at": stamp(record.at), "event": record.kind, "by": record.by, "task_id": record.task_id,
        "subject": record.subject, "details": {name: _told(name, value) for name, value in record.details.items()},
    }  # fmt: skip


def _told(name: str, value: object) -> object:
    return stamp(value) if name.endswith("_at") and isinstance(value, float) else value


def gpu_json(card: Card, view: GpuView) -> Json:
    """A GPU with what it does now."""
    seen = view.sample
    return {
        "index": people_index(card.index),
        "uuid": card.uuid,
        "name": card.name,
        "label": card.label,
        "state": view.state(card, len(view.holders)).value,
        "queue": card.queue,
        "memory_total_mib": card.memory_total,
        "memory_used_mib": view.used,
        "memory_free_mib": view.free,
        "utilization_percent": view.utilization,
        "temperature_c": seen.temperature_c if seen else None,
        "power_w": seen.power_w if seen else None,
        "power_limit_w": seen.power_limit_w if seen else None,
        "tasks": list(view.holders),
        "processes": [_process(p) for p in (seen.processes if seen else ())],
        "unattributed_mib": view.unattributed,
        "claimed_by": view.claimed_by,
        "calm_at": stamp(view.calm_at) if not view.is_foreign else None,
        "fault": card.fault or None,
        "fault_at": stamp(card.fault_at),
        "unavailable": view.unavailable,
        "excluded": view.excluded,
        "accepted_pids": [one.pid for one in card.accepted],
    }


def _process(process: GpuProcess) -> Json:
    return {
        "pid": process.pid,
        "user": process.user,
        "memory_mib": process.memory,
        "task_id": process.task_id,
        "command": process.command,
        "started_at": stamp(process.started_at),
        "since": stamp(process.since),
        "is_ignored": process.is_ignored,
    }


def retry_wish_json(wish: RetryWish) -> Json:
    """A queue's defaults for retries; null where it leaves them to the configuration."""
    return {
        "retries": None if wish.retries is None else format_retries(wish.retries),
        "backoff": None if wish.backoff is None else format_backoff(wish.backoff),
        "burst": wish.burst,
        "on": None if wish.on is None else [reason.value for reason in wish.on],
        "on_gpu_oom": None if wish.on_gpu_oom is None else format_oom_action(wish.on_gpu_oom),
    }


def queue_json(queue: Queue, state: State, *, tells_who: bool) -> Json:
    """A queue, its limits and its counts. `tells_who`: also who paused it."""

    def count(states: Iterable[TaskState]) -> int:
        return sum(state.n_by_queue.get((queue.name, one), 0) for one in states)

    owned = sorted((c for c in state.cards.values() if c.queue == queue.name), key=lambda c: index_key(c.index))
    return {
        "name": queue.name,
        "hold": queue.hold,
        "paused": queue.paused,
        "paused_by": (queue.paused_by or None) if tells_who else None,
        "paused_at": stamp(queue.paused_at),
        "gpus": [people_index(card.index) for card in owned],
        "pool": queue.pool,
        "priority": queue.priority,
        "max_running": queue.max_running,
        "max_gpus": queue.max_gpus,
        "max_util": queue.max_util,
        "mem_type": queue.mem_type.value,
        "mem_value": queue.mem_value,
        "lend": queue.lend,
        "time_limit_s": queue.time_limit_s,
        "max_time_limit_s": queue.max_time_limit_s,
        "idle_after_s": queue.idle_after_s,
        "idle_action": queue.idle_action.value,
        "retry": retry_wish_json(queue.retry),
        "n_pending": count((TaskState.PENDING,)),
        "n_running": count((TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING)),
        "n_held": count((TaskState.HELD,)),
    }


def host_json(use: HostUse) -> Json:
    """How busy the machine is; null where that is unknown."""
    return {
        "name": use.name, "cpu_count": use.n_cpus, "cpu_percent": use.cpu_percent, "memory_total_mib": use.memory_total,
        "memory_used_mib": use.memory_used, "load_1m": use.load,
    }  # fmt: skip


def counts_json(counted: Mapping[str, int]) -> dict[str, int]:
    """How many tasks are in each state; every state is there."""
    return {state.value: counted.get(state.value, 0) for state in TaskState}
