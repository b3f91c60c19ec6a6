"""Judging the tasks of a file without a daemon: everything that can be said before the machine is looked at."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gavelq.core.errors import LimitReached
from gavelq.formats.expansion import Expanded, expand
from gavelq.formats.task_object import InvalidTasks, Mistake, ParsedTask, judged_tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of it: the tasks that the file makes, and all mistakes in the order of the file."""

    tasks: tuple[ParsedTask, ...]
    mistakes: tuple[Mistake, ...]

    def n_by_queue(self, default: str) -> dict[str, int]:
        """How many tasks go to which queue; `default` is for those that name none."""
        return dict(sorted(Counter(task.queue or default for task in self.tasks).items()))

    @property
    def gpu_counts(self) -> list[int]:
        """How many GPUs each task asks for; of an elastic one the fewest."""
        return [_gpus(task) for task in self.tasks]


def judge(
    tasks: Sequence[object], base: object = None, *, most: int, is_directory: Callable[[str], bool] | None = None
) -> Judged:
    """The same that a submission of these tasks would be refused for, as far as it needs no daemon.

    `most` tasks may come of them; `is_directory` tells whether a task's own directory is there.
    """
    parsed, mistakes = judged_tasks(tasks, base)
    expanded, more = _expanded(parsed, most)
    mistakes += more
    if is_directory is not None:
        mistakes += _missing_directories(tasks, is_directory)
    mistakes.sort(key=lambda mistake: -1 if mistake.index is None else mistake.index)
    return Judged(tasks=expanded.tasks, mistakes=tuple(mistakes))


def _expanded(parsed: Mapping[int, ParsedTask], most: int) -> tuple[Expanded, list[Mistake]]:
    """The tasks that these make; their mistakes are told by their own indices."""
    indices = list(parsed)
    try:
        return expand(list(parsed.values()), most=most), []
    except InvalidTasks as error:
        found = [Mistake(**one) for one in error.details["mistakes"]]
        return Expanded(tasks=(), sources=()), [
            Mistake(index=indices[one.index or 0], field=one.field, problem=one.problem, hint=one.hint) for one in found
        ]
    except LimitReached as error:
        problem = str(error.details.get("problem") or error.message)
        return Expanded(tasks=(), sources=()), [Mistake(index=None, field="", problem=problem, hint=error.hint)]


def _missing_directories(tasks: Sequence[object], is_directory: Callable[[str], bool]) -> list[Mistake]:
    """Of all tasks, also of those that have other mistakes."""
    known: dict[str, bool] = {}
    mistakes = []
    for index, task in enumerate(tasks):
        path = task.get("workdir") if isinstance(task, Mapping) else None
        if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
            continue  # it has none of its own, or one that was found wrong already
        if path not in known:
            known[path] = is_directory(path)
        if not known[path]:
            problem, hint = f"there is no directory {path}", "make it, or name another one"
            mistakes.append(Mistake(index=index, field="workdir", problem=problem, hint=hint))
    return mistakes


def _gpus(task: ParsedTask) -> int:
    if task.max_gpus is not None:
        return task.min_gpus or 1
    return task.gpu_count if task.gpu_count is not None else len(task.gpu_ids or ()) or 1
