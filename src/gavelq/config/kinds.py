"""What a setting's value may be: how each kind is read from text or YAML, and how it is written back."""

from dataclasses import dataclass
from typing import Any, Protocol

from gavelq.core.errors import InvalidField
from gavelq.core.lifecycle import EndReason
from gavelq.core.retry_words import (
    format_backoff,
    format_oom_action,
    format_retries,
    parse_backoff,
    parse_oom_action,
    parse_retries,
    parse_retry_on,
)
from gavelq.core.retrying import DEFAULT_RETRY_ON, Backoff, OomAction
from gavelq.core.units import NO_MEMORY, MiB, parse_duration, parse_memory

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NONE = frozenset({"", "none", "null", "~"})


class Kind(Protocol):
    """How values of one kind are read and written."""

    @property
    def wanted(self) -> str:
        """What a value has to look like, for documentation and hints."""
        ...

    def parse(self, raw: object, *, field: str) -> Any:
        """The value that `raw` (from YAML, the environment or a flag) means. Raises InvalidField."""
        ...

    def plain(self, value: Any) -> Any:
        """The value as JSON and YAML hold it; `parse` reads it back to the same value."""
        ...


def _wrong(raw: object, kind: Kind, field: str) -> InvalidField:
    return InvalidField(field=field, problem=f"{raw!r} is not {kind.wanted}", hint=f"write {kind.wanted}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false; the words yes, no, on, off, 1 and 0 do as well."""

    wanted: str = "true or false"

    def parse(self, raw: object, *, field: str) -> bool:
        """See Kind.parse."""
        word = str(raw).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise _wrong(raw, self, field)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        return "one of " + ", ".join(self.words)

    def parse(self, raw: object, *, field: str) -> str:
        """See Kind.parse."""
        word = str(raw).strip().lower()
        if word not in self.words:
            raise _wrong(raw, self, field)
        return word

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number in a range."""

    low: int
    high: int

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        return f"a whole number from {self.low} to {self.high}"

    def parse(self, raw: object, *, field: str) -> int:
        """See Kind.parse."""
        number = _as_number(raw)
        if number is None or number != int(number) or not self.low <= number <= self.high:
            raise _wrong(raw, self, field)
        return int(number)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """A number of seconds in a range; durations such as `2m` and `1h` are understood."""

    low: float
    high: float

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        return f"a number of seconds from {self.low:g} to {self.high:g}"

    def parse(self, raw: object, *, field: str) -> float:
        """See Kind.parse."""
        number = _as_number(raw)
        if number is None and isinstance(raw, str):
            try:
                number = parse_duration(raw, field=field)
            except InvalidField:
                number = None
        if number is None or not self.low <= number <= self.high:
            raise _wrong(raw, self, field)
        return number

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return int(value) if value == int(value) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A time in a range, read like `Seconds` and written as people do: `2h`, `90m`, `45s`."""

    low: float
    high: float

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        return f"a duration such as 90s, 30m, 2h or 1d, from {self.plain(self.low)} to {self.plain(self.high)}"

    def parse(self, raw: object, *, field: str) -> float:
        """See Kind.parse."""
        try:
            return Seconds(low=self.low, high=self.high).parse(raw, field=field)
        except InvalidField:
            raise _wrong(raw, self, field) from None

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60)):
            if value and value % seconds == 0:
                return f"{int(value) // seconds}{unit}"
        return f"{value:.15g}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in a range."""

    low: float
    high: float

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        return f"a number from {self.low:g} to {self.high:g}"

    def parse(self, raw: object, *, field: str) -> float:
        """See Kind.parse."""
        number = _as_number(raw)
        if number is None or not self.low <= number <= self.high:
            raise _wrong(raw, self, field)
        return number

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return int(value) if value == int(value) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """A number of further tries."""

    wanted: str = "a number of retries from 0 to 1000000, or unlimited"

    def parse(self, raw: object, *, field: str) -> int:
        """See Kind.parse."""
        return parse_retries(_plain_text(raw, self, field), field=field)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return format_retries(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Pauses between tries."""

    wanted: str = "pauses between tries, written SECONDS[xFACTOR][..CAP], such as 30x2..600"

    def parse(self, raw: object, *, field: str) -> Backoff:
        """See Kind.parse."""
        return parse_backoff(_plain_text(raw, self, field), field=field)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return format_backoff(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReasons:
    """Ends that a task may be tried again after."""

    wanted: str = "a list of end reasons such as exit_nonzero,gpu_lost; `default` and `all` stand for several"

    def parse(self, raw: object, *, field: str) -> tuple[EndReason, ...]:
        """See Kind.parse."""
        return parse_retry_on(raw, field=field)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return ["default"] if tuple(value) == DEFAULT_RETRY_ON else [reason.value for reason in value]


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterOom:
    """What changes after a GPU ran out of memory."""

    wanted: str = "same, exclusive, or a factor above 1 such as x1.5"

    def parse(self, raw: object, *, field: str) -> OomAction:
        """See Kind.parse."""
        return parse_oom_action(raw, field=field)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return format_oom_action(value)


def _plain_text(raw: object, kind: Kind, field: str) -> str | int | float:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise _wrong(raw, kind, field)
    return raw


def _as_number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e18 else None  # nan and infinity compare false


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """An amount of memory; a bare number counts GiB."""

    wanted: str = "an amount of memory such as 24G, 8.5G or 8192M"
    least: MiB = NO_MEMORY

    def parse(self, raw: object, *, field: str) -> MiB:
        """See Kind.parse."""
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise _wrong(raw, self, field)
        found = parse_memory(raw, field=field)
        if found < self.least:
            raise _wrong(raw, self, field)
        return found

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return f"{value // 1024}G" if value % 1024 == 0 else f"{value}M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A list of texts; on the command line and in the environment they are separated by commas."""

    wanted: str = "a list of texts, separated by commas on the command line"
    most: int = 200

    def parse(self, raw: object, *, field: str) -> tuple[str, ...]:
        """See Kind.parse."""
        if isinstance(raw, str):
            written = raw.strip().removeprefix("[").removesuffix("]").strip()
            raw = [] if written.lower() in _NONE else [_unquoted(part.strip()) for part in written.split(",")]
        if not isinstance(raw, list | tuple) or len(raw) > self.most:
            raise _wrong(raw, self, field)
        raw = [str(part) if isinstance(part, int) and not isinstance(part, bool) else part for part in raw]
        for part in raw:
            if not isinstance(part, str) or not part or not part.isprintable():
                raise _wrong(part, self, field)
        return tuple(raw)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return list(value)


def _unquoted(part: str) -> str:
    """A part of a list that was written as in JSON or YAML."""
    is_quoted = len(part) > 1 and part[0] in "\"'" and part[-1] == part[0]
    return part[1:-1] if is_quoted else part


@dataclass(frozen=True, slots=True, kw_only=True)
class Maybe:
    """Another kind's value, or none."""

    kind: Kind

    @property
    def wanted(self) -> str:
        """See Kind.wanted."""
        return f"{self.kind.wanted}, or none"

    def parse(self, raw: object, *, field: str) -> Any:
        """See Kind.parse."""
        if raw is None or (isinstance(raw, str) and raw.strip().lower() in _NONE):
            return None
        try:
            return self.kind.parse(raw, field=field)
        except InvalidField as error:
            hint = error.hint.replace(self.kind.wanted, self.wanted)
            raise InvalidField(field=field, problem=error.details["problem"], hint=hint) from None

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return None if value is None else self.kind.plain(value)
