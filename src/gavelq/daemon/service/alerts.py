"""Alerts: what fires, what fired lately, mutes, and a test of the channels."""

import asyncio
from collections.abc import Callable, Collection

from gavelq.core import events as ev
from gavelq.core.alerts import Alert, Mute, RuleName, is_muted
from gavelq.core.engine.alerts import MuteNotFound, severity
from gavelq.core.errors import CannotNotify, GpuNotFound, InvalidField, QueueNotFound
from gavelq.core.notices import Message, masked, url_problem
from gavelq.core.step import Record
from gavelq.core.units import parse_duration
from gavelq.daemon.alerting import is_quiet
from gavelq.daemon.caller import Caller
from gavelq.daemon.outbox import notice_of
from gavelq.daemon.service import once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, stamp
from gavelq.ports import Notifier

RECENT = 100
MAX_TESTED = 20
_KINDS = ("alert_firing", "alert_resolved", "alert_unsent", "alert_muted", "alert_unmuted")
MUTE_FIELDS = ("rule", "subject", "for", "reason")


class AlertService:
    """The verbs of `gavelq alert`."""

    def __init__(self, desk: Desk, notifier: Notifier) -> None:
        self._desk = desk
        self._notifier = notifier

    async def show(self, caller: Caller, *, limit: int = RECENT) -> Json:
        """`GET /api/alerts`: what fires and what happened lately; to others than admins, about their own tasks."""
        state, config, now = self._desk.state, self._desk.config(), self._desk.clock.now()
        mutes = [mute for mute in state.mutes.values() if mute.until > now]
        firing = sorted(state.alerts.values(), key=lambda alert: alert.fired_at)
        recent = await self._desk.store.acts(_KINDS, since=0.0, limit=limit if caller.is_admin else limit * 10)
        return {
            "firing": [alert_json(alert, mutes, now) for alert in firing if _may_see(caller, alert.tenant)],
            "recent": [
                recent_json(one.record) for one in recent if _may_see(caller, one.record.details.get("tenant"))
            ][-limit:],
            "mutes": [mute_json(mute) for mute in mutes] if caller.is_admin else [],
            "is_quiet": is_quiet(config, now),
            "channels": [masked(url) for url in config.notify.urls] if caller.is_admin else [],
            "n_waiting": len(state.outbox) if caller.is_admin else None,
        }  # fmt: skip

    async def test(self, caller: Caller, urls: object = None) -> list[Json]:
        """`POST /api/alerts/test`: send a test to these URLs, or to all channels, and tell what became of it."""
        caller.require_admin("testing the channels of alerts")
        now = self._desk.clock.now()
        message = Message(
            key="test", at=now, to="", event="test", title="gavelq: a test", details="{}",
            text=f"{caller.name} tests whether alerts of gavelq arrive here",
        )  # fmt: skip
        targets = self._desk.config().notify.urls if urls is None else _urls(urls)
        return await asyncio.gather(*(self._test_one(url, message) for url in targets))

    async def _test_one(self, url: str, message: Message) -> Json:
        try:
            await self._notifier.send(url, notice_of(message))
        except CannotNotify as error:
            return {"channel": masked(url), "delivered": False, "problem": error.message}
        return {"channel": masked(url), "delivered": True, "problem": None}

    async def mute(self, caller: Caller, body: Json, key: str | None = None) -> Json:
        """`POST /api/alerts/mutes`: nobody is told of these alerts for a while. Raises InvalidField, LimitReached.

        A repetition with the same `key` makes it no longer.
        """
        caller.require_admin("muting alerts")
        rule, subject = parse_rule(body.get("rule")), parse_subject(body.get("subject"), self._known())
        self._require_there(subject)
        given = body.get("for")
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            hint = "write for example 2h; a mute always ends"
            raise InvalidField(field="for", problem=f"{given!r:.80} is not a duration", hint=hint)
        until = self._desk.clock.now() + parse_duration(given, field="for")
        reason = body.get("reason") or ""
        if not isinstance(reason, str) or len(reason) > 500 or not (reason.isprintable()):
            raise InvalidField(field="reason", problem="it is no short text", hint="write at most 500 characters")
        event = ev.AlertMuted(by=caller.name, rule=rule, subject=subject, until=until, reason=reason)
        reply = await once.make(self._desk, caller, event, key, body)
        before = once.made_by(reply)
        made: Mute | None = reply if before is None else self._desk.state.mutes.get(before)
        if made is None:
            raise MuteNotFound(mute="it was taken away, or its time was over")
        return mute_json(made)

    async def unmute(self, caller: Caller, *, rule: str | None, subject: str | None, is_all: bool) -> list[Json]:
        """`DELETE /api/alerts/mutes`: take a mute, or all of them, away. Raises MuteNotFound, InvalidField."""
        caller.require_admin("unmuting alerts")
        event = ev.AlertUnmuted(
            by=caller.name, rule=parse_rule(rule), subject=parse_subject(subject, self._known()), is_all=is_all
        )
        gone: tuple[Mute, ...] = await self._desk.loop.ask(event)
        return [mute_json(mute) for mute in gone]

    def _require_there(self, subject: str) -> None:
        """A GPU or a queue that is not there is a slip, unless an alert about it fires.

        Raises GpuNotFound and QueueNotFound.
        """
        kind, _, name = subject.partition(":")
        if any(alert.subject == subject for alert in self._desk.state.alerts.values()):
            return
        if kind == "gpu" and name not in self._desk.state.cards:
            raise GpuNotFound(gpu=name)
        if kind == "queue" and name not in self._desk.state.queues:
            raise QueueNotFound(queue=name)

    def _known(self) -> Callable[[str], str | None]:
        return self._desk.card_names().get


