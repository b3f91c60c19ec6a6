"""Alerts: which rules there are, and when what is seen becomes an alert, and an alert is over.

A condition is *over* its threshold, *clear* of it by some margin, or neither (in between, or unknown). An alert fires
when a condition has been over at every look for its rule's time, and is over when it has been clear at every look for
`resolve_s`. So what flaps around a threshold fires once. Looks that did not come (a suspended machine) count as
nothing: after a gap every time is counted anew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MAX_GAP_S = 30.0
"""Looks further apart than this do not make one time."""


class RuleName(StrEnum):
    """What can raise an alert."""

    GPU_TEMPERATURE = "gpu_temperature"
    GPU_FAULT = "gpu_fault"
    FOREIGN_BLOCKING = "foreign_blocking"
    ALLOCATION_IDLE = "allocation_idle"
    QUEUE_WAIT = "queue_wait"
    REPEATED_FAILURES = "repeated_failures"
    DISK_SPACE = "disk_space"
    VIOLATION = "violation"


CRITICAL = frozenset({RuleName.GPU_FAULT, RuleName.DISK_SPACE})
"""Told also in quiet hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """A rule that is on: its threshold (None where it has none), and for how long it must be over it."""

    threshold: float | None = None
    for_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One condition as it looks now."""

    rule: RuleName
    subject: str
    """What it is about: `gpu:UUID`, `task:ID`, `queue:NAME`, `submission:ID` or `disk:state`."""
    is_over: bool
    is_clear: bool
    """Neither: in between, or unknown."""
    text: str = ""
    value: float | None = None
    tenant: str | None = None
    """Whose task it is about; None: the machine's, for admins."""

    @property
    def key(self) -> str:
        """The same condition has the same key."""
        return key_of(self.rule, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert that fires."""

    rule: RuleName
    subject: str
    since: float
    """Since when the condition has been over (seconds since the epoch)."""
    fired_at: float
    text: str
    value: float | None = None
    tenant: str | None = None
    is_told: bool = False
    """Whether the channels were told; not before quiet hours and mutes are over."""

    @property
    def key(self) -> str:
        """One firing alert for each key."""
        return key_of(self.rule, self.subject)

    @property
    def is_critical(self) -> bool:
        """Whether quiet hours do not keep it quiet."""
        return self.rule in CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Alerts that are not told for a while. They fire and are listed all the same."""

    rule: str
    """Empty: all rules."""
    subject: str
    """Empty: all subjects."""
    until: float
    by: str
    at: float
    reason: str = ""

    @property
    def key(self) -> str:
        """One mute for each rule and subject."""
        return key_of(self.rule or "*", self.subject or "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What earlier looks have shown; volatile."""

    over: Mapping[str, float] = field(default_factory=dict)
    """By key since when a condition has been over at every look."""
    clear: Mapping[str, float] = field(default_factory=dict)
    """By key since when the condition of a firing alert has been clear at every look."""
    looked_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one look changes."""

    watch: Watch
    fired: tuple[Alert, ...] = ()
    resolved: tuple[str, ...] = ()
    """Keys of alerts that are over."""


def key_of(rule: str, subject: str) -> str:
    """The key of a rule's alert about a subject."""
    return f"{rule}/{subject}"


def judge(
    seen: Iterable[Seen],
    *,
    specs: Mapping[RuleName, RuleSpec],
    firing: Mapping[str, Alert],
    watch: Watch,
    now: float,
    resolve_s: float,
    gone: Collection[str] = (),
) -> Verdict:
    """One look at everything: which alerts begin to fire, and which are over.

    A condition that is not among those seen is clear. What is said about a rule that is off is ignored, and its alerts
    are over at once, as are those about a subject that is `gone`.
    """
    gap = watch.looked_at is None or not 0 <= now - watch.looked_at <= MAX_GAP_S
    before = Watch() if gap else watch
    by_key = {one.key: one for one in seen if one.rule in specs}
    over = {key: before.over.get(key, now) for key, one in by_key.items() if one.is_over}
    fired = tuple(
        Alert(
            rule=one.rule, subject=one.subject, since=over[key], fired_at=now, text=one.text, value=one.value,
            tenant=one.tenant,
        )
        for key, one in by_key.items()
        if key in over and key not in firing and now - over[key] >= specs[one.rule].for_s
    )  # fmt: skip
    clear: dict[str, float] = {}
    resolved = []
    for key, alert in firing.items():
        found = by_key.get(key)
        if alert.rule not in specs or alert.subject in gone:
            resolved.append(key)
        elif found is None or (found.is_clear and not found.is_over):
            clear[key] = before.clear.get(key, now)
            if now - clear[key] >= resolve_s:
                resolved.append(key)
    left = {key: since for key, since in clear.items() if key not in resolved}
    return Verdict(
        watch=Watch(over=over, clear=left, looked_at=now), fired=fired, resolved=tuple(resolved)
    )  # fmt: skip


def is_muted(alert: Alert, mutes: Iterable[Mute], now: float) -> bool:
    """Whether a mute that has not expired covers an alert."""
    return any(
        now < mute.until and mute.rule in ("", alert.rule) and mute.subject in ("", alert.subject) for mute in mutes
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A part of each day, in minutes after midnight of local time; it may go past midnight."""

    start: int
    end: int

    def covers(self, minute: int) -> bool:
        """Whether a minute of the day (0 to 1439) is in it."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def to_tell(firing: Iterable[Alert], mutes: Collection[Mute], *, is_quiet: bool, now: float) -> tuple[str, ...]:
    """Keys of the alerts that the channels have not been told of and may be told of now."""
    return tuple(
        alert.key
        for alert in firing
        if not alert.is_told and not (is_quiet and not alert.is_critical) and not is_muted(alert, mutes, now)
    )
