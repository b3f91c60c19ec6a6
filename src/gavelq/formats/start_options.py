"""What a start of a command file asks for beside its text (docs/command-files.md). It wins over the rules."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_count
from gavelq.formats.fields import READERS, Reader

MAX_SEED = 2_147_483_647
NO_LIMIT_S = math.inf
"""As a time limit: none, whatever the rules say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """None: nothing is said about it."""

    queue: str | None = None
    priority: int | None = None
    time_limit_s: float | None = None
    """NO_LIMIT_S: no limit."""
    retries: int | None = None
    on_failure: str | None = None
    """`continue` or `stop`."""
    seed: int | None = None
    hold: bool | None = None
    workdir: str | None = None
    """Absolute."""
    cwd: str | None = None
    """Where the caller stands: taken where nothing else names a directory."""
    env: Mapping[str, str] | None = field(default=None, repr=False)
    env_dropped: tuple[str, ...] | None = None


def parse_start_options(document: Mapping[str, object]) -> StartOptions:
    """Read the options of a start. Raises InvalidField; null says nothing."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if value is None:
            continue
        reader = OPTIONS.get(name)
        if reader is None:
            hint = f"the options are {', '.join(OPTIONS)}"
            raise InvalidField(field=str(name)[:80], problem="there is no such option of a start", hint=hint)
        found["time_limit_s" if name == "time_limit" else name] = reader(value, name)
    return StartOptions(**found)


def _time_limit(value: object, name: str) -> object:
    is_none = isinstance(value, str) and value.strip().lower() == "none"
    return NO_LIMIT_S if is_none else READERS["time_limit"][1](value, name)


def _on_failure(value: object, name: str) -> object:
    if value not in ("continue", "stop"):
        problem = f"{str(value)[:40]!r} is not something that a lane can do after a failure"
        raise InvalidField(field=name, problem=problem, hint="write continue or stop")
    return value


def _seed(value: object, name: str) -> object:
    return parse_count(str(value) if isinstance(value, bool) else value, field=name, high=MAX_SEED)  # type: ignore[arg-type]  # it judges any type


OPTIONS: dict[str, Reader] = {
    **{name: READERS[name][1] for name in ("queue", "priority", "retries", "hold", "workdir", "env", "env_dropped")},
    "time_limit": _time_limit,
    "time_limit_s": _time_limit,
    "on_failure": _on_failure,
    "seed": _seed,
    "cwd": READERS["workdir"][1],
}
"""Every accepted name, and its reader."""
