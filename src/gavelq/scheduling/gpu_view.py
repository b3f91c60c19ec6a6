"""One GPU as a cycle sees it: the register, the ledger and the last sample put together."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.gpu import Card, CardSample, GpuProcess, GpuState, index_key
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.ledger import Allocation
from gavelq.core.state import State
from gavelq.core.units import format_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuView:
    """A card with everything that decides about it. Memory in MiB."""

    uuid: GpuUuid
    index: str
    order: tuple[int, ...]
    queue: QueueName | None
    is_mig: bool
    memory_total: int
    free: int
    """What a new task could use now: `idle_free` less what gavelq's own tasks declared or use."""
    idle_free: int
    """What it could use without gavelq's own tasks: total less what must stay free and foreign use."""
    used: int | None
    utilization: int | None
    holders: tuple[TaskId, ...]
    foreign: tuple[GpuProcess, ...]
    unattributed: int
    """Memory in use without a visible process, where that counts as foreign; else 0."""
    claimed_by: str | None
    unavailable: str | None
    """Why nothing new may start here: ignored, draining, lost, or no fresh look at it."""
    sample: CardSample | None
    held_text: str
    """Which of gavelq's tasks hold it, in words; empty for none."""

    @property
    def foreign_text(self) -> str:
        """Who else uses it, in words."""
        parts = [
            f"{p.user or 'an unknown user'} (pid {p.pid}, {format_memory(p.memory)})" for p in self.foreign[:3]
        ]  # fmt: skip
        if len(self.foreign) > 3:
            parts.append(f"{len(self.foreign) - 3} more processes")
        if self.unattributed:
            parts.append(f"something invisible ({format_memory(self.unattributed)}, a container?)")
        return "used by " + ", ".join(parts)

    @property
    def is_foreign(self) -> bool:
        """Somebody else uses this card."""
        return bool(self.foreign or self.unattributed or self.claimed_by)

    def state(self, card: Card, n_holders: int) -> GpuState:
        """The card's state in our words, the first that holds (SPEC section 4)."""
        if card.lost:
            return GpuState.LOST
        if card.ignored:
            return GpuState.IGNORED
        if card.draining:
            return GpuState.DRAINING
        if self.is_foreign:
            return GpuState.FOREIGN
        if n_holders > 1:
            return GpuState.SHARED
        return GpuState.BUSY if n_holders else GpuState.FREE


def gpu_views(state: State, now: float, *, unattributed_mib: int, stale_s: float) -> dict[GpuUuid, GpuView]:
    """All schedulable cards by UUID, in index order. GPUs in MIG mode are left out: their devices stand for them."""
    sample = state.books.sample
    parents = {card.parent for card in state.cards.values()}
    parents |= {seen.uuid for seen in sample.cards if seen.is_mig_parent}
    age = now - sample.taken_at
    stale = None if age <= stale_s else (sample.problem or f"no look at it for {age:.0f} s")
    views = [
        _view(state, card, sample.by_uuid.get(card.uuid), now, stale, unattributed_mib)
        for card in state.cards.values()
        if card.uuid not in parents
    ]
    return {view.uuid: view for view in sorted(views, key=lambda view: view.order)}


def _view(
    state: State, card: Card, seen: CardSample | None, now: float, stale: str | None, unattributed_mib: int
) -> GpuView:
    held = state.ledger.on(card.uuid)
    processes = seen.processes if seen is not None else ()
    foreign = tuple(p for p in processes if p.task_id not in held)
    used = seen.memory_used if seen is not None else None
    unseen = 0 if seen is None else state.books.unseen(seen, is_held=bool(held), now=now)
    unattributed = unseen if unseen > unattributed_mib else 0
    sizes_known = all(p.memory is not None for p in processes)
    if sizes_known:
        others = max(0, (used or 0) - sum(p.memory or 0 for p in processes if p.task_id in held))
    else:
        others = sum(p.memory or 0 for p in foreign) if held else (used or 0)
    idle_free = max(0, card.memory_total - card.keep_free - others)
    return GpuView(
        uuid=card.uuid,
        index=card.index,
        order=index_key(card.index),
        queue=card.queue,
        is_mig=card.parent is not None,
        memory_total=card.memory_total,
        free=max(0, idle_free - _promised(held, processes, card.memory_total)),
        idle_free=idle_free,
        used=used,
        utilization=seen.utilization if seen is not None else None,
        holders=tuple(held),
        foreign=foreign,
        unattributed=unattributed,
        claimed_by=seen.claimed_by if seen is not None else None,
        unavailable=_unavailable(card, seen, stale),
        sample=seen,
        held_text="held by task " + ", ".join(map(str, held)) if held else "",
    )


def _promised(held: Mapping[TaskId, Allocation], processes: tuple[GpuProcess, ...], total: int) -> int:
    """What gavelq's tasks may use: the larger of declared and seen, so that one just placed counts in full."""
    promised = 0
    for task_id, allocation in held.items():
        seen = sum(p.memory or 0 for p in processes if p.task_id == task_id)
        promised += max(total if allocation.memory is None else allocation.memory, seen)
    return promised


def _unavailable(card: Card, seen: CardSample | None, stale: str | None) -> str | None:
    if card.lost:
        return "lost"
    if card.ignored:
        return "ignored"
    if card.draining:
        return "draining"
    if seen is None or stale is not None:
        return stale or "not seen yet"
    return None
