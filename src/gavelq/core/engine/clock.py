"""The machine's clock was set: what is measured from a time before goes on as if the clock had always been right.

Times of what runs and of what waits for a pause or a promised start move with the clock, so that nothing lasts longer
or shorter for it. A calendar time that a person chose (`not_before`, the end of a token) stays. What has ended keeps
its times, and nothing that goes on is left with a time that has not come yet.
"""

from dataclasses import replace

from gavelq.core.effects import Wake
from gavelq.core.engine.attempts import MAX_BACKOFF_S
from gavelq.core.engine.notices import OURSELVES
from gavelq.core.events import ClockSet
from gavelq.core.reservation import Reservation
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, Lease, Task
from gavelq.core.tenants import HOUR_S, HourKey
from gavelq.core.view import View


def clock_set(view: View, event: ClockSet, now: float) -> Step:
    """Move times. The reply is None."""
    step = Step()
    for task in view.live_tasks():
        changed = _moved(task, event, now)
        if changed is not task:
            step.changes.tasks[task.id] = changed
            if changed.attempt is not None:
                step.changes.attempts[task.id, changed.attempt.number] = changed.attempt
    if event.by_s:
        step.effects.append(Wake())
        if view.sample.taken_at > 0:  # it is as old as it was
            step.sample = replace(view.sample, taken_at=view.sample.taken_at + event.by_s)
        step.changes.reservations = {key: _promise(one, event.by_s) for key, one in view.reservations.items()}
        _move_cards(view, step, event.by_s)
        _move_use(view, step, event, now)
        details = {"by_s": round(event.by_s, 3)}
        step.changes.records.append(Record(at=now, kind="clock_set", by=OURSELVES, details=details))
    return step


def _moved(task: Task, event: ClockSet, now: float) -> Task:
    by_s = event.by_s
    changes: dict[str, object] = {}
    if by_s and event.since <= task.submitted_at <= now - by_s:
        changes["submitted_at"] = task.submitted_at + by_s
    elif task.id in event.attempts and task.n_attempts == 1:  # it waited for it as long as it waited
        changes["submitted_at"] = task.submitted_at + event.attempts[task.id]
    command = task.request.command
    if by_s and isinstance(command, Lease) and command.owner is None:
        # Of one that was submitted under yet another clock: it has its whole time again.
        changes["renewed_at"] = min(now, (task.renewed_at or task.submitted_at) + by_s)
    if task.state.holds_gpus:
        attempt_by_s = event.attempts.get(task.id, by_s)
        if attempt_by_s and task.attempt is not None:
            changes["attempt"] = _attempt(task.attempt, attempt_by_s)
        if attempt_by_s and task.stop is not None:
            changes["stop"] = replace(task.stop, since=min(now, task.stop.since + attempt_by_s))
    elif task.retry_at is not None:
        retry_at = _retry_at(task, task.retry_at, by_s, now)
        if retry_at != task.retry_at:
            changes["retry_at"] = retry_at
    return replace(task, **changes) if changes else task  # type: ignore[arg-type]  # by name


def _retry_at(task: Task, at: float, by_s: float, now: float) -> float:
    """The end of a pause that was not over; none lasts longer than its rules say (times two: they add chance)."""
    if at <= now - by_s:
        return at
    return min(at + by_s, now + max(MAX_BACKOFF_S, 2 * task.request.retry.backoff.cap_s))


def _attempt(attempt: Attempt, by_s: float) -> Attempt:
    return replace(
        attempt,
        placed_at=attempt.placed_at + by_s,
        started_at=_plus(attempt.started_at, by_s),
        idle_since=_plus(attempt.idle_since, by_s),
    )


def _promise(kept: Reservation, by_s: float) -> Reservation:
    return replace(kept, expected_at=_plus(kept.expected_at, by_s), promised_at=_plus(kept.promised_at, by_s))


def _plus(at: float | None, by_s: float) -> float | None:
    return None if at is None else at + by_s


def _move_cards(view: View, step: Step, by_s: float) -> None:
    """Start times of processes are counted from the boot: whom a card is shared with is known by another one now."""
    for card in view.cards().values():
        if card.accepted:
            accepted = tuple(replace(one, started_at=_plus(one.started_at, by_s)) for one in card.accepted)
            step.changes.cards[card.uuid] = replace(card, accepted=accepted)


def _move_use(view: View, step: Step, event: ClockSet, now: float) -> None:
    """What tenants had while that clock ran; to the hour, where it is kept by hours."""
    was_at = now - event.by_s
    for tenant, use in view.shares.items():
        if event.since <= use.at <= was_at:
            step.changes.shares[tenant] = replace(use, at=use.at + event.by_s)
    by_hours = round(event.by_s / HOUR_S)
    first, last = int(event.since // HOUR_S), int(was_at // HOUR_S)
    moving = {key: seconds for key, seconds in view.hours.items() if by_hours and first <= key.hour <= last}
    hours = step.changes.hours
    hours.update(dict.fromkeys(moving))
    for key, seconds in moving.items():
        there = HourKey(key.tenant, key.hour + by_hours)
        before = hours[there] if there in hours else view.hours.get(there)
        hours[there] = (before or 0.0) + seconds
