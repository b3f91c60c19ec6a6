"""How people write retries: `3`, `30x2..600`, `exit_nonzero,gpu_lost`, `x1.5`."""

import re

from gavelq.core.errors import InvalidField
from gavelq.core.lifecycle import EndReason
from gavelq.core.retrying import DEFAULT_RETRY_ON, NO_LIMIT, Backoff, OomAction
from gavelq.core.units import parse_count

MAX_PAUSE_S = 7 * 86400.0
_BACKOFF = re.compile(r"(?P<first>\d+(?:\.\d+)?)s?(?:x(?P<factor>\d+(?:\.\d+)?))?(?:\.\.(?P<cap>\d+(?:\.\d+)?)s?)?")

RETRYABLE = (
    EndReason.EXIT_NONZERO,
    EndReason.SIGNALLED,
    EndReason.TIME_LIMIT,
    EndReason.OUT_OF_MEMORY_GPU,
    EndReason.OUT_OF_MEMORY_HOST,
    EndReason.NCCL_ERROR,
    EndReason.CODE_ERROR,
    EndReason.GPU_LOST,
    EndReason.LOST,
    EndReason.SPAWN_FAILED,
)
"""End reasons that a task may be tried again after."""


def parse_retries(text: str | int | float, *, field: str) -> int:
    """Further tries: 0 to 1,000,000; `unlimited` and -1 mean again and again. Raises InvalidField.

    `none` is refused: it could mean no further try, or no limit.
    """
    if str(text).strip().lower() in ("unlimited", "-1"):
        return NO_LIMIT
    try:
        return parse_count(text, field=field, low=0, high=1_000_000)
    except InvalidField as error:
        hint = "write a number from 0 to 1000000, or unlimited"
        raise InvalidField(field=field, problem=f"{text!r} is not a number of further tries", hint=hint) from error


def format_retries(retries: int) -> int | str:
    """The number, or `unlimited`."""
    return "unlimited" if retries == NO_LIMIT else retries


def parse_backoff(text: str | int | float, *, field: str) -> Backoff:
    """`30`, `30x2` or `30x2..600`: first pause in seconds, factor, longest pause. Raises InvalidField.

    Without a factor the pause stays the same; with one and without a cap it grows up to 600 s (or the first pause).
    """
    match = None if isinstance(text, bool) else _BACKOFF.fullmatch(str(text).strip().lower())
    if match is None:
        raise InvalidField(
            field=field, problem=f"{text!r} is not a pause between tries",
            hint="write SECONDS[xFACTOR][..CAP], for example 30x2..600",
        )  # fmt: skip
    first = float(match["first"])
    factor = float(match["factor"] or 1)
    cap = float(match["cap"]) if match["cap"] else max(first, 600.0)
    if not (0 <= first <= MAX_PAUSE_S and 1 <= factor <= 100 and first <= cap <= MAX_PAUSE_S):
        raise InvalidField(
            field=field, problem=f"{text!r} is out of range",
            hint="pauses from 0 s to 7 days, a factor from 1 to 100, a cap of at least the first pause",
        )  # fmt: skip
    return Backoff(first_s=first, factor=factor, cap_s=cap)


def format_backoff(backoff: Backoff) -> str:
    """As `parse_backoff` reads it; a pause that does not grow needs no cap."""
    if backoff.factor == 1:
        return f"{backoff.first_s:g}"
    return f"{backoff.first_s:g}x{backoff.factor:g}..{backoff.cap_s:g}"


def parse_retry_on(value: object, *, field: str) -> tuple[EndReason, ...]:
    """End reasons, as a list or separated by commas; `default` and `all` stand for several. Raises InvalidField."""
    words = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else [value]
    found: list[EndReason] = []
    for word in words:
        name = str(word).strip().lower()
        if name in ("default", "all"):
            found += DEFAULT_RETRY_ON if name == "default" else RETRYABLE
        elif name in {reason.value for reason in RETRYABLE}:
            found.append(EndReason(name))
        else:
            raise InvalidField(
                field=field, problem=f"{name[:60]!r} is not an end that a task can be tried again after",
                hint="write some of " + ", ".join(reason.value for reason in RETRYABLE) + ", or default, or all",
            )  # fmt: skip
    return tuple(dict.fromkeys(found))


def parse_oom_action(value: object, *, field: str) -> OomAction:
    """`same`, `exclusive`, or a factor for the declared memory such as `x1.5`. Raises InvalidField."""
    word = str(value).strip().lower()
    if word == "same":
        return OomAction()
    if word == "exclusive":
        return OomAction(is_exclusive=True)
    try:
        factor = float(word.removeprefix("x"))
    except ValueError:
        factor = 0.0
    if not 1 < factor <= 16:
        raise InvalidField(
            field=field, problem=f"{word[:60]!r} is not something to do after a GPU ran out of memory",
            hint="write same, exclusive, or a factor above 1 such as x1.5",
        )  # fmt: skip
    return OomAction(factor=factor)


def format_oom_action(action: OomAction) -> str:
    """As `parse_oom_action` reads it."""
    if action.is_exclusive:
        return "exclusive"
    return "same" if action.factor is None else f"x{action.factor:g}"
