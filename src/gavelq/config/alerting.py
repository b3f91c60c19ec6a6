"""The settings of alerts, with kinds of their own: `90 for 1m`, `22:00-07:00`, URLs. docs/alerts.md explains them."""

from dataclasses import dataclass
from typing import Any

from gavelq.config.kinds import Choice, Duration, Kind, Maybe, Memory, Whole
from gavelq.core.alerts import Quiet, RuleSpec
from gavelq.core.errors import InvalidField
from gavelq.core.notices import url_problem

_OFF = frozenset({"off", "none", "false", "no"})
_ON = frozenset({"on", "true", "yes"})
_TIME = Duration(low=0, high=30 * 86400)
MAX_URLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """`THRESHOLD for DURATION`, `on for DURATION` where the rule has no threshold, or `off`."""

    usual: str
    """What `on` means."""
    threshold: Kind | None = None

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        if self.threshold is None:
            return "`on`, `on for 5m`, or `off`"
        return f"a rule such as `{self.usual}`, `on` (the same), or `off` (the first is {self.threshold.wanted})"

    def parse(self, raw: object, *, field: str) -> RuleSpec | None:
        """See Kind.parse; None: the rule is off."""
        if not isinstance(raw, str | int | float):
            raise self._wrong(raw, field)
        written = " ".join(str(raw).split()).lower()
        if written in _OFF:
            return None
        if written in _ON and self.threshold is not None:
            written = self.usual
        first, is_timed, time = written.partition(" for ")
        said = time if is_timed else self.usual.partition(" for ")[2]
        for_s = 0.0 if said in ("", "0", "0s") else self._part(_TIME, said, raw, field)
        if self.threshold is None:
            if first not in _ON:
                raise self._wrong(raw, field)
            return RuleSpec(for_s=for_s)
        return RuleSpec(threshold=float(self._part(self.threshold, first, raw, field)), for_s=for_s)

    def _part(self, kind: Kind, text: str, raw: object, field: str) -> Any:
        try:
            return kind.parse(text, field=field)
        except InvalidField:
            raise self._wrong(raw, field) from None

    def _wrong(self, raw: object, field: str) -> InvalidField:
        return InvalidField(field=field, problem=f"{raw!r:.80} is not {self.wanted}", hint=f"write {self.wanted}")

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        if value is None:
            return "off"
        time = f" for {_TIME.plain(value.for_s)}" if value.for_s or " for " in self.usual else ""
        if self.threshold is None:
            return f"on{time}"
        number = int(value.threshold) if value.threshold == int(value.threshold) else value.threshold
        return f"{self.threshold.plain(number)}{time}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of each day, `HH:MM-HH:MM` in local time; past midnight where the second is earlier."""

    wanted: str = "hours of the day such as 22:00-07:00"

    def parse(self, raw: object, *, field: str) -> Quiet:
        """See Kind.parse."""
        parts = raw.split("-") if isinstance(raw, str) else []
        minutes = [_minutes(part.strip()) for part in parts]
        if len(minutes) != 2 or minutes[0] is None or minutes[1] is None or minutes[0] == minutes[1]:
            raise InvalidField(field=field, problem=f"{raw!r:.80} is not {self.wanted}", hint=f"write {self.wanted}")
        return Quiet(start=minutes[0], end=minutes[1])

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in (value.start, value.end))


def _minutes(text: str) -> int | None:
    hour, _, minute = text.partition(":")
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(minute) == 2):
        return None
    found = int(hour[:3]) * 60 + int(minute)
    return found if int(hour[:3]) < 24 and int(minute) < 60 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """URLs to tell, separated by blanks where they are one text. Messages never repeat them: they may hold secrets."""

    wanted: str = "URLs (https://..., mailto:NAME@HOST, or one that Apprise knows), separated by blanks"

    def parse(self, raw: object, *, field: str) -> tuple[str, ...]:
        """See Kind.parse."""
        if isinstance(raw, str):
            written = raw.strip()
            if len(written) > 1 and written[0] == "[" and written[-1] == "]":
                written = written[1:-1]
            raw = [] if written.lower() in ("", "none") else [part.strip("\"',") for part in written.split()]
        if not isinstance(raw, list | tuple) or len(raw) > MAX_URLS:
            problem = f"it is not a list of at most {MAX_URLS} URLs"
            raise InvalidField(field=field, problem=problem, hint=f"write {self.wanted}")
        for number, url in enumerate(raw, 1):
            problem = url_problem(url) if isinstance(url, str) else "it is no text"
            if problem:
                raise InvalidField(field=field, problem=f"URL {number}: {problem}", hint=f"write {self.wanted}")
        return tuple(raw)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return list(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A short text without blanks."""

    wanted: str

    def parse(self, raw: object, *, field: str) -> str:
        """See Kind.parse."""
        written = raw.strip() if isinstance(raw, str) else ""
        if not written or len(written) > 255 or not written.isprintable() or " " in written:
            raise InvalidField(field=field, problem=f"{raw!r:.80} is not {self.wanted}", hint=f"write {self.wanted}")
        return written

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


TEMPERATURE = AlertRule(usual="90 for 1m", threshold=Whole(low=1, high=150))
FAULT = AlertRule(usual="on")
BLOCKING = AlertRule(usual="1 for 10m", threshold=Whole(low=1, high=1_000_000))
IDLE = AlertRule(usual="3 for 30m", threshold=Whole(low=0, high=50))
WAIT = AlertRule(usual="1d", threshold=Duration(low=1, high=365 * 86400))
FAILURES = AlertRule(usual="3", threshold=Whole(low=1, high=1_000_000))
DISK = AlertRule(usual="1G for 1m", threshold=Memory())
VIOLATING = AlertRule(usual="on")
TLS = Choice(words=("starttls", "tls", "none"))
HOURS = Maybe(kind=Hours())
