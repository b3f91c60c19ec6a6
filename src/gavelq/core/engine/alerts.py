"""Alerts begin and end, are told to the channels, and are muted for a while."""

import json
from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.alerts import Alert, Mute, key_of
from gavelq.core.engine.rules import EngineRules
from gavelq.core.errors import InvalidField, LimitReached, NotFound
from gavelq.core.notices import Message
from gavelq.core.step import Record, Step
from gavelq.core.view import View

AlertEvent = ev.AlertsJudged | ev.AlertMuted | ev.AlertUnmuted
OURSELVES = "gavelq"
MAX_MUTES = 1000


class MuteNotFound(NotFound):
    """there is no such mute: {mute}"""

    code = "mute_not_found"
    hint = "`gavelq alert list --mutes` shows what is muted"


def handle(view: View, event: AlertEvent, now: float, rules: EngineRules) -> Step:
    """Answer an event about alerts. The reply is the mute, or those that were taken away."""
    step = Step()
    match event:
        case ev.AlertsJudged():
            _judged(view, step, event, now, rules)
        case ev.AlertMuted():
            _mute(view, step, event, now)
        case ev.AlertUnmuted():
            _unmute(view, step, event, now)
        case _:
            assert_never(event)
    return step


def _judged(view: View, step: Step, event: ev.AlertsJudged, now: float, rules: EngineRules) -> None:
    """One firing alert for each key, whatever is handed in twice."""
    for alert in event.fired:
        if alert.key not in view.alerts:
            step.changes.alerts[alert.key] = alert
            step.changes.records.append(_record("alert_firing", alert, now, since_at=alert.since))
    for key in event.told:
        known = step.changes.alerts.get(key) or view.alerts.get(key)
        if known is not None and not known.is_told:
            step.changes.alerts[key] = replace(known, is_told=True)
            _tell(step, known, "firing", now, rules)
    for key in event.resolved:
        over = view.alerts.get(key)
        if over is not None:
            step.changes.alerts[key] = None
            step.changes.records.append(_record("alert_resolved", over, now, fired_at=over.fired_at))
            if over.is_told:
                _tell(step, over, "resolved", now, rules)
    for key, mute in view.mutes.items():
        if mute.until <= now:
            step.changes.mutes[key] = None


def _record(kind: str, alert: Alert, now: float, **times: float) -> Record:
    """About no task, so that the history of alerts is read in one piece; the tenant says who else may see it."""
    details = {
        "rule": alert.rule.value, "severity": severity(alert), "text": alert.text, "value": alert.value,
        "tenant": alert.tenant, **times,
    }  # fmt: skip
    return Record(at=now, kind=kind, by=OURSELVES, subject=alert.subject, details=details)


def severity(alert: Alert) -> str:
    """`critical` or `warning`."""
    return "critical" if alert.is_critical else "warning"


def _tell(step: Step, alert: Alert, event: str, now: float, rules: EngineRules) -> None:
    if not rules.has_channels:
        return
    details = {
        "rule": alert.rule.value, "severity": severity(alert), "subject": alert.subject, "value": alert.value,
        "tenant": alert.tenant, "fired_at": alert.fired_at, "resolved_at": now if event == "resolved" else None,
    }  # fmt: skip
    key = f"alert/{alert.key}/{alert.fired_at:.6f}/{event}"
    step.changes.outbox[key] = Message(
        key=key, at=now, to="", event=event, title=f"gavelq: {alert.rule.value} {event}",
        text=alert.text, details=json.dumps(details),
    )  # fmt: skip


def _mute(view: View, step: Step, event: ev.AlertMuted, now: float) -> None:
    if event.until <= now:
        raise InvalidField(field="for", problem="that time is over", hint="name a longer one, such as 2h")
    mute = Mute(
        rule=event.rule, subject=event.subject, until=event.until, by=event.by, at=now, reason=event.reason
    )  # fmt: skip
    if mute.key not in view.mutes and len(view.mutes) >= MAX_MUTES:
        problem = f"there are {len(view.mutes)} mutes"
        raise LimitReached(limit="the number of mutes", problem=problem, hint="take some away: gavelq alert unmute")
    step.changes.mutes[mute.key] = mute
    details = {"rule": event.rule, "subject": event.subject, "until_at": event.until, "reason": event.reason}
    step.changes.records.append(Record(at=now, kind="alert_muted", by=event.by, details=details))
    step.reply = mute


def _unmute(view: View, step: Step, event: ev.AlertUnmuted, now: float) -> None:
    wanted = key_of(event.rule or "*", event.subject or "*")
    gone = [mute for key, mute in view.mutes.items() if (event.is_all or key == wanted) and mute.until > now]
    if not gone and not event.is_all:
        raise MuteNotFound(mute=f"rule {event.rule or '(all)'}, subject {event.subject or '(all)'}")
    for mute in gone:
        step.changes.mutes[mute.key] = None
        details = {"rule": mute.rule, "subject": mute.subject}
        step.changes.records.append(Record(at=now, kind="alert_unmuted", by=event.by, details=details))
    step.reply = tuple(gone)
