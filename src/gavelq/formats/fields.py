"""The fields of a task object, one reader each: what is accepted, within which bounds, and how a mistake is named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gavelq.core.errors import InvalidField
from gavelq.core.lifecycle import EndReason
from gavelq.core.notices import MAX_URLS, NotifyOn, url_problem
from gavelq.core.retry_words import parse_backoff, parse_oom_action, parse_retries, parse_retry_on
from gavelq.core.retrying import Backoff, OomAction
from gavelq.core.signals import parse_signal
from gavelq.core.task import Warn
from gavelq.core.tenants import Isolation
from gavelq.core.units import MiB, parse_count, parse_duration, parse_memory, parse_percent
from gavelq.formats import sweep
from gavelq.formats.moments import NotBefore, parse_moment

MAX_LINE_BYTES = 131_071
"""MAX_ARG_STRLEN of execve(2) is 131072 bytes with the final zero."""
MAX_COMMAND_BYTES = 1 << 20
MAX_ENV_BYTES = 1 << 20
MAX_SCRIPT_BYTES = 4 << 20
MAX_PATH_BYTES = 4095
MAX_DESCRIPTION_BYTES = 8192
MAX_ITEMS = 10_000
MAX_GPUS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedScript:
    """A script file's name, text and arguments."""

    name: str
    content: bytes
    args: tuple[str, ...] = ()


def wrong(field: str, problem: str, hint: str) -> InvalidField:
    """The error of one field."""
    return InvalidField(field=field, problem=problem, hint=hint)


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def text(value: object, field: str, *, most_bytes: int, wanted: str = "a text") -> str:
    """A text that can be an argument of a program: UTF-8, without NUL, within bounds."""
    if not isinstance(value, str):
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    if "\0" in value:
        raise wrong(field, "it holds a NUL character, which no program can be given", "take it out")
    try:
        n_bytes = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise wrong(field, "it holds characters that are not UTF-8", "write it in UTF-8") from None
    if n_bytes > most_bytes:
        raise wrong(
            field, f"it has {n_bytes} bytes; {most_bytes} are the most", "put long text into a script or a file"
        )
    return value


def _texts(value: object, field: str, *, wanted: str, most: int = MAX_ITEMS) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    if len(value) > most:
        raise wrong(field, f"it has {len(value)} items; {most} are the most", "use fewer")
    found = tuple(text(part, f"{field}[{index}]", most_bytes=MAX_LINE_BYTES) for index, part in enumerate(value))
    total = sum(map(len, found))
    if total > MAX_COMMAND_BYTES:
        raise wrong(field, f"it has {total} characters; {MAX_COMMAND_BYTES} are the most", "put long text into a file")
    return found


def command(value: object, field: str) -> tuple[str, ...]:
    """One shell command line, or several."""
    wanted = "a command line, or a list of command lines"
    if isinstance(value, str):
        found: tuple[str, ...] = (text(value, field, most_bytes=MAX_LINE_BYTES),)
    else:
        found = _texts(value, field, wanted=wanted)
    if not found or not all(line.strip() for line in found):
        raise wrong(field, "a command line is empty", f"write {wanted}")
    return found


def argv(value: object, field: str) -> tuple[str, ...]:
    """A program and its arguments."""
    found = _texts(value, field, wanted="a list of texts: a program and its arguments")
    if not found or not found[0]:
        raise wrong(field, "there is no program in it", 'write for example ["python3", "train.py"]')
    return found


def script(value: object, field: str) -> ParsedScript:
    """A script's name, content and arguments."""
    wanted = 'an object {"name": ..., "content": ..., "args": [...]}'
    if not isinstance(value, Mapping):
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    for key in value:
        if key not in ("name", "content", "args"):
            raise wrong(f"{field}.{key}", "there is no such field", "a script has name, content and args")
    name = text(value.get("name", "script"), f"{field}.name", most_bytes=255)
    if not name or "/" in name or name in (".", "..") or not name.isprintable():
        raise wrong(f"{field}.name", f"{_shown(name)} is not a file's name", "write a name without directories")
    content = text(value.get("content"), f"{field}.content", most_bytes=MAX_SCRIPT_BYTES, wanted="the script's text")
    if not content.strip():
        raise wrong(f"{field}.content", "the script is empty", "send its text")
    args = _texts(value.get("args") or [], f"{field}.args", wanted="a list of texts")
    return ParsedScript(name=name, content=content.encode(), args=args)


