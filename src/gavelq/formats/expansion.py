"""From one task object with an array or parameters to its tasks: rows vary slowest, then parameters, then the index."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from gavelq.core import log_names
from gavelq.core.errors import InvalidField, LimitReached
from gavelq.formats import fields
from gavelq.formats.sweep import INDEX, MAX_NAMES, MAX_TASKS, Array
from gavelq.formats.task_object import InvalidTasks, Mistake, ParsedTask, told_together
from gavelq.formats.templates import Template, Templates, UnsafeValueError

MAX_NAME = 200
MAX_TEXT = 64 << 20
"""Characters of all commands (and rendered environments) of one submission together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """The tasks of a submission. `sources` tells of each which task object (from 0) made it.

    A task that a sweep made has an `array` of its one index, and `params` of one value each.
    """

    tasks: tuple[ParsedTask, ...]
    sources: tuple[int, ...]


def is_sweep(task: ParsedTask) -> bool:
    """Whether it stands for several tasks."""
    return task.array is not None or task.params is not None or task.param_rows is not None


def expand(tasks: Sequence[ParsedTask], *, most: int, most_text: int = MAX_TEXT) -> Expanded:
    """All tasks that these make: at most `most`, and `most_text` characters in the commands of those of sweeps.

    Raises InvalidTasks and LimitReached; nothing large is built then.
    """
    _require_room(tasks, most)
    made: list[ParsedTask] = []
    sources: list[int] = []
    mistakes: list[Mistake] = []
    room = _Room(most_text)
    for source, task in enumerate(tasks):
        try:
            for one in _Sweep(task, room).tasks() if is_sweep(task) else (task,):  # as it comes: room may run out
                made.append(one)
                sources.append(source)
        except InvalidField as error:
            where, problem = str(error.details["field"]), str(error.details["problem"])
            mistakes.append(Mistake(index=source, field=where, problem=problem, hint=error.hint))
    if mistakes:
        message, details = told_together(mistakes, "tasks[{index}].{field}")
        raise InvalidTasks(message, **details)
    return Expanded(tasks=tuple(made), sources=tuple(sources))


def single(task: ParsedTask) -> Expanded:
    """A task that stands for itself. Raises InvalidField where it stands for several."""
    for field in ("array", "params", "param_rows"):
        if getattr(task, field) is not None:
            raise fields.wrong(field, "this makes several tasks, and one is made here", "POST it to /api/submissions")
    return Expanded(tasks=(task,), sources=(0,))


def suffix(params: Mapping[str, str], index: int | None) -> str:
    """What makes the name of one task of a sweep its own: `[3]`, `[lr=0.1,bs=32]`."""
    return log_names.suffix(params.items(), index)


def _size(task: ParsedTask) -> int:
    n_indices = 1 if task.array is None else len(task.array.indices)
    n_rows = 1 if task.param_rows is None else len(task.param_rows)
    return n_indices * n_rows * prod(map(len, (task.params or {}).values()))


def _require_room(tasks: Sequence[ParsedTask], most: int) -> None:
    n_tasks = sum(map(_size, tasks))
    if n_tasks > min(most, MAX_TASKS):
        problem = f"the submission makes {n_tasks} tasks, at most {min(most, MAX_TASKS)} are taken at once"
        raise LimitReached(limit="limits.max_submission", problem=problem, hint="hand them in in several parts")


class _Room:
    """How much text the sweeps of a submission may still make."""

    def __init__(self, n_characters: int) -> None:
        self._total = self._left = n_characters

    def take(self, texts: Iterable[str], field: str) -> None:
        """Raises InvalidField when it is used up."""
        self._left -= sum(map(len, texts))
        if self._left < 0:
            hint = "put long text into a script, or submit it in parts"
            raise fields.wrong(field, f"the sweep's tasks have more than {self._total} characters together", hint)


