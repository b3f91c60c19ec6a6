"""What would start a waiting task at once, if it asked for something else. Tried out with the cycle itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import Shape
from gavelq.core.units import MiB, format_duration, format_memory
from gavelq.scheduling.cycle import plan
from gavelq.scheduling.placement import match
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot

MAX_QUEUES = 10
_STEP_MIB = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a request, as fields of a task object and in words."""

    fields: Mapping[str, Any]
    words: str


def would_start(task_id: TaskId, shape: Shape, snapshot: Snapshot, policy: Policy) -> list[Change]:
    """The changes with which the task would start now. Costs a cycle for each one that is tried."""
    tried = _variants(shape, snapshot, policy)
    return [change for change, other in tried if _starts(task_id, shape, other, snapshot, policy)]


def _starts(task_id: TaskId, shape: Shape, other: Shape, snapshot: Snapshot, policy: Policy) -> bool:
    """Whether the task is among those that start when it asks for `other`."""
    buckets = {kind: ids for kind, ids in snapshot.buckets.items() if kind not in (shape, other)}
    rest = [one for one in snapshot.buckets[shape] if one != task_id]
    if rest:
        buckets[shape] = rest
    buckets[other] = sorted([*snapshot.buckets.get(other, ()), task_id])
    # Its reservation was for the old request; the sampling of cards is left out, because it only takes a moment.
    kept = {key: held for key, held in snapshot.reservations.items() if held.task_id != task_id}
    tried = plan(replace(snapshot, buckets=buckets, reservations=kept), _at_once(policy))
    return any(start.task_id == task_id for start in tried.starts)


def _at_once(policy: Policy) -> Policy:
    return replace(policy, selection="best_fit") if policy.selection == "sampled" else policy


def _variants(shape: Shape, snapshot: Snapshot, policy: Policy) -> Iterator[tuple[Change, Shape]]:
    if shape.gpus.count:
        yield from _smaller(shape, snapshot, policy)
        quota = snapshot.quotas.get(shape.tenant)
        yield from _freer(shape, () if quota is None else quota.gpus)
    yield from _limited(shape, snapshot, policy)
    for queue in list(snapshot.queues.values())[: MAX_QUEUES + 1]:
        cap = queue.max_time_limit_s  # above it the queue would refuse the task
        is_open = not queue.hold and not queue.paused and (cap is None or (shape.time_limit_s or 0) <= cap)
        if is_open and queue.name != shape.queue:
            yield _change({"queue": queue.name}, f"in queue {queue.name}"), replace(shape, queue=queue.name)


def _change(fields: Mapping[str, Any], words: str) -> Change:
    return Change(fields=fields, words=words)


def _smaller(shape: Shape, snapshot: Snapshot, policy: Policy) -> Iterator[tuple[Change, Shape]]:
    """Fewer GPUs, less memory."""
    gpus, n_fit = shape.gpus, len(match(shape, snapshot, policy).fitting)
    fewer = min(n_fit, gpus.count - 1)
    if fewer > 0:
        words = f"with {fewer} GPU(s) instead of {gpus.count}"
        yield _change({"gpu_count": fewer}, words), replace(shape, gpus=replace(gpus, count=fewer, max_count=None))
    cards = snapshot.cards_for(snapshot.queues[shape.queue])
    may = [card for card in cards if card.unavailable is None and (not gpus.allowed or card.uuid in gpus.allowed)]
    room = sorted(((card.free, card.memory_total) for card in may), reverse=True)
    if len(room) < gpus.count:
        return
    free, whole = room[gpus.count - 1]
    most = free // _STEP_MIB * _STEP_MIB
    if 0 < most < (whole if gpus.memory is None else gpus.memory):
        asked = "the whole card" if gpus.memory is None else format_memory(gpus.memory)
        words = f"with {format_memory(most)} of memory per GPU instead of {asked}"
        yield _change({"memory_mib": most}, words), replace(shape, gpus=replace(gpus, memory=MiB(most)))


def _freer(shape: Shape, cards: tuple[GpuUuid, ...]) -> Iterator[tuple[Change, Shape]]:
    """Any GPU (of these, where there are some: its tenant may use no others), however busy; beside others."""
    gpus = shape.gpus
    if gpus.allowed and gpus.allowed != cards:
        yield _change({"gpu_ids": None}, "on any GPU"), replace(shape, gpus=replace(gpus, allowed=cards))
    if gpus.max_util is not None:
        words = "without its own limit of utilisation"
        yield _change({"max_util": None}, words), replace(shape, gpus=replace(gpus, max_util=None))
    if gpus.memory is not None and not gpus.share:
        yield _change({"share": True}, "beside tasks that share"), replace(shape, gpus=replace(gpus, share=True))


def _limited(shape: Shape, snapshot: Snapshot, policy: Policy) -> Iterator[tuple[Change, Shape]]:
    """A time limit that ends before the GPUs are promised."""
    ends = {held.expected_at for held in snapshot.reservations.values() if held.expected_at is not None}
    for at in sorted(ends, reverse=True)[:3]:
        left = floor(at - snapshot.now - policy.grace_s - policy.allowance_s)
        most = left // 60 * 60 or left  # in whole minutes, where there are some
        if most > 0 and (shape.time_limit_s is None or most < shape.time_limit_s):
            words = f"with a time limit of {format_duration(most)}"
            yield _change({"time_limit_s": most}, words), replace(shape, time_limit_s=float(most))
