"""How people write a queue's options, and what is refused."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.idling import IdleAction
from gavelq.core.ids import QueueName
from gavelq.core.option_words import flag, is_none, scalar, word_of
from gavelq.core.queue import MemType, Queue
from gavelq.core.retry_words import parse_backoff, parse_oom_action, parse_retries, parse_retry_on
from gavelq.core.units import parse_count, parse_duration, parse_percent

_NAME_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


def parse_name(name: str) -> QueueName:
    """A new queue's name: 1 to 64 of A-Z a-z 0-9 _ . - Raises InvalidField.

    `.` and `..` are refused as well: browsers and curl take them out of `/api/queues/..` (RFC 3986, section 5.2.4).
    """
    if not 1 <= len(name) <= 64 or not _NAME_CHARS.issuperset(name) or name in (".", ".."):
        raise InvalidField(
            field="name",
            problem=f"{name[:80]!r} is not a queue name",
            hint="use 1 to 64 letters, digits, underscores, dots or dashes, but neither `.` nor `..`",
        )
    return QueueName(name)


def _is_none(value: object) -> bool:
    """A queue's limit is also taken away by the number -1; a tenant's is not."""
    return is_none(value) or (type(value) is int and value == -1)


def _limit(value: object, field: str) -> int | None:
    return None if _is_none(value) else parse_count(scalar(value, field), field=field, low=0)


def _amount(value: object, field: str) -> int:
    return parse_count(scalar(value, field), field=field, low=0, high=1 << 30)


def _percent(value: object, field: str) -> int | None:
    return None if value is None else parse_percent(scalar(value, field), field=field)


def _duration(value: object, field: str) -> float | None:
    return None if _is_none(value) else parse_duration(scalar(value, field), field=field)


_PARSERS: dict[str, Callable[[object, str], object]] = {
    "hold": flag,
    "paused": flag,
    "pool": flag,
    "priority": lambda value, field: parse_count(scalar(value, field), field=field, low=0, high=9),
    "max_running": _limit,
    "max_gpus": _limit,
    "max_util": _percent,
    "mem_type": lambda value, field: MemType.IGNORE if is_none(value) else word_of(MemType, value, field),
    "mem_value": lambda value, field: 0 if is_none(value) else _amount(value, field),
    "lend": flag,
    "time_limit": _duration,
    "max_time_limit": _duration,
    "idle_after": _duration,
    "idle_action": lambda value, field: word_of(IdleAction, value, field),
}
_FIELDS = {"time_limit": "time_limit_s", "max_time_limit": "max_time_limit_s", "idle_after": "idle_after_s"}
"""Where an option has another name than its field."""
_RETRY_PARSERS: dict[str, Callable[[object, str], object]] = {
    "retries": lambda value, field: parse_retries(scalar(value, field), field=field),
    "backoff": lambda value, field: parse_backoff(scalar(value, field), field=field),
    "retry_burst": lambda value, field: parse_count(scalar(value, field), field=field, low=1),
    "retry_on": lambda value, field: parse_retry_on(value, field=field),
    "on_gpu_oom": lambda value, field: parse_oom_action(value, field=field),
}
"""Defaults for a queue's tasks; none: the configuration's."""
_RETRY_FIELDS = {"retry_burst": "burst", "retry_on": "on"}
OPTION_NAMES = (*_PARSERS, *_RETRY_PARSERS)


def with_options(queue: Queue, options: Mapping[str, object]) -> Queue:
    """The queue with some options changed. Raises InvalidField (nothing is changed then) and WrongState."""
    parsed: dict[str, object] = {}
    wish: dict[str, object] = {}
    for name, value in options.items():
        if name in _RETRY_PARSERS:
            said = value is not None and str(value).strip().lower() != "none"
            wish[_RETRY_FIELDS.get(name, name)] = _RETRY_PARSERS[name](value, name) if said else None
            continue
        parser = _PARSERS.get(name)
        if parser is None:
            known = ", ".join(OPTION_NAMES)
            raise InvalidField(field=name, problem="there is no such queue option", hint=f"the options are {known}")
        parsed[_FIELDS.get(name, name)] = parser(value, name)
    if queue.is_builtin and parsed.get("hold", queue.hold) != queue.hold:
        raise WrongState(
            what=f"queue {queue.name}",
            state="built in",
            problem="its `hold` cannot be changed",
            hint="make a queue of your own with: gavelq queue create NAME",
        )
    retry = replace(queue.retry, **wish)  # type: ignore[arg-type]  # each parser gives its option's type
    changed = replace(queue, retry=retry, **parsed)  # type: ignore[arg-type]  # the same
    is_other = changed.mem_type not in (queue.mem_type, MemType.IGNORE)
    if is_other and queue.mem_value and "mem_value" not in parsed:
        unit = "percent" if changed.mem_type is MemType.PERCENTAGE else "MiB"
        raise InvalidField(
            field="mem_type",
            problem=f"mem_value is {queue.mem_value}, and would count in {unit} from now on",
            hint=f"say both: mem_type={changed.mem_type} mem_value=N",
        )
    if changed.mem_type is MemType.PERCENTAGE and changed.mem_value > 100:
        raise InvalidField(field="mem_value", problem=f"{changed.mem_value} is not a percentage", hint="write 0 to 100")
    if changed.max_time_limit_s is not None and (changed.time_limit_s or 0) > changed.max_time_limit_s:
        raise InvalidField(
            field="time_limit", problem="the default is more than max_time_limit", hint="lower it, or raise the cap"
        )
    return changed
