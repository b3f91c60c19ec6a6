"""What is wrong with a submission as a whole: every mistake with the task's index and the field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gavelq.core.errors import GavelqError, GpuNotFound, Infeasible, InvalidField, QueueNotFound, Refused
from gavelq.core.feasibility import impossible, require_feasible
from gavelq.core.task import TaskRequest
from gavelq.core.view import View
from gavelq.formats.task_object import InvalidTasks, Mistake, ParsedTask, told_together


def understood(
    parsed: Sequence[ParsedTask], understand: Callable[[ParsedTask], TaskRequest]
) -> tuple[dict[int, TaskRequest], dict[int, GavelqError]]:
    """The requests that make sense, and the errors of the others, both by index."""
    requests: dict[int, TaskRequest] = {}
    wrong: dict[int, GavelqError] = {}
    for index, one in enumerate(parsed):
        try:
            requests[index] = understand(one)
        except GavelqError as error:
            wrong[index] = error
    return requests, wrong


def at_sources(wrong: Mapping[int, GavelqError], sources: Sequence[int]) -> dict[int, GavelqError]:
    """By the task object that was handed in: a sweep's many tasks share the first error of them."""
    found: dict[int, GavelqError] = {}
    for index in sorted(wrong):
        found.setdefault(sources[index], wrong[index])
    return found


def impossible_ones(requests: Mapping[int, TaskRequest], view: View) -> dict[int, GavelqError]:
    """By index the requests that name no queue of ours or can never start here. Equal ones cost one look."""
    known: dict[object, GavelqError | None] = {}
    for request in requests.values():
        kind = _kind(request)
        if kind not in known:
            known[kind] = _error_of(request, view)
    found = ((index, known[_kind(request)]) for index, request in requests.items())
    return {index: error for index, error in found if error is not None}


def _kind(request: TaskRequest) -> object:
    return request.queue, request.gpus, request.allow_infeasible


def _error_of(request: TaskRequest, view: View) -> GavelqError | None:
    try:
        require_feasible(request, view.queue(request.queue), view.cards(), view.problem)
    except Infeasible as error:
        any_memory = replace(request, gpus=replace(request.gpus, memory=None))
        is_memory = impossible(any_memory, view.cards(), view.problem) is None
        error.details["field"] = "memory" if is_memory else "gpu_count"
        return error
    except GavelqError as error:
        return error
    return None


def as_one_error(wrong: Mapping[int, GavelqError]) -> GavelqError:
    """All mistakes in one error: of their own kind where they share one, else InvalidTasks."""
    mistakes = [_mistake(index, error) for index, error in sorted(wrong.items())]
    kinds = {type(error) for error in wrong.values()}
    kind = kinds.pop() if len(kinds) == 1 and InvalidField not in kinds else InvalidTasks
    message, details = told_together(mistakes, "tasks[{index}].{field}")
    return kind(message, hint=InvalidTasks.hint, **details)


def _mistake(index: int, error: GavelqError) -> Mistake:
    match error:
        case QueueNotFound():
            field = "queue"
        case GpuNotFound():
            field = "gpu_ids"
        case _:
            field = str(error.details.get("field", "gpu_ids" if isinstance(error, Refused) else "task"))
    problem = str(error.details.get("problem") or error.message)
    return Mistake(index=index, field=field, problem=problem, hint=error.hint)
