"""A real daemon in a temporary directory: own process, real socket, real runner, real SQLite, simulated GPUs."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gavelq.client.address import Address
from gavelq.client.wire import Unreachable, exchange
from gavelq.testing.waiting import wait_until
from tests.support import forked
from tests.support.forked import Forked

Json = dict[str, Any]


class Failure(AssertionError):
    """An answer that was not 2xx; `status` and the problem document `body` tell why."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status}: {body}")


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Box:
    """An instance under one directory, whose daemon can be started, stopped and killed at will."""

    def __init__(
        self, home: Path, *, n_gpus: int = 4, env: Mapping[str, str] | None = None, listen: str | None = None,
        is_executed: bool = False,
    ) -> None:  # fmt: skip
        """`is_executed`: start every process by execve(2) and pay for its imports, instead of `forked.py`'s way."""
        self.home = home
        self.listen = listen
        self.is_executed = is_executed
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GAVELQ_")},
            "GAVELQ_HOME": str(home),
            "GAVELQ_GPU_PROVIDER": "simulated",
            "GAVELQ_GPU_SIMULATED_COUNT": str(n_gpus),
            "GAVELQ_GPU_SAMPLE_INTERVAL_S": "0.2",
            "GAVELQ_RUNNER_GRACE_S": "1",
            "GAVELQ_RUNNER_IDLE_EXIT_S": "0.2",
            "GAVELQ_DAEMON_AUTOSTART": "false",
            "GAVELQ_DEBUG": "1",
            **(env or {}),
        }
        self.process: Forked | subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        """The daemon's unix socket."""
        return str(self.home / "run" / "gavelq.sock")

    def start(self, *, wait: bool = True) -> "Box":
        """Start the daemon; returns when it answers."""
        words = ("serve", "--listen", self.listen) if self.listen else ("daemon", "run")
        self.home.mkdir(exist_ok=True)
        with open(self.home / "daemon.err", "ab") as err:
            self.process = forked.start(
                words, env=self.env, cwd="/", stdin=subprocess.DEVNULL, stdout=err, stderr=err, session=True,
                is_executed=self.is_executed,
            )  # fmt: skip
        if wait:
            wait_until(self._answers, 60, f"the daemon answers; it said: {self.said()}")
        return self

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}: {self.said()}")
        try:
            return exchange(Address(socket=self.socket), "GET", "/api/daemon", timeout_s=5).status == 200
        except (Unreachable, TimeoutError):
            return False

    def said(self) -> str:
        """What the daemon wrote to its standard error."""
        path = self.home / "daemon.err"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def kill(self) -> None:
        """kill -9 of the daemon alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM, as systemd would; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    # --- requests ----------------------------------------------------------------------------------------

    def request(self, method: str, path: str, body: Any = None, *, timeout_s: float = 30) -> Any:
        """One request; the decoded answer. Raises Failure for anything but 2xx."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        reply = exchange(Address(socket=self.socket), method, path, body=content, headers=headers, timeout_s=timeout_s)
        is_json = "json" in reply.headers.get("content-type", "")
        answer = json.loads(reply.body) if is_json else reply.body.decode(errors="replace")
        if not 200 <= reply.status < 300:
            raise Failure(reply.status, answer)
        return answer

    def raw(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """One request as it is, with these header fields alone; status, header fields and body of the answer."""
        connection = _UnixConnection(self.socket)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough; its answer waits
                connection.send(content)
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """POST."""
        return self.request("POST", path, {} if body is None else body)

    def submit(self, command: str, **fields: Any) -> int:
        """One task; its id."""
        request = {"command": command, "workdir": "/tmp", "env": {"PATH": os.environ["PATH"]}, **fields}
        return int(self.post("/api/tasks", request)["id"])

    def task(self, task_id: int) -> Json:
        """A task with its attempts and events."""
        found: Json = self.get(f"/api/tasks/{task_id}")
        return found

    def state(self, task_id: int) -> str:
        """A task's state."""
        return str(self.task(task_id)["state"])

    def wait(self, task_id: int, *states: str, timeout_s: float = 60) -> Json:
        """Until the task is in one of these states (default: any end)."""
        ends = ("completed", "failed", "cancelled", "aborted")
        wanted = states or ends
        deadline = time.monotonic() + timeout_s
        while self.state(task_id) not in wanted:
            assert time.monotonic() < deadline, f"task {task_id} is {self.state(task_id)}, not {wanted}"
            # The daemon answers at once when the task ends; other states are asked for in a slow rhythm.
            self.get(f"/api/tasks/{task_id}/wait?timeout={1 if wanted == ends else 0.02}")
        return self.task(task_id)

    def log(self, task_id: int) -> str:
        """A task's log."""
        return str(self.get(f"/api/tasks/{task_id}/logs?tail=10000"))

    def wait_log(self, task_id: int, text: str, timeout_s: float = 60) -> str:
        """Until the log holds a text and the daemon knows that the task runs; the log. It is made at the start."""

        def holds() -> bool:
            try:
                return text in self.log(task_id)
            except Failure as failure:
                if failure.body["code"] != "log_not_found":
                    raise
                return False

        wait_until(holds, timeout_s, f"task {task_id} writes {text!r}")
        # A quick command writes before the runner's report has come.
        wait_until(lambda: self.state(task_id) != "starting", timeout_s, f"task {task_id} has started")
        return self.log(task_id)

    def cli(self, *words: str, stdin: str = "", timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run the command line against this instance."""
        return forked.run(
            words, env=self.env, cwd="/tmp", stdin=stdin, timeout_s=timeout_s, is_executed=self.is_executed
        )

    @property
    def runner_pid(self) -> int:
        """The runner's pid."""
        return int(self.get("/api/daemon")["runner_pid"])

    def close(self) -> None:
        """End everything that this instance started: tasks, daemon, runner. Nothing else is touched."""
        if self.process is None:
            return
        if self.process.poll() is not None:
            with contextlib.suppress(AssertionError):
                self.start()
        pid = None
        with contextlib.suppress(Exception):
            pid = self.get("/api/daemon")["runner_pid"]
            self.post("/api/daemon/stop", {"kill_tasks": True})
            self.process.wait(20)
        self.process.kill()
        self.process.wait(10)
        if pid is not None:
            wait_until(lambda: not is_alive(pid), 60, "the idle runner ends")


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat behind the name (proc(5)); empty where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def parent(pid: int) -> int:
    """The parent of a living process: a command's is its supervisor."""
    return int(_stat(pid)[1])


def alive_with(text: str) -> list[int]:
    """The processes whose command line holds a text, for example a task's own number of seconds to sleep."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and is_alive(int(name)):
            with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    found.append(int(name))
    return found


@contextlib.contextmanager
def box(**options: Any) -> Iterator[Box]:
    """A started instance in a directory with a short path (a socket's path has 107 bytes), cleaned up afterwards."""
    with tempfile.TemporaryDirectory(prefix="gqbox-", dir="/tmp") as directory:
        instance = Box(Path(directory) / "h", **options)
        try:
            yield instance.start()
        finally:
            instance.close()
