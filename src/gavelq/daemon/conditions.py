"""What the rules of alerts look at: from committed state, the last look at the GPUs and a few facts to conditions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gavelq.core.alerts import RuleName, RuleSpec, Seen
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.isolation import violation_text
from gavelq.core.lifecycle import TaskState
from gavelq.core.pending import Shape
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.core.units import MiB, format_duration, format_memory
from gavelq.core.violations import going_on
from gavelq.scheduling.reasons import Blocked, Reason

COOL_C = 5
"""So much below its threshold a temperature is clear of it."""
ROOM = 1.1
"""So many times the threshold must be free until there is room again."""
_OWN_WISH = frozenset({Reason.QUEUE_PAUSED, Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.BACKOFF, Reason.SERIAL})
"""Who waits for one of these waits for itself or its owner, and nobody has to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is neither in the state nor in the last look."""

    now: float
    is_fresh: bool
    """Whether the last look at the GPUs is recent and complete."""
    blocked: Mapping[GpuUuid, int] = field(default_factory=dict)
    """By card how many pending tasks foreign processes keep away from it."""
    reasons: Mapping[Shape, Blocked] = field(default_factory=dict)
    idle_since: Mapping[TaskId, float] = field(default_factory=dict)
    disk_free: int | None = None
    """MiB free where the state lies; None: unknown."""


Specs = Mapping[RuleName, RuleSpec]


def conditions(state: State, facts: Facts, specs: Specs) -> Iterator[Seen]:
    """Every condition of the rules that are on. Pure: the same arguments give the same answer."""
    for name, look in _LOOKS.items():
        spec = specs.get(name)
        if spec is not None:
            yield from look(state, facts, spec)


def gone_subjects(state: State) -> frozenset[str]:
    """The subjects of firing alerts that are not there any more: tasks that have ended, deleted queues."""
    return frozenset(alert.subject for alert in state.alerts.values() if _is_gone(state, alert.subject))


def _is_gone(state: State, subject: str) -> bool:
    kind, _, name = subject.partition(":")
    match kind:
        case "task":
            return not name.isdigit() or TaskId(int(name)) not in state.tasks
        case "submission":
            return not name.isdigit() or int(name) not in state.members
        case "queue":
            return QueueName(name) not in state.queues
        case "gpu":
            return GpuUuid(name) not in state.cards
    return False


def _limit(spec: RuleSpec) -> float:
    return spec.threshold if spec.threshold is not None else 0.0


def _gpu(card: Card) -> str:
    return f"GPU {card.index}" + (f" ({card.label})" if card.label else "")


def _temperature(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    for card in state.cards.values():
        look = state.books.sample.by_uuid.get(card.uuid) if facts.is_fresh else None
        heat = look.temperature_c if look is not None else None
        yield Seen(
            rule=RuleName.GPU_TEMPERATURE, subject=f"gpu:{card.uuid}", value=heat,
            is_over=heat is not None and heat >= _limit(spec),
            is_clear=heat is not None and heat <= _limit(spec) - COOL_C,
            text=f"{_gpu(card)} is at {heat} C",
        )  # fmt: skip


def _fault(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    for card in state.cards.values():
        is_bad = card.lost or bool(card.fault)
        what = card.fault or "it is lost"
        yield Seen(
            rule=RuleName.GPU_FAULT, subject=f"gpu:{card.uuid}", is_over=is_bad, is_clear=not is_bad,
            text=f"{_gpu(card)}: {what}; look at it, then: gavelq gpu unignore {card.index}",
        )  # fmt: skip


def _blocking(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    for card in state.cards.values():
        n_tasks = facts.blocked.get(card.uuid, 0)
        look = state.books.sample.by_uuid.get(card.uuid)
        pids = [p.pid for p in (look.processes if look else ()) if p.task_id is None and not p.is_ignored]
        who = f" (process {', '.join(map(str, pids[:5]))})" if pids else ""
        yield Seen(
            rule=RuleName.FOREIGN_BLOCKING, subject=f"gpu:{card.uuid}", value=n_tasks,
            is_over=n_tasks >= _limit(spec), is_clear=n_tasks < _limit(spec),
            text=f"{n_tasks} waiting task(s) cannot use {_gpu(card)} because of what others do there{who}",
        )  # fmt: skip


def _idle(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    for task in state.holding.values():
        if task.attempt is None or not task.attempt.gpus:
            continue
        since = facts.idle_since.get(task.id)
        idle_s = None if since is None else facts.now - since
        yield Seen(
            rule=RuleName.ALLOCATION_IDLE, subject=f"task:{task.id}", value=idle_s, tenant=task.request.tenant,
            is_over=idle_s is not None, is_clear=idle_s is None,
            text=f"task {task.id} ({task.request.name}) lets GPU {', '.join(task.attempt.indices)} lie idle",
        )  # fmt: skip


def _wait(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    oldest: dict[QueueName, Task] = {}
    for shape, ids in state.pending.buckets.items():
        blocked = facts.reasons.get(shape)
        if blocked is not None and blocked.reason in _OWN_WISH:
            continue
        task = state.tasks[ids[0]]
        known = oldest.get(shape.queue)
        if known is None or task.submitted_at < known.submitted_at:
            oldest[shape.queue] = task
    for name, task in oldest.items():
        wait_s = facts.now - task.submitted_at
        yield Seen(
            rule=RuleName.QUEUE_WAIT, subject=f"queue:{name}", value=wait_s,
            is_over=wait_s >= _limit(spec), is_clear=wait_s < _limit(spec),
            text=f"task {task.id} has waited in queue {name} for {format_duration(wait_s)}",
        )  # fmt: skip


def _failures(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    held = {task.submission_id: task for task in _held_for_failures(state)}
    for number in {*state.streaks, *held}:
        count = state.streaks.get(number, 0)
        some = held.get(number) or next((state.tasks[one] for one in state.members.get(number, ())), None)
        if some is None:
            continue
        is_over = number in held or count >= _limit(spec)
        text = some.hold_reason if number in held else f"{count} fast failures in a row in submission {number}"
        yield Seen(
            rule=RuleName.REPEATED_FAILURES, subject=f"submission:{number}", value=float(count),
            tenant=some.request.tenant, is_over=is_over, is_clear=not is_over, text=text,
        )  # fmt: skip
    for task in state.tasks.values():
        if task.n_failures:
            is_over = task.n_failures >= _limit(spec)
            yield Seen(
                rule=RuleName.REPEATED_FAILURES, subject=f"task:{task.id}", value=task.n_failures,
                tenant=task.request.tenant, is_over=is_over, is_clear=not is_over,
                text=f"task {task.id} ({task.request.name}) has failed {task.n_failures} times and is tried again",
            )  # fmt: skip


def _held_for_failures(state: State) -> Iterator[Task]:
    if any(one is TaskState.HELD for _, one in state.n_by_queue):
        yield from (task for task in state.tasks.values() if task.state is TaskState.HELD and task.hold_reason)


def _disk(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    free = facts.disk_free
    yield Seen(
        rule=RuleName.DISK_SPACE, subject="disk:state", value=free,
        is_over=free is not None and free < _limit(spec), is_clear=free is not None and free >= _limit(spec) * ROOM,
        text=f"{format_memory(None if free is None else MiB(free))} are free in the state directory",
    )  # fmt: skip


def _violation(state: State, facts: Facts, spec: RuleSpec) -> Iterator[Seen]:
    sample = state.books.sample
    for task in state.holding.values():
        noted = task.attempt.violations if task.attempt is not None else ()
        now_on = [v for card in sample.cards for v in going_on(noted, card)]
        if noted:
            yield Seen(
                rule=RuleName.VIOLATION, subject=f"task:{task.id}", tenant=task.request.tenant,
                is_over=bool(now_on), is_clear=facts.is_fresh and not now_on,
                text=f"task {task.id} ({task.request.name}): {violation_text((now_on or list(noted))[-1])}",
            )  # fmt: skip


_LOOKS = {
    RuleName.GPU_TEMPERATURE: _temperature,
    RuleName.GPU_FAULT: _fault,
    RuleName.FOREIGN_BLOCKING: _blocking,
    RuleName.ALLOCATION_IDLE: _idle,
    RuleName.QUEUE_WAIT: _wait,
    RuleName.REPEATED_FAILURES: _failures,
    RuleName.DISK_SPACE: _disk,
    RuleName.VIOLATION: _violation,
}
