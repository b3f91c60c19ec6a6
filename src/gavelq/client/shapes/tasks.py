"""Tasks, their attempts, events and submissions."""

from typing import Any, Literal, TypedDict

from gavelq.client.measured import Measured
from gavelq.client.shapes.asked import Error
from gavelq.client.shapes.words import IsolationLevel, State


class Task(TypedDict):
    """A task as lists show it."""

    id: int
    name: str
    state: State
    pending_reason: str | None
    end_reason: str | None
    exit_code: int | None
    signal: int | None
    queue: str
    priority: int
    tenant: str
    command: str | None
    workdir: str
    gpu_count: int
    min_gpus: int | None
    max_gpus: int | None
    gpu_ids: list[int | str]
    memory_mib: int | None
    max_util: int | None
    share: bool
    time_limit_s: float | None
    depends_on: list[int]
    submission_id: int
    gpus: list[int | str]
    gpu_uuids: list[str]
    pid: int | None
    attempt: int
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    log_path: str
    expected_start_at: str | None
    pending_detail: str | None
    pending_details: dict[str, Any] | None
    """What `pending_detail` says, as data."""
    end_detail: str | None
    tags: list[str]
    requeue: bool
    env_dropped: list[str]
    gpu_left: int | None
    warn: str | None
    retry: "Retry"
    n_failures: int
    retry_at: str | None
    dependencies: list["Dependency"]
    not_before: str | None
    preemptible: bool
    learn_memory: bool
    is_lease: bool
    lease_owner_pid: int | None
    lease_renew_s: float | None
    lease_expires_at: str | None
    array_index: int | None
    params: dict[str, str]
    hold_reason: str | None
    peak_memory_mib: int | None
    isolation: "IsolationLevel"
    mps_percent: int | None
    description: str | None
    notify: list[str]
    """Scheme and host of each URL; the rest may be secret."""
    notify_on: list[str]
    idle_since: str | None
    status: str
    tenant_id: str
    gpu_request: int
    memory_mb: int | None
    timeout: float | None
    device_ids: list[int | str]
    environment: dict[str, str] | None
    violations: list["Violation"]


class Violation(TypedDict):
    """A GPU that a task used without holding it, or on which it used more memory than it declared (`declared_mib`)."""

    at: str
    what: Literal["other_gpu", "memory"]
    gpu: int | str
    gpu_uuid: str
    pid: int
    memory_mib: int | None
    declared_mib: int | None
    text: str


class Retry(TypedDict):
    """When and how often a task is tried again; None (of a queue): as the configuration says."""

    retries: int | Literal["unlimited"] | None
    backoff: str | None
    burst: int | None
    on: list[str] | None
    on_gpu_oom: str | None


class Dependency(TypedDict):
    """Another task that has to end first."""

    task_id: int
    kind: Literal["ok", "any", "fail"]
    is_open: bool


class Attempt(TypedDict):
    """One try at running a task."""

    attempt: int
    gpus: list[int | str]
    gpu_uuids: list[str]
    pid: int | None
    placed_at: str
    started_at: str | None
    ended_at: str | None
    exit_code: int | None
    signal: int | None
    cause: str | None
    end_reason: str | None
    log_path: str | None
    peak_memory_mib: int | None
    utilization_percent: float | None
    borrowed: bool
    isolation: IsolationLevel
    violations: list["Violation"]
    cpu_s: float | None
    max_rss_mib: float | None
    detail: str


class Event(TypedDict):
    """One row of the history."""

    at: str
    event: str
    by: str
    task_id: int | None
    subject: str
    details: dict[str, Any]


class Submission(TypedDict):
    """The tasks that one command, file or sweep brought in."""

    id: int
    name: str
    tenant: str
    n_tasks: int
    first_task_id: int
    last_task_id: int
    submitted_at: str
    is_ended: bool
    counts: dict[str, int]


class TaskRefused(TypedDict):
    """A task that something could not be done to, and why."""

    id: int
    error: Error


class SubmissionDone(Submission):
    """What came of an action on all tasks of a submission.

    `n_refused` are those it was not done to; `refused` tells why (of 100 at most) where their state is not the reason.
    """

    n_done: int
    n_refused: int
    refused: list[TaskRefused]


class TaskDetails(Task):
    """A single task, with its story; `position` and `expected_basis` only while it is pending."""

    position: int | None
    expected_basis: str | None
    etag: str
    n_attempts: int
    attempts: list[Attempt]
    """The newest 100."""
    events: list[Event]
    dependents: list[int]
    graph: list["Node"]
    env_names: list[str]
    """Of the variables it was submitted with, without what gavelq adds. Their values are told to nobody."""
    learned: "Learned | None"
    measured: Measured | None


class Node(TypedDict):
    """A task among those that depend on each other; `dependents` are those that wait for it now."""

    id: int
    name: str
    state: State
    end_reason: str | None
    dependencies: list[Dependency]
    dependents: list[int]


class Learned(TypedDict):
    """What ended tasks of a name taught; of names that differ in numbers alone (`train-#`), where the name is new."""

    name: str
    is_exact: bool
    n_ends: int
    run_time_s: float | None
    peak_memory_mib: int | None
    utilization_percent: float | None
