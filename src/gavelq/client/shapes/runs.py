"""Runs of command files."""

from typing import Literal, TypedDict

from gavelq.client.shapes.words import Mode, State


class SchedulerProcess(TypedDict):
    """A task of a run."""

    index: int
    status: Literal["waiting", "running", "retrying", "completed", "failed"]
    commands: list[str]
    memory_gb: float | None
    gpu_count: int
    current_gpu: int | str | None
    gpus: list[int | str]
    retry_count: int
    last_error: str | None
    task_id: int
    name: str
    task_state: State
    exit_code: int | None
    end_reason: str | None
    started_at: str | None
    ended_at: str | None
    pending_reason: str | None


class SchedulerCounts(TypedDict):
    """How many tasks there are; the first four of them add up to `total_tasks`."""

    pending_tasks: int
    running_tasks: int
    completed_tasks: int
    failed_tasks: int
    total_tasks: int
    cancelled_tasks: int
    skipped_tasks: int
    retries: int
    last_error: str | None
    started_at: str | None
    ended_at: str | None
    expected_end_at: str | None
    expected_basis: str | None


class SchedulerQueue(SchedulerCounts):
    """A queue id of a run."""

    id: str
    status: Literal["waiting", "running", "retrying", "completed", "failed"]
    current_gpu: int | str | None
    current_task: str | None
    current_task_id: int | None
    last_error_task_id: int | None
    gpus: list[int | str]
    memory_used_mib: int | None
    pending_reason: str | None
    pending_detail: str | None
    processes: list[SchedulerProcess]


class Scheduler(SchedulerCounts):
    """A run of a command file; of a configuration that never ran `pid`, `run` and `state` are null."""

    pid: int | None
    mode: Mode
    config_index: int | None
    state: Literal["starting", "running", "stopping", "completed", "failed"] | None
    gpus_used: list[int | str]
    gpu_assignments: dict[str, list[str]]
    run: int | None
    submission_id: int | None
    index: int | None
    name: str
    tenant: str
    started_by: str | None
    queues: dict[str, SchedulerQueue]


class StoppedRun(Scheduler):
    """A run that was asked to end: `n_done` of its tasks were, `n_refused` could not be."""

    n_done: int
    n_refused: int


class AddedTask(TypedDict):
    """A block that becomes a task; `task_id` is null until that is done."""

    task_id: int | None
    line: int
    commands: list[str]
    gpu_count: int
    memory_gb: float


class RemovedTask(TypedDict):
    """A task that waits, and whose block is gone or says something else."""

    task_id: int
    commands: list[str]


class MovedTask(TypedDict):
    """A task that waits, and whose block stands elsewhere among those of its queue id."""

    task_id: int
    line: int


class StartedTask(TypedDict):
    """A task that stays as it is though its block changed (at `line`) or is gone (null), because it has started."""

    task_id: int
    state: State | None
    line: int | None


class QueueDifference(TypedDict):
    """A queue id of a configuration against its run."""

    n_kept: int
    n_started: int
    added: list[AddedTask]
    removed: list[RemovedTask]
    moved: list[MovedTask]
    started: list[StartedTask]


class RunDifference(TypedDict):
    """A configuration's text against its run."""

    pid: int
    submission_id: int
    mode: Mode
    config_index: int
    name: str
    etag: str
    is_changed: bool
    is_applied: bool
    n_kept: int
    n_moved: int
    n_added: int
    n_removed: int
    n_started: int
    queues: dict[str, QueueDifference]
