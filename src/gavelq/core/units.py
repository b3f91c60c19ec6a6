"""Quantities with their units, and how people write them."""

from typing import NewType

from gavelq.core.errors import InvalidField

MiB = NewType("MiB", int)
"""Memory in mebibytes. GB and MB on input mean GiB and MiB, as GPU users write them."""

NO_MEMORY = MiB(0)

_MEMORY_FACTORS = {"": 1024.0, "g": 1024.0, "m": 1.0, "t": 1048576.0, "k": 1 / 1024}
_DURATION_FACTORS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_MAX_MEMORY_MIB = 1 << 30
_MAX_DURATION_S = 10 * 365 * 86400.0


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None


def parse_memory(text: str | int | float, *, field: str, bare_unit: str = "g") -> MiB:
    """Read an amount of memory such as `8`, `8.0`, `8G`, `8GiB`, `8192M` or `512MB`.

    A bare number counts in `bare_unit` (`g` = GiB, `m` = MiB). Raises InvalidField for anything else,
    for negative amounts and for more than 2**30 MiB.
    """
    written = str(text).strip().lower()
    digits = written.rstrip("bigmtk")
    suffix = written[len(digits) :].removesuffix("b").removesuffix("i")
    value = _number(digits)
    if value is None or suffix not in _MEMORY_FACTORS or written.endswith(("i",)):
        raise InvalidField(
            field=field,
            problem=f"{text!r} is not an amount of memory",
            hint="write for example 8G, 8.5G or 8192M",
        )
    mib = value * _MEMORY_FACTORS[suffix or bare_unit]
    if not 0 <= mib <= _MAX_MEMORY_MIB:
        raise InvalidField(field=field, problem=f"{text!r} is out of range", hint="write an amount from 0 to 1048576G")
    # Rounded up: a request for 0.0001 GiB still asks for something.
    return MiB(int(mib) if mib == int(mib) else int(mib) + 1)


def parse_duration(text: str | int | float, *, field: str) -> float:
    """Read a duration into seconds: `90`, `90s`, `10m`, `2h`, `1d`, `1h30m`, `HH:MM:SS`, `MM:SS` or `D-HH:MM:SS`.

    A bare number counts seconds. Raises InvalidField for anything else, for zero and for more than ten years.
    """
    seconds = _clock_duration(str(text).strip()) if ":" in str(text) else _unit_duration(str(text).strip().lower())
    if seconds is None:
        raise InvalidField(
            field=field,
            problem=f"{text!r} is not a duration",
            hint="write for example 90s, 10m, 2h, 1h30m or 02:00:00",
        )
    if not 0 < seconds <= _MAX_DURATION_S:
        raise InvalidField(
            field=field,
            problem=f"{text!r} is out of range",
            hint="write a duration above zero and below ten years",
        )
    return seconds


def _clock_duration(text: str) -> float | None:
    days, _, clock = text.rpartition("-")
    parts = clock.split(":")
    if len(parts) > 3 or not all(p.isascii() and p.isdigit() for p in parts) or (days and not days.isdigit()):
        return None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return float(seconds + int(days or 0) * 86400)


def _unit_duration(text: str) -> float | None:
    plain = _number(text)
    if plain is not None:
        return plain
    total, digits = 0.0, ""
    for char in text:
        if char in _DURATION_FACTORS:
            value = _number(digits)
            if value is None:
                return None
            total, digits = total + value * _DURATION_FACTORS[char], ""
        else:
            digits += char
    return None if digits or not text else total


def parse_percent(text: str | int | float, *, field: str) -> int | None:
    """Read a percentage from 0 to 100; `none` and -1 mean no limit. Raises InvalidField for anything else."""
    written = str(text).strip().lower().removesuffix("%")
    if written in ("none", "-1"):
        return None
    value = _number(written)
    if value is None or value != int(value) or not 0 <= value <= 100:
        raise InvalidField(
            field=field,
            problem=f"{text!r} is not a percentage",
            hint="write a whole number from 0 to 100, or none",
        )
    return int(value)


def parse_count(text: str | int | float, *, field: str, low: int = 0, high: int = 1_000_000) -> int:
    """Read a whole number between `low` and `high`. Raises InvalidField for anything else (True counts as such)."""
    value = None if isinstance(text, bool) else _number(str(text))
    if value is None or value != int(value) or not low <= value <= high:
        raise InvalidField(
            field=field,
            problem=f"{text!r} is not a whole number from {low} to {high}",
            hint=f"write a number from {low} to {high}",
        )
    return int(value)


def format_memory(mib: int | None) -> str:
    """`24576` as `24.0G`, `512` as `512M`; None as `?`, because unknown is not zero."""
    if mib is None:
        return "?"
    return f"{mib / 1024:.1f}G" if mib >= 1024 else f"{mib}M"


def told_apart(one: int, other: int) -> tuple[str, str]:
    """Two amounts of memory that are compared; in MiB where both would look the same (a 24G card has 24564M)."""
    rounded = format_memory(one), format_memory(other)
    return rounded if one == other or rounded[0] != rounded[1] else (f"{one}M", f"{other}M")


def format_duration(seconds: float | None) -> str:
    """`3723` as `1h02m`, `63` as `1m03s`, `4.2` as `4s`; None as `-`."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"
