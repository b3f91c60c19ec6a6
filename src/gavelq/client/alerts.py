"""The SDK's verbs for alerts."""

from collections.abc import Sequence
from typing import Literal, TypedDict, cast

from gavelq.client.http import Link, new_key, query


class Alert(TypedDict):
    """An alert that fires."""

    rule: str
    subject: str
    severity: Literal["warning", "critical"]
    text: str
    value: float | None
    tenant: str | None
    since: str
    fired_at: str
    is_muted: bool
    is_told: bool


class AlertEvent(TypedDict):
    """Something that happened to alerts."""

    at: str
    event: str
    by: str
    rule: str | None
    subject: str | None
    severity: str | None
    text: str | None
    tenant: str | None


class Mute(TypedDict):
    """Alerts that nobody is told of for a while; null: all rules, all subjects."""

    rule: str | None
    subject: str | None
    until: str
    by: str
    at: str
    reason: str | None


class Alerts(TypedDict):
    """What fires, and what happened lately (oldest first)."""

    firing: list[Alert]
    recent: list[AlertEvent]
    mutes: list[Mute]
    is_quiet: bool
    channels: list[str]
    n_waiting: int | None


class Tested(TypedDict):
    """What became of a test."""

    channel: str
    delivered: bool
    problem: str | None


class AlertVerbs:
    """What a Client can do with alerts. Raises as Client does."""

    _link: Link

    def alerts(self, *, limit: int | None = None) -> Alerts:
        """What fires, and the last events; to others than admins, about their own tasks alone."""
        return cast(Alerts, self._link.fetch("GET", "/api/alerts" + query([("limit", limit)])))

    def test_alerts(self, urls: Sequence[str] | None = None) -> list[Tested]:
        """Send a test to these URLs, or to all channels of the configuration."""
        return cast(
            list[Tested],
            self._link.fetch("POST", "/api/alerts/test", {} if urls is None else {"urls": list(urls)}, timeout_s=90.0),
        )

    def mute_alerts(
        self, duration: str | float, *, rule: str | None = None, subject: str | None = None, reason: str = ""
    ) -> Mute:
        """Tell nobody of alerts of a rule (None: of all) about a subject (None: about all) for a while."""
        wanted = {"for": duration, "rule": rule, "subject": subject, "reason": reason}
        return cast(Mute, self._link.fetch("POST", "/api/alerts/mutes", wanted, key=new_key()))

    def unmute_alerts(
        self, *, rule: str | None = None, subject: str | None = None, every: bool = False
    ) -> list[Mute]:  # fmt: skip
        """Take that mute away, or every mute."""
        pairs = [("rule", rule), ("subject", subject), ("all", 1 if every else None)]
        return cast(list[Mute], self._link.fetch("DELETE", "/api/alerts/mutes" + query(pairs)))
