"""GPUs, their processes, and what is planned on them."""

from typing import Literal, TypedDict


class GpuProcess(TypedDict):
    """A process on a GPU; `task_id` None means that gavelq did not start it."""

    pid: int
    user: str | None
    memory_mib: int | None
    task_id: int | None
    command: str
    started_at: str | None
    since: str | None
    is_ignored: bool


class Gpu(TypedDict):
    """A GPU with what it does now."""

    index: int | str
    uuid: str
    name: str
    state: Literal["free", "busy", "shared", "foreign", "ignored", "draining", "lost"]
    queue: str | None
    memory_total_mib: int
    memory_used_mib: int | None
    utilization_percent: int | None
    temperature_c: int | None
    power_w: float | None
    power_limit_w: float | None
    tasks: list[int]
    processes: list[GpuProcess]
    label: str
    memory_free_mib: int | None
    unattributed_mib: int
    unattributed_since: str | None
    claimed_by: str | None
    claimed_since: str | None
    calm_at: str | None
    blocks: int
    held_since: str | None
    unavailable: str | None
    excluded: bool
    fault: str | None
    fault_at: str | None
    violations: list["GpuViolation"]
    n_other_tasks: int
    accepted_pids: list[int]
    """Foreign processes that it is shared with until they leave."""


class GpuViolation(TypedDict):
    """What a task does on a GPU at this moment that it should not."""

    task_id: int
    text: str


class Following(TypedDict):
    """What happens next on a GPU; `at` None: nobody knows when, or it does not end by itself."""

    kind: Literal["ends", "starts", "foreign", "ignored", "draining", "lost", "idle"]
    task_id: int | None
    name: str | None
    at: str | None
    text: str


# A field is called `from`, which no class could have.
PlanSpan = TypedDict(
    "PlanSpan",
    {
        "kind": Literal["running", "reserved", "expected", "foreign"],
        "task_id": int | None,
        "name": str | None,
        "tenant": str | None,
        "is_own": bool,
        "from": str,
        "to": str | None,
        "is_limit": bool,
    },
)
"""What a GPU is used for, or is to be; with `is_limit` it ends at `to` at the latest. What is others' is None."""


class PlanGpu(TypedDict):
    """A GPU and what is to come on it, in time order."""

    index: int | str
    uuid: str
    next: Following
    spans: list[PlanSpan]


class PlanTask(TypedDict):
    """A task that waits, and the GPUs that it is expected to get."""

    task_id: int
    position: int
    expected_start_at: str | None
    expected_basis: str
    gpus: list[int | str]


class Budget(TypedDict):
    """How many cards gavelq uses, and may use altogether; not limited: all of the machine's."""

    n_used: int
    most: int
    is_limited: bool


class Plan(TypedDict):
    """What is to come, as it looks now; only limits and reservations are promises."""

    at: str
    until: str
    budget: Budget
    gpus: list[PlanGpu]
    pending: list[PlanTask]
