"""Which handler answers which event."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.effects import Wake
from gavelq.core.engine import (
    alerts,
    attempts,
    clock,
    editing,
    files,
    gpus,
    idle_policy,
    leases,
    plans,
    queues,
    runs,
    sharing,
    submitting,
    tasks,
    tenants,
)
from gavelq.core.engine.isolating import note_violations
from gavelq.core.engine.learning import note_ends
from gavelq.core.engine.notices import messages_settled, tell_of_tasks
from gavelq.core.engine.once import asked_once
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.settling import settle
from gavelq.core.engine.streaks import forget_ended
from gavelq.core.foreign import mark_ignored
from gavelq.core.step import Step
from gavelq.core.view import View


def handle(view: View, event: ev.Event, now: float, rules: EngineRules) -> Step:
    """Answer one event with a step; the same view, event, time and rules always give the same step.

    `now` is in seconds since the epoch. Raises a GavelqError where the event asks for something that cannot be;
    then nothing has changed.
    """
    step = _answer(view, event, now, rules)
    if step.ended:
        note_ends(view, step, now, rules)
    if step.changes.tasks:
        settle(view, step, now)
        forget_ended(view, step)
        tell_of_tasks(view, step, now)
    return step


def _answer(view: View, event: ev.Event, now: float, rules: EngineRules) -> Step:
    match event:
        case ev.TasksSubmitted():
            step = submitting.tasks_submitted(view, event, now, rules)
            if event.run is not None and step.changes.next_submission_id is not None:  # not a repeated request
                runs.run_started(view, step, event.run, view.next_submission_id, now)
            return step
        case ev.PlanMade():
            return plans.plan_made(view, event, now, rules)
        case ev.AttemptStarted() | ev.AttemptEnded() | ev.SpawnFailed() | ev.AttemptUnknown():
            return attempts.handle(view, event, now, rules)
        case ev.TasksEdited():
            return editing.tasks_edited(view, event, now, rules)
        case ev.TaskReleased() | ev.TaskHeld() | ev.TaskKilled():
            return tasks.handle(view, event, now)
        case ev.TaskMoved() | ev.TaskPrioritized() | ev.TaskRemoved():
            return tasks.handle(view, event, now)
        case ev.QueueCreated() | ev.QueueChanged() | ev.QueueDeleted() | ev.QueueMerged():
            return queues.handle(view, event, now)
        case ev.GpusAllocated() | ev.GpuReleased() | ev.GpuIgnored() | ev.GpuUnignored() | ev.GpuDrained():
            return gpus.handle(view, event, now)
        case ev.GpuShared() | ev.GpuUnshared():
            return sharing.handle(view, event, now, rules)
        case ev.GpusSampled():
            sample = mark_ignored(event.sample, rules.ignored_users, rules.ignored_commands, view.cards())
            step = gpus.gpus_sampled(view, replace(event, sample=sample), now)
            note_violations(view, step, sample, now, rules)
            return step
        case ev.GpusWatched():
            return Step(bursts=event.bursts, effects=[Wake()])
        case ev.LeaseRenewed() | ev.LeaseReleased() | ev.LeasesChecked():
            return leases.handle(view, event, now)
        case ev.FileCreated() | ev.FileEdited() | ev.FileReset() | ev.FileDeleted() | ev.LogBound() | ev.LogUnbound():
            return files.handle(view, event, now)
        case ev.TenantCreated() | ev.TenantChanged() | ev.TenantDeleted():
            return tenants.handle(view, event, now)
        case ev.TokenCreated() | ev.TokenRevoked() | ev.TokensUsed() | ev.ActNoted():
            return tenants.handle(view, event, now)
        case ev.AlertsJudged() | ev.AlertMuted() | ev.AlertUnmuted():
            return alerts.handle(view, event, now, rules)
        case ev.MessagesSettled():
            return messages_settled(view, event, now)
        case ev.TaskIdled() | ev.TaskBusied():
            return idle_policy.handle(view, event, now, rules)
        case ev.RunEdited():
            return runs.run_edited(view, event, now, rules)
        case ev.NumbersFound():
            return submitting.numbers_found(view, event)
        case ev.DaemonStopped():
            return tasks.daemon_stopped(view, event, now)
        case ev.ClockSet():
            return clock.clock_set(view, event, now)
        case ev.AskedOnce():
            return asked_once(view, event, now, lambda creation: _answer(view, creation, now, rules))
        case _:
            assert_never(event)
