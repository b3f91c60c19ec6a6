"""The runner's process: `python -I -S -c BOOTSTRAP ROOT DIRECTORY CLAIMS_DIR IDLE_EXIT_S` (see `starting`).

It detaches from whoever started it, takes the directory's lock (one runner per state directory), adopts what an earlier
runner left, listens, and blocks in epoll without a timeout while there is nothing to watch. It forks the supervisors,
is a subreaper itself, and may be killed at any time: the next runner goes on from the files.
"""

import contextlib
import fcntl
import gc
import os
import resource
import select
import signal
import stat
import sys
import time

from gavelq.adapters.runner import linux, sockets, wire
from gavelq.adapters.runner.attempts import Attempts
from gavelq.adapters.runner.claims import Claims
from gavelq.adapters.runner.complaints import survive_a_full_disk
from gavelq.adapters.runner.connections import Connection, Connections
from gavelq.adapters.runner.spawning import Spawner
from gavelq.version import __version__

TYPE_CHECKING = False  # not from typing: that alone would be a tenth of the runner's memory
if TYPE_CHECKING:
    from typing import NoReturn

SOCKET = "runner.sock"
LOCK = "lock"
_LOG_CHECK_S = 3.0
_LOCK_PATIENCE_S = 3.0
_PIPE_SIZE = 1 << 20


class Refusal(Exception):
    """The runner cannot run here; the text says why."""


def _now() -> float:
    return time.monotonic()


class Launcher:
    """The loop."""

    def __init__(self, directory: str, claims_dir: str, idle_exit_s: float) -> None:
        self._idle_exit_s = idle_exit_s
        self._directory_fd = _open_private(directory)
        # Held until the process ends; never closed on purpose.
        self._lock_fd, last_boot = _take_lock(self._directory_fd)
        self._file_limit = _raise_file_limit()
        linux.become_subreaper()
        linux.set_name("gavelq-runner")
        self._epoll = select.epoll()
        self._wake_fd = self._catch_signals()
        self._reports_fd, self._reports_end = _report_pipe()
        for fd in (self._wake_fd, self._reports_fd):
            self._epoll.register(fd, select.EPOLLIN)
        self._report_lines = wire.LineBuffer()
        self._connections: Connections | None = None
        self._claims = Claims(claims_dir, directory)
        self._attempts = Attempts(self._directory_fd, self._epoll, self._claims, self._report, last_boot)
        self._spawner = Spawner(self._attempts, self._reports_end, self._file_limit)
        self._attempts.adopt_all()
        self._is_leaving = False
        self._idle_since: float | None = _now()
        self._next_log_check: float | None = None
        greeting = wire.encode(self._greeting())
        listener = sockets.listen(self._directory_fd, SOCKET)
        self._connections = Connections(self._epoll, listener, greeting, self._handle)

    def run(self) -> None:
        """Until there is nothing to do any more."""
        is_more = False
        while not self._is_leaving:
            timeout = 0.0 if is_more else self._look_at_clock()
            for fd, mask in self._epoll.poll(timeout):
                self._dispatch(fd, mask)
            is_more = self._open.turn()
            self._spawner.start()
            self._open.flush()
            self._attempts.traces.clear_away()
        # Without the name nobody connects to a runner that is about to leave; the lock is still ours.
        with contextlib.suppress(OSError):
            os.unlink(SOCKET, dir_fd=self._directory_fd)
        self._open.close()

    @property
    def _open(self) -> Connections:
        if self._connections is None:
            raise AssertionError("nobody is connected before the socket is there")
        return self._connections

    def _report(self, line: bytes) -> None:
        if self._connections is not None:
            self._connections.report(line)

    def _dispatch(self, fd: int, mask: int) -> None:
        if fd == self._wake_fd:
            with contextlib.suppress(BlockingIOError):
                os.read(fd, 4096)
            self._read_reports()  # before the ends: a start is told first
            self._attempts.reap()
        elif fd == self._reports_fd:
            self._read_reports()
        elif self._attempts.owns(fd):
            self._attempts.pidfd_ready(fd)
        elif self._open.owns(fd):
            self._open.ready(fd, mask)

    def _read_reports(self) -> None:
        while True:
            try:
                chunk = os.read(self._reports_fd, _PIPE_SIZE)
            except BlockingIOError:
                return
            for line in self._report_lines.feed(chunk):
                self._attempts.told(line)

    # --- time ---------------------------------------------------------------------------------------------

    def _look_at_clock(self) -> float | None:
        """Do what is due; returns how long to block."""
        pauses = [self._attempts.tick(self._open.pids), self._check_logs(), self._check_idle()]
        self._open.flush()
        return min((pause for pause in pauses if pause is not None), default=None)

    def _check_idle(self) -> float | None:
        if self._attempts.n_running or len(self._open):
            self._idle_since = None
            return None
        self._idle_since = self._idle_since or _now()
        left = self._idle_since + self._idle_exit_s - _now()
        self._is_leaving = self._is_leaving or left <= 0
        return max(0.0, left)

    def _check_logs(self) -> float | None:
        if not self._attempts.n_running or not self._attempts.has_logs_to_watch():
            self._next_log_check = None
            return None
        now = _now()
        self._next_log_check = self._next_log_check or now + _LOG_CHECK_S
        if now >= self._next_log_check:
            self._next_log_check = now + _LOG_CHECK_S
            self._attempts.cut_logs()
        return self._next_log_check - now

    # --- messages -----------------------------------------------------------------------------------------

    def _greeting(self) -> wire.Message:
        return {
            "kind": "hello",
            "protocols": list(wire.PROTOCOLS),
            "version": __version__,
            "uid": os.getuid(),
            "user": self._attempts.user,
            "host": self._attempts.host,
            "boot_id": self._attempts.boot_id,
            "pid": os.getpid(),
        }

    def _handle(self, connection: Connection, message: wire.Message) -> None:
        op = message.get("op")
        if op == "spawn":
            self._ask(message)
            return
        self._spawner.start()  # so that an order finds the attempt that was asked for just before
        match op:
            case "hello":
                self._greeted(connection, message)
            case "inventory":
                known = self._attempts.inventory()
                answer = {"kind": "inventory", "id": wire.integer(message, "id"), "attempts": known}
                self._open.send(connection, wire.encode(answer))
            case "stop" | "signal" | "limit" | "forget":
                self._order(connection, message)
            case _:
                raise wire.Malformed(f"op: this runner (protocols {list(wire.PROTOCOLS)}) does not know {op!r:.80}")

    def _ask(self, message: wire.Message) -> None:
        try:
            self._spawner.ask(wire.Spawn(message))
        except wire.Malformed as error:
            # Every request is answered by one end; without its numbers there is nobody to tell but the connection.
            identity = {"task": wire.integer(message, "task", 1), "attempt": wire.integer(message, "attempt")}
            failed = {"kind": "spawn_failed", **identity, "problem": str(error), "is_transient": False}
            self._report(wire.encode(failed))

    def _greeted(self, connection: Connection, message: wire.Message) -> None:
        if message.get("protocol") not in wire.PROTOCOLS:
            raise wire.Malformed(f"protocol: this runner speaks {list(wire.PROTOCOLS)}")
        identity = message.get("identity", {})
        if not isinstance(identity, dict):
            raise wire.Malformed("identity: expected an object")
        self._claims.introduce(identity)
        self._open.become_daemon(connection)

    def _order(self, connection: Connection, message: wire.Message) -> None:
        op = message["op"]
        if op in ("stop", "signal"):
            wire.signum(message)
        if op in ("stop", "limit"):
            wire.number(message, "grace_s")
        if op == "limit" and message.get("time_limit_s") is not None:
            wire.number(message, "time_limit_s")
        key = (wire.integer(message, "task", 1), wire.integer(message, "attempt"))
        attempt = self._attempts.known.get(key)
        if attempt is None:
            if op != "forget":
                self._open.send(connection, wire.encode({"kind": "unknown", "task": key[0], "attempt": key[1]}))
        elif op == "forget":
            if attempt.end is None:
                raise wire.Malformed(f"forget: attempt {attempt.files.name} has not ended")
            self._attempts.forget(attempt)
        elif attempt.end is not None:
            self._open.send(connection, attempt.end)
        else:
            self._attempts.order(attempt, message)

    # --- signals ------------------------------------------------------------------------------------------

    def _catch_signals(self) -> int:
        read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGCHLD, _nothing)
        return read_end

    def _leave(self, _signum: int, _frame: object) -> None:
        self._is_leaving = True


