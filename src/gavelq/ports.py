"""Ports: what the daemon needs from the outside world. Each Protocol states its contract; adapters keep it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gavelq.core.alerts import Alert, Mute
from gavelq.core.command_files import FIRST_FILE, Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.events import RunnerEvent
from gavelq.core.gpu import Card, GpuSample
from gavelq.core.ids import BlobKey, GpuUuid, SubmissionId, TaskId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.measures import HostUse, Keeping, Kind, Look, Span, Stat, Subject, TreeUse
from gavelq.core.notices import Message
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.step import Changes as Changes
from gavelq.core.step import KeyUse as KeyUse
from gavelq.core.step import Record as Record
from gavelq.core.task import Attempt, ProcessIdentity, Task
from gavelq.core.tenants import FIRST_TOKEN, HourKey, Tenant, Token, TokenId
from gavelq.core.usage import CardMinutes, Ended, Held


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since the epoch, as the machine's clock says; it may be set at any time, by hours and backwards."""
        ...

    def passed(self) -> float:
        """Seconds since some moment in the past, suspended time included; nobody can set it."""
        ...


# --- store -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the store knows at start: every task that has not ended, all queues and cards, and the counters."""

    tasks: Sequence[Task]
    queues: Sequence[Queue]
    cards: Sequence[Card]
    reservations: Mapping[str, Reservation]
    keys: Sequence[KeyUse]
    next_task_id: TaskId
    next_submission_id: SubmissionId
    learned: Mapping[str, Learned] = field(default_factory=dict)
    shares: Mapping[str, ShareUse] = field(default_factory=dict)
    streaks: Mapping[SubmissionId, int] = field(default_factory=dict)
    files: Mapping[FileId, StoredFile] = field(default_factory=dict)
    runs: Mapping[SubmissionId, Run] = field(default_factory=dict)
    bindings: Mapping[BindingKey, Binding] = field(default_factory=dict)
    next_file_id: FileId = FIRST_FILE
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    retired: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[TokenId, Token] = field(default_factory=dict)
    hours: Mapping[HourKey, float] = field(default_factory=dict)
    next_token_id: TokenId = FIRST_TOKEN
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    mutes: Mapping[str, Mute] = field(default_factory=dict)
    outbox: Mapping[str, Message] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks a listing wants. Sorted by id, ascending; `newest` takes the last `limit` of them."""

    ids: tuple[int, ...] | None = None
    """Among these; None: among all."""
    states: tuple[str, ...] = ()
    queue: str | None = None
    submission_id: int | None = None
    tenant: str | None = None
    after_id: int = 0
    before_id: int | None = None
    limit: int = 1000
    newest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A record with its id. Ids grow with the order of the commits and are never used again."""

    id: int
    record: Record
    tenant: str | None
    """Whose the record's task is; None where it is about none, or the task was removed."""


class Store(Protocol):
    """The durable state. One writer; readers see committed rows only.

    `commit` returns when the rows are on disk (synchronous=FULL); it raises StoreUnavailable when they are not, and
    then nothing of it is there: the caller may try again. StoreCorrupt is raised for damage. Reads raise the same two.
    """

    def load(self) -> Loaded:
        """Everything needed to go on after a start (blocking; called once)."""
        ...

    async def commit(self, changes: Changes) -> None:
        """Write one transaction on the writer thread."""
        ...

    async def blob(self, key: BlobKey) -> bytes:
        """A blob's content. KeyError where it is unknown."""
        ...

    async def task(self, task_id: TaskId) -> Task | None:
        """A task in whatever state, ended ones included."""
        ...

    async def tasks(self, wanted: TaskFilter) -> Sequence[Task]:
        """Tasks from the database, ended ones included."""
        ...

    async def counts(self, submission_id: int | None = None, *, tenant: str | None = None) -> Mapping[str, int]:
        """How many tasks (of a submission, of a tenant) are in each state, by state; ended ones included."""
        ...

    async def submissions(self, wanted: TaskFilter) -> Sequence[int]:
        """The numbers of submissions, of which tasks are kept: ids of the filter are theirs, and its tenant counts."""
        ...

    async def attempts(
        self, task_id: TaskId, *, limit: int | None = None, before: int | None = None
    ) -> Sequence[Attempt]:
        """The newest `limit` attempts of a task, of those below the number `before`; oldest first. None: all."""
        ...

    async def records(self, *, task_id: TaskId | None, limit: int) -> Sequence[Record]:
        """The last `limit` records (of a task), oldest first."""
        ...

    async def acts(
        self, kinds: Collection[str], *, since: float, limit: int, before: int | None = None
    ) -> Sequence[Numbered]:
        """The last `limit` records of these kinds since a time that are about no task, oldest first.

        `before`: only those whose id is below it.
        """
        ...

    async def records_after(self, after: int, limit: int) -> Sequence[Numbered]:
        """The first `limit` records whose id is above `after`, oldest first."""
        ...

    async def record_ids(self) -> tuple[int, int]:
        """The first and the last id of the records that are kept; zeros where there never was one."""
        ...

    async def usage(
        self,
        *,
        since: float,
        until: float,
        tenant: str | None,
        hold: Callable[[Held], None],
        end: Callable[[Ended], None],
    ) -> None:
        """Hand over every attempt that may lie in a span of time, and every end that does, in any order.

        Both are called from another thread, one after another. Ends of one day may come together (`Ended.n_tasks`).
        Attempts that end later than `since` are meant; some that end earlier may come along.
        """
        ...

    async def prune(self, *, ended_before: float, records_before: float, keys_before: float) -> Sequence[Task]:
        """Delete old history and blobs that nothing refers to; returns the ended tasks that went, for their logs."""
        ...

    async def backup(self, path: str) -> None:
        """Write a consistent copy of the live database to a new file. FileExistsError where there is one."""
        ...

    async def close(self) -> None:
        """Finish what was begun and close. Safe to call twice."""
        ...


