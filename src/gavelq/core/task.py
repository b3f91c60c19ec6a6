"""What a task is. Everything that belongs to one phase of its life lives in that phase's own object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gavelq.core.copying import copier
from gavelq.core.errors import IllegalMove
from gavelq.core.fixed import fixed
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.isolation import Violation
from gavelq.core.lifecycle import END_STATES, HOLDING, TABLE, EndReason, TaskState
from gavelq.core.notices import NotifyOn
from gavelq.core.retrying import NO_RETRIES, RetryRules
from gavelq.core.tenants import Isolation
from gavelq.core.units import MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process that cannot be mistaken for another one: a bare pid is used again, these three together are not."""

    pid: int
    start_ticks: int
    """Field 22 of /proc/PID/stat (proc(5)): clock ticks after boot."""
    boot_id: str
    """/proc/sys/kernel/random/boot_id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellLines:
    """Command lines that run one after another under `bash -c`, until one fails."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argv:
    """A program and its arguments, run without a shell."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script file, copied when it was submitted. `interpreter` is what runs it (its shebang or suffix)."""

    name: str
    blob: BlobKey
    interpreter: tuple[str, ...]
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """No command: the task holds its GPUs for processes of its owner (SPEC section 3)."""

    owner: ProcessIdentity | None = None
    """The lease ends with this process; None: it ends when nobody renews it for `renew_s` seconds."""
    renew_s: float = 60.0


Command = ShellLines | Argv | Script | Lease


@fixed
class GpuRequest:
    """Which GPUs a task asks for. `memory` None means the whole card, free of foreign processes."""

    count: int = 1
    """How many it needs to start; of an elastic task the least it is content with."""
    max_count: int | None = None
    """An elastic task takes up to so many when it starts; None: exactly `count`."""
    gpu_left: int | None = None
    """How many fitting GPUs an elastic task leaves free; None: as many as those behind it need at least."""
    allowed: tuple[GpuUuid, ...] = ()
    """Only these cards; empty means any."""
    memory: MiB | None = None
    """Memory per GPU that must really be free."""
    max_util: int | None = None
    """Do not start on a GPU busier than this percentage; None sets no limit."""
    selection: str | None = None
    """How several fitting cards are chosen from (`best_fit`, `first`, `sampled`); None: as the configuration says."""
    share: bool = False
    """May stand beside other tasks of gavelq that share; needs `memory`."""

    @property
    def is_elastic(self) -> bool:
        """Whether it takes what it can get between two counts."""
        return self.max_count is not None


@fixed
class AttemptResult:
    """How an attempt ended, as its supervisor saw it. Times are seconds since the epoch."""

    exit_code: int | None
    """None where a signal ended it or where nobody could know."""
    signal: int | None
    started_at: float | None
    ended_at: float
    cause: str
    """`exited` (by itself), `stopped` (asked to), `time_limit`, `lost`, `spawn_failed` or `owner_gone` (a lease's)."""
    cpu_s: float = 0.0
    max_rss_mib: float = 0.0
    detail: str = ""


@fixed
class Attempt:
    """One try at running a task."""

    number: int
    gpus: tuple[GpuUuid, ...]
    indices: tuple[str, ...]
    """What people call those GPUs (`0`, or `0:1` for a MIG device)."""
    placed_at: float
    started_at: float | None = None
    pid: int | None = None
    supervisor: ProcessIdentity | None = None
    result: AttemptResult | None = None
    reason: EndReason | None = None
    """Why it ended, also where the task was tried again."""
    log_path: str = ""
    peak_memory: MiB | None = None
    """The most memory that its processes were seen to use on one of its GPUs."""
    utilization: float | None = None
    """The mean utilisation of its GPUs while it ran, in percent."""
    borrowed: bool = False
    """On a card that another queue owns and lends."""
    isolation: Isolation = Isolation.VISIBLE
    """How far it is kept to its GPUs, as was decided when it was placed."""
    violations: tuple[Violation, ...] = ()
    """What it was seen doing that it should not have; at most one for each GPU and kind."""
    idle_since: float | None = None
    """Since when its GPUs have lain idle, once its queue's idle policy has warned of it."""


@fixed
class Stop:
    """Why a task is being stopped, and what becomes of it."""

    reason: EndReason
    by: str
    since: float
    requeue: bool = False
    """Back to PENDING instead of an end."""
    keep_success: bool = False
    """An exit code of 0 counts as COMPLETED all the same (drain)."""


@fixed
class Ending:
    """How and when a task ended. Ends never reopen."""

    reason: EndReason
    at: float
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""


class DependencyKind(StrEnum):
    """What another task must have done before a task may start."""

    OK = "ok"
    """Completed."""
    ANY = "any"
    """Ended, however."""
    FAIL = "fail"
    """Ended without completing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Another task that has to end first."""

    task_id: TaskId
    kind: DependencyKind = DependencyKind.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """A signal to the command so many seconds before its time limit."""

    signal: int
    before_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlace:
    """Where a task of a command file stands. Tasks of one lane of a submission run one after another."""

    lane: str
    """The queue id of the file."""
    at: int
    """From 0 among the tasks of its lane."""
    rank: int
    """Among the tasks of its submission whose turn it is; smaller goes first."""
    is_strict: bool = False
    """Where it fails, the rest of its lane is given up (`on_failure: stop`)."""


