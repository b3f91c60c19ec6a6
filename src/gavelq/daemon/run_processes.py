"""A task of a command file as the state of its run shows it: small, and made once where the task has ended."""

from dataclasses import dataclass

from gavelq.core.ids import TaskId
from gavelq.core.learned import name_key
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retry_words import RETRYABLE
from gavelq.core.task import Attempt, Ending, ShellLines, Task, describe
from gavelq.core.units import MiB
from gavelq.daemon.endings import how_it_ended

_GIVEN_UP = frozenset({EndReason.CANCELLED_BY_USER, EndReason.CANCELLED_BY_ADMIN, EndReason.DAEMON_STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Of earlier attempts of a task: when the first one started, and the last one that failed."""

    began: float | None = None
    failed: Attempt | None = None


NO_PAST = Past()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A task of a command file as its state is shown; SPEC section 7 calls it a process."""

    task_id: TaskId
    lane: str
    at: int
    """From 0 in its lane."""
    name: str
    state: TaskState
    commands: tuple[str, ...]
    memory: MiB | None
    gpu_count: int
    gpus: tuple[str, ...]
    """Indices of the GPUs that it holds, or had last."""
    n_retries: int
    """Tries that failed and were, or will be, followed by another one."""
    began: float | None
    """When its first attempt started."""
    started_at: float | None
    ended_at: float | None
    run_s: float | None
    """How long it took, where it completed."""
    exit_code: int | None
    end_reason: str | None
    error: str | None
    """How it failed, or how its last try did."""
    error_at: float
    learned_as: str | None
    """Where its run time may be known from; None: nobody gave it a name."""
    time_limit_s: float | None
    n_attempts: int
    is_behind: bool
    is_given_up: bool
    """It is being stopped for good."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has not started, or was put back."""
        return not (self.state.is_ended or self.state.holds_gpus)

    @property
    def status(self) -> str:
        """One of the five words of SPEC section 7."""
        if self.state.holds_gpus:
            return "running"
        if not self.state.is_ended:
            return "retrying" if self.n_retries else "waiting"
        return "completed" if self.state is TaskState.COMPLETED else "failed"


def process_of(task: Task, past: Past = NO_PAST) -> Process | None:
    """A task as it stands; None for one that has no place in a lane (it was run again by itself)."""
    request, attempt, ending, place = task.request, task.attempt, task.ending, task.request.lane
    if place is None:
        return None
    is_put_back = task.state in (TaskState.HELD, TaskState.PENDING)
    started = attempt.started_at if attempt is not None else None
    began = past.began if past.began is not None else started
    error, error_at = _error(task, past)
    is_completed = task.state is TaskState.COMPLETED and started is not None and ending is not None
    is_last_failure = ending is not None and ending.reason in RETRYABLE  # that one counts as well
    command = request.command
    return Process(
        task_id=task.id,
        lane=place.lane,
        at=place.at,
        name=request.name,
        state=task.state,
        commands=command.lines if isinstance(command, ShellLines) else (describe(command),),
        memory=request.gpus.memory,
        gpu_count=request.gpus.count,
        gpus=attempt.indices if attempt is not None and not is_put_back else (),
        n_retries=max(0, task.n_failures - is_last_failure),
        began=began,
        started_at=None if is_put_back else started,
        ended_at=ending.at if ending is not None else None,
        run_s=ending.at - started if is_completed and ending is not None and started is not None else None,
        exit_code=ending.exit_code if ending is not None else None,
        end_reason=ending.reason.value if ending is not None else None,
        error=error,
        error_at=error_at,
        learned_as=name_key(request.tenant, request.name) if request.is_named else None,
        time_limit_s=request.time_limit_s,
        n_attempts=task.n_attempts,
        is_behind=task.behind is not None,
        is_given_up=task.stop is not None and task.stop.reason in _GIVEN_UP and not task.stop.requeue,
    )


def _error(task: Task, past: Past) -> tuple[str | None, float]:
    """How a task failed, and when; of one that goes on how its last try did. What completed has none."""
    if task.ending is not None:
        is_fine = task.state is TaskState.COMPLETED
        return (None, 0.0) if is_fine else (how_it_ended(task.ending), task.ending.at)
    last = task.attempt
    failed = last if last is not None and last.result is not None else past.failed
    if failed is None or failed.result is None or failed.reason in (None, EndReason.EXIT_ZERO):
        return None, 0.0
    result = failed.result
    ending = Ending(
        reason=failed.reason, at=result.ended_at, exit_code=result.exit_code, signal=result.signal,
        detail=result.detail,
    )  # fmt: skip
    return how_it_ended(ending), ending.at
