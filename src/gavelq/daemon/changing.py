"""What becomes of a request when some of its fields change: for `task edit` and `task rerun`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gavelq.core.dependencies import FIELDS
from gavelq.core.signals import signal_name
from gavelq.core.task import Dependency, GpuRequest, Lease, TaskRequest
from gavelq.daemon.requests import Intake, name_of
from gavelq.formats.changes import COMMANDS, GPU_FIELDS, Changes

_PLAIN = {
    "workdir": "workdir", "queue": "queue", "priority": "priority", "tags": "tags", "time_limit_s": "time_limit_s",
    "log_path": "log_path", "hold": "hold", "requeue": "requeue", "allow_infeasible": "allow_infeasible",
    "warn": "warn", "not_before": "not_before", "preemptible": "preemptible", "max_parallel": "max_parallel",
    "env": "env", "env_dropped": "dropped_env", "isolation": "isolation", "mps_percent": "mps_percent",
    "description": "description", "notify": "notify", "notify_on": "notify_on",
}  # fmt: skip
"""Fields of ParsedTask that one field of TaskRequest follows."""
_RETRY = {
    "retries": "retries",
    "backoff": "backoff",
    "retry_burst": "burst",
    "retry_on": "on",
    "on_gpu_oom": "on_gpu_oom",
}
_LIMITS = frozenset({"time_limit_s", "warn", "queue"})


def changed(old: TaskRequest, changes: Changes, intake: Intake, env: Mapping[str, str] | None = None) -> TaskRequest:
    """The request with these changes; whatever they do not name stays as it was decided when it was submitted.

    `env` is the task's environment, needed where that changes. Raises what a submission would raise.
    """
    new = intake.request(changes.over(_written(old, changes), env=env), None)
    values: dict[str, Any] = {mine: getattr(new, mine) for name, mine in _PLAIN.items() if name in changes.fields}
    if "queue" in changes.fields:
        values["time_limit_s"] = new.time_limit_s  # another queue has another default, for tasks without a limit
    if changes.fields & GPU_FIELDS:
        values |= {"gpus": new.gpus, "learn_memory": new.learn_memory}
    if changes.fields & _RETRY.keys():
        kept = {mine: getattr(old.retry, mine) for name, mine in _RETRY.items() if name not in changes.fields}
        values["retry"] = replace(new.retry, **kept)
    return replace(old, **values, **_command(old, new, changes), depends_on=_dependencies(old, new, changes))


def read_env(content: bytes) -> dict[str, str]:
    """An environment as the store has it."""
    found: dict[str, str] = json.loads(content)
    return found


def _written(old: TaskRequest, changes: Changes) -> dict[str, Any]:
    """What of the old request has a say in whether the new values make sense, as a task object would have it."""
    # A directory that is gone is no obstacle to an edit of something else.
    written: dict[str, Any] = {
        "queue": old.queue,
        "workdir": old.workdir if "log_path" in changes.given_fields else "/",
    }
    written |= {"lease": True} if isinstance(old.command, Lease) else {"command": "true"}
    if changes.fields & GPU_FIELDS:
        written |= _gpus_written(old.gpus, old.learn_memory)
    if changes.fields & _LIMITS:
        warn = old.warn
        written["time_limit_s"] = old.time_limit_s
        written["warn"] = None if warn is None else f"{signal_name(warn.signal)}@{warn.before_s}"
    if "notify_on" in changes.given_fields and old.notify:
        written["notify"] = list(old.notify)
    return {name: value for name, value in written.items() if value is not None}


def _gpus_written(gpus: GpuRequest, learn_memory: bool) -> dict[str, Any]:
    return {
        "gpu_count": None if gpus.is_elastic else gpus.count,
        "min_gpus": gpus.count if gpus.is_elastic else None,
        "max_gpus": gpus.max_count,
        "gpu_left": gpus.gpu_left,
        "gpu_ids": list(gpus.allowed) or None,
        "memory_mib": gpus.memory,
        "max_util": gpus.max_util,
        "share": gpus.share,
        "learn_memory": learn_memory,
    }


def _command(old: TaskRequest, new: TaskRequest, changes: Changes) -> dict[str, Any]:
    """The command and the name: a name that nobody gave follows the command."""
    command = new.command if changes.fields & COMMANDS else old.command
    if "name" in changes.fields and new.is_named:
        return {"command": command, "name": new.name, "is_named": True}
    if "name" in changes.fields or (command != old.command and not old.is_named):
        return {"command": command, "name": name_of(command), "is_named": False}
    return {"command": command}


def _dependencies(old: TaskRequest, new: TaskRequest, changes: Changes) -> tuple[Dependency, ...]:
    return tuple(
        dependency
        for kind, name in FIELDS.items()
        for dependency in (new if name in changes.fields else old).depends_on
        if dependency.kind is kind
    )
