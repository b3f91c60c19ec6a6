"""One GPU as a cycle sees it: the register, the ledger and the last sample put together."""

from collections.abc import Mapping
from dataclasses import field
from math import inf
from typing import Any, NamedTuple

from gavelq.core.copying import copier
from gavelq.core.fixed import fixed
from gavelq.core.gpu import Card, CardSample, GpuProcess, GpuState, index_key, is_among
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.learned import pattern_key, utilization_of
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.core.units import format_duration, format_memory
from gavelq.scheduling.policy import Policy

EXCLUDED = "not among rules.compete_gpus"
"""Why nothing starts on a card that the rules leave out; `Policy.allowed_gpus`."""


class Holder(NamedTuple):
    """A task of gavelq on a card."""

    task_id: TaskId
    memory: int
    """What it may use, in MiB: the largest of declared, seen now and seen before; the whole card where undeclared."""
    share: bool
    utilization: float
    """What it is expected to make the card busy with, in percent."""
    ends_at: float
    """When it is gone at the latest (seconds since the epoch); infinite without a time limit."""
    level: int
    queue: QueueName
    preemptible_from: float
    """From when on it may be preempted; infinite: never."""
    borrowed: bool


@fixed
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
    peak_utilization: int | None
    """The highest utilisation within the settling time."""
    held: tuple[Holder, ...]
    foreign: tuple[GpuProcess, ...]
    unattributed: int
    """Memory in use without a visible process, where that counts as foreign; else 0."""
    claimed_by: str | None
    calm_at: float | None
    """When it has been free of foreign use for long enough; None: it is."""
    unavailable: str | None
    """Why nothing new may start here: ignored, excluded, draining, lost, or no fresh look at it."""
    unavailable_details: Mapping[str, Any] = field(hash=False)
    """The same as data."""
    excluded: bool
    """It is not among `rules.compete_gpus`: to every task it is an ignored card, and its state says so."""
    sample: CardSample | None
    held_text: str
    """Which of gavelq's tasks hold it, in words; empty for none."""
    held_details: Mapping[str, Any] = field(hash=False)
    """The same as data."""
    held_until: float
    """When the last of them is gone at the latest; 0 where nobody holds it."""

    @property
    def holders(self) -> tuple[TaskId, ...]:
        """The tasks that hold it."""
        return tuple(holder.task_id for holder in self.held)

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
    def foreign_details(self) -> dict[str, Any]:
        """The same as data."""
        shown = [{"user": p.user, "pid": p.pid, "memory_mib": p.memory} for p in self.foreign[:3]]
        return {"cause": "foreign", "processes": shown, "n": len(self.foreign), "unattributed_mib": self.unattributed}

    @property
    def is_foreign(self) -> bool:
        """Somebody else uses this card."""
        return bool(self.foreign or self.unattributed or self.claimed_by)

    @property
    def is_unused(self) -> bool:
        """Nobody is on it, and nothing is going on there."""
        return not self.held and not self.is_foreign and not self.utilization and not self.peak_utilization

    @property
    def counts_as_available(self) -> bool:
        """For the GPU budget: gavelq uses it, or could use it now (SPEC section 2)."""
        return bool(self.held) or (self.unavailable is None and not self.is_foreign)

    def state(self, card: Card, n_holders: int) -> GpuState:
        """The card's state in our words, the first that holds (SPEC section 4)."""
        if card.lost:
            return GpuState.LOST
        if card.ignored or self.excluded:
            return GpuState.IGNORED
        if card.draining:
            return GpuState.DRAINING
        if self.is_foreign:
            return GpuState.FOREIGN
        if n_holders > 1:
            return GpuState.SHARED
        return GpuState.BUSY if n_holders else GpuState.FREE


def ends_at(task: Task, policy: Policy) -> float:
    """When a task that holds cards is gone at the latest: its supervisor enforces the limit and the grace time."""
    attempt = task.attempt
    if attempt is None:
        return inf
    found = inf
    if task.request.time_limit_s is not None:
        began = attempt.started_at if attempt.started_at is not None else attempt.placed_at + policy.allowance_s
        found = began + task.request.time_limit_s + policy.grace_s
    if task.stop is not None:
        lead = task.request.warn.before_s if task.request.warn is not None else 0.0
        found = min(found, task.stop.since + lead + policy.grace_s + policy.allowance_s)
    return found


def gpu_views(state: State, now: float, policy: Policy) -> dict[GpuUuid, GpuView]:
    """All schedulable cards by UUID, in index order. GPUs in MIG mode are left out: their devices stand for them."""
    sample = state.books.sample
    parents = {card.parent for card in state.cards.values()}
    parents |= {seen.uuid for seen in sample.cards if seen.is_mig_parent}
    stale = stale_text(state, now, policy)
    views = [gpu_view(state, card, now, stale, policy) for card in state.cards.values() if card.uuid not in parents]
    return {view.uuid: view for view in sorted(views, key=lambda view: view.order)}


def stale_text(state: State, now: float, policy: Policy) -> str | None:
    """Why what was last seen of the cards is too old to place anything on; None: it is not."""
    sample = state.books.sample
    age = now - sample.taken_at
    return None if age <= policy.stale_s else (sample.problem or f"no look at it for {format_duration(age)}")


