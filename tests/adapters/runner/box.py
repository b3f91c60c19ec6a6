"""A real runner in a directory of its own, driven from synchronous tests; leaves no process behind."""

import asyncio
import concurrent.futures
import contextlib
import fcntl
import json
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from gavelq.adapters.runner import tree
from gavelq.adapters.runner.client import RunnerClient
from gavelq.adapters.runner.files import AttemptFiles, scan
from gavelq.core.errors import RunnerUnavailable
from gavelq.core.events import AttemptEnded, AttemptStarted, RunnerEvent, SpawnFailed
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.task import AttemptResult
from gavelq.ports import RunningAttempt, SpawnRequest
from gavelq.testing.waiting import wait_until

T = TypeVar("T")

DAEMONIZE = "setsid bash -c 'env -i /bin/bash -c \"echo \\$\\$ >> pids; exec sleep 300\" &' &"
"""A shell's line: a process that leaves the group and the session, clears its environment, and whose parent ends."""


def is_alive(pid: int) -> bool:
    """True for a process that runs; one that waits to be reaped is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Box:
    """One runner directory, and a client whose loop runs in a thread."""

    def __init__(self, root: Path, *, idle_exit_s: float = 0.3, directory: Path | None = None) -> None:
        self.root = root
        self.directory = directory or root / "runner"
        self.claims = root / "claims"
        self.events: list[RunnerEvent] = []
        self.n_reconnections = 0
        self._runner_pids: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.idle_exit_s = idle_exit_s
        self.client = self._new_client()

    def _new_client(self) -> RunnerClient:
        identity = {"user": "ada", "pid": os.getpid(), "state_dir": str(self.root), "socket": "/s"}
        return RunnerClient(
            directory=str(self.directory),
            claims_dir=str(self.claims),
            idle_exit_s=self.idle_exit_s,
            identity=identity,
        )

    # --- the loop's thread --------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the client's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def run_later(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Run a coroutine on the client's loop, without waiting for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call a function on the client's loop."""

        async def called() -> None:
            function(*args, **kwargs)

        self.run(called())

    def connect(self) -> "Box":
        self.run(self.client.connect(self.events.append, self._reconnected))
        self.note_runner()
        return self

    def reconnect_as_new_daemon(self) -> None:
        """What a restarted daemon does: a new client on the same directory."""
        self.run(self.client.close())
        self.client = self._new_client()
        self.connect()

    def _reconnected(self) -> None:
        self.n_reconnections += 1
        self.note_runner()

    def note_runner(self) -> None:
        if self.client.pid is not None:
            self._runner_pids.add(self.client.pid)

    # --- attempts -----------------------------------------------------------------------------------------

    def request(
        self, task_id: int, command: str | tuple[tuple[str, ...], ...], *, env: Mapping[str, str] = {}, **changes: Any
    ) -> SpawnRequest:
        steps = (("bash", "-c", command),) if isinstance(command, str) else command
        fields: dict[str, Any] = {
            "task_id": TaskId(task_id),
            "attempt": 1,
            "steps": steps,
            "workdir": str(self.root),
            "env": {"PATH": os.environ["PATH"], **self.marks(task_id), **env},
            "log_path": str(self.log(task_id)),
            "log_max_bytes": 0,
            "grace_s": 0.3,
            **changes,
        }
        return SpawnRequest(**fields)

    def marks(self, task_id: int) -> dict[str, str]:
        return {"GAVELQ_TASK_ID": str(task_id), "GAVELQ_ATTEMPT": "1", "GAVELQ_SOCKET": str(self.root)}

    def log(self, task_id: int) -> Path:
        return self.root / f"{task_id}.log"

    def spawn(self, task_id: int, command: str | tuple[tuple[str, ...], ...], **changes: Any) -> None:
        self.call(self.client.spawn, self.request(task_id, command, **changes))

    def start(self, task_id: int, command: str, **changes: Any) -> AttemptStarted:
        """Spawn and wait for the start."""
        self.spawn(task_id, command, **changes)
        return self.started(task_id)

    def stop(self, task_id: int, *, signum: int = signal.SIGTERM, grace_s: float = 0.3) -> None:
        self.call(self.client.stop, TaskId(task_id), 1, signal=signum, grace_s=grace_s)

    def of(self, kind: type[T], task_id: int) -> list[T]:
        return [event for event in list(self.events) if isinstance(event, kind) and event.task_id == task_id]

    def started(self, task_id: int) -> AttemptStarted:
        wait_until(lambda: self.of(AttemptStarted, task_id), what=f"task {task_id} starts")
        return self.of(AttemptStarted, task_id)[0]

    def result(self, task_id: int) -> AttemptResult:
        wait_until(lambda: self.of(AttemptEnded, task_id), what=f"task {task_id} ends; events {self.events}")
        return self.of(AttemptEnded, task_id)[0].result

    def result_or_inventory(self, task_id: int) -> AttemptResult:
        """The result, reported or found by asking: what a daemon knows after a reconnection."""

        def find() -> AttemptResult | None:
            for event in self.of(AttemptEnded, task_id):
                return event.result
            with contextlib.suppress(RunnerUnavailable):
                known = self.inventory().get(task_id)
                return known.result if isinstance(known, AttemptEnded) else None
            return None

        wait_until(find, what=f"the end of task {task_id} is known")
        found = find()
        assert found is not None
        return found

    def failure(self, task_id: int) -> SpawnFailed:
        wait_until(lambda: self.of(SpawnFailed, task_id), what=f"task {task_id} fails to start; events {self.events}")
        return self.of(SpawnFailed, task_id)[0]

    def inventory(self) -> dict[int, RunningAttempt | RunnerEvent]:
        return {known.task_id: known for known in self.run(self.client.inventory())}

    def forget(self, task_id: int) -> None:
        self.call(self.client.forget, TaskId(task_id), 1)

    def attempt_directory(self, task_id: int) -> Path:
        return self.directory / "attempts" / f"{task_id}-1"

    def pids_in(self, name: str, count: int = 1) -> list[int]:
        """The pids that a task wrote into a file, once there are that many lines."""
        path = self.root / name
        wait_until(lambda: path.exists() and path.read_text().count("\n") >= count, what=f"{count} pids in {name}")
        return [int(word) for word in path.read_text().split()]

    # --- violence -----------------------------------------------------------------------------------------

    @property
    def runner_pid(self) -> int:
        wait_until(lambda: self.client.pid is not None, what="the runner is connected")
        self.note_runner()
        return self.client.pid or 0

    def kill_runner(self) -> None:
        pid = self.runner_pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), what="the runner is dead")

    def kill_runner_for_good(self) -> None:
        """Disconnect first, so that the client starts no other one."""
        pid = self.runner_pid
        self.run(self.client.close())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), what="the runner is dead")

    def kill_supervisor(self, task_id: int) -> None:
        pid = self.started(task_id).supervisor.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), what="the supervisor is dead")

    def await_reconnection(self, count: int = 1) -> None:
        wait_until(lambda: self.n_reconnections >= count, what="the client has reconnected")

    # --- the end ------------------------------------------------------------------------------------------

    def close(self) -> None:
        self.note_runner()
        with contextlib.suppress(RunnerUnavailable):
            self._end_all()
        self.run(self.client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        for pid in self._runner_pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(self._nobody_holds_the_lock, what="the runner is gone")
        self._kill_what_runs()

    def _nobody_holds_the_lock(self) -> bool:
        path = self.directory / "lock"
        if not path.is_file():
            return True
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def _end_all(self) -> None:
        running = [known for known in self.inventory().values() if isinstance(known, RunningAttempt)]
        for known in running:
            self.call(self.client.stop, known.task_id, known.attempt, signal=signal.SIGKILL, grace_s=0)
        for known in running:
            self.result_or_inventory(known.task_id)

    def _kill_what_runs(self) -> None:
        if not (self.directory / "attempts").exists():
            return
        fd = os.open(self.directory / "attempts", os.O_RDONLY)
        try:
            for key in scan(fd):
                files = AttemptFiles(fd, *key)
                if files.is_locked() and (self.attempt_directory(key[0]) / "started.json").exists():
                    started = json.loads((self.attempt_directory(key[0]) / "started.json").read_text())
                    supervisor = int(started["supervisor"]["pid"])
                    below = [pid for pid, _ in tree.descendants(supervisor)]
                    for pid in (supervisor, *below):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
        finally:
            os.close(fd)


def uuids(*names: str) -> tuple[GpuUuid, ...]:
    return tuple(GpuUuid(name) for name in names)
