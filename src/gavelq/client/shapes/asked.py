"""What clients send, and how they are refused."""

from typing import Any, Literal, TypedDict

from gavelq.client.shapes.words import IsolationLevel


class Error(TypedDict):
    """What stands under `error`, and inside every problem document."""

    code: str
    message: str
    hint: str
    details: dict[str, Any]


class Script(TypedDict):
    """A script file's text, as a task request carries it."""

    name: str
    content: str
    args: list[str]


class TaskFields(TypedDict, total=False):
    """What a task asks for, beside a command line."""

    argv: list[str]
    script: Script
    name: str
    workdir: str
    queue: str
    tags: list[str]
    env: dict[str, str]
    env_dropped: list[str]
    gpu_count: int
    gpu_ids: list[str]
    memory: str | float
    memory_mib: int
    max_util: int | str | None
    priority: int
    time_limit: str | float
    time_limit_s: float
    log_path: str
    hold: bool
    requeue: bool
    allow_infeasible: bool
    warn: str
    min_gpus: int
    max_gpus: int
    gpu_left: int
    share: bool
    retries: int | Literal["unlimited"]
    backoff: str | float
    retry_burst: int
    retry_on: list[str] | str
    on_gpu_oom: str
    after: list[int] | int | str
    after_any: list[int] | int | str
    after_fail: list[int] | int | str
    not_before: str | float
    preemptible: bool
    learn_memory: bool
    array: str
    params: dict[str, list[str]]
    param_rows: list[dict[str, str]]
    max_parallel: int
    isolation: "IsolationLevel"
    mps_percent: int
    description: str
    notify: list[str] | str
    notify_on: list[str] | str
    tenant: str
    lease: bool
    pid: int


class TaskRequest(TaskFields, total=False):
    """What a task asks for; one of `command`, `argv`, `script` must be there."""

    command: str | list[str]


class StartOptions(TypedDict, total=False):
    """What a start of a command file asks for beside its text; it wins over the rules."""

    queue: str
    priority: int
    time_limit: str | float
    retries: int | Literal["unlimited"]
    on_failure: Literal["continue", "stop"]
    seed: int
    hold: bool
    workdir: str
    cwd: str
    env: dict[str, str]
    env_dropped: list[str]
