"""The attempts that the runner knows: started here, adopted from a runner that died, or ended and not forgotten yet."""

import contextlib
import os
import pwd
import select
import socket
import sys
import time
from collections.abc import Callable

from gavelq.adapters.runner import linux, logcut, wire
from gavelq.adapters.runner.claims import Claims
from gavelq.adapters.runner.facts import Facts
from gavelq.adapters.runner.files import RESULT, STARTED, AttemptFiles, scan
from gavelq.adapters.runner.orphans import Orphan
from gavelq.adapters.runner.results import ended
from gavelq.adapters.runner.traces import Traces

Key = tuple[int, int]
_MAX_TRIES = 500
_SETTLE_S = 0.02
"""How often an adopted attempt is looked at that offers nothing to wait on."""


class Attempt:
    """One attempt."""

    __slots__ = ("claimed", "end", "facts", "files", "key", "log_file", "orphan", "pid", "pidfd", "started", "stop")

    def __init__(self, key: Key, files: AttemptFiles, facts: Facts | None, pid: int = 0) -> None:
        self.key = key
        self.files = files
        self.facts = facts
        self.pid = pid
        """Its supervisor, where that is our child."""
        self.pidfd = -1
        """Its supervisor, where that was adopted."""
        self.claimed: tuple[str, ...] = ()
        self.started: bytes | None = None
        """The `started` line."""
        self.end: bytes | None = None
        """The `ended` or `spawn_failed` line."""
        self.log_file: tuple[int, int] | None = None
        self.orphan: Orphan | None = None
        self.stop: tuple[int, float] | None = None
        """The signal of the last stop that was ordered, and when its grace time is over (CLOCK_BOOTTIME)."""

    @property
    def identity(self) -> wire.Message:
        """The members by which messages name it."""
        return {"task": self.key[0], "attempt": self.key[1]}

    def watched_log(self) -> tuple[str, tuple[int, int], int] | None:
        """Path, device and inode, and largest size of a log that may have to be cut."""
        if self.end is not None or self.log_file is None or self.facts is None or not self.facts.log_max_bytes:
            return None
        return self.facts.log_path, self.log_file, self.facts.log_max_bytes

    def remember_stop(self, signum: int, grace_s: float) -> None:
        """So that it is gone through with, should the supervisor die meanwhile; a later one only shortens the time."""
        kill_at = linux.boottime() + grace_s
        self.stop = signum, kill_at if self.stop is None else min(kill_at, self.stop[1])

    def learn(self, started: wire.Message, line: bytes = b"") -> None:
        """Its command runs (again: a later step)."""
        self.started = line or wire.encode(started)
        log = started.get("private", {}).get("log_file")
        if isinstance(log, list) and len(log) == 2:
            self.log_file = (log[0], log[1])


