"""Building blocks of the designs' tables: what becomes of an entry of a certain name."""

import os
from collections.abc import Callable
from typing import cast

from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry
from gavelq.config.kinds import Seconds
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_count, parse_memory

Rule = Callable[[Draft, Entry], object]
AS_ALWAYS = "that is what gavelq does anyway"
NOT_SAID = "no value stands there: gavelq's own default holds"

_LEVELS = {
    "warn": ("warning", ""),
    "err": ("error", ""),
    "information": ("info", ""),
    "trace": ("debug", "debug is the most that gavelq logs"),
    "verbose": ("debug", "debug is the most that gavelq logs"),
    "notice": ("info", "gavelq has no level between info and warning"),
    "critical": ("error", "error is the least that gavelq logs"),
    "fatal": ("error", "error is the least that gavelq logs"),
    "off": ("error", "error is the least that gavelq logs"),
    "none": ("error", "error is the least that gavelq logs"),
}


def to(name: str, because: str = "") -> Rule:
    """The value is the setting's."""

    def rule(draft: Draft, entry: Entry) -> None:
        if entry.value is None:
            draft.leave(entry, NOT_SAID)
        else:
            draft.take(entry, name, entry.value, because)

    return rule


def unless_negative(name: str, instead: object, because: str = "") -> Rule:
    """The same, where -1 or nothing means no limit and is written as `instead`."""

    def rule(draft: Draft, entry: Entry) -> None:
        is_open = entry.value is None or str(entry.value).strip().lower() in ("-1", "-1.0", "", "none", "null", "inf")
        told = f"{entry.value!r} means no limit there" if is_open and entry.value is not None else because
        draft.take(entry, name, instead if is_open else entry.value, told)

    return rule


def left(because: str, command: str = "") -> Rule:
    """There is no counterpart."""
    return lambda draft, entry: draft.leave(entry, because, command)


def log_level(draft: Draft, entry: Entry) -> None:
    """A level's name in any spelling."""
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    written = str(entry.value).strip().lower()
    level, because = _LEVELS.get(written, (written, ""))
    draft.take(entry, "log.level", level, because)


def log_file(draft: Draft, entry: Entry) -> None:
    """The daemon's log: a file, or a directory that will hold it."""
    value = entry.value
    if value is None or value == "":
        draft.leave(entry, "no file is named; gavelq logs to daemon.log in its state directory")
    elif is_relative(value):
        draft.leave(entry, _from_where("log.path"))
    elif isinstance(value, str) and (value.endswith("/") or os.path.isdir(os.path.expanduser(value))):
        draft.take(entry, "log.path", os.path.join(value, "gavelq.log"), "the log is one file, and this is a directory")
    else:
        draft.take(entry, "log.path", value)


def log_size(draft: Draft, entry: Entry) -> None:
    """How large the daemon's log gets: MB, or a size with its unit."""
    value = entry.value
    if isinstance(value, str) and value.strip()[-1:].isalpha():
        try:
            draft.take(entry, "log.max_mb", max(1, parse_memory(value, field=entry.key)))
        except InvalidField as error:
            draft.refuse(entry, f"{error.details['problem']}; {error.hint}")
    else:
        to("log.max_mb")(draft, entry)


def path_to(name: str, because: str = "") -> Rule:
    """An absolute path; a relative one tells nobody where it begins."""

    def rule(draft: Draft, entry: Entry) -> None:
        if is_relative(entry.value):
            draft.leave(entry, _from_where(name))
        else:
            draft.take(entry, name, entry.value, because if entry.value is not None else "")

    return rule


def is_relative(value: object) -> bool:
    """True for a path that begins at a directory nobody knows."""
    return isinstance(value, str) and value != "" and not value.startswith(("/", "~"))


def _from_where(name: str) -> str:
    return (
        "a relative path counts from where that program was started, which the file does not tell; "
        f"write the absolute one: gavelq config set {name} PATH"
    )


def sample_interval(draft: Draft, entry: Entry) -> None:
    """How often the GPUs are looked at; brought into gavelq's range, and said so."""
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    name = "gpu.sample_interval_s"
    kind = cast("Seconds", BY_NAME[name].kind)
    try:
        wanted = Seconds(low=1e-9, high=86400).parse(entry.value, field=name)
    except InvalidField:
        draft.refuse(entry, f"{entry.value!r} is not a number of seconds above 0")
        return
    taken = min(max(wanted, kind.low), kind.high)
    because = f"gavelq looks at the GPUs every {kind.low:g} to {kind.high:g} s; tasks start as soon as they can anyway"
    draft.take(entry, name, taken, because if taken != wanted else "")


def count(draft: Draft, entry: Entry, *, low: int, high: int) -> int | None:
    """A whole number; None where it is none, and refused then, or left where nothing is said."""
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return None
    try:
        return parse_count(entry.value, field=entry.key, low=low, high=high)
    except (InvalidField, TypeError) as error:
        told = error.details["problem"] if isinstance(error, InvalidField) else f"{entry.value!r} is not a number"
        draft.refuse(entry, told)
        return None
