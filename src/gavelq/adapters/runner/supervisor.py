"""The supervisor: one process per attempt, forked from the launcher, that outlives the launcher and the daemon.

It starts the steps one after another until one fails, reaps everything that comes back to it (it is a subreaper),
enforces the time limit with its warning, the grace time and KILL by itself, and writes the result.

* An attempt has ended only when nothing of it is left. What the last step leaves behind (also what called setsid or
  double-forked) gets TERM, the grace time and KILL; the exit code stays the command's own, and the result's detail
  says how many there were. What an earlier step leaves behind runs on beside the later steps.
* TERM, INT and HUP sent to the supervisor itself are ignored: a stop comes through the control socket. A shutdown
  signals the task's own processes, and the supervisor then records how they ended.
* `max_rss_mib` is at least the supervisor's own size (some 10 MiB): the kernel counts a child from its fork.
"""

import contextlib
import os
import resource
import select
import signal
import socket
import time

from gavelq.adapters.runner import command, linux, orders, results, tree, wire
from gavelq.adapters.runner.files import AttemptFiles
from gavelq.adapters.runner.limits import TimeLimit

SCRIPT_PLACEHOLDER = "{gavelq-script}"
"""The same as in ports, which this process does not import; a test compares them."""
_MAX_KILL_PAUSE_S = 1.0


