"""A task request as JSON or YAML objects: read strictly, all mistakes at once (docs/rest.md, `A task request`)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gavelq.core.errors import InvalidField, UsageError
from gavelq.core.fixed import fixed
from gavelq.core.lifecycle import EndReason
from gavelq.core.notices import NotifyOn
from gavelq.core.retrying import Backoff, OomAction
from gavelq.core.task import Warn
from gavelq.core.tenants import Isolation
from gavelq.core.units import MiB
from gavelq.formats.fields import MAX_ENV_BYTES, READERS, ParsedScript
from gavelq.formats.moments import NotBefore
from gavelq.formats.sweep import Array

MAX_TOLD = 1000
_SHOWN = 20
_COMMANDS = ("command", "argv", "script")

__all__ = [
    "InvalidTasks", "Mistake", "ParsedScript", "ParsedTask", "judged_tasks", "parse_task", "parse_tasks",
    "told_together",
]  # fmt: skip


@fixed
class ParsedTask:
    """What a task object says. None: it says nothing about that. Exactly one of command, argv and script is there."""

    command: tuple[str, ...] | None = None
    argv: tuple[str, ...] | None = None
    script: ParsedScript | None = None
    name: str | None = None
    workdir: str | None = None
    env: Mapping[str, str] | None = None
    """Tasks that share it with their base share the object, too."""
    env_dropped: tuple[str, ...] | None = None
    queue: str | None = None
    priority: int | None = None
    tags: tuple[str, ...] | None = None
    gpu_count: int | None = None
    gpu_ids: tuple[str, ...] | None = None
    """Indices and UUIDs as written."""
    memory_mib: MiB | None = None
    max_util: int | None = None
    time_limit_s: float | None = None
    log_path: str | None = None
    """As written: absolute, or relative to the working directory."""
    hold: bool | None = None
    requeue: bool | None = None
    warn: Warn | None = None
    min_gpus: int | None = None
    max_gpus: int | None = None
    gpu_left: int | None = None
    share: bool | None = None
    retries: int | None = None
    backoff: Backoff | None = None
    retry_burst: int | None = None
    retry_on: tuple[EndReason, ...] | None = None
    on_gpu_oom: OomAction | None = None
    after: tuple[int, ...] | None = None
    after_any: tuple[int, ...] | None = None
    after_fail: tuple[int, ...] | None = None
    not_before: NotBefore | None = None
    preemptible: bool | None = None
    learn_memory: bool | None = None
    array: Array | None = None
    params: Mapping[str, tuple[str, ...]] | None = None
    param_rows: tuple[Mapping[str, str], ...] | None = None
    max_parallel: int | None = None
    """At most so many tasks of the submission run at once."""
    lease: bool | None = None
    pid: int | None = None
    """The owner of a lease."""
    allow_infeasible: bool | None = None
    isolation: Isolation | None = None
    mps_percent: int | None = None
    description: str | None = None
    notify: tuple[str, ...] | None = None
    notify_on: tuple[NotifyOn, ...] | None = None
    tenant: str | None = None
    """Whose task it is to be; only admins may name another one than their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong: in the task of that index (from 0), or in `base` (None)."""

    index: int | None
    field: str
    problem: str
    hint: str


class InvalidTasks(UsageError):
    """the tasks cannot be understood"""

    code = "invalid_tasks"
    hint = "nothing was submitted; correct these and submit all of it again"


def parse_tasks(tasks: object, base: object = None) -> tuple[ParsedTask, ...]:
    """The tasks of a submission; `base` holds defaults for all of them.

    A task's own value wins over the base's; its `env` and `env_dropped` are added to the base's. Raises InvalidTasks,
    whose details["mistakes"] are objects of index (None: base), field, problem and hint.
    """
    if not isinstance(tasks, list | tuple) or not tasks:
        mistake = Mistake(
            index=None, field="tasks", problem="this is not a list with tasks in it", hint="write [{...}]"
        )
        raise _as_error([mistake], "{field}")
    parsed, mistakes = judged_tasks(tasks, base)
    if mistakes:
        raise _as_error(mistakes, "tasks[{index}].{field}")
    return tuple(parsed.values())


def judged_tasks(tasks: Sequence[object], base: object = None) -> tuple[dict[int, ParsedTask], list[Mistake]]:
    """The tasks that make sense, by index, and all mistakes of the others (and of `base`)."""
    mistakes: list[Mistake] = []
    defaults = {} if base is None else _read(base, None, mistakes)
    parsed = {index: _parsed(task, index, defaults, mistakes) for index, task in enumerate(tasks)}
    return {index: task for index, task in parsed.items() if task is not None}, mistakes


def parse_task(task: object, *, where: str = "") -> ParsedTask:
    """A single task object. `where` stands before the field in messages. Raises InvalidTasks, with index 0."""
    mistakes: list[Mistake] = []
    parsed = _parsed(task, 0, {}, mistakes)
    if mistakes or parsed is None:
        raise _as_error(mistakes, f"{where}.{{field}}" if where else "{field}")
    return parsed


def _parsed(task: object, index: int, defaults: Mapping[str, Any], mistakes: list[Mistake]) -> ParsedTask | None:
    n_before = len(mistakes)
    own = _read(task, index, mistakes)
    if any(kind in own for kind in _COMMANDS):
        defaults = {field: value for field, value in defaults.items() if field not in _COMMANDS}
    merged = {**defaults, **own}
    if defaults.get("env") and own.get("env"):
        merged["env"] = {**defaults["env"], **own["env"]}
        if sum(len(name) + len(value) + 2 for name, value in merged["env"].items()) > MAX_ENV_BYTES:
            hint = "leave large variables out"
            problem = f"with the base's it has more than {MAX_ENV_BYTES} bytes"
            mistakes.append(Mistake(index=index, field="env", problem=problem, hint=hint))
    if defaults.get("env_dropped") and own.get("env_dropped"):
        merged["env_dropped"] = tuple(dict.fromkeys(defaults["env_dropped"] + own["env_dropped"]))
    if len(mistakes) == n_before:
        mistakes.extend(_contradictions(merged, index))
    return ParsedTask(**merged) if len(mistakes) == n_before else None


def _read(task: object, index: int | None, mistakes: list[Mistake]) -> dict[str, Any]:
    """The fields by ParsedTask's names; what is wrong goes to `mistakes`."""
    if not isinstance(task, Mapping):
        hint = 'write for example {"command": "python train.py", "gpu_count": 1}'
        mistakes.append(Mistake(index=index, field="", problem="this is not an object", hint=hint))
        return {}
    found: dict[str, Any] = {}
    written: dict[str, str] = {}
    for name, value in task.items():
        reader = READERS.get(name) if isinstance(name, str) else None
        if (reader and value is None) or (isinstance(name, str) and name.startswith("//")):
            continue  # null says nothing; names that begin with // are comments
        if reader is None:
            mistakes.append(_unknown(name, index))
            continue
        field, read = reader
        if field in written:
            problem = f"it says the same as {written[field]!r}, which is there, too"
            mistakes.append(Mistake(index=index, field=name, problem=problem, hint="keep one of them"))
            continue
        written[field] = name
        try:
            found[field] = read(value, name)
        except InvalidField as error:
            where, problem = error.details["field"], error.details["problem"]
            mistakes.append(Mistake(index=index, field=where, problem=problem, hint=error.hint))
    return found


