"""`gavelq task info`: everything about one task."""

import time

from gavelq.cli.call import Call
from gavelq.cli.hot.listing import gpus_of, shown_name
from gavelq.cli.hot.tree import print_tree
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration, local, memory, run_time
from gavelq.client import lean

_SHOWN_ATTEMPTS = 20
"""An endless number of retries makes no endless answer; `-o json` has them all."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


def print_details(call: Call, task_id: int) -> int:
    """Print a task with its attempts and events; returns 0."""
    reply = call.link().send("GET", f"/api/tasks/{task_id}")
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(reply.body)
        return 0
    task = lean.loads(reply.body)
    # Trying out what would start it costs the daemon cycles: asked for by people only, not by each look at a task.
    told = call.link().fetch("GET", f"/api/tasks/{task_id}/why") if task["state"] == "pending" else {}
    print_fields(_fields(task, told.get("would_start") or ()))
    print_tree(task)
    attempts = task.get("attempts") or []
    if len(attempts) > 1:
        n = task.get("n_attempts") or len(attempts)
        say("\nattempts" + (f" (the last {_SHOWN_ATTEMPTS} of {n})" if n > _SHOWN_ATTEMPTS else ""))
        for attempt in attempts[-_SHOWN_ATTEMPTS:]:
            say("  " + safe(", ".join(_attempt(attempt))))
    events = task.get("events") or []
    if events:
        say("\nhistory")
        for event in events:
            say(f"  {local(event.get('at'))}  {safe(_event(event))}")
    return 0


def _fields(task: "dict[str, Any]", changes: "Sequence[dict[str, Any]]") -> "Iterator[tuple[str, str]]":
    yield "task", str(task["id"])
    yield "name", shown_name(task)
    yield "state", _state(task)
    yield "exit", _exit(task)
    yield "detail", str(task.get("pending_detail") or task.get("end_detail") or task.get("hold_reason") or "-")
    yield "queue", task["queue"]
    yield "priority", str(task["priority"]) if task.get("priority") else "-"
    yield "tenant", task.get("tenant") or "-"
    yield "gpus", gpus_of(task) + (" (" + ", ".join(task["gpu_uuids"]) + ")" if _is_placed(task) else "")
    yield "elastic", _elastic(task)
    yield "memory", _memory(task)
    yield "allows", _allows(task)
    yield "max util", f"{task['max_util']}%" if task.get("max_util") is not None else "-"
    yield "time limit", duration(task.get("time_limit_s"))
    yield "warning", task.get("warn") or "-"
    yield "isolation", _isolation(task)
    yield "violations", "; ".join(found["text"] for found in task.get("violations") or ()) or "-"
    yield "lease", _lease(task)
    yield "not before", local(task.get("not_before"))
    yield "submission", _submission(task)
    yield "tags", ", ".join(task.get("tags") or ()) or "-"
    yield "submitted", local(task.get("submitted_at"))
    yield "started", local(task.get("started_at"))
    yield "ended", local(task.get("ended_at"))
    yield "ran for", duration(run_time(task, time.time()))
    yield "position", str(task.get("position") or "-")
    yield "expected start", expected(task)
    yield "would start now", would_start(changes)
    yield "attempt", str(task.get("attempt") or "-")
    yield "retries", _retries(task)
    yield "pid", str(task.get("pid") or "-")
    told = ", ".join(task.get("notify") or ())
    yield "notifies", f"{told} (on {', '.join(task.get('notify_on') or ())})" if told else "-"
    yield "idle since", local(task["idle_since"]) if task.get("idle_since") else "-"
    yield "resources", _resources((task.get("attempts") or [{}])[-1])
    yield from _measured(task.get("measured") or {})
    yield "known of this name", _learned(task.get("learned"))
    yield "directory", task.get("workdir") or "-"
    yield "log", task.get("log_path") or "-"
    yield "left out of the environment", ", ".join(task.get("env_dropped") or ()) or "-"
    yield "command", task.get("command") or "-"


def _isolation(task: "dict[str, Any]") -> str:
    """How far it is kept to its GPUs; `visible` is what all are and goes without saying."""
    level = task.get("isolation") or "visible"
    part = f", at most {task['mps_percent']}% of the compute" if task.get("mps_percent") is not None else ""
    return "-" if level == "visible" else level + part


def _lease(task: "dict[str, Any]") -> str:
    """Whose lease it is, or until when it was renewed."""
    if not task.get("is_lease"):
        return "-"
    if task.get("lease_owner_pid") is not None:
        return f"of process {task['lease_owner_pid']}, ends with it"
    expires = task.get("lease_expires_at")
    return f"expires {local(expires)} unless renewed" if expires else "to be renewed by its owner"


def expected(task: "dict[str, Any]") -> str:
    """The expected start, and what it is based on."""
    at, basis = task.get("expected_start_at"), task.get("expected_basis")
    if not basis:
        return local(at)
    return f"{local(at)} (by {basis})" if at else f"unknown: {basis}"


def would_start(changes: "Sequence[dict[str, Any]]") -> str:
    """What would start a waiting task at once."""
    return "; ".join(change["text"] for change in changes) or "-"


def _elastic(task: "dict[str, Any]") -> str:
    """How many GPUs it takes at most, at least, and leaves to others."""
    if task.get("max_gpus") is None:
        return "-"
    left = "what others need" if task.get("gpu_left") is None else f"{task['gpu_left']} free"
    return f"{task.get('min_gpus')} to {task['max_gpus']} GPUs, leaves {left}"


def _allows(task: "dict[str, Any]") -> str:
    """What it lets gavelq do."""
    marks = (
        ("share", "sharing its GPUs"),
        ("preemptible", "being preempted"),
        ("requeue", "being run again when lost"),
    )
    return ", ".join(words for field, words in marks if task.get(field)) or "-"


def _retries(task: "dict[str, Any]") -> str:
    """How many tries failed, and by which rules there are more."""
    rules = task.get("retry") or {}
    if not rules.get("retries"):
        return "-"
    told = f"{rules['retries']} ({task.get('n_failures', 0)} tries failed), pauses of {rules.get('backoff')} s"
    return f"{told} after every {rules['burst']} tries" if rules.get("burst") else told


def _submission(task: "dict[str, Any]") -> str:
    """Its number, and what the task is in a sweep."""
    own = [f"{name}={value}" for name, value in (task.get("params") or {}).items()]
    own += [f"index {task['array_index']}"] if task.get("array_index") is not None else []
    return f"{task['submission_id']} ({', '.join(own)})" if own else str(task.get("submission_id") or "-")


def _is_placed(task: "dict[str, Any]") -> bool:
    return bool(task.get("gpu_uuids")) and task["state"] not in ("pending", "held")


def _state(task: "dict[str, Any]") -> str:
    reason = task.get("pending_reason") or task.get("end_reason")
    return f"{task['state']} ({reason})" if reason else str(task["state"])


def _exit(task: "dict[str, Any]") -> str:
    if task.get("signal") is not None:
        return f"signal {task['signal']}"
    return str(task["exit_code"]) if task.get("exit_code") is not None else "-"


def _memory(task: "dict[str, Any]") -> str:
    """What it asked for on each GPU, and the most that it was seen to use on one."""
    mib, peak = task.get("memory_mib"), task.get("peak_memory_mib")
    if peak is not None:
        return f"asked {'for the whole card' if mib is None else memory(mib)}, peak {memory(peak)}"
    return f"{memory(mib)} per GPU" if mib is not None else "whole card" if task.get("gpu_count") else "-"


def _learned(known: "dict[str, Any] | None") -> str:
    """What ended tasks of its name taught; of names that differ in numbers alone, where its own is new."""
    if not known:
        return "-"
    n = known["n_ends"]
    parts = [f"{n} end" if n == 1 else f"{n} ends"]
    if known.get("run_time_s") is not None:
        parts.append(f"about {duration(known['run_time_s'])}")
    if known.get("peak_memory_mib") is not None:
        parts.append(f"peak {memory(known['peak_memory_mib'])}")
    if known.get("utilization_percent") is not None:
        parts.append(f"{known['utilization_percent']:.0f}% busy")
    about = ", ".join(parts)
    return about if known.get("is_exact") else f"{about} (of names such as {known['name']})"


def _resources(found: "dict[str, Any]") -> str:
    """Processor time and peak memory, as the supervisor measured them (getrusage(2)), and how busy its GPUs were."""
    parts = []
    if found.get("cpu_s") is not None:
        parts.append(f"{found['cpu_s']:.1f}s of processor time")
    if found.get("max_rss_mib") is not None:
        parts.append(f"at most {memory(round(found['max_rss_mib']))} of main memory")
    if found.get("utilization_percent") is not None:
        parts.append(f"GPUs {found['utilization_percent']:.0f}% busy")
    return ", ".join(parts) or "-"


def _measured(found: "dict[str, Any]") -> "Iterator[tuple[str, str]]":
    """The peak and the mean of what was sampled while it ran."""

    def mib(value: float) -> str:
        return memory(round(value))

    def percent(value: float) -> str:
        return f"{value:.0f}%"

    shown = (
        ("gpu memory", "gpu_memory_mib", mib),
        ("gpu utilisation", "gpu_utilization_percent", percent),
        ("processor", "cpu_percent", percent),
        ("main memory", "rss_mib", mib),
        ("processes", "n_processes", lambda value: f"{value:.3g}"),
    )
    for title, name, written in shown:
        use = found.get(name)
        if use is not None:
            yield title, f"peak {written(use['peak'])}, mean {written(use['mean'])}"


def _attempt(found: "dict[str, Any]") -> "Iterator[str]":
    yield str(found.get("attempt", "?"))
    gpus = found.get("gpus")
    if gpus:
        yield "GPU " + ",".join(str(index) for index in gpus)
    if found.get("started_at"):
        yield f"started {local(found['started_at'])}"
        yield f"ran for {duration(run_time(found, time.time()))}"
    if found.get("end_reason") or found.get("cause"):
        yield str(found.get("end_reason") or found["cause"])
    if _exit(found) != "-":
        yield f"exit {_exit(found)}"
    if found.get("peak_memory_mib") is not None:
        yield f"peak {memory(found['peak_memory_mib'])}"
    if found.get("utilization_percent") is not None:
        yield f"{found['utilization_percent']:.0f}% busy"
    if found.get("detail"):
        yield str(found["detail"])
    if found.get("log_path"):
        yield f"log {found['log_path']}"


def _event(event: "dict[str, Any]") -> str:
    details = event.get("details") or {}
    parts = [str(event.get("event", "?"))]
    if event.get("by"):
        parts.append(f"by {event['by']}")
    parts.extend(f"{name}={_plain(name, value)}" for name, value in details.items() if _is_worth_telling(name, value))
    return " ".join(parts)


def _plain(name: str, value: "Any") -> str:
    if name.endswith("_at") and isinstance(value, str):
        return local(value)
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _is_worth_telling(name: str, value: "Any") -> bool:
    # What was asked for stands above already.
    return value not in (None, "", [], {}) and name not in ("command", "name")
