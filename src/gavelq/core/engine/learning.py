"""What running and ended tasks teach: peaks kept with attempts, facts kept by name, use charged to tenants."""

from dataclasses import replace

from gavelq.core.engine.quotas import note_hours, offered_cards
from gavelq.core.engine.rules import EngineRules
from gavelq.core.events import GpusSampled
from gavelq.core.fair_share import charged, cost
from gavelq.core.ids import GpuUuid
from gavelq.core.learned import (
    Learned,
    Lesson,
    memory_to_ask,
    name_key,
    pattern_key,
    superfluous,
    taught,
)
from gavelq.core.meters import highest, memory_in
from gavelq.core.step import Step
from gavelq.core.task import Attempt, AttemptResult, Task, TaskRequest, altered
from gavelq.core.tenants import cards_within
from gavelq.core.units import MiB
from gavelq.core.view import View

RISE_PART = 0.05
RISE_MIB = 256
"""A peak that rose by more than either is written, so that a restart of the daemon loses no more than that."""


def observed(view: View, step: Step, event: GpusSampled, now: float) -> None:
    """A look at the GPUs: keep the peaks that rose. The rest of what it tells is volatile (`gavelq.core.meters`)."""
    for card in event.sample.cards:
        for task in view.tasks_on(card.uuid):
            changed = step.changes.tasks.get(task.id, task)
            if changed is None or changed.attempt is None or not changed.state.holds_gpus:
                continue
            seen = memory_in(event.sample, task.id, changed.attempt)
            if seen is not None and _is_news(changed.attempt.peak_memory, seen):
                attempt = replace(changed.attempt, peak_memory=seen)
                # No event row: the history would hold little else.
                step.changes.tasks[task.id] = replace(changed, attempt=attempt)
                step.changes.attempts[task.id, attempt.number] = attempt


def _is_news(before: MiB | None, seen: MiB) -> bool:
    return before is None or seen > before * (1 + RISE_PART) or seen > before + RISE_MIB


def note_ends(view: View, step: Step, now: float, rules: EngineRules) -> None:
    """For each attempt that this step ended: charge its tenant, learn from it, and fill in what it used."""
    for task in step.ended:
        number = task.n_attempts
        attempt, changed = step.changes.attempts.get((task.id, number)), step.changes.tasks.get(task.id)
        if attempt is None or attempt.result is None:
            continue
        done = _measured(view, task, attempt)
        if done is not attempt:
            step.changes.attempts[task.id, number] = done
            if changed is not None and changed.n_attempts == number:
                step.changes.tasks[task.id] = altered(changed, attempt=done)
        _charge(view, step, task, done, min(attempt.result.ended_at, now), now, rules)
        if task.request.is_named:
            _learn(view, step, task.request, _lesson(done, attempt.result), now)


def _measured(view: View, task: Task, attempt: Attempt) -> Attempt:
    meter = view.meter(task.id, attempt.number)
    if meter is None:
        return attempt
    return replace(attempt, peak_memory=highest(attempt.peak_memory, meter.peak), utilization=meter.utilization)


def _charge(view: View, step: Step, task: Task, attempt: Attempt, until: float, now: float, rules: EngineRules) -> None:
    gpus = cost(task.request, attempt)
    if gpus == 0:
        return
    tenant = task.request.tenant
    note_hours(view, step, tenant, attempt, until)
    before = step.changes.shares.get(tenant, view.share(tenant))
    half_life_s = rules.share_half_life_s
    step.changes.shares[tenant] = charged(before, gpus, attempt.placed_at, until, now=now, half_life_s=half_life_s)


def _lesson(attempt: Attempt, result: AttemptResult) -> Lesson:
    run_time_s = None
    if result.cause == "exited" and result.exit_code == 0 and attempt.started_at is not None:
        run_time_s = max(0.0, result.ended_at - attempt.started_at)
    return Lesson(
        is_own_end=result.cause in ("exited", "time_limit"),
        run_time_s=run_time_s,
        peak_memory=attempt.peak_memory,
        utilization=attempt.utilization,
    )


def _learn(view: View, step: Step, request: TaskRequest, lesson: Lesson, now: float) -> None:
    changed: dict[str, Learned] = {}
    for key in sorted({name_key(request.tenant, request.name), pattern_key(request.tenant, request.name)}):
        before = step.changes.learned.get(key, view.learned(key)) or Learned()
        after = taught(before, lesson, now)
        if after != before:
            changed[key] = after
    known = view.all_learned
    for key in superfluous(known, sum(1 for key in changed if key not in known)):
        step.changes.learned[key] = None
    step.changes.learned.update(changed)


def with_learned_memory(view: View, request: TaskRequest) -> TaskRequest:
    """A new task's request with the memory that tasks of such names were seen to use, where it wishes so.

    Where nothing is known, what it declares holds; where it declares nothing, it has its cards for itself. Never more
    than so many of its cards have as it needs: experience makes no request impossible.
    """
    gpus = request.gpus
    if not request.learn_memory or gpus.count == 0:
        return request
    key = pattern_key(request.tenant, request.name)
    wanted = memory_to_ask(view.learned(key)) if request.is_named else None
    sizes = _sizes(view, cards_within(gpus.allowed, offered_cards(view, request.tenant)))
    if wanted is not None and len(sizes) >= gpus.count:
        gpus = replace(gpus, memory=MiB(min(wanted, sizes[gpus.count - 1])))
    elif gpus.share and gpus.memory is None:
        gpus = replace(gpus, share=False)
    return request if gpus == request.gpus else replace(request, gpus=gpus)


def _sizes(view: View, allowed: tuple[GpuUuid, ...]) -> list[int]:
    """The memory of these cards (empty: of all), the largest first."""
    parents = {card.parent for card in view.cards().values()}
    return sorted(
        (
            card.memory_total - card.keep_free
            for card in view.cards().values()
            if card.uuid not in parents and (not allowed or card.uuid in allowed)
        ),
        reverse=True,
    )