# --- gpus ------------------------------------------------------------------------------------------------


class GpuProbe(Protocol):
    """A way to look at the GPUs. Blocking, called from one thread of its own; never raises: troubles are data."""

    name: str
    """`nvml` or `simulated`."""

    def sample(self, now: float) -> GpuSample:
        """Look at all GPUs. Processes carry pid, memory, user and command; `task_id` is filled in by the caller."""
        ...

    def close(self) -> None:
        """Let go of the driver. Safe to call twice."""
        ...


class GpuClaims(Protocol):
    """Locks between the gavelq daemons of one machine (SPEC section 5). Never raises: no directory, no claims."""

    def foreign(self, uuids: Iterable[GpuUuid], ours: frozenset[GpuUuid]) -> Mapping[GpuUuid, str]:
        """Which of these cards another daemon has claimed, with its description. `ours` are not asked about."""
        ...


class ProcessTable(Protocol):
    """What /proc says about processes."""

    def ancestors(self, pid: int) -> Sequence[int]:
        """The pid itself and all its ancestors, nearest first; empty where there is no such process."""
        ...

    def identify(self, pid: int) -> ProcessIdentity | None:
        """What tells this process from any other with its pid; None where there is no such process."""
        ...

    def start_time(self, pid: int) -> float | None:
        """When it started, in seconds since the epoch as the clock goes now; None where there is no such process."""
        ...


class ProcessTrees(Protocol):
    """Looks at whole process trees. Blocking; never raises."""

    def look(self, roots: Iterable[ProcessIdentity]) -> Mapping[ProcessIdentity, TreeUse]:
        """What is below each of these processes; those that are gone are left out."""
        ...


class HostMeter(Protocol):
    """Looks at the machine itself. Takes well under a millisecond; never raises."""

    def look(self) -> HostUse:
        """How busy it is; looked at once a second at most."""
        ...


class Mps(Protocol):
    """Private MPS daemons, one per GPU (isolation level `mps`). They outlive us.

    `start` and `quit` raise the error that the adapter was made with, with its `problem`.
    """

    def running(self) -> set[GpuUuid]:
        """The GPUs that have one."""
        ...

    async def start(self, gpu: GpuUuid) -> Mapping[str, str]:
        """Start that of a GPU, where it does not run; what its clients need in their environment."""
        ...

    async def quit(self, gpu: GpuUuid) -> None:
        """End that of a GPU."""
        ...


# --- measures over time ----------------------------------------------------------------------------------


class History(Protocol):
    """Measures of GPUs and tasks over time, kept ever more coarsely. Losing it all would harm nothing else.

    * `add` may be called from any thread. It returns at once and never raises; writing happens elsewhere, a few seconds
      late and without fsync: a power cut may cost the last seconds.
    * Looks may come in any order, also from before those that are there (a clock that was set back), and several for
      one second: each counts once in every level. A look older than a level keeps is soon gone again.
    * What can be read includes everything that was added before. Where the history cannot be read, nothing is known:
      reading does not raise, and `problem` tells why.
    * Unusable files are moved aside with a warning in the log; the history begins anew.
    """

    keeping: Keeping
    """How long what is kept; may be replaced while it works."""

    @property
    def problem(self) -> str | None:
        """Why nothing can be written at present; None: it can."""
        ...

    def add(self, looks: Sequence[Look]) -> None:
        """Note what was seen."""
        ...

    async def read(
        self, kind: Kind, subjects: Sequence[Subject], span: Span
    ) -> Mapping[Subject, Mapping[str, Sequence[Stat | None]]]:
        """The span's points by subject and measure. Measures and subjects without any are left out; None: unknown."""
        ...

    async def total(self, task_id: TaskId) -> Mapping[str, Stat]:
        """What a task used over its whole life, by measure; also long after its series have gone."""
        ...

    async def minutes(self, start: float, end: float, idle_percent: float) -> CardMinutes:
        """In which minutes of a span cards were idle (a mean below `idle_percent`), or used by others alone."""
        ...

    async def close(self) -> None:
        """Write what is left and close. Safe to call twice."""
        ...