def _contradictions(merged: Mapping[str, Any], index: int) -> list[Mistake]:
    kinds = [kind for kind in _COMMANDS if kind in merged]
    found: list[Mistake] = []

    def note(field: str, problem: str, hint: str) -> None:
        found.append(Mistake(index=index, field=field, problem=problem, hint=hint))

    if kinds and merged.get("lease"):
        note(kinds[0], "a lease runs no command", "leave the command out, or the lease")
    elif not kinds and not merged.get("lease"):
        note("command", "there is nothing to run", "give one of command, argv and script")
    elif len(kinds) > 1:
        note(kinds[1], f"there is a {kinds[0]}, too", "give one of command, argv and script")
    ids, count = merged.get("gpu_ids"), merged.get("gpu_count")
    if ids and count is not None and count > len(ids):
        note("gpu_count", f"{count} GPUs are wanted of {len(ids)} listed", "list more of them, or ask for fewer")
    low, high = merged.get("min_gpus"), merged.get("max_gpus")
    if (low or high) and count is not None:
        note("gpu_count", "a rigid count and an elastic one exclude each other", "give either gpu_count or max_gpus")
    if low is not None and high is None:
        note("max_gpus", "min_gpus alone does not make a task elastic", "give max_gpus, too")
    if low is not None and high is not None and low > high:
        note("max_gpus", f"it is {high} and min_gpus is {low}", "min_gpus may be at most max_gpus")
    if ids and high is not None and high > len(ids):
        note("max_gpus", f"{high} GPUs are wanted of {len(ids)} listed", "list more of them, or ask for fewer")
    if merged.get("gpu_left") is not None and high is None:
        note("gpu_left", "only elastic tasks leave GPUs free", "give max_gpus, or leave gpu_left out")
    if merged.get("share") and merged.get("memory_mib") is None and not merged.get("learn_memory"):
        note("share", "a task that shares a GPU must say how much memory it needs", "declare it, such as memory 8G")
    warning, limit = merged.get("warn"), merged.get("time_limit_s")
    if warning is not None and limit is not None and warning.before_s >= limit:
        note("warn", f"{warning.before_s:g} s before a limit of {limit:g} s is before the start", "warn later")
    if merged.get("notify_on") and not merged.get("notify"):
        note("notify_on", "nobody is told: it says what `notify` is told of", "give notify, too")
    if ids and count == 0:
        note("gpu_ids", "GPUs are listed for a task that wants none", "leave one of gpu_ids and gpu_count out")
    return found


def _unknown(name: object, index: int | None) -> Mistake:
    import difflib  # here, because only mistakes need it

    shown = str(name)[:100]
    near = difflib.get_close_matches(shown, READERS, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(READERS)}"
    return Mistake(index=index, field=shown, problem="there is no such field", hint=hint)


def told_together(mistakes: Sequence[Mistake], place: str) -> tuple[str, dict[str, Any]]:
    """The message and the details of an error that tells all mistakes; `place` names index and field."""

    def told(mistake: Mistake) -> str:
        where = (
            f"base.{mistake.field}" if mistake.index is None else place.format(index=mistake.index, field=mistake.field)
        )
        if place == "{field}" and mistake.index is None:
            where = mistake.field
        return f"{where.rstrip('.') or 'task'}: {mistake.problem} ({mistake.hint})"

    if len(mistakes) == 1:
        message = told(mistakes[0])
    else:
        lines = [f"{len(mistakes)} mistakes:", *(f"  {told(mistake)}" for mistake in mistakes[:_SHOWN])]
        lines += [f"  ... and {len(mistakes) - _SHOWN} more"] if len(mistakes) > _SHOWN else []
        message = "\n".join(lines)
    return message, {"mistakes": [asdict(mistake) for mistake in mistakes[:MAX_TOLD]]}


def _as_error(mistakes: Sequence[Mistake], place: str) -> InvalidTasks:
    message, details = told_together(mistakes, place)
    return InvalidTasks(message, **details)
