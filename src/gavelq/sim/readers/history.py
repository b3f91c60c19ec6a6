"""gavelq's own past as a trace: the tasks that ran, as the API tells of them, and how they fared in reality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from gavelq.sim.machine import Gpu, Machine
from gavelq.sim.outcome import Outcome, Run
from gavelq.sim.trace import Job, Trace, in_order

NAME = "as_it_was"
"""Under which the past stands beside the policies."""
FIELDS = (
    "id", "submitted_at", "started_at", "ended_at", "not_before", "depends_on", "gpu_count", "max_gpus", "gpu_uuids",
    "memory_mib", "share", "time_limit_s", "tenant", "attempt", "is_lease",
)  # fmt: skip
"""What has to be known of each task."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was, and what is known of how it went."""

    trace: Trace
    machine: Machine
    outcome: Outcome
    is_shared: bool
    """Some tasks shared their cards; the trace then names the memory of these alone."""


def machine_of(gpus: Sequence[Row]) -> Machine:
    """The cards of this machine as `GET /api/gpus` tells of them."""
    return Machine(gpus=tuple(Gpu(memory=gpu["memory_total_mib"]) for gpu in gpus if gpu["memory_total_mib"]))


def read_past(rows: Sequence[Row], machine: Machine) -> Past:
    """Ended tasks (their `FIELDS`) as a trace whose time begins with the first of them.

    A task counts as submitted when it could have run: not before its `not_before`, nor before the ends of the tasks
    that it depends on, where these are among the rows.
    """
    ended = {row["id"]: _seconds(row["ended_at"]) for row in rows if row["ended_at"]}
    ran = [row for row in rows if row["started_at"] and row["ended_at"] and row["gpu_uuids"] and row["gpu_count"]]
    begin = min((_released(row, ended) for row in ran), default=0.0)
    numbers: dict[str, int] = {}
    is_shared = any(row["share"] for row in ran)
    runs = [
        _run(at, row, _released(row, ended) - begin, begin, numbers, has_memory=row["share"] or not is_shared)
        for at, row in enumerate(ran)
    ]
    of_row = {run.job.row: run for run in runs}
    jobs = in_order(run.job for run in runs)
    outcome = Outcome(
        policy=NAME, is_oracle=False, n_gpus=machine.n_gpus, runs=tuple(of_row[job.row] for job in jobs), left_out=0,
        events=0,
    )  # fmt: skip
    return Past(
        trace=Trace(name="history", jobs=jobs, notes=_notes(rows, ran)), machine=machine, outcome=outcome,
        is_shared=is_shared,
    )  # fmt: skip


def _run(at: int, row: Row, released: float, begin: float, numbers: dict[str, int], *, has_memory: bool) -> Run:
    start, end = _seconds(row["started_at"]) - begin, _seconds(row["ended_at"]) - begin
    cards = tuple(numbers.setdefault(uuid, len(numbers)) for uuid in row["gpu_uuids"])
    length, gpus = max(0.0, end - start), row["gpu_count"]
    # An elastic task may have had more cards than it needs: on as many as it needs it takes longer.
    is_elastic = row["max_gpus"] is not None
    job = Job(
        row=at, job_id=str(row["id"]), submit_s=released, gpus=gpus if is_elastic else len(cards),
        duration_s=length * len(cards) / gpus if is_elastic else length,
        user=row["tenant"], tenant=row["tenant"], limit_s=row["time_limit_s"],
        memory_mib=row["memory_mib"] if has_memory else None,
        max_gpus=row["max_gpus"] if is_elastic and row["max_gpus"] != gpus else None,
        waited_s=max(0.0, start - released),
    )  # fmt: skip
    return Run(job, start, start + length, length, cards)


def _released(row: Row, ended: Mapping[int, float]) -> float:
    """Never after its start, whatever clocks say."""
    since = max(_seconds(row["submitted_at"]), _seconds(row["not_before"]) if row["not_before"] else -inf)
    return min(_seconds(row["started_at"]), max([since, *(ended.get(one, -inf) for one in row["depends_on"])]))


def _notes(rows: Sequence[Row], ran: Sequence[Row]) -> tuple[str, ...]:
    found = []
    if len(rows) > len(ran):
        found.append(f"{len(rows) - len(ran)} task(s) never ran, or without a GPU, and were left out")
    n_again = sum(row["attempt"] > 1 for row in ran)
    if n_again:
        found.append(f"{n_again} task(s) were tried several times: the last try stands for the whole task")
    n_leases = sum(bool(row["is_lease"]) for row in ran)
    if n_leases:
        found.append(f"{n_leases} lease(s) count as tasks of the length that they had")
    return tuple(found)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
