"""Whose the processes on a leased card are (SPEC section 3).

The processes of a lease are not started by gavelq, so that descent from a supervisor does not tell them. What appears
on a leased card after the lease began belongs to it, and so does whatever descends from its owner, whenever that
started. Once the lease has ended nothing belongs to it any more: who stays is foreign (`surviving`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gavelq.core.gpu import CardSample, GpuProcess
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.task import Lease, Task

START_SLACK_S = 0.1
"""The kernel tells a process's start to the clock tick (10 ms), rounded down, and wall clocks are set now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leasehold:
    """A lease that holds a card now."""

    task_id: TaskId
    started_at: float
    owner_pid: int | None
    """None: it has no owner, only somebody who renews it."""


def leaseholds(holding: Iterable[Task]) -> Mapping[GpuUuid, Sequence[Leasehold]]:
    """The leases that have begun, by card, the latest first. `holding` are the tasks that hold cards."""
    found: dict[GpuUuid, list[Leasehold]] = {}
    for task in holding:
        command, attempt = task.request.command, task.attempt
        if not isinstance(command, Lease) or attempt is None or attempt.started_at is None:
            continue
        owner_pid = command.owner.pid if command.owner is not None else None
        hold = Leasehold(task_id=task.id, started_at=attempt.started_at, owner_pid=owner_pid)
        for gpu in attempt.gpus:
            found.setdefault(gpu, []).append(hold)
    return {gpu: sorted(holds, key=lambda hold: (-hold.started_at, hold.task_id)) for gpu, holds in found.items()}


def leased_to(process: GpuProcess, ancestors: Sequence[int], holds: Sequence[Leasehold]) -> TaskId | None:
    """The lease that a process on a card belongs to; None: none, it is foreign.

    Asked only about processes that descend from no supervisor. `ancestors`: the process itself and all above it.
    Descent decides before time, and where several leases share a card, the one that began last before the process.
    An X server or an ignored user's process belongs to nobody.
    """
    if process.is_ignored:
        return None
    for hold in holds:
        if hold.owner_pid is not None and hold.owner_pid in ancestors:
            return hold.task_id
    if process.started_at is None:
        return None
    return next((hold.task_id for hold in holds if process.started_at >= hold.started_at - START_SLACK_S), None)


def surviving(card: CardSample, ended: TaskId) -> CardSample:
    """A card without a lease that has just ended: its processes run on and are foreign now.

    Other tasks' processes leave the books with their task, because the supervisor ended them; these it did not.
    """
    processes = tuple(replace(p, task_id=None) if p.task_id == ended else p for p in card.processes)
    return replace(card, processes=processes)