def line(most: int, wanted: str) -> Callable[[object, str], str]:
    """A reader of short texts for people: printable, not empty."""

    def read(value: object, field: str) -> str:
        if isinstance(value, str) and len(value) > most:
            raise wrong(field, f"it has {len(value)} characters; {most} are the most", f"write {wanted}")
        found = text(value, field, most_bytes=4 * most, wanted=wanted)
        if not found.strip() or not found.isprintable():
            raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
        return found

    return read


def workdir(value: object, field: str) -> str:
    """An absolute directory."""
    found = text(value, field, most_bytes=MAX_PATH_BYTES, wanted="an absolute path")
    if not found.startswith("/"):
        raise wrong(field, f"{_shown(value)} is not an absolute path", "begin it with /")
    return found


def log_path(value: object, field: str) -> str:
    """A file, absolute or relative to the working directory."""
    found = text(value, field, most_bytes=MAX_PATH_BYTES, wanted="a path")
    if not found or found.endswith("/") or not found.isprintable():
        raise wrong(field, f"{_shown(value)} is not a file's path", "write for example logs/train.log")
    return found


def env(value: object, field: str) -> Mapping[str, str]:
    """Environment variables; numbers are taken as they are written."""
    if not isinstance(value, Mapping):
        raise wrong(field, f"{_shown(value)} is not an object of texts", 'write {"NAME": "value"}')
    found: dict[str, str] = {}
    total = 0
    for name, content in value.items():
        where = f"{field}.{name}" if isinstance(name, str) and name.isprintable() else field
        _variable_name(name, where)
        is_number = isinstance(content, int | float) and not isinstance(content, bool)
        most_bytes = MAX_LINE_BYTES - len(name) - 1
        found[name] = text(
            str(content) if is_number else content, where, most_bytes=most_bytes, wanted="a text (put it in quotes)"
        )
        total += len(name) + len(found[name]) + 2
    if total > MAX_ENV_BYTES:
        raise wrong(field, f"it has {total} bytes; {MAX_ENV_BYTES} are the most", "leave large variables out")
    return found


def _variable_name(name: object, field: str) -> None:
    if not isinstance(name, str) or not name or "=" in name or not name.isprintable() or len(name) > 1000:
        raise wrong(field, f"{_shown(name)} is not a variable's name", "a name has no = and no control characters")
    text(name, field, most_bytes=4000)


def env_dropped(value: object, field: str) -> tuple[str, ...]:
    """Names of variables that were left out."""
    found = _texts(value, field, wanted="a list of variables' names")
    for name in found:
        _variable_name(name, field)
    return found


def queue(value: object, field: str) -> str:
    """A queue's name."""
    wanted = "a queue's name: 1 to 64 of the characters A-Z a-z 0-9 _ . -"
    name = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or not name.isascii():
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    if not all(character.isalnum() or character in "_.-" for character in name):
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    return name


def tags(value: object, field: str) -> tuple[str, ...]:
    """A few short words."""
    if not isinstance(value, list | tuple) or len(value) > 32:
        raise wrong(field, f"{_shown(value)} is not a list of at most 32 texts", 'write ["a", "b"]')
    read = line(64, "a text of at most 64 printable characters")
    return tuple(dict.fromkeys(read(part, f"{field}[{index}]") for index, part in enumerate(value)))