@fixed
class TaskRequest:
    """What a caller asks for, understood and complete, before it has an id."""

    command: Command
    name: str
    workdir: str
    env: BlobKey
    dropped_env: tuple[str, ...] = ()
    gpus: GpuRequest = field(default_factory=GpuRequest)
    queue: QueueName
    priority: int = 0
    tenant: str
    tags: tuple[str, ...] = ()
    time_limit_s: float | None = None
    log_path: str | None = None
    """None: a file under the state directory."""
    hold: bool = False
    requeue: bool = False
    """Run it again when it was lost (a reboot)."""
    allow_infeasible: bool = False
    warn: Warn | None = None
    retry: RetryRules = NO_RETRIES
    depends_on: tuple[Dependency, ...] = ()
    not_before: float | None = None
    """The earliest start, in seconds since the epoch."""
    preemptible: bool = False
    is_named: bool = False
    """Whether a person gave the name: only then it teaches run times."""
    learn_memory: bool = False
    """The declared memory is replaced by what tasks of this name were seen to use."""
    array_index: int | None = None
    max_parallel: int | None = None
    """At most so many tasks of its submission run at once (`--array 0-9%2`)."""
    params: tuple[tuple[str, str], ...] = ()
    """The values of a sweep, by name."""
    lane: LanePlace | None = None
    """Its place in a command file."""
    isolation: Isolation | None = None
    """How far it is to be kept to its GPUs, at least as strictly as its tenant is; None: as its tenant."""
    mps_percent: int | None = None
    """The part of its GPU's compute that a task of level `mps` may have at most; None: all of it."""
    description: str = ""
    """What its owner wrote about it."""
    notify: tuple[str, ...] = ()
    """URLs to tell, with their secrets: nothing but `gavelq.core.notices.masked` of them is ever shown."""
    notify_on: tuple[NotifyOn, ...] = (NotifyOn.END,)
    """What of its life they are told."""


@fixed
class Task:
    """A task with its identity, where it stands, and its present attempt."""

    id: TaskId
    submission_id: SubmissionId
    request: TaskRequest
    state: TaskState
    queue: QueueName
    priority: int
    log_path: str
    submitted_at: float
    is_held_by_user: bool = False
    hold_reason: str = ""
    """Why it is held, where that was not simply somebody's wish."""
    retry_at: float | None = None
    """Not before this time, after a try that failed."""
    n_failures: int = 0
    """Tries that failed and count against its retries."""
    waits_for: tuple[Dependency, ...] = ()
    """Dependencies that are still open."""
    behind: TaskId | None = None
    """The task before it in its lane, which has not ended."""
    renewed_at: float | None = None
    """When the owner of a lease last renewed it."""
    attempt: Attempt | None = None
    """The present or the last attempt; earlier ones are history in the store."""
    stop: Stop | None = None
    ending: Ending | None = None

    @property
    def n_attempts(self) -> int:
        """How many attempts there have been."""
        return self.attempt.number if self.attempt else 0

    @property
    def held_gpus(self) -> tuple[GpuUuid, ...]:
        """The allocation: GPUs held now, not those of a finished attempt."""
        return self.attempt.gpus if self.attempt is not None and self.state in HOLDING else ()


def advance(task: Task, target: TaskState, **changes: object) -> Task:
    """The one door to a task's state: check the move against the lifecycle table and make it.

    `changes` are further fields of the task that change with it. Raises IllegalMove, and ValueError for an end without
    an ending.
    """
    if target not in TABLE[task.state]:
        story = f"queue {task.queue}, attempt {task.n_attempts}, stop {task.stop}, ending {task.ending}"
        raise IllegalMove(task_id=task.id, source=task.state.value, target=target.value, story=story)
    if (changes.get("ending", task.ending) is not None) != target.is_ended:
        raise ValueError(f"task {task.id}: {target} and its ending do not agree")
    if target is not TaskState.STOPPING:
        changes["stop"] = None
    return altered(task, state=target, **changes)


altered = copier(Task)
"""A task with some of its fields changed; its state has a door of its own, `advance`."""
altered_attempt = copier(Attempt)
"""An attempt with some of its fields changed."""


def end(task: Task, ending: Ending, **changes: object) -> Task:
    """End a task with the state that the reason leads to, and change further fields with it. Raises IllegalMove."""
    return advance(task, END_STATES[ending.reason], ending=ending, **changes)


def describe(command: Command) -> str:
    """The command as people read it, on one line per command line."""
    match command:
        case ShellLines(lines=lines):
            return "\n".join(lines)
        case Argv(argv=argv):
            return " ".join(_quoted(part) for part in argv)
        case Script(name=name, args=args):
            return " ".join(_quoted(part) for part in (name, *args))
        case Lease():
            return ""


def _quoted(part: str) -> str:
    plain = part and all(c.isalnum() or c in "_-./=:,@%+" for c in part)
    return part if plain else "'" + part.replace("'", "'\"'\"'") + "'"


Environment = Mapping[str, str]
