"""Between the core's words and the runner's messages: the daemon's half of the protocol."""

import binascii
from typing import Any

from gavelq.adapters.runner.wire import Malformed, Message
from gavelq.core.events import AttemptEnded, AttemptStarted, RunnerEvent, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.core.task import AttemptResult, ProcessIdentity
from gavelq.ports import RunningAttempt, SpawnRequest


def spawn_message(request: SpawnRequest) -> Message:
    """`spawn`, for a request."""
    return {
        "op": "spawn",
        "task": request.task_id,
        "attempt": request.attempt,
        "steps": [list(step) for step in request.steps],
        "script": None
        if request.script is None
        else binascii.b2a_base64(request.script, newline=False).decode("ascii"),
        "workdir": request.workdir,
        "env": dict(request.env),
        "log_path": request.log_path,
        "log_max_bytes": request.log_max_bytes,
        "claims": list(request.claims),
        "time_limit_s": request.time_limit_s,
        "warn_signal": request.warn_signal,
        "warn_before_s": request.warn_before_s,
        "lease": request.lease,
        "owner": None if request.owner is None else _identity(request.owner),
        "grace_s": request.grace_s,
        "account": request.account,
        "host": request.host,
        "devices": None if request.devices is None else list(request.devices),
        "dev": request.dev,
    }


def needed_protocol(request: SpawnRequest) -> int:
    """The oldest protocol in which this request can be said."""
    if request.devices is not None:
        return 3
    return 2 if request.lease or request.warn_signal is not None else 1


def _identity(process: ProcessIdentity) -> Message:
    return {"pid": process.pid, "start_ticks": process.start_ticks, "boot_id": process.boot_id}


def event(message: Message) -> RunnerEvent:
    """What a `started`, `ended` or `spawn_failed` message reports. Raises Malformed."""
    try:
        return _event(message)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{message.get('kind')!r:.40}: {error!r:.200}") from error


def _event(message: Message) -> RunnerEvent:
    task_id, attempt = TaskId(int(message["task"])), int(message["attempt"])
    match message["kind"]:
        case "started":
            identity = ProcessIdentity(
                **{name: message["supervisor"][name] for name in ("pid", "start_ticks", "boot_id")}
            )
            return AttemptStarted(
                task_id=task_id, attempt=attempt, pid=int(message["pid"]), supervisor=identity, at=float(message["at"])
            )
        case "ended":
            return AttemptEnded(task_id=task_id, attempt=attempt, result=_result(message["result"]))
        case "spawn_failed":
            return SpawnFailed(
                task_id=task_id,
                attempt=attempt,
                problem=str(message["problem"]),
                is_transient=bool(message["is_transient"]),
            )
        case other:
            raise ValueError(f"unknown kind {other!r:.40}")


def _result(found: dict[str, Any]) -> AttemptResult:
    return AttemptResult(
        exit_code=_optional_int(found["exit_code"]),
        signal=_optional_int(found["signal"]),
        started_at=None if found["started_at"] is None else float(found["started_at"]),
        ended_at=float(found["ended_at"]),
        cause=str(found["cause"]),
        cpu_s=float(found.get("cpu_s", 0.0)),
        max_rss_mib=float(found.get("max_rss_mib", 0.0)),
        detail=str(found.get("detail", "")),
    )


def _optional_int(value: object) -> int | None:
    return None if value is None else int(str(value))


def known_attempt(message: Message) -> RunningAttempt | RunnerEvent:
    """One entry of an inventory. Raises Malformed."""
    if message.get("kind") == "starting":
        return RunningAttempt(task_id=TaskId(int(message["task"])), attempt=int(message["attempt"]))
    found = event(message)
    if not isinstance(found, AttemptStarted):
        return found
    return RunningAttempt(
        task_id=found.task_id,
        attempt=found.attempt,
        pid=found.pid,
        supervisor=found.supervisor,
        started_at=found.at,
    )