class _Sweep:
    """One task object, its templates read once and filled for every combination."""

    def __init__(self, task: ParsedTask, room: _Room) -> None:
        self._task = task
        self._room = room
        rows = task.param_rows or ({},)
        names = [*rows[0], *(task.params or {})]
        self._require_names(names, rows[0])
        templates = Templates([*names, *([] if task.array is None else [INDEX])])
        self._name = None if task.name is None else templates.read(task.name)
        self._log_path = None if task.log_path is None else templates.read(task.log_path)
        self._command = _templates(templates, task.command or (), is_shell=True)
        self._argv = _templates(templates, task.argv or ())
        self._args = _templates(templates, task.script.args if task.script else ())
        found = ((name, templates.read(value)) for name, value in (task.env or {}).items())
        self._env = {name: template for name, template in found if template is not None}
        self._logs: set[str] = set()

    def _require_names(self, names: Sequence[str], row: Mapping[str, str]) -> None:
        task = self._task
        twice = next((name for name in task.params or {} if name in row), None)
        if twice is not None:
            raise fields.wrong(f"params.{twice}", f"the rows have values of {twice}, too", "keep one of them")
        if len(names) > MAX_NAMES:
            raise fields.wrong("params", f"there are {len(names)} names; {MAX_NAMES} are the most", "use fewer")
        if task.max_parallel is not None and task.array is not None and task.array.max_parallel is not None:
            raise fields.wrong("max_parallel", f"the array says %{task.array.max_parallel}, too", "keep one of them")

    def tasks(self) -> Iterator[ParsedTask]:
        """All of them, in order. Raises InvalidField."""
        task = self._task
        indices: Sequence[int | None] = (None,) if task.array is None else task.array.indices
        names, values = tuple(task.params or {}), tuple((task.params or {}).values())
        for row in task.param_rows or ({},):
            for combination in product(*values):
                params = {**row, **dict(zip(names, combination, strict=True))}
                for index in indices:
                    yield self._one(params, index)

    def _one(self, params: Mapping[str, str], index: int | None) -> ParsedTask:
        task = self._task
        values = params if index is None else {**params, INDEX: str(index)}
        name = self._named(values, params, index)
        wide = None if task.array is None else task.array.max_parallel
        try:
            made = replace(
                task,
                name=name,
                command=_filled(task.command, self._command, values, "command"),
                argv=_filled(task.argv, self._argv, values, "argv"),
                script=self._script(values),
                env=self._environment(values),
                log_path=self._log(values, name, params, index),
                array=None if index is None else Array(indices=(index,)),
                params={name: (value,) for name, value in params.items()} or None,
                param_rows=None,
                max_parallel=task.max_parallel or wide,
            )
        except UnsafeValueError as error:
            raise _unsafe(error) from None
        self._count(made)
        return made

    def _named(self, values: Mapping[str, str], params: Mapping[str, str], index: int | None) -> str | None:
        """The name with its values, or with a suffix; a task without one gets its name from its command."""
        if self._task.name is None:
            return None
        own = self._name.filled(values) if self._name else self._task.name + suffix(params, index)
        shown = "".join(c if c.isprintable() else " " for c in own)
        if not shown.strip():
            return None
        return shown if len(shown) <= MAX_NAME else shown[: MAX_NAME - 1] + "…"

    def _script(self, values: Mapping[str, str]) -> fields.ParsedScript | None:
        script = self._task.script
        if script is None or not any(self._args):
            return script
        return replace(script, args=_filled(script.args, self._args, values, "script.args") or ())

    def _environment(self, values: Mapping[str, str]) -> Mapping[str, str] | None:
        if not self._env or self._task.env is None:
            return self._task.env
        own = {name: template.filled(values) for name, template in self._env.items()}
        fields.env(own, "env")
        return {**self._task.env, **own}

    def _log(
        self, values: Mapping[str, str], name: str | None, params: Mapping[str, str], index: int | None
    ) -> str | None:
        path = self._task.log_path
        if path is None:
            return None
        if self._log_path is not None:
            path = fields.log_path(self._log_path.filled(values), "log_path")
        # Their ids come later; here any number does that no other task of them has.
        number = 10**9 + len(self._logs)
        bare = (name or "").removesuffix(suffix(params, index))
        own = log_names.fill(path, task_id=number, submission=0, name=bare, index=index)
        if own in self._logs:
            hint = "put {id}, or {index} and every parameter's name in braces, into it"
            raise fields.wrong("log_path", f"several tasks would write to {path[:200]}", hint)
        self._logs.add(own)
        return path

    def _count(self, made: ParsedTask) -> None:
        if self._env:  # only then each task has one of its own
            self._room.take((made.env or {}).values(), "env")
        self._room.take(made.command or made.argv or (made.script.args if made.script else ()), "command")


def _templates(templates: Templates, texts: Sequence[str], *, is_shell: bool = False) -> tuple[Template | None, ...]:
    return tuple(templates.read(text, is_shell=is_shell) for text in texts)


def _filled(
    texts: tuple[str, ...] | None, templates: tuple[Template | None, ...], values: Mapping[str, str], field: str
) -> tuple[str, ...] | None:
    """The texts with these values; the very same where they have no templates."""
    if texts is None or not any(templates):
        return texts
    pairs = zip(texts, templates, strict=True)
    found = tuple(text if template is None else template.filled(values) for text, template in pairs)
    if field != "script.args":
        return fields.command(found, field) if field == "command" else fields.argv(found, field)
    for place, text in enumerate(found):
        fields.text(text, f"{field}[{place}]", most_bytes=fields.MAX_LINE_BYTES)
    return found


def _unsafe(error: UnsafeValueError) -> InvalidField:
    variable = "GAVELQ_ARRAY_INDEX" if error.name == INDEX else f"GAVELQ_PARAM_{error.name}"
    problem = (
        f"the value {ascii(error.value)[:60]} of {error.name} means something to the shell, and {{{error.name}}} "
        'stands where it cannot be quoted (behind a comment, a here-document, backquotes, arithmetic or "$(")'
    )
    return fields.wrong("command", problem, f'write "${variable}" there')