class Attempts:
    """All of them, and everything that happens to them after their start."""

    def __init__(
        self, directory_fd: int, epoll: select.epoll, claims: Claims, report: Callable[[bytes], None], last_boot: str
    ) -> None:
        """`last_boot`: the boot in which the last runner of this directory ran."""
        self.traces = Traces()
        self.known: dict[Key, Attempt] = {}
        self.claims = claims
        self.attempts_fd = _open_attempts(directory_fd)
        self.boot_id = linux.boot_id()
        self._is_same_boot = last_boot == self.boot_id
        self.user = _user()
        self.host = socket.gethostname()
        self.report = report
        self._epoll = epoll
        self._by_pid: dict[int, Attempt] = {}
        self._by_pidfd: dict[int, Attempt] = {}
        self._unsettled: list[Attempt] = []
        self._orphans: list[Attempt] = []
        self._undelivered: list[tuple[Attempt, bytes, int]] = []
        self._cutters: dict[int, tuple[int, int]] = {}
        self._orders = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.n_running = 0

    # --- beginnings ---------------------------------------------------------------------------------------

    def add(self, attempt: Attempt) -> None:
        """A supervisor was forked for it."""
        self.known[attempt.key] = attempt
        self._by_pid[attempt.pid] = attempt
        self.n_running += 1

    def adopt_all(self) -> None:
        """Find what an earlier runner left: running, ended, or lost."""
        for key in scan(self.attempts_fd):
            self.adopt(key)
        self._settle()

    def adopt(self, key: Key) -> None:
        """Take over an attempt that has a directory and is not known."""
        files = AttemptFiles(self.attempts_fd, *key)
        facts, is_begun = files.facts()
        is_locked = files.is_locked()
        is_this_boot = self._is_same_boot if facts is None else facts.boot_id == self.boot_id
        if not is_begun and not is_locked and is_this_boot and files.read(RESULT) is None:
            files.discard()
            return
        attempt = self.known[key] = Attempt(key, files, facts)
        self.n_running += 1
        started = files.read(STARTED)
        if started is not None:
            attempt.learn(started)
        if is_locked:
            if attempt.facts is not None:
                attempt.claimed = self.claims.adopt(attempt.facts.claims)
            self._unsettled.append(attempt)
        else:
            self._supervisor_ended(attempt, is_parent=False)

    def _settle(self) -> None:
        """Look at adopted attempts: their supervisor can be waited for, or has just ended, or is looked at again."""
        waiting, self._unsettled = self._unsettled, []
        for attempt in waiting:
            if attempt.started is None:
                started = attempt.files.read(STARTED)
                if started is not None:
                    attempt.learn(started)
                    self.report(wire.encode(started))
            if not attempt.files.is_locked():
                self._supervisor_ended(attempt, is_parent=False)
            elif not self._watch(attempt):
                self._unsettled.append(attempt)

    def _watch(self, attempt: Attempt) -> bool:
        """Wait for an adopted supervisor by a pidfd; False where that is not possible (yet)."""
        if attempt.started is None:
            return False
        supervisor = wire.decode(attempt.started)["supervisor"]
        fd = linux.pidfd(supervisor["pid"])
        if fd is None:
            return False
        found = linux.stat(supervisor["pid"])
        if found is None or found.start_ticks != supervisor["start_ticks"]:
            os.close(fd)
            return False
        attempt.pidfd = fd
        self._by_pidfd[fd] = attempt
        self._epoll.register(fd, select.EPOLLIN)
        return True

    # --- what supervisors tell ----------------------------------------------------------------------------

    def started(self, message: wire.Message, line: bytes = b"") -> None:
        """A supervisor's line: its first command runs (reported), or a later one (noted)."""
        attempt = self.known.get((message["task"], message["attempt"]))
        if attempt is None or attempt.end is not None:
            return
        is_first = attempt.started is None
        attempt.learn(message, line)
        if is_first and attempt.started:
            self.report(attempt.started)

    def told(self, line: bytes) -> None:
        """A supervisor's line. The end of an attempt is told a moment before its supervisor ends."""
        message = wire.decode(line)
        # The lines are passed on as they are: no encoder is touched in the runner's daily work.
        if message["kind"] == "started":
            self.started(message, line + b"\n")
            return
        attempt = self.known.get((message["task"], message["attempt"]))
        if attempt is not None and attempt.end is None:
            self._finish(attempt, message, line + b"\n")
            self.traces.keep(attempt.files, time.monotonic())

    def owns(self, fd: int) -> bool:
        """True for the descriptors that `pidfd_ready` is about."""
        return fd in self._by_pidfd

    def pidfd_ready(self, fd: int) -> None:
        """An adopted supervisor has ended."""
        attempt = self._by_pidfd.pop(fd)
        self._epoll.unregister(fd)
        os.close(fd)
        attempt.pidfd = -1
        # The lock is released a moment before or after; `_settle` looks until it is.
        self._unsettled.append(attempt)
        self._settle()

    def reap(self) -> None:
        """Children have ended: supervisors, log cutters, and what dead supervisors left to us."""
        strangers: list[tuple[int, int, float, float]] = []
        ended_ones: list[Attempt] = []
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            attempt = self._by_pid.pop(pid, None)
            if attempt is not None:
                ended_ones.append(attempt)
            elif self._cutters.pop(pid, None) is None:
                strangers.append((pid, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
        for attempt in ended_ones:
            self._supervisor_ended(attempt, is_parent=True)
        # A supervisor and its command may have ended together: first know the orphan, then its command's end.
        for orphaned in self._orphans:
            if orphaned.orphan is not None:
                for stranger in strangers:
                    orphaned.orphan.reaped(*stranger)
                orphaned.orphan.check_parentage()

    def _supervisor_ended(self, attempt: Attempt, *, is_parent: bool) -> None:
        if attempt.end is not None:  # told already
            self.claims.give_back(attempt.claimed)
            attempt.claimed = ()
            return
        result = attempt.files.read(RESULT)
        if result is not None and result.get("kind") in ("ended", "spawn_failed"):
            self._finish(attempt, result)
            return
        if attempt.facts is None or attempt.facts.boot_id != self.boot_id:
            why = "the runner died before it started" if attempt.facts is None else "reboot"
            self._lose(attempt, why)
            return
        started = attempt.files.read(STARTED)
        if started is not None and attempt.started is None:
            self.started(started)
        if attempt.facts.is_lease:  # its owner's processes are not ours to look for
            self._lose(attempt, "its supervisor was killed")
            return
        attempt.orphan = Orphan(attempt.facts, started, attempt.pid, is_parent=is_parent)
        if attempt.stop is not None:
            attempt.orphan.go_on_stopping(*attempt.stop)
        self._orphans.append(attempt)
        self.claims.settle()  # the cards stay ours until nothing of it is left

    # --- ends ---------------------------------------------------------------------------------------------

    def _lose(self, attempt: Attempt, why: str) -> None:
        at = wire.decode(attempt.started).get("at") if attempt.started else None
        self._save(attempt, ended(attempt.identity, status=None, started_at=at, cause="lost", detail=why))

    def _save(self, attempt: Attempt, message: wire.Message) -> None:
        try:
            attempt.files.write(RESULT, wire.encode(message))
            attempt.files.sync(RESULT)
        except OSError as error:  # the next runner comes to the same end
            sys.stderr.write(f"attempt {attempt.files.name}: the result cannot be written: {error}\n")
        self._finish(attempt, message)

    def _finish(self, attempt: Attempt, message: wire.Message, line: bytes = b"") -> None:
        if attempt.started is None and message["kind"] == "ended":
            # The pipe was full or the runner was away: the start is told before the end.
            started = attempt.files.read(STARTED)
            if started is not None:
                self.started(started)
        attempt.end = line or wire.encode(message)
        self.n_running -= 1
        if attempt.pid not in self._by_pid:  # a supervisor that still ends holds its cards' locks until then
            self.claims.give_back(attempt.claimed)
            attempt.claimed = ()
        self.report(attempt.end)

    # --- time ---------------------------------------------------------------------------------------------

    def tick(self, spare: set[int]) -> float | None:
        """What is due by time; returns seconds until the next call, None where only an event can change anything."""
        if self._unsettled:
            self._settle()
        self._deliver_again()
        pauses = [_SETTLE_S] if self._unsettled or self._undelivered else []
        spare = spare | set(self._by_pid) | set(self._cutters)
        for attempt in list(self._orphans):
            orphan = attempt.orphan
            pause = orphan.tick(spare, self._no_orphan_runs) if orphan else 0.0
            if pause:
                pauses.append(pause)
            elif pause == 0.0 and orphan:
                self._orphans.remove(attempt)
                attempt.orphan = None
                self._save(attempt, orphan.result(attempt.identity))
        pause = self.traces.tick(time.monotonic())
        return min([*pauses, *([] if pause is None else [pause])], default=None)

    def _no_orphan_runs(self) -> bool:
        return not any(attempt.orphan and attempt.orphan.is_waiting for attempt in self._orphans)

    def has_logs_to_watch(self) -> bool:
        """True while a task runs whose log has a limit."""
        return any(attempt.watched_log() for attempt in self.known.values())

    def cut_logs(self) -> None:
        """Look at the logs of running tasks and cut those that are too large, each in a child of its own."""
        for attempt in self.known.values():
            watched = attempt.watched_log()
            if watched is None:
                continue
            path, log_file, max_bytes = watched
            if log_file not in self._cutters.values() and logcut.is_due(path, log_file, max_bytes):
                try:
                    self._cutters[logcut.cut_in_child(path, log_file)] = log_file
                except OSError as error:  # no process to be had: the next look tries again
                    sys.stderr.write(f"the log {path!r} is not cut now: {error}\n")

    # --- orders -------------------------------------------------------------------------------------------

    def order(self, attempt: Attempt, message: wire.Message) -> None:
        """Pass `stop`, `signal` or `limit` on to whoever supervises. Raises wire.Malformed."""
        if attempt.orphan is not None:
            attempt.orphan.obey(message)
            return
        if message["op"] == "stop":
            attempt.remember_stop(wire.signum(message), wire.number(message, "grace_s"))
        self._undelivered.append((attempt, wire.encode(message), _MAX_TRIES))
        self._deliver_again()

    def _deliver_again(self) -> None:
        waiting, self._undelivered = self._undelivered, []
        for attempt, payload, n_tries in waiting:
            if attempt.orphan is not None:
                attempt.orphan.obey(wire.decode(payload))
                continue
            try:
                self._orders.sendto(payload, attempt.files.control_address())
            except OSError:  # its queue is full, or it has just ended: its end or its orphan comes next
                if attempt.end is None and n_tries:
                    self._undelivered.append((attempt, payload, n_tries - 1))

    def forget(self, attempt: Attempt) -> None:
        """Delete an ended attempt's directory."""
        self.known.pop(attempt.key, None)
        self.traces.forget(attempt.files)

    def inventory(self) -> list[wire.Message]:
        """What is known about every attempt."""
        found = []
        for attempt in self.known.values():
            line = attempt.end or attempt.started
            found.append(wire.decode(line) if line else {"kind": "starting", **attempt.identity})
        return found


def _open_attempts(directory_fd: int) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir("attempts", 0o700, dir_fd=directory_fd)
        os.fsync(directory_fd)
    return os.open("attempts", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory_fd)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
