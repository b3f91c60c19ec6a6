"""Runs of command files as JSON: the scheduler object of SPEC section 7, and what else people want to see.

Thousands of tasks that have ended or wait stay the same from one look to the next: each is written down once, and the
answer is put together from text.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from gavelq.core.command_files import Run, StoredFile
from gavelq.core.gpu import index_key
from gavelq.core.units import MiB
from gavelq.daemon.run_ends import Expected
from gavelq.daemon.run_processes import Process
from gavelq.daemon.run_sums import Sums
from gavelq.daemon.views import Json, people_index, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """A queue id with all that is known of it now. `processes`: its tasks, written down."""

    fields: Json
    processes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run with its queue ids."""

    fields: Json
    lanes: list[LaneView] = field(default_factory=list)

    def as_text(self) -> str:
        """One JSON object."""
        lanes = ", ".join(f"{_dumps(lane.fields['id'])}: {_lane_text(lane)}" for lane in self.lanes)
        return f'{_dumps(self.fields)[:-1]}, "queues": {{{lanes}}}}}'


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lane_text(lane: LaneView) -> str:
    return f'{_dumps(lane.fields)[:-1]}, "processes": [{", ".join(lane.processes)}]}}'


def list_text(views: Iterable[RunView]) -> str:
    """`{"schedulers": [...]}`."""
    return f'{{"schedulers": [{", ".join(view.as_text() for view in views)}]}}'


def gib(memory: MiB | None) -> int | float | None:
    """Memory in GiB, as a command file says it; None: whole cards."""
    if memory is None:
        return None
    return memory // 1024 if memory % 1024 == 0 else memory / 1024


def process_text(one: Process, reason: str | None) -> str:
    """A task of a lane; `reason`: why it waits."""
    gpus = [people_index(index) for index in one.gpus]
    return _dumps(
        {
            "index": one.at,
            "status": one.status,
            "commands": list(one.commands),
            "memory_gb": gib(one.memory),
            "gpu_count": one.gpu_count,
            "current_gpu": gpus[0] if gpus and one.state.holds_gpus else None,
            "gpus": gpus,
            "retry_count": one.n_retries,
            "last_error": one.error,
            "task_id": one.task_id,
            "name": one.name,
            "task_state": one.state.value,
            "exit_code": one.exit_code,
            "end_reason": one.end_reason,
            "started_at": stamp(one.started_at),
            "ended_at": stamp(one.ended_at),
            "pending_reason": reason,
        }
    )


def _counters(lanes: Iterable[Sums]) -> Json:
    known = list(lanes)
    return {
        "pending_tasks": sum(sums.n_pending for sums in known),
        "running_tasks": sum(sums.n_running for sums in known),
        "completed_tasks": sum(sums.n_completed for sums in known),
        "failed_tasks": sum(sums.n_failed for sums in known),
        "total_tasks": sum(sums.n_total for sums in known),
        "cancelled_tasks": sum(sums.n_cancelled for sums in known),
        "skipped_tasks": sum(sums.n_skipped for sums in known),
        "retries": sum(sums.n_retries for sums in known),
    }


def lane_status(sums: Sums) -> str:
    """A lane in one of the words that its tasks have, too."""
    if sums.holding:
        return "running"
    head = sums.head
    if head is not None and head.status == "retrying":
        return "retrying"
    if sums.waiting:
        return "waiting"
    return "completed" if sums.n_completed == sums.n_total else "failed"


def lane_json(lane: str, sums: Sums, *, memory: MiB | None, wait: tuple[str, str] | None, expected: Expected) -> Json:
    """A queue id but for its tasks. `memory`: in use now on one GPU; `wait`: why its next task waits, and in words."""
    current = sums.holding[0] if sums.holding else None
    if current is None and sums.head is not None and sums.head.status == "retrying":
        current = sums.head
    gpus = [people_index(index) for one in sums.holding for index in one.gpus]
    at, basis = expected
    return {
        "id": lane,
        "status": lane_status(sums),
        "current_gpu": gpus[0] if gpus else None,
        "current_task": current.name if current is not None else None,
        **_counters((sums,)),
        "last_error": sums.error,
        "last_error_task_id": sums.error_task,
        "current_task_id": current.task_id if current is not None else None,
        "gpus": gpus,
        "memory_used_mib": memory,
        "pending_reason": wait[0] if wait is not None else None,
        "pending_detail": wait[1] if wait is not None else None,
        "started_at": stamp(sums.began),
        "ended_at": stamp(sums.ended_at),
        "expected_end_at": stamp(at),
        "expected_basis": basis,
    }


def run_state(lanes: Iterable[Sums]) -> str:
    """The state of a run in a word of SPEC section 7."""
    known = list(lanes)
    holding = [one for sums in known for one in sums.holding]
    n_pending = sum(sums.n_pending for sums in known)
    if not holding and not n_pending:
        return "completed" if all(sums.n_completed == sums.n_total for sums in known) else "failed"
    if holding and not n_pending and all(one.is_given_up for one in holding):
        return "stopping"
    return "running" if any(sums.began is not None or sums.n_failed for sums in known) else "starting"


def run_json(run: Run, file: StoredFile | None, lanes: dict[str, Sums], expected: Expected) -> Json:
    """A run but for its queue ids. `file`: its configuration, where there is one still."""
    every = list(lanes.values())
    state = run_state(every)
    assigned: dict[str, list[str]] = {}
    for lane, sums in lanes.items():
        for one in sums.holding:
            for index in one.gpus:
                assigned.setdefault(index, []).append(lane)
    used = sorted(assigned, key=index_key)
    last = max(every, key=lambda sums: sums.error_at, default=None)
    is_over = state in ("completed", "failed")
    at, basis = expected
    return {
        "pid": run.submission,
        "mode": run.mode,
        "config_index": file.place if file is not None else None,
        "state": state,
        "started_at": stamp(run.started_at),
        "gpus_used": [people_index(index) for index in used],
        "gpu_assignments": {index: assigned[index] for index in used},
        **_counters(every),
        "last_error": last.error if last is not None else None,
        "run": run.submission,
        "submission_id": run.submission,
        "index": file.place + 1 if file is not None else None,
        "name": run.name,
        "tenant": run.tenant,
        "started_by": run.by,
        "ended_at": stamp(max((sums.ended_at or 0.0 for sums in every), default=0.0)) if is_over and every else None,
        "expected_end_at": stamp(at),
        "expected_basis": basis,
    }


def idle_json(mode: str, config_index: int, name: str, tenant: str) -> Json:
    """A configuration without a run: the same fields, with nothing in them."""
    return {
        "pid": None, "mode": mode, "config_index": config_index, "state": None, "started_at": None, "gpus_used": [],
        "gpu_assignments": {}, **_counters(()), "last_error": None, "run": None, "submission_id": None,
        "index": config_index + 1, "name": name, "tenant": tenant, "started_by": None, "ended_at": None,
        "expected_end_at": None, "expected_basis": None,
    }  # fmt: skip
