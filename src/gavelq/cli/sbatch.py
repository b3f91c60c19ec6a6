"""Values of sbatch's options (sbatch(1)) in gavelq's words; None where there is no counterpart."""

import re

_DEPENDENCIES = {"afterok": "--after", "afterany": "--after-any", "afternotok": "--after-fail"}
_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d"}
_SOON = re.compile(r"now\+(\d+)\s*(?:(second|minute|hour|day)s?)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?|\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")
_SIGNAL = re.compile(r"(?:[BR]{1,2}:)?(\w+)(?:@(\d+))?")
_SIGNAL_S = 60
_NAMED = {"midnight": "00:00", "noon": "12:00", "teatime": "16:00"}


def count(flag: str, value: str) -> str | None:
    """`gpu:2`, `gpu:a100:2`, `a100:2` or `2`; None for other generic resources."""
    parts = value.split(":")
    if flag == "--gres" and parts[0] != "gpu":
        return None
    if parts[-1].isdigit():
        return parts[-1]
    return "1" if flag == "--gres" else None


def time_limit(value: str) -> str:
    """A bare number counts minutes; `D-HH` and `D-HH:MM` are days and hours."""
    days, dash, clock = value.rpartition("-")
    if not dash:
        return f"{value}m" if value.isdigit() else value
    return f"{days}-{clock}{':00' * (2 - clock.count(':'))}"


def begin(value: str) -> str | None:
    """`--begin`: a time of the day, a date, or `now+2hours`."""
    soon = _SOON.fullmatch(value)
    if soon is not None:
        return f"+{soon[1]}{_UNITS[soon[2] or 'second']}"
    return _NAMED.get(value) or (value if _CLOCK.fullmatch(value) else None)


def warning(value: str) -> str | None:
    """`--signal`: `[B:]USR1@90`; a minute before the limit unless it says otherwise.

    Whom it goes to (`B:`, the shell alone) makes no difference: here all processes of the task get it.
    """
    found = _SIGNAL.fullmatch(value)
    return None if found is None else f"{found[1]}@{found[2] or _SIGNAL_S}"


def log(value: str) -> str | None:
    """`--output`: of its patterns only `%a`, the index of an array, has a counterpart."""
    path = value.replace("%a", "{index}")
    return None if "%" in path else path


def dependencies(value: str) -> tuple[dict[str, list[str]], list[str]]:
    """`afterok:12:13,afterany:14` as ids by our option, and the parts without a counterpart."""
    found: dict[str, list[str]] = {}
    strange = []
    for part in [value] if "?" in value else value.split(","):  # `?` asks for any one of them
        kind, *ids = part.split(":")
        option = _DEPENDENCIES.get(kind)
        if option is None or not ids or not all(one.isascii() and one.isdigit() for one in ids):
            strange.append(part)
        else:
            found.setdefault(option, []).extend(ids)
    return found, strange
