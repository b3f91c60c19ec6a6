"""How people write a queue's options, and what is refused."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.ids import QueueName
from gavelq.core.queue import MemType, Queue
from gavelq.core.units import parse_count, parse_percent

_NAME_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def parse_name(name: str) -> QueueName:
    """A queue's name: 1 to 64 of A-Z a-z 0-9 _ . - Raises InvalidField."""
    if not 1 <= len(name) <= 64 or not _NAME_CHARS.issuperset(name):
        raise InvalidField(
            field="name",
            problem=f"{name[:80]!r} is not a queue name",
            hint="use 1 to 64 letters, digits, underscores, dots or dashes",
        )
    return QueueName(name)


def _flag(value: object, field: str) -> bool:
    written = str(value).strip().lower()
    if written in _TRUE:
        return True
    if written in _FALSE:
        return False
    raise InvalidField(field=field, problem=f"{value!r} is neither true nor false", hint="write true or false")


def _limit(value: object, field: str) -> int | None:
    if value is None or str(value).strip().lower() in ("none", "-1", ""):
        return None
    return parse_count(_scalar(value, field), field=field, low=0)


def _percent(value: object, field: str) -> int | None:
    return None if value is None else parse_percent(_scalar(value, field), field=field)


def _scalar(value: object, field: str) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidField(field=field, problem=f"{value!r} is not a number", hint="write a number")
    return value


def _mem_type(value: object, field: str) -> MemType:
    try:
        return MemType(str(value).strip().lower())
    except ValueError:
        choices = ", ".join(kind.value for kind in MemType)
        raise InvalidField(
            field=field, problem=f"{value!r} is not one of {choices}", hint=f"write one of {choices}"
        ) from None


_PARSERS: dict[str, Callable[[object, str], object]] = {
    "hold": _flag,
    "paused": _flag,
    "pool": _flag,
    "priority": lambda value, field: parse_count(_scalar(value, field), field=field, low=0, high=9),
    "max_running": _limit,
    "max_gpus": _limit,
    "max_util": _percent,
    "mem_type": _mem_type,
    "mem_value": lambda value, field: parse_count(_scalar(value, field), field=field, low=0, high=1 << 30),
}
OPTION_NAMES = tuple(_PARSERS)


def with_options(queue: Queue, options: Mapping[str, object]) -> Queue:
    """The queue with some options changed. Raises InvalidField (nothing is changed then) and WrongState."""
    parsed: dict[str, object] = {}
    for name, value in options.items():
        parser = _PARSERS.get(name)
        if parser is None:
            known = ", ".join(OPTION_NAMES)
            raise InvalidField(field=name, problem="there is no such queue option", hint=f"the options are {known}")
        parsed[name] = parser(value, name)
    if queue.is_builtin and parsed.get("hold", queue.hold) != queue.hold:
        raise WrongState(
            what=f"queue {queue.name}",
            state="built in",
            problem="its `hold` cannot be changed",
            hint="make a queue of your own with: gavelq queue create NAME",
        )
    changed = replace(queue, **parsed)  # type: ignore[arg-type]  # each parser gives its option's type
    if changed.mem_type is MemType.PERCENTAGE and changed.mem_value > 100:
        raise InvalidField(field="mem_value", problem=f"{changed.mem_value} is not a percentage", hint="write 0 to 100")
    return changed