class Supervisor:
    """One attempt, from the fork to its result."""

    def __init__(
        self, spawn: wire.Spawn, files: AttemptFiles, control: socket.socket, reports_fd: int, boot_id: str
    ) -> None:
        self._spawn = spawn
        self._files = files
        self._control = control
        self._reports_fd = reports_fd
        self._timer: linux.BootTimer | None = None
        self._wake_fd, wake_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self._pid = os.getpid()
        own = linux.stat(self._pid)
        self._start_ticks = own.start_ticks if own else 0
        self._boot_id = boot_id
        self._null_fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._log_fd = -1
        self._step = -1
        self._main: int | None = None
        """The present step's process, until it is reaped."""
        self._main_pid = 0
        """Its pid, also when it was."""
        self._status = 0
        self._is_status_noted = False
        self._started_at: float | None = None
        self._cause = "exited"
        self._details: list[str] = []
        self._limit = TimeLimit(spawn.time_limit_s, spawn.warn_signal, spawn.warn_before_s)
        self._grace_s = spawn.grace_s
        self._kill_at: float | None = None
        """When the grace time is over; None while nothing is being ended."""
        self._is_killing = False
        self._kill_pause_s = 0.001

    # --- the life of an attempt ---------------------------------------------------------------------------

    def run(self) -> None:
        """Start, wait, end, write the result."""
        try:
            command.enter(self._spawn.workdir)
            self._log_fd = command.open_log(self._spawn.log_path)
            if self._spawn.devices is not None:
                command.confine(self._spawn.devices, self._spawn.dev)
            self._start_step()
        except command.CannotStart as failure:
            results.save(self._files, results.spawn_failed(self._id(), failure), self._reports_fd)
            return
        poll = select.poll()
        poll.register(self._wake_fd, select.POLLIN)
        poll.register(self._control.fileno(), select.POLLIN)
        while self._reap():
            if self._main is None:
                self._note_status()
                if self._kill_at is None:
                    self._end_leftovers()
            self._set_timer(poll)
            for fd, _ in poll.poll(self._pause_ms()):
                if fd == self._wake_fd:
                    os.read(self._wake_fd, 4096)
                elif fd == self._control.fileno():
                    orders.obey_all(self._control, self._files.name, self._obey)
                elif self._timer is not None:
                    self._timer.clear()
            self._look_at_clock()
        results.save(self._files, self._ended(), self._reports_fd)

    def _start_step(self) -> None:
        self._step += 1
        argv = self._spawn.steps[self._step]
        if self._spawn.script is not None:
            path = self._files.path("script")
            argv = tuple(part.replace(SCRIPT_PLACEHOLDER, path) for part in argv)
        self._main = command.start(argv, self._spawn.env, null_fd=self._null_fd, log_fd=self._log_fd)
        self._main_pid = self._main
        if self._started_at is None:
            self._started_at = time.time()
            self._limit.begin()
        line = self._start_line()
        results.note_start(self._files, line)
        results.tell(line, self._reports_fd)

    def _start_line(self) -> bytes:
        main = linux.stat(self._main_pid) if self._main is not None else None
        status = "null" if self._main is not None else str(self._status)
        log = os.fstat(self._log_fd)
        # Written by hand: what a JSON encoder touches would be memory of this process's own as long as the task runs.
        return (
            f'{{"kind":"started","task":{self._spawn.task},"attempt":{self._spawn.attempt},"pid":{self._main_pid},'
            f'"supervisor":{{"pid":{self._pid},"start_ticks":{self._start_ticks},"boot_id":"{self._boot_id}"}},'
            f'"at":{self._started_at!r},"private":{{"step":{self._step},"main_ticks":{main.start_ticks if main else 0},'
            f'"limit":{self._limit.as_json()},"log_file":[{log.st_dev},{log.st_ino}],'
            f'"status":{status},"cause":"{self._cause}"}}}}\n'
        ).encode("ascii")

    def _note_limit(self) -> None:
        """So that the launcher enforces what holds now, should it have to stand in for this process."""
        if self._main is not None:
            results.note_start(self._files, self._start_line())

    def _note_status(self) -> None:
        """How the command ended, as long as something of it is left: should this process die, nobody else knows."""
        if not self._is_status_noted:
            self._is_status_noted = True
            results.note_start(self._files, self._start_line())

    def _reap(self) -> bool:
        """Collect what ended; False once nothing is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._kill_pause_s = 0.001
            if pid == self._main:
                self._main, self._status = None, status
                self._go_on()

    def _go_on(self) -> None:
        """A step has ended: start the next one, or end what the last one left behind."""
        if self._status == 0 and self._kill_at is None and not self._is_last_step():
            try:
                self._start_step()
                return
            except command.CannotStart as failure:
                # Earlier steps have run, so that this is an end as in a shell, not a start that failed.
                self._status = 127 << 8
                self._details.append(failure.problem)
                with contextlib.suppress(OSError):
                    os.write(self._log_fd, f"gavelq: {failure.problem}\n".encode(errors="backslashreplace"))

    def _is_last_step(self) -> bool:
        return self._step + 1 == len(self._spawn.steps)

    # --- ending -------------------------------------------------------------------------------------------

    def _end_leftovers(self) -> None:
        n_left = sum(not _is_dead(pid) for pid, _ in tree.descendants(self._pid))
        self._details.append(f"processes that it left behind and that were ended: {max(1, n_left)}")
        self._end_all(signal.SIGTERM, self._grace_s)

    def _end_all(self, signum: int, grace_s: float) -> None:
        """A signal to the whole tree, the grace time, KILL; a second call only shortens the time."""
        kill_at = linux.boottime() + grace_s
        self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)
        if signum == signal.SIGKILL:
            self._is_killing = True
            return
        tree.signal_descendants(self._pid, signum)
        # A stopped process would sleep through its grace time.
        tree.signal_descendants(self._pid, signal.SIGCONT)

    def _look_at_clock(self) -> None:
        now = linux.boottime()
        if self._kill_at is None and self._main is not None:
            if self._limit.is_over(now):
                self._cause = "time_limit"
                self._end_all(signal.SIGTERM, self._grace_s)
            elif (warning := self._limit.warning(now)) is not None:
                self._signal_main(warning)
                self._note_limit()
        elif self._kill_at is not None and now >= self._kill_at and not self._is_killing:
            self._is_killing = True
            self._details.append("the grace time was over: KILL")
        if self._is_killing:
            self._kill_all()

    def _kill_all(self) -> None:
        """One pass; made again and again, because of what forks faster than a pass sees."""
        self._signal_main(signal.SIGKILL)
        tree.signal_descendants(self._pid, signal.SIGKILL)

    def _signal_main(self, signum: int) -> None:
        """To the process group of the step that runs, if one does."""
        if self._main is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._main, signum)

    def _set_timer(self, poll: select.poll) -> None:
        due = self._kill_at if self._kill_at is not None else self._limit.next_at()
        if self._timer is None:
            if due is None:
                return  # most tasks never need one
            self._timer = linux.BootTimer()
            poll.register(self._timer.fd, select.POLLIN)
        self._timer.set(None if self._is_killing else due)

    def _pause_ms(self) -> float | None:
        if not self._is_killing:
            return None
        self._kill_pause_s = min(_MAX_KILL_PAUSE_S, self._kill_pause_s * 2)
        return self._kill_pause_s * 1000

    # --- orders -------------------------------------------------------------------------------------------

    def _obey(self, order: wire.Message) -> None:
        match order.get("op"):
            case "stop":
                is_repeated = bool(order.get("is_repeated")) and self._cause == "stopped"
                # One that has just ended by itself, and only waits to be reaped, was not stopped.
                has_ended = self._main is None or (self._is_last_step() and _is_dead(self._main))
                if self._cause == "exited" and not has_ended:
                    self._cause = "stopped"
                if not is_repeated:
                    self._end_all(wire.integer(order, "signal", 1), wire.number(order, "grace_s"))
            case "signal":
                self._signal_main(wire.integer(order, "signal", 1))
            case "limit":
                self._grace_s = wire.number(order, "grace_s")
                self._limit.obey(order)
                self._note_limit()
            case other:
                raise wire.Malformed(f"op: unknown order {other!r:.80}")

    # --- results ------------------------------------------------------------------------------------------

    def _id(self) -> wire.Message:
        return {"task": self._spawn.task, "attempt": self._spawn.attempt}

    def _ended(self) -> wire.Message:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        if self._cause == "time_limit" or self._status != 0:  # who heeded the warning needs no explanation
            self._details = [part for part in (self._limit.told(), *self._details) if part]
        return results.ended(
            self._id(),
            status=self._status,
            started_at=self._started_at,
            begun=self._limit.begun,
            cause=self._cause,
            cpu_s=usage.ru_utime + usage.ru_stime,
            max_rss_mib=usage.ru_maxrss / 1024,
            detail="; ".join(self._details),
        )


def _is_dead(pid: int) -> bool:
    found = linux.stat(pid)
    return found is None or found.is_dead
