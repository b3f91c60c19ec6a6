"""A shell on leased GPUs: started in the caller's terminal, ended with the lease."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping

from gavelq.cli.call import Call
from gavelq.cli.granting import end_of
from gavelq.cli.output.text import safe
from gavelq.cli.output.times import duration
from gavelq.cli.processes import descendants, is_alive
from gavelq.cli.waiting import Task, turned
from gavelq.client.patience import PatientLink
from gavelq.core.errors import GavelqError, InvalidField, NotFound

WARNED_S = 60.0
"""So long before the end it is announced."""
GRACE_S = 10.0
"""Between the HUP and the KILL."""
_LATE_S = 5.0
"""The lease ends by itself at its limit; if nobody says so (no daemon), it is taken as over so much later."""
_IDLE_LOOK_S = 5.0
_INPUT_STEP_S = 8
"""A terminal's access time is moved by the first key in each step of this length alone (tty_update_time in Linux)."""
_POLL_S = 20.0
_AGAIN_S = 5.0
_LOOK_S = 0.05


class Session:
    """One shell and the watch over its lease."""

    def __init__(self, call: Call, task: Task, env: Mapping[str, str], *, idle_s: float | None) -> None:
        """`env` are the variables that the lease adds; `idle_s`: end after so long without input and children."""
        self._call = call
        self._task = task
        self._env = {**os.environ, **env}
        self._idle_s = idle_s
        self._ended: Task | None = None
        """The lease, once it is over."""
        self._signal = 0
        self._read_end, self._write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        end = end_of(task)
        self._deadline = None if end is None else _passed() + end - time.time()
        self._is_warned = False
        self._is_idle_told = False
        self._busy_at = _passed()
        self._typed_at = 0.0

    def run(self) -> int:
        """From the start of the shell to its end; its exit code (128 + signal). Raises InvalidField for SHELL."""
        with self._signals(), _terminal_kept():
            child = self._start()
            threading.Thread(target=self._watch, name="lease-watch", daemon=True).start()
            code = self._mind(child)
        return 128 - code if code < 0 else code

    def _start(self) -> "subprocess.Popen[bytes]":
        program = os.environ.get("SHELL") or "/bin/sh"
        words = [program, "-i"] if sys.stdin.isatty() else [program]
        try:
            return subprocess.Popen(words, env=self._env, cwd=self._task["workdir"])
        except OSError as error:
            problem = f"{error.filename or program}: {error.strerror}"
            raise InvalidField(field="SHELL", problem=problem, hint="set SHELL to a shell's path") from None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """The keyboard's signals are the shell's business; what is meant to end us ends the shell first."""
        mine = dict.fromkeys((signal.SIGTERM, signal.SIGHUP), self._take)
        # Functions, and not SIG_IGN, which the shell would inherit (execve(2)).
        others = dict.fromkeys((signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP), _leave_it)
        before = {number: signal.signal(number, handler) for number, handler in {**mine, **others}.items()}
        # A handler alone would not wake us from a poll that begins just behind the signal.
        fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: object) -> None:
        self._signal = number

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # a full pipe wakes as well
            os.write(self._write_end, b"x")

    # --- the lease ----------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """In a thread: until the lease is over. A daemon that is away says nothing about the lease."""
        link, task = PatientLink(self._call.link(), was_there=True), self._task
        while task["state"] in ("running", "stopping"):
            try:
                task = turned(link, task, _POLL_S)
            except NotFound:
                task = {**task, "state": "removed", "end_reason": "removed"}
            except GavelqError:
                time.sleep(_AGAIN_S)
        self._ended = task
        self._wake()

    # --- the shell ----------------------------------------------------------------------------------------

    def _mind(self, child: "subprocess.Popen[bytes]") -> int:
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        with _pidfd(child.pid) as watched:
            if watched is not None:
                poll.register(watched, select.POLLIN)
            while child.poll() is None:
                why = self._why_end(child.pid)
                if why:
                    _say(why)
                    return _hang_up(child)
                pause_s = self._pause_s() if watched is not None else min(1.0, self._pause_s())
                poll.poll(pause_s * 1000)
                with contextlib.suppress(BlockingIOError):
                    os.read(self._read_end, 64)
        return child.wait()

    def _pause_s(self) -> float:
        """Until the next look at the clock."""
        now = _passed()
        due = [now + 3600.0]
        if self._deadline is not None:
            due.append(self._deadline + _LATE_S if self._is_warned else self._deadline - WARNED_S)
        if self._idle_s is not None:
            due.append(now + min(_IDLE_LOOK_S, self._idle_s / 4))
        return max(_LOOK_S, min(due) - now)

    def _why_end(self, shell: int) -> str:
        """Why the shell has to end now; empty: it need not. Warns before."""
        now, number = _passed(), self._task["id"]
        if self._signal:
            return f"{signal.Signals(self._signal).name} came; the shell is closed"
        if self._ended is not None:
            reason = self._ended.get("end_reason") or self._ended["state"]
            return f"lease {number} is over ({reason}); the shell is closed"
        if self._deadline is not None:
            if now >= self._deadline + _LATE_S:
                return f"lease {number} is over (time_limit); the shell is closed"
            if now >= self._deadline - WARNED_S and not self._is_warned:
                self._is_warned = True
                _say(f"lease {number} ends in {duration(max(0.0, self._deadline - now))}, and this shell with it")
        return self._why_idle(shell, now)

    def _why_idle(self, shell: int, now: float) -> str:
        if self._idle_s is None:
            return ""
        if descendants(shell):
            self._busy_at = now
        typed_at = _last_input()
        if typed_at != self._typed_at:
            self._typed_at = typed_at
            self._busy_at = max(self._busy_at, now + min(float(_INPUT_STEP_S), typed_at - time.time()))
        idle_s = now - self._busy_at
        if idle_s >= self._idle_s:
            return f"nothing happened here for {duration(self._idle_s)}; the shell is closed"
        left_s = self._idle_s - idle_s
        if left_s > WARNED_S:
            self._is_idle_told = False
        elif self._idle_s > 2 * WARNED_S and not self._is_idle_told:
            self._is_idle_told = True
            _say(f"nothing happens here; the shell is closed in {duration(left_s)} unless you type something")
        return ""


