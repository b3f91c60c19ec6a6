"""Events about alerts and the messages that tell of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.alerts import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsJudged:
    """A look at everything: these alerts begin, these (by key) are over, and of these the channels may be told."""

    fired: tuple[Alert, ...] = ()
    resolved: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMuted:
    """`alert mute`: of alerts of this rule about this subject (empty: of all) nobody is told until then."""

    by: str
    rule: str
    subject: str
    until: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertUnmuted:
    """`alert unmute`: that mute, or with both empty every mute there is."""

    by: str
    rule: str = ""
    subject: str = ""
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesSettled:
    """Messages of the outbox (by key) that were delivered, or were given up, and why."""

    delivered: tuple[str, ...] = ()
    given_up: Mapping[str, str] = field(default_factory=dict)
