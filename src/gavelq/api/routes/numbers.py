"""Numbers and switches in paths and queries."""

from gavelq.core.errors import InvalidField, TaskNotFound
from gavelq.core.ids import TaskId
from gavelq.core.units import parse_count

MAX_IDS = 500


def task_id(written: str) -> TaskId:
    """A task's id in a path. Raises TaskNotFound for anything that cannot be one."""
    if not (written.isascii() and written.isdigit() and 0 < len(written) <= 18):
        raise TaskNotFound(task_id=written[:40])
    return TaskId(int(written))


def task_ids(written: str | None, name: str) -> tuple[int, ...] | None:
    """Ids with commas between them; None where nothing was written. Raises InvalidField."""
    if written is None:
        return None
    parts = [part.strip() for part in written.split(",", MAX_IDS)]
    if len(parts) > MAX_IDS:
        raise InvalidField(field=name, problem=f"more than {MAX_IDS} ids", hint="ask in several calls")
    return tuple(parse_count(part, field=name, low=1, high=(1 << 53)) for part in parts if part)


def whole(written: str | None, name: str, *, default: int | None, low: int = 0, high: int = 1 << 53) -> int | None:
    """A whole number of a query. Raises InvalidField."""
    return default if written is None else parse_count(written, field=name, low=low, high=high)


def switch(written: str | None, name: str, *, default: bool = False) -> bool:
    """A parameter that is 0 or 1. Raises InvalidField."""
    if written is None:
        return default
    if written not in ("0", "1", "false", "true"):
        raise InvalidField(field=name, problem=f"{written!r:.40} is not 0 or 1", hint="send 0 or 1")
    return written in ("1", "true")


def require_newest(written: str | None) -> None:
    """Where lists take the last ones anyhow, `newest=1` may be said; `newest=0` is refused. Raises InvalidField."""
    if written not in (None, "1", "true"):
        problem = f"{written!r:.40} cannot be had: here the last ones are taken"
        raise InvalidField(field="newest", problem=problem, hint="leave it out, and go back with `before`")


def seconds(written: str | None, name: str, *, most: float) -> float:
    """A number of seconds in a query, 0 where it is missing. Raises InvalidField."""
    try:
        value = float(written or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise InvalidField(field=name, problem=f"{written!r:.40} is not 0 to {most:g}", hint=f"send 0 to {most:g}")
    return value
