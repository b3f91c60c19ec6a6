"""An in-memory runner: records what it is asked, and reports what a test tells it to."""

from collections.abc import Callable, Sequence

from gavelq.core.errors import RunnerUnavailable
from gavelq.core.events import AttemptEnded, AttemptStarted, RunnerEvent, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.core.signals import signal_name
from gavelq.core.task import AttemptResult, ProcessIdentity
from gavelq.ports import RunningAttempt, SpawnRequest

Key = tuple[TaskId, int]
_EPOCH = 1_700_000_000.0


class FakeRunner:
    """ports.Runner without processes. Reports are made by `report_...`, on the caller's turn."""

    def __init__(self, *, starts_at_once: bool = False, ends_when_stopped: bool = False) -> None:
        """`starts_at_once`: a spawn reports its start; `ends_when_stopped`: a stop reports the end."""
        self.spawned: list[SpawnRequest] = []
        """Every request that was new, in order."""
        self.stops: list[tuple[TaskId, int, int, float]] = []
        """(task, attempt, signal, grace in seconds) of every stop."""
        self.signals: list[tuple[TaskId, int, int]] = []
        self.forgotten: list[Key] = []
        self.is_connected = False
        self.starts_at_once = starts_at_once
        self.ends_when_stopped = ends_when_stopped
        self._known: dict[Key, RunnerEvent | None] = {}
        self._requests: dict[Key, SpawnRequest] = {}
        self._listener: Callable[[RunnerEvent], None] | None = None
        self._on_reconnect: Callable[[], None] | None = None

    # --- the port -----------------------------------------------------------------------------------------

    async def connect(self, listener: Callable[[RunnerEvent], None], on_reconnect: Callable[[], None]) -> None:
        """Take the listener; nothing can go wrong."""
        self._listener, self._on_reconnect = listener, on_reconnect
        self.is_connected = True

    def spawn(self, request: SpawnRequest) -> None:
        """Record a new attempt; answer a known one with what is known. Dropped while disconnected."""
        if not self.is_connected:
            return
        key = (request.task_id, request.attempt)
        if key in self._known:
            known = self._known[key]
            if known is not None:
                self._tell(known)
            return
        self._known[key] = None
        self._requests[key] = request
        self.spawned.append(request)
        if self.starts_at_once:
            self.report_started(*key)

    def stop(self, task_id: TaskId, attempt: int, *, signal: int, grace_s: float) -> None:
        """Record it, and end the attempt where this fake was made so."""
        self.stops.append((task_id, attempt, signal, grace_s))
        is_live = isinstance(self._known.get((task_id, attempt)), AttemptStarted | None)
        if self.ends_when_stopped and is_live and (task_id, attempt) in self._known:
            self._report_end(task_id, attempt, signal, cause="stopped")

    def send_signal(self, task_id: TaskId, attempt: int, signal: int) -> None:
        """Record it."""
        self.signals.append((task_id, attempt, signal))

    def forget(self, task_id: TaskId, attempt: int) -> None:
        """Drop an attempt that has ended."""
        if isinstance(self._known.get((task_id, attempt)), AttemptEnded | SpawnFailed):
            del self._known[task_id, attempt]
            self.forgotten.append((task_id, attempt))

    async def inventory(self) -> Sequence[RunningAttempt | RunnerEvent]:
        """What is known. RunnerUnavailable while disconnected."""
        if not self.is_connected:
            raise RunnerUnavailable(why="the test broke the connection")
        return [_entry(key, known) for key, known in self._known.items()]

    @property
    def pid(self) -> int | None:
        """A made-up pid while connected."""
        return 4242 if self.is_connected else None

    async def close(self) -> None:
        """Disconnect."""
        self.is_connected = False
        self._listener = None

    # --- what the test makes happen -----------------------------------------------------------------------

    def report_started(self, task_id: TaskId, attempt: int, *, pid: int = 1000, at: float = _EPOCH) -> None:
        """The command runs, or the lease holds: `pid` is then that of its supervisor, unless it has an owner."""
        request = self._requests.get((task_id, attempt))
        is_lease = request is not None and request.lease
        supervisor = ProcessIdentity(pid=pid if is_lease else pid - 1, start_ticks=1, boot_id="fake")
        if request is not None and request.owner is not None:
            pid = request.owner.pid
        started = AttemptStarted(task_id=task_id, attempt=attempt, pid=pid, supervisor=supervisor, at=at)
        self._happen(started)

    def report_ended(
        self,
        task_id: TaskId,
        attempt: int,
        *,
        exit_code: int | None = 0,
        signal: int | None = None,
        cause: str = "exited",
        at: float = _EPOCH + 1,
        detail: str = "",
    ) -> None:
        """The attempt has ended."""
        known = self._known.get((task_id, attempt))
        result = AttemptResult(
            exit_code=exit_code,
            signal=signal,
            started_at=known.at if isinstance(known, AttemptStarted) else None,
            ended_at=at,
            cause=cause,
            detail=detail,
        )
        self._happen(AttemptEnded(task_id=task_id, attempt=attempt, result=result))

    def report_time_limit(self, task_id: TaskId, attempt: int, *, at: float = _EPOCH + 1) -> None:
        """The time limit ended it; a command by TERM, and after its warning where it has one."""
        request = self._requests[task_id, attempt]
        detail = ""
        if request.warn_signal is not None and not request.lease:
            detail = f"warned with {signal_name(request.warn_signal)} {request.warn_before_s:g} s before the limit"
        self._report_end(task_id, attempt, 15, cause="time_limit", at=at, detail=detail)

    def report_owner_gone(self, task_id: TaskId, attempt: int, *, at: float = _EPOCH + 1) -> None:
        """The owner of a lease has ended."""
        request = self._requests[task_id, attempt]
        if request.owner is None:
            raise AssertionError(f"attempt {(task_id, attempt)} is no lease of an owner")
        detail = f"its owner, process {request.owner.pid}, is gone"
        self.report_ended(task_id, attempt, cause="owner_gone", at=at, detail=detail)

    def _report_end(
        self, task_id: TaskId, attempt: int, signal: int, *, cause: str, at: float = _EPOCH + 1, detail: str = ""
    ) -> None:
        """By a signal, or without one where there is no command."""
        is_lease = self._requests[task_id, attempt].lease
        exit_code, signum = (0, None) if is_lease else (None, signal)
        self.report_ended(task_id, attempt, exit_code=exit_code, signal=signum, cause=cause, at=at, detail=detail)

    def report_spawn_failed(
        self, task_id: TaskId, attempt: int, *, problem: str = "no such program", is_transient: bool = False
    ) -> None:
        """The command could not be started."""
        failed = SpawnFailed(task_id=task_id, attempt=attempt, problem=problem, is_transient=is_transient)
        self._happen(failed)

    def lose(self, task_id: TaskId, attempt: int) -> None:
        """Forget an attempt without a word, as a spawn that a dying runner had not read."""
        self._known.pop((task_id, attempt), None)

    def break_connection(self) -> None:
        """From now on orders are dropped and reports wait in the inventory."""
        self.is_connected = False

    def reconnect(self) -> None:
        """The connection is there again."""
        self.is_connected = True
        if self._on_reconnect is not None:
            self._on_reconnect()

    def _happen(self, event: RunnerEvent) -> None:
        key = (event.task_id, event.attempt)
        if key not in self._known:
            raise AssertionError(f"attempt {key} was never spawned here, or is forgotten")
        if isinstance(self._known[key], AttemptEnded | SpawnFailed):
            raise AssertionError(f"attempt {key} has ended already")
        self._known[key] = event
        self._tell(event)

    def _tell(self, event: RunnerEvent) -> None:
        if self.is_connected and self._listener is not None:
            self._listener(event)


def _entry(key: Key, known: RunnerEvent | None) -> RunningAttempt | RunnerEvent:
    if known is None:
        return RunningAttempt(task_id=key[0], attempt=key[1])
    if isinstance(known, AttemptStarted):
        return RunningAttempt(
            task_id=key[0], attempt=key[1], pid=known.pid, supervisor=known.supervisor, started_at=known.at
        )
    return known