def whole(low: int, high: int) -> Callable[[object, str], int]:
    """A reader of whole numbers in a range."""

    def read(value: object, field: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(field, f"{_shown(value)} is not a number", f"write a number from {low} to {high}")
        if isinstance(value, int) and not low <= value <= high:  # before a very long number is shown in full
            raise wrong(field, f"{_shown(value)} is not from {low} to {high}", f"write a number from {low} to {high}")
        return parse_count(value, field=field, low=low, high=high)

    return read


def flag(value: object, field: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(field, f"{_shown(value)} is not true or false", "write true or false")
    return value


def _number_or_text(value: object, field: str, wanted: str) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    if (isinstance(value, str) and len(value) > 100) or (isinstance(value, int) and abs(value) > 1 << 63):
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    return value


def memory_gib(value: object, field: str) -> MiB:
    """Memory; a bare number counts GiB."""
    return parse_memory(_number_or_text(value, field, "an amount of memory such as 8, 8.5G or 8192M"), field=field)


def memory_mib(value: object, field: str) -> MiB:
    """Memory; a bare number counts MiB."""
    wanted = "an amount of memory in MiB, such as 8192"
    return parse_memory(_number_or_text(value, field, wanted), field=field, bare_unit="m")


def duration(value: object, field: str) -> float:
    """Seconds, or a duration such as 2h."""
    return parse_duration(_number_or_text(value, field, "a duration such as 90, 10m or 2h"), field=field)


def percent(value: object, field: str) -> int | None:
    """A percentage; none: no limit."""
    return parse_percent(_number_or_text(value, field, "a percentage from 0 to 100, or none"), field=field)


def gpu_ids(value: object, field: str) -> tuple[str, ...]:
    """Indices and UUIDs, each once."""
    if not isinstance(value, list | tuple) or len(value) > MAX_GPUS:
        raise wrong(field, f"{_shown(value)} is not a list of GPUs", 'write [0, 1], or ["GPU-..."]')
    found: list[str] = []
    for index, part in enumerate(value):
        where = f"{field}[{index}]"
        name = str(part) if isinstance(part, int) and not isinstance(part, bool) else part
        if not isinstance(name, str) or not _is_gpu_name(name):
            raise wrong(where, f"{_shown(part)} is neither an index nor a UUID", "`gavelq gpu list` shows both")
        if name in found:
            raise wrong(where, f"GPU {name} is named twice", "name it once")
        found.append(name)
    return tuple(found)


def _is_gpu_name(name: str) -> bool:
    return 0 < len(name) <= 100 and name.isascii() and all(c.isalnum() or c in "-:/_" for c in name)


def retries(value: object, field: str) -> int:
    """Further tries; unlimited: again and again."""
    return parse_retries(_number_or_text(value, field, "a number of retries, or unlimited"), field=field)


def backoff(value: object, field: str) -> Backoff:
    """Pauses between tries."""
    return parse_backoff(_number_or_text(value, field, "SECONDS[xFACTOR][..CAP], such as 30x2..600"), field=field)


def retry_on(value: object, field: str) -> tuple[EndReason, ...]:
    """End reasons to try again after."""
    if not isinstance(value, str | list | tuple) or len(value) > 1000:
        raise wrong(field, f"{_shown(value)} is not a list of end reasons", 'write for example ["exit_nonzero"]')
    return parse_retry_on(value, field=field)


def on_gpu_oom(value: object, field: str) -> OomAction:
    """What changes after a GPU ran out of memory."""
    return parse_oom_action(_number_or_text(value, field, "same, exclusive, or a factor such as x1.5"), field=field)


def warn(value: object, field: str) -> Warn:
    """`SIGNAL@SECONDS`: a signal so long before the time limit."""
    wanted = "SIGNAL@SECONDS, such as USR1@60"
    word, _, before = text(value, field, most_bytes=100, wanted=wanted).partition("@")
    if not word or not before:
        raise wrong(field, f"{_shown(value)} is not {wanted}", f"write {wanted}")
    number, _ = parse_signal(word, field=field)
    return Warn(signal=number, before_s=parse_duration(before, field=field))


def task_ids(value: object, field: str) -> tuple[int, ...]:
    """Ids of tasks: a number, a list of numbers (none as well), or numbers separated by commas."""
    wanted = "a task's id, or a list of them"
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    if len(parts) > MAX_ITEMS:
        raise wrong(field, f"it names {len(parts)} tasks; {MAX_ITEMS} are the most", f"write {wanted}")
    found = []
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, str | int) or len(str(part)) > 18:
            raise wrong(field, f"{_shown(part)} is not {wanted}", f"write {wanted}")
        number = part.strip() if isinstance(part, str) else part
        found.append(parse_count(number, field=field, low=1, high=1 << 53))
    return tuple(dict.fromkeys(found))


def moment(value: object, field: str) -> NotBefore:
    """A time: seconds since the epoch, ISO 8601, `HH:MM`, or `+DURATION` from now on."""
    return parse_moment(_number_or_text(value, field, "a time such as 2026-12-01T18:00, 18:00 or +2h"), field=field)


def owner_pid(value: object, field: str) -> int:
    """The process that owns a lease."""
    return whole(1, 1 << 31)(value, field)


def isolation(value: object, field: str) -> Isolation:
    """How far a task is kept to its GPUs."""
    words = ", ".join(Isolation)
    if not isinstance(value, str) or value not in set(Isolation):
        raise wrong(field, f"{_shown(value)} is not one of {words}", f"write one of {words}")
    return Isolation(value)


def description(value: object, field: str) -> str:
    """Text for people, of several lines if need be."""
    found = text(value, field, most_bytes=MAX_DESCRIPTION_BYTES)
    if not all(mark.isprintable() or mark in "\n\t" for mark in found):
        raise wrong(field, "it holds control characters", "leave them out")
    return found


def notify(value: object, field: str) -> tuple[str, ...]:
    """URLs to tell; what is wrong is told without them, because they may hold secrets."""
    hint = "write for example https://hooks.example.org/x or mailto:ada@example.org"
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= MAX_URLS:
        raise wrong(field, f"it is not a list of 1 to {MAX_URLS} URLs", hint)
    for index, part in enumerate(parts):
        problem = url_problem(part) if isinstance(part, str) else "it is no text"
        if problem:
            raise wrong(field if part is value else f"{field}[{index}]", problem, hint)
    return tuple(dict.fromkeys(parts))


def notify_on(value: object, field: str) -> tuple[NotifyOn, ...]:
    """What of a task's life is told: a list of words, or words separated by commas."""
    words = ", ".join(NotifyOn)
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= 10:
        raise wrong(field, f"{_shown(value)} is not a list of {words}", "write for example end,start")
    names = [part.strip() if isinstance(part, str) else part for part in parts]
    for name in names:
        if not isinstance(name, str) or name not in set(NotifyOn):
            raise wrong(field, f"{_shown(name)} is not one of {words}", f"write {words}, or several of them")
    return tuple(dict.fromkeys(NotifyOn(name) for name in names))


Reader = Callable[[object, str], Any]

READERS: dict[str, tuple[str, Reader]] = {
    "command": ("command", command),
    "cmd": ("command", command),
    "argv": ("argv", argv),
    "script": ("script", script),
    "name": ("name", line(200, "a name of at most 200 printable characters")),
    "workdir": ("workdir", workdir),
    "env": ("env", env),
    "env_dropped": ("env_dropped", env_dropped),
    "queue": ("queue", queue),
    "priority": ("priority", whole(0, 100)),
    "tags": ("tags", tags),
    "gpu_count": ("gpu_count", whole(0, MAX_GPUS)),
    "gpu_num": ("gpu_count", whole(0, MAX_GPUS)),
    "gpus_required": ("gpu_count", whole(0, MAX_GPUS)),
    "gpu_request": ("gpu_count", whole(0, MAX_GPUS)),
    "gpu_ids": ("gpu_ids", gpu_ids),
    "memory": ("memory_mib", memory_gib),
    "memory_mib": ("memory_mib", memory_mib),
    "memory_mb": ("memory_mib", memory_mib),
    "max_util": ("max_util", percent),
    "time_limit": ("time_limit_s", duration),
    "time_limit_s": ("time_limit_s", duration),
    "timeout": ("time_limit_s", duration),
    "log_path": ("log_path", log_path),
    "hold": ("hold", flag),
    "warn": ("warn", warn),
    "min_gpus": ("min_gpus", whole(1, MAX_GPUS)),
    "max_gpus": ("max_gpus", whole(1, MAX_GPUS)),
    "gpu_left": ("gpu_left", whole(0, MAX_GPUS)),
    "share": ("share", flag),
    "retries": ("retries", retries),
    "backoff": ("backoff", backoff),
    "retry_burst": ("retry_burst", whole(1, 1_000_000)),
    "retry_on": ("retry_on", retry_on),
    "on_gpu_oom": ("on_gpu_oom", on_gpu_oom),
    "after": ("after", task_ids),
    "depends_on": ("after", task_ids),
    "after_any": ("after_any", task_ids),
    "after_fail": ("after_fail", task_ids),
    "not_before": ("not_before", moment),
    "preemptible": ("preemptible", flag),
    "learn_memory": ("learn_memory", flag),
    "array": ("array", sweep.array),
    "params": ("params", sweep.params),
    "param_rows": ("param_rows", sweep.param_rows),
    "max_parallel": ("max_parallel", whole(1, sweep.MAX_TASKS)),
    "lease": ("lease", flag),
    "pid": ("pid", owner_pid),
    "isolation": ("isolation", isolation),
    "mps_percent": ("mps_percent", whole(1, 100)),
    "description": ("description", description),
    "notify": ("notify", notify),
    "notify_on": ("notify_on", notify_on),
    "tenant": ("tenant", line(64, "a tenant's name")),
    "tenant_id": ("tenant", line(64, "a tenant's name")),
    "requeue": ("requeue", flag),
    "allow_infeasible": ("allow_infeasible", flag),
}
"""Every accepted name: the field of ParsedTask that it fills, and its reader."""