# --- notices ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell a person or a program: in words, and as a JSON-able document for programs."""

    title: str
    text: str
    document: Mapping[str, Any]


class Notifier(Protocol):
    """Tells people outside of gavelq.

    `send` takes a few seconds at most, never follows redirects, and raises the CannotNotify of `gavelq.core.errors`
    where nobody took the notice. Neither problems nor logs ever hold more of a URL than `masked` shows.
    """

    def problem(self, url: str) -> str:
        """Why nothing can be sent to such a URL here; empty: it can be tried."""
        ...

    async def send(self, url: str, notice: Notice) -> None:
        """Deliver one notice. Raises CannotNotify."""
        ...

    async def close(self) -> None:
        """Let go. Safe to call twice."""
        ...


# --- simulator -------------------------------------------------------------------------------------------


class Simulator(Protocol):
    """Looks ahead in a process of its own, which is gone when `run` returns or raises."""

    def run(self, question: Iterable[bytes], timeout_s: float) -> bytes:
        """Ask with these bytes (`gavelq.scheduling.question`); the answer, a JSON document. Blocks.

        Raises a GavelqError where it takes longer than that, or fails.
        """
        ...


# --- runner ----------------------------------------------------------------------------------------------

SCRIPT_PLACEHOLDER = "{gavelq-script}"
"""Stands in a step's argv for the path of the copied script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnRequest:
    """Everything that a runner needs to start one attempt. Carries no file descriptor and no shared memory."""

    task_id: TaskId
    attempt: int
    steps: tuple[tuple[str, ...], ...]
    """Argument vectors that run one after another until one fails."""
    script: bytes | None = None
    """Written as an executable file into the attempt's directory; steps name it by SCRIPT_PLACEHOLDER."""
    workdir: str
    env: Mapping[str, str]
    log_path: str
    log_max_bytes: int
    """The log is cut (copied and truncated, three parts kept) above this size; 0: never."""
    claims: tuple[GpuUuid, ...] = ()
    """Cards to lock for other daemons of this machine; empty for simulated ones."""
    time_limit_s: float | None = None
    warn_signal: int | None = None
    """Sent to the command's process group `warn_before_s` seconds before the time limit."""
    warn_before_s: float = 0.0
    lease: bool = False
    """No command: `steps` is empty, and the supervisor itself holds the cards until it is stopped, over time, or the
    owner is gone."""
    owner: ProcessIdentity | None = None
    """A lease ends (cause `owner_gone`) with this process."""
    grace_s: float = 10.0
    account: str = ""
    """The unix account that the task runs as; empty: the runner's own."""
    host: str = ""
    """The host it runs on; empty: this one."""
    devices: tuple[str, ...] | None = None
    """The device nodes of NVIDIA GPUs (names below `dev`) that it may open; None: it is not kept from any.

    Where it cannot be kept from the others, it is not started.
    """
    dev: str = "/dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAttempt:
    """An attempt that the runner has: running (`started`), or starting (None)."""

    task_id: TaskId
    attempt: int
    pid: int | None = None
    supervisor: ProcessIdentity | None = None
    started_at: float | None = None


class Runner(Protocol):
    """Starts, supervises and reaps tasks in processes that outlive the daemon.

    * `spawn` is idempotent by (task, attempt): a second request for a known attempt changes nothing, and is answered
      by what is known about it (its start, or its end).
    * Every attempt that was spawned is reported by exactly one end: AttemptEnded or SpawnFailed. Reports may be
      repeated after a reconnection, until `forget`.
    * Reports arrive through the listener, on the loop's own thread. Where the connection breaks, the adapter starts
      another runner when the old one is dead, connects again and calls `on_reconnect`; the caller then asks for the
      inventory and repeats what is missing in it.
    """

    async def connect(self, listener: Callable[[RunnerEvent], None], on_reconnect: Callable[[], None]) -> None:
        """Connect to the runner of this state directory, starting one where there is none. RunnerUnavailable."""
        ...

    def spawn(self, request: SpawnRequest) -> None:
        """Ask for a start; returns at once."""
        ...

    def stop(self, task_id: TaskId, attempt: int, *, signal: int, grace_s: float) -> None:
        """`signal` to the whole tree, the grace time, KILL until nothing is left; returns at once."""
        ...

    def send_signal(self, task_id: TaskId, attempt: int, signal: int) -> None:
        """Deliver one signal to the command's process group; returns at once."""
        ...

    def forget(self, task_id: TaskId, attempt: int) -> None:
        """The end of this attempt is committed: its directory may go; returns at once."""
        ...

    async def inventory(self) -> Sequence[RunningAttempt | RunnerEvent]:
        """All attempts that the runner knows: running ones, and the ends that were not forgotten. RunnerUnavailable."""
        ...

    @property
    def pid(self) -> int | None:
        """The runner's pid, while connected."""
        ...

    async def close(self) -> None:
        """Disconnect; the runner and its tasks go on. Safe to call twice."""
        ...
