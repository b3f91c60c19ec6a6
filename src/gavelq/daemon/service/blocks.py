"""How many waiting tasks each card turns away because of what others do there. Counted when somebody asks."""

from collections.abc import Mapping

from gavelq.core.gpu import GpuSample
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.pending import Shape
from gavelq.core.task import GpuRequest
from gavelq.daemon.service.desk import Desk
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.placement import refuse
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.snapshot import Snapshot, take_snapshot

MAX_KINDS = 100
"""Kinds of requests that are looked at: an overview must stay cheap, and beyond that nobody needs the exact count."""

_BY_OTHERS = frozenset({Reason.GPU_UNAVAILABLE, Reason.GPU_BUSY, Reason.GPU_MEMORY})


def count_blocked(snapshot: Snapshot, reasons: Mapping[Shape, Blocked], policy: Policy) -> dict[GpuUuid, int]:
    """By card the number of pending tasks that it turns away for its foreign use; cards with none are left out.

    `reasons` are those of the last cycle: a task that waits for something else is not counted.
    """
    counts: dict[GpuUuid, int] = {}
    for shape, (blocked, n_tasks) in _kinds(snapshot, reasons).items():
        queue = snapshot.queues[shape.queue]
        for card in snapshot.cards_for(queue):
            if not _may_be_foreign(card, blocked):
                continue
            refusal = refuse(card, shape, queue, policy)
            if refusal is not None and refusal.is_foreign:
                counts[card.uuid] = counts.get(card.uuid, 0) + n_tasks
    return counts


def _kinds(snapshot: Snapshot, reasons: Mapping[Shape, Blocked]) -> dict[Shape, tuple[Blocked, int]]:
    """One shape for all that ask for the same GPUs in the same queue, with its reason and the number of their tasks."""
    first: dict[tuple[QueueName, GpuRequest, Reason], Shape] = {}
    found: dict[Shape, tuple[Blocked, int]] = {}
    for shape, ids in snapshot.buckets.items():
        blocked = reasons.get(shape)
        if blocked is None or blocked.reason not in _BY_OTHERS:
            continue
        kind = first.setdefault((shape.queue, shape.gpus, blocked.reason), shape)
        if kind in found:
            found[kind] = (blocked, found[kind][1] + len(ids))
        elif len(found) < MAX_KINDS:
            found[kind] = (blocked, len(ids))
    return found


def _may_be_foreign(card: GpuView, blocked: Blocked) -> bool:
    return card.is_foreign or card.calm_at is not None or blocked.reason is Reason.GPU_BUSY


class BlockCounter:
    """Counts once for each cycle and look at the GPUs, however often it is asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: tuple[Mapping[Shape, Blocked], GpuSample] | None = None
        self._counts: dict[GpuUuid, int] = {}

    def counts(self) -> Mapping[GpuUuid, int]:
        """See `count_blocked`."""
        loop, state = self._desk.loop, self._desk.state
        reasons, sample = loop.reasons, state.books.sample
        if self._seen is None or self._seen[0] is not reasons or self._seen[1] is not sample:
            self._seen = (reasons, sample)
            self._counts = {}
            if any(blocked.reason in _BY_OTHERS for blocked in reasons.values()):
                snapshot = take_snapshot(state, loop.policy, self._desk.clock.now())
                self._counts = count_blocked(snapshot, reasons, loop.policy)
        return self._counts