def gpu_view(state: State, card: Card, now: float, stale: str | None, policy: Policy) -> GpuView:
    """One card. `stale`: see `stale_text`."""
    seen = state.books.sample.by_uuid.get(card.uuid)
    on = state.ledger.on(card.uuid)
    processes = seen.processes if seen is not None else ()
    foreign = tuple(p for p in processes if p.task_id not in on and not p.is_ignored)
    used = seen.memory_used if seen is not None else None
    unseen = 0 if seen is None else state.books.unseen(seen, is_held=bool(on), now=now)
    unattributed = unseen if unseen > policy.unattributed_mib else 0
    if all(p.memory is not None for p in processes):
        others = max(0, (used or 0) - sum(p.memory or 0 for p in processes if p.task_id in on))
    else:
        others = sum(p.memory or 0 for p in processes if p.task_id not in on) if on else (used or 0)
    idle_free = max(0, card.memory_total - card.keep_free - others)
    held = tuple(_holder(state, card, task_id, processes, policy) for task_id in on)
    excluded = policy.allowed_gpus is not None and not is_among(card, policy.allowed_gpus)
    unavailable, cause = _unavailable(card, seen, stale, excluded)
    return GpuView(
        uuid=card.uuid,
        index=card.index,
        order=index_key(card.index),
        queue=card.queue,
        is_mig=card.parent is not None,
        memory_total=card.memory_total,
        free=max(0, idle_free - sum(holder.memory for holder in held)),
        idle_free=idle_free,
        used=used,
        utilization=seen.utilization if seen is not None else None,
        peak_utilization=state.books.peak_utilization(card.uuid, now),
        held=held,
        foreign=foreign,
        unattributed=unattributed,
        claimed_by=seen.claimed_by if seen is not None else None,
        calm_at=state.books.calm_at(card.uuid, now),
        unavailable=unavailable,
        unavailable_details={"cause": cause, "fault": card.fault} if cause else {},
        excluded=excluded,
        sample=seen,
        held_text="held by task " + ", ".join(map(str, on)) if on else "",
        held_details={"cause": "held", "tasks": tuple(on), "n": len(on)} if on else {},
        held_until=max((holder.ends_at for holder in held), default=0.0),
    )


_altered = copier(GpuView)


def held_anew(view: GpuView, state: State, policy: Policy, known: dict[tuple[TaskId, int], Holder]) -> GpuView:
    """A card of which only who holds it has changed, and on which the last look showed nothing: see `is_bare`.

    `known`: what was found of holders on other cards, by the memory of those.
    """
    on = state.ledger.on(view.uuid)
    for task_id in on:
        if (task_id, view.memory_total) not in known:
            holder = _holder(state, state.cards[view.uuid], task_id, (), policy)
            known[task_id, view.memory_total] = holder
    held = tuple([known[task_id, view.memory_total] for task_id in on])
    return _altered(
        view,
        free=max(0, view.idle_free - sum([holder.memory for holder in held])),
        held=held,
        held_text="held by task " + ", ".join(map(str, on)) if on else "",
        held_details={"cause": "held", "tasks": tuple(on), "n": len(on)} if on else {},
        held_until=max([holder.ends_at for holder in held], default=0.0),
    )


def is_bare(view: GpuView) -> bool:
    """Whether the last look showed no process and no memory in use: then nothing but its holders depends on them."""
    return view.sample is not None and not view.sample.processes and not view.used


def _holder(state: State, card: Card, task_id: TaskId, processes: tuple[GpuProcess, ...], policy: Policy) -> Holder:
    """What gavelq's task may use: the largest of declared and seen, so that one just placed counts in full."""
    task = state.tasks[task_id]
    request, attempt = task.request, task.attempt
    seen = sum(p.memory or 0 for p in processes if p.task_id == task_id)
    peak = (attempt.peak_memory if attempt is not None else None) or 0
    declared = card.memory_total if request.gpus.memory is None else request.gpus.memory
    may_be_preempted = request.preemptible and task.state is TaskState.RUNNING and attempt is not None
    began = attempt.started_at if attempt is not None and attempt.started_at is not None else inf
    is_known = request.gpus.share and request.is_named
    known = state.learned.get(pattern_key(request.tenant, request.name)) if is_known else None
    return Holder(
        task_id=task_id,
        memory=max(declared, seen, peak),
        share=request.gpus.share and request.gpus.memory is not None,
        utilization=utilization_of(known, policy.unknown_utilization),
        ends_at=ends_at(task, policy),
        level=task.priority + state.queues[task.queue].priority,
        queue=task.queue,
        preemptible_from=began + policy.min_run_s if may_be_preempted else inf,
        borrowed=attempt is not None and attempt.borrowed,
    )


def _unavailable(card: Card, seen: CardSample | None, stale: str | None, excluded: bool) -> tuple[str | None, str]:
    """The text, and a word for it; None and nothing where it may be used."""
    if card.lost:
        return _faulty(card, "lost"), "lost"
    if card.ignored:
        return "ignored", "ignored"
    if excluded:
        return EXCLUDED, "excluded"
    if card.draining:
        return _faulty(card, "draining"), "draining"
    if seen is None or stale is not None:
        return stale or "not seen yet", "unseen"
    return None, ""


def _faulty(card: Card, state: str) -> str:
    """A fault stays until a person says that the card is well again."""
    return f"{state} ({card.fault}; when it is well: gavelq gpu unignore {card.index})" if card.fault else state


Views = Mapping[GpuUuid, GpuView]
