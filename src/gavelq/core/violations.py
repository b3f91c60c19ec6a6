"""Finds out from looks at the GPUs which tasks are where they should not be (SPEC section 10, promise 7).

One look is not enough: a process may just be ending, or its memory just being given back. What two looks in a row show
counts. A process belongs to a task that it descends from (`GpuProcess.task_id`, filled in by the monitor), so that
nothing is ever said about processes that gavelq did not start.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gavelq.core.gpu import CardSample, GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.isolation import Violation, ViolationKind
from gavelq.core.meters import CLOCK_ERROR_S
from gavelq.core.task import Attempt, Task
from gavelq.core.units import MiB

TOLERANCE_MIB = 256
"""So much more than declared is not minded (setting `isolation.tolerance_mib`): a CUDA context alone has as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A task's violation in one look."""

    task_id: TaskId
    violation: Violation


def new_violations(
    sample: GpuSample,
    before: Callable[[GpuUuid], CardSample | None],
    task_of: Callable[[TaskId], Task | None],
    *,
    tolerance: int,
) -> list[Sighting]:
    """What this look shows, the look `before` showed too, and the task's attempt has no note of yet.

    `task_of` finds tasks that have not ended. Only what holds GPUs (or, on none, runs) can violate anything.
    """
    found = []
    for card in sample.cards:
        earlier = before(card.uuid)
        if earlier is None or card.is_mig_parent:
            continue
        then = _by_task(earlier)
        for task_id, processes in _by_task(card).items():
            task = task_of(task_id)
            if task is None or task.attempt is None or not task.state.holds_gpus or task_id not in then:
                continue
            one = _judged(card, task, task.attempt, processes, then[task_id], tolerance, sample.taken_at)
            if one is not None and not _is_known(task.attempt.violations, one):
                found.append(Sighting(task_id=task_id, violation=one))
    return found


def _by_task(card: CardSample) -> Mapping[TaskId, list[GpuProcess]]:
    found: dict[TaskId, list[GpuProcess]] = {}
    for process in card.processes:
        if process.task_id is not None:
            found.setdefault(process.task_id, []).append(process)
    return found


def _judged(
    card: CardSample, task: Task, attempt: Attempt, now: list[GpuProcess], then: list[GpuProcess], tolerance: int,
    at: float,
) -> Violation | None:  # fmt: skip
    # What an earlier attempt of the task left in the driver's list says nothing about this one.
    processes = [p for p in now if _is_of(p, attempt)]
    if card.uuid not in attempt.gpus:
        pids = {p.pid for p in then if _is_of(p, attempt)}
        staying = [p for p in processes if p.pid in pids]
        if not staying:
            return None
        largest = _largest(staying)
        return Violation(
            kind=ViolationKind.OTHER_GPU, gpu=card.uuid, index=card.index, pid=largest.pid, memory=largest.memory, at=at
        )
    declared = declared_memory(task)
    if declared is None:
        return None
    used = _used(processes)
    used_then = _used(p for p in then if _is_of(p, attempt))
    limit = declared + tolerance
    if used is None or used_then is None or used <= limit or used_then <= limit:
        return None
    return Violation(
        kind=ViolationKind.MEMORY, gpu=card.uuid, index=card.index, pid=_largest(processes).pid, memory=used,
        declared=declared, at=at,
    )  # fmt: skip


def declared_memory(task: Task) -> MiB | None:
    """What a task promised to stay within on each GPU; None: nothing (the whole card, or learned from others)."""
    return None if task.request.learn_memory else task.request.gpus.memory


def _is_of(process: GpuProcess, attempt: Attempt) -> bool:
    if attempt.number == 1 or process.started_at is None:
        return True
    return process.started_at >= attempt.placed_at - CLOCK_ERROR_S


def _used(processes: Iterable[GpuProcess]) -> MiB | None:
    """The memory of all of them; None where the driver does not tell the size of one."""
    sizes = [process.memory for process in processes]
    known = [size for size in sizes if size is not None]
    return MiB(sum(known)) if len(known) == len(sizes) else None


def _largest(processes: list[GpuProcess]) -> GpuProcess:
    return max(processes, key=lambda process: (process.memory or 0, -process.pid))


def _is_known(noted: Iterable[Violation], one: Violation) -> bool:
    return any((v.kind, v.gpu) == (one.kind, one.gpu) for v in noted)


def going_on(noted: Iterable[Violation], card: CardSample) -> Iterator[Violation]:
    """Those of a task's violations on a card that are still to be seen there: the process is."""
    pids = {process.pid for process in card.processes}
    return (v for v in noted if v.gpu == card.uuid and v.pid in pids)