def _leave_it(number: int, frame: object) -> None:
    """The shell gets the keyboard's signals by itself."""


def _say(text: str) -> None:
    """A line between whatever the shell writes; its terminal may be in raw mode, or gone."""
    end = "\r\n" if sys.stderr.isatty() else "\n"
    with contextlib.suppress(OSError):
        sys.stderr.write(("\r\n" if sys.stderr.isatty() else "") + f"gavelq: {safe(text)}{end}")
        sys.stderr.flush()


def _passed() -> float:
    """Seconds since boot, suspended time included, whatever the machine's clock is set to."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _last_input() -> float:
    """The latest that somebody can have typed something, in seconds since the epoch by the clock of then.

    It is the terminal's access time, as w(1) reads it, and the rest of its step, in which further keys leave no trace.
    """
    try:
        accessed = os.fstat(sys.stdin.fileno()).st_atime if sys.stdin.isatty() else 0.0
    except OSError:
        return 0.0
    return (accessed // _INPUT_STEP_S + 1) * _INPUT_STEP_S


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """A descriptor that tells the end of a process (pidfd_open(2)); None where the kernel has none."""
    try:
        watched = os.pidfd_open(pid)
    except (OSError, AttributeError):
        yield None
        return
    try:
        yield watched
    finally:
        os.close(watched)


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """A shell that is hung up leaves the terminal as it was using it: take it back, with its former settings."""
    if not sys.stdin.isatty():
        yield
        return
    terminal = sys.stdin.fileno()
    settings = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        # From the background these calls would stop us (termios(3)).
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        with contextlib.suppress(OSError, termios.error):  # the terminal may be gone
            os.tcsetpgrp(terminal, os.getpgrp())
            termios.tcsetattr(terminal, termios.TCSADRAIN, settings)
        signal.signal(signal.SIGTTOU, before)


def _hang_up(child: "subprocess.Popen[bytes]") -> int:
    """HUP to the shell and all that it started, the grace time, KILL; the shell's exit status."""
    tree = descendants(child.pid)
    for number in (signal.SIGHUP, signal.SIGCONT):  # who is stopped would not hear
        for process in tree:
            _send(process.pid, number)
        _send(child.pid, number)
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and (child.poll() is None or any(is_alive(one) for one in tree)):
        time.sleep(_LOOK_S)
    for process in tree:
        if is_alive(process):
            _send(process.pid, signal.SIGKILL)
    if child.poll() is None:
        child.kill()
    return child.wait()


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