def _nothing(_signum: int, _frame: object) -> None:
    """SIGCHLD needs a handler, or the wake-up descriptor stays silent."""


def _open_private(directory: str) -> int:
    os.makedirs(directory, 0o700, exist_ok=True)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    found = os.fstat(fd)
    if found.st_uid != os.getuid():
        raise Refusal(f"{directory} belongs to account {found.st_uid}; give this instance a directory of its own")
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.fchmod(fd, 0o700)
    return fd


def _take_lock(directory_fd: int) -> tuple[int, str]:
    """Returns the lock, and in which boot the last runner held it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(LOCK, flags, 0o600, dir_fd=directory_fd)
    patience = _now() + _LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            # A child that a killed runner had just forked may hold it for a moment.
            if _now() > patience:
                raise Refusal("another runner holds the lock of this directory") from None
            time.sleep(0.02)
    last_boot = os.pread(fd, 100, 0).decode("ascii", "replace").strip()
    os.ftruncate(fd, 0)
    os.pwrite(fd, linux.boot_id().encode("ascii") + b"\n", 0)
    return fd, last_boot


def _report_pipe() -> tuple[int, int]:
    read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with contextlib.suppress(OSError):  # over the account's share of pipe memory: the default will do
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    return read_end, write_end


def _raise_file_limit() -> tuple[int, int]:
    """Adopted supervisors cost a descriptor each. Returns the limits that tasks shall have, as they were."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    return limits


def main(arguments: list[str]) -> "NoReturn":
    """Detach and run. Standard output gets one line, `ready PID` or the problem, and is then closed."""
    directory, claims_dir, idle_exit_s = arguments
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    survive_a_full_disk()
    code = 1
    try:
        launcher = Launcher(directory, claims_dir, float(idle_exit_s))
        os.write(1, f"ready {os.getpid()}\n".encode())
        os.dup2(2, 1)
        gc.collect()
        gc.freeze()  # what is there now is never looked at again, so that forks share its pages
        launcher.run()
        code = 0
    except Refusal as refusal:
        os.write(1, f"{refusal}\n".encode(errors="backslashreplace"))
    except OSError as error:
        os.write(1, f"{error}\n".encode(errors="backslashreplace"))
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        # No interpreter shutdown: nothing here needs it, and a supervisor's files must not be touched.
        os._exit(code)
