"""Queues, the daemon and the machine."""

from typing import Literal, TypedDict

from gavelq.client.shapes.gpus import Gpu
from gavelq.client.shapes.tasks import Retry
from gavelq.client.shapes.words import MemType


class Queue(TypedDict):
    """A queue, its limits and its counts."""

    name: str
    hold: bool
    paused: bool
    paused_by: str | None
    """Told to admins; null as well where nobody noted it."""
    paused_at: str | None
    gpus: list[int | str]
    pool: bool
    priority: int
    max_running: int | None
    max_gpus: int | None
    max_util: int | None
    mem_type: MemType
    mem_value: int
    lend: bool
    time_limit_s: float | None
    max_time_limit_s: float | None
    idle_after_s: float | None
    idle_action: Literal["warn", "notify", "requeue", "end"]
    retry: Retry
    n_pending: int
    n_running: int
    n_held: int


class Daemon(TypedDict):
    """The daemon itself; counts by state come with it."""

    running: bool
    pid: int
    version: str
    socket: str
    state_dir: str
    http: str | None
    uptime_s: float
    gpu_provider: str
    runner_pid: int | None
    read_only: bool
    warnings: list[str]
    counts: dict[str, int]


class DoctorCheck(TypedDict):
    """Something that gavelq needs here; `ok` None: it could be better, or is only good to know."""

    name: str
    ok: bool | None
    level: Literal["ok", "warn", "fail", "info"]
    text: str
    hint: str | None


class Host(TypedDict):
    """How busy the machine itself is; of all processors together."""

    name: str
    cpu_count: int
    cpu_percent: float | None
    memory_total_mib: int | None
    memory_used_mib: int | None
    load_1m: float | None


class Status(TypedDict):
    """Everything at a glance."""

    daemon: Daemon
    host: Host
    gpus: list[Gpu]
    queues: list[Queue]
    counts: dict[str, int]