def parse_rule(value: object) -> str:
    """A rule's name; empty: all. Raises InvalidField."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or value not in set(RuleName):
        words = ", ".join(RuleName)
        raise InvalidField(field="rule", problem=f"{value!r:.80} is not one of {words}", hint=f"write one of {words}")
    return value


def parse_subject(value: object, uuid_of: Callable[[str], str | None]) -> str:
    """A subject as `alert list` shows it; `gpu:0` means the card of that index. Raises InvalidField."""
    if value is None or value == "":
        return ""
    kind, colon, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not name or len(name) > 200 or not name.isprintable() or kind not in _SUBJECTS:
        hint = "write it as `gavelq alert list` shows it, such as gpu:0, task:12 or queue:running"
        raise InvalidField(field="subject", problem=f"{value!r:.80} is not what alerts are about", hint=hint)
    return f"gpu:{uuid_of(name) or name}" if kind == "gpu" else f"{kind}:{name}"


_SUBJECTS = ("gpu", "task", "queue", "submission", "disk")


def _urls(value: object) -> list[str]:
    hint = 'send for example {"urls": ["https://hooks.example.org/x"]}'
    if not isinstance(value, list) or not 0 < len(value) <= MAX_TESTED:
        raise InvalidField(field="urls", problem=f"it is not a list of 1 to {MAX_TESTED} URLs", hint=hint)
    for number, url in enumerate(value):
        problem = url_problem(url) if isinstance(url, str) else "it is no text"
        if problem:
            raise InvalidField(field=f"urls[{number}]", problem=problem, hint=hint)
    return value


def _may_see(caller: Caller, tenant: object) -> bool:
    return caller.is_admin or (tenant is not None and tenant == caller.tenant)


def alert_json(alert: Alert, mutes: Collection[Mute], now: float) -> Json:
    """A firing alert."""
    return {
        "rule": alert.rule.value, "subject": alert.subject, "severity": severity(alert), "text": alert.text,
        "value": alert.value, "tenant": alert.tenant, "since": stamp(alert.since), "fired_at": stamp(alert.fired_at),
        "is_muted": is_muted(alert, mutes, now), "is_told": alert.is_told,
    }  # fmt: skip


def recent_json(record: Record) -> Json:
    """Something that happened to alerts."""
    details = record.details
    return {
        "at": stamp(record.at), "event": record.kind.removeprefix("alert_"), "by": record.by,
        "rule": details.get("rule") or None, "subject": record.subject or details.get("subject") or None,
        "severity": details.get("severity"), "text": details.get("text") or details.get("why"),
        "tenant": details.get("tenant"),
    }  # fmt: skip


def mute_json(mute: Mute) -> Json:
    """A mute; null: all rules, all subjects."""
    return {
        "rule": mute.rule or None, "subject": mute.subject or None, "until": stamp(mute.until), "by": mute.by,
        "at": stamp(mute.at), "reason": mute.reason or None,
    }  # fmt: skip
