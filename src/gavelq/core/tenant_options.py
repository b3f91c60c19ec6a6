"""How people write what a tenant may do and have, and what is refused."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from gavelq.core.errors import InvalidField
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.option_words import flag, is_none, scalar, word_of
from gavelq.core.queue_options import parse_name as parse_queue_name
from gavelq.core.tenants import MAX_WINDOW_S, Isolation, Quota, Role, Tenant
from gavelq.core.units import MiB, parse_count, parse_duration, parse_memory

MAX_TEXT = 500


def parse_tenant_name(name: object) -> str:
    """A new tenant's name: 1 to 64 of A-Z a-z 0-9 _ . -, but not `.` and `..`. Raises InvalidField."""
    try:
        return str(parse_queue_name(str(name)))
    except InvalidField as error:
        problem = f"{str(name)[:80]!r} is not a tenant's name"
        raise InvalidField(field="name", problem=problem, hint=error.hint) from None


def _count(value: object, field: str) -> int | None:
    return None if is_none(value) else parse_count(scalar(value, field), field=field, low=0, high=1_000_000_000)


def _priority(value: object, field: str) -> int | None:
    return None if is_none(value) else parse_count(scalar(value, field), field=field, low=0, high=100)


def _memory(value: object, field: str) -> MiB | None:
    return None if is_none(value) else parse_memory(scalar(value, field), field=field)


def _duration(value: object, field: str) -> float | None:
    return None if is_none(value) else parse_duration(scalar(value, field), field=field)


def _window(value: object, field: str) -> float:
    seconds = parse_duration(scalar(value, field), field=field)
    if not 3600 <= seconds <= MAX_WINDOW_S:
        raise InvalidField(field=field, problem=f"{value!r:.80} is out of range", hint="write 1h to 31d")
    return seconds


def _real(low: float, high: float) -> Callable[[object, str], float]:
    def parse(value: object, field: str) -> float:
        try:
            found = float(scalar(value, field))
        except ValueError:
            found = float("nan")
        if not low <= found <= high:
            problem = f"{value!r:.80} is not a number from {low:g} to {high:g}"
            raise InvalidField(field=field, problem=problem, hint="write for example 1 or 0.5")
        return found

    return parse


def _hours(value: object, field: str) -> float | None:
    return None if is_none(value) else _real(0, 1e9)(value, field)


def _words(value: object, field: str) -> tuple[str, ...]:
    if value is None or (isinstance(value, str) and value.strip().lower() in ("none", "all", "")):
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str | int) for part in parts):
        raise InvalidField(field=field, problem=f"{value!r:.80} is not a list of names", hint="write a,b or none")
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def _text(value: object, field: str) -> str:
    written = "" if value is None else str(value)
    if len(written) > MAX_TEXT or not all(c.isprintable() for c in written):
        problem = f"it has more than {MAX_TEXT} characters, or some that cannot be printed"
        raise InvalidField(field=field, problem=problem, hint="write one short line")
    return written


def _uid(value: object, field: str) -> int | None:
    return None if is_none(value) else parse_count(scalar(value, field), field=field, low=0, high=(1 << 32) - 2)


_QUOTAS: dict[str, Callable[[object, str], object]] = {
    "max_gpus": _count,
    "max_memory": _memory,
    "max_running": _count,
    "max_queued": _count,
    "gpu_hours": _hours,
    "window": _window,
    "max_priority": _priority,
    "max_time_limit": _duration,
    "queues": lambda value, field: tuple(QueueName(word) for word in _words(value, field)),
    "gpus": lambda value, field: tuple(GpuUuid(word) for word in _words(value, field)),
}
"""`gpus` are UUIDs here; who asks has turned indices into them."""
_OWN: dict[str, Callable[[object, str], object]] = {
    "role": lambda value, field: word_of(Role, value, field),
    "weight": _real(0.001, 1000),
    "uid": _uid,
    "isolation": lambda value, field: word_of(Isolation, value, field),
    "enforce": flag,
    "description": _text,
}
_FIELDS = {"window": "window_s", "max_time_limit": "max_time_limit_s"}
OPTION_NAMES = (*_OWN, *_QUOTAS)


def with_options(tenant: Tenant, options: Mapping[str, object]) -> Tenant:
    """The tenant with some options changed. Raises InvalidField; nothing is changed then."""
    own: dict[str, object] = {}
    quota: dict[str, object] = {}
    for name, value in options.items():
        if name in _OWN:
            own[name] = _OWN[name](value, name)
        elif name in _QUOTAS:
            quota[_FIELDS.get(name, name)] = _QUOTAS[name](value, name)
        else:
            known = ", ".join(OPTION_NAMES)
            raise InvalidField(field=name[:80], problem="there is no such option", hint=f"the options are {known}")
    changed = replace(tenant.quota, **quota)  # type: ignore[arg-type]  # each parser gives its option's type
    return replace(tenant, quota=changed, **own)  # type: ignore[arg-type]  # the same


def options_of(tenant: Tenant) -> dict[str, object]:
    """What `with_options` would make such a tenant of, by option."""
    back = {field: name for name, field in _FIELDS.items()}
    found: dict[str, object] = {name: getattr(tenant, name) for name in _OWN}
    found |= {back.get(one.name, one.name): getattr(tenant.quota, one.name) for one in fields(Quota)}
    memory = tenant.quota.max_memory
    return found | {"max_memory": None if memory is None else f"{memory}M"}
