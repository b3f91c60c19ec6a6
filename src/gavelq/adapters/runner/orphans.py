"""Attempts whose supervisor died without a result.

Where the launcher is the supervisor's parent it inherits the command (it is a subreaper too) and stands in for the
supervisor: it waits for the command, knows its true end, enforces the limits, and kills whatever else there was.
Where it is not (the launcher died as well), nobody will ever know how the command ends; so that no GPU is given
away while it runs, the next launcher kills what it finds of the attempt and reports it lost.

What belongs to an attempt is known by the command's identity, by the supervisor's session, by the GAVELQ_ marks in the
environment that a process was started with, and by descent from such processes. The launcher's own unknown children are
the attempt's as well, unless there is another orphan that they might belong to and that still runs.
"""

import contextlib
import os
import signal
from collections.abc import Callable

from gavelq.adapters.runner import linux, tree, wire
from gavelq.adapters.runner.facts import Facts
from gavelq.adapters.runner.limits import TimeLimit
from gavelq.adapters.runner.results import ended

_MAX_PAUSE_S = 1.0


class Orphan:
    """One such attempt, until nothing of it is left."""

    __slots__ = (
        "_cause",
        "_cpu_s",
        "_facts",
        "_grace_s",
        "_kill_at",
        "_limit",
        "_main",
        "_max_rss_mib",
        "_pause_s",
        "_session",
        "_status",
        "_step",
        "is_waiting",
        "started_at",
    )

    def __init__(self, facts: Facts, started: wire.Message | None, supervisor_pid: int, *, is_parent: bool) -> None:
        """`started`: the content of started.json. `is_parent`: this process was the supervisor's parent."""
        started = started or {}
        private = started.get("private", {})
        supervisor = started.get("supervisor", {})
        self._facts = facts
        self._session = (supervisor_pid or supervisor.get("pid", 0), supervisor.get("start_ticks", 0))
        self._main = (started.get("pid", 0), private.get("main_ticks", 0))
        self._step = private.get("step", 0)
        self._limit = TimeLimit.read(private.get("limit"))
        self.started_at: float | None = started.get("at")
        self._grace_s = facts.grace_s
        self._kill_at: float | None = None
        self._cause: str = private.get("cause", "exited")
        self._status: int | None = private.get("status")  # known where the supervisor outlived its command
        self._cpu_s = 0.0
        self._max_rss_mib = 0.0
        self._pause_s = 0.002
        self.is_waiting = is_parent and self._main[0] > 0 and self._status is None
        """True while the command runs as our child, so that its end can be known."""

    def reaped(self, pid: int, status: int, cpu_s: float, max_rss_mib: float) -> None:
        """The launcher reaped an unknown child, which may be our command."""
        if pid == self._main[0] and self.is_waiting:
            self._status, self._cpu_s, self._max_rss_mib = status, cpu_s, max_rss_mib
            self.is_waiting = False

    def check_parentage(self) -> None:
        """Wait for the command only if it (still) is our child; called after all that ended was reaped."""
        found = linux.stat(self._main[0]) if self.is_waiting else None
        if self.is_waiting and (found is None or found.parent != os.getpid()):
            self.is_waiting = False

    def go_on_stopping(self, signum: int, kill_at: float) -> None:
        """A stop that the supervisor was ordered, and has perhaps begun; `kill_at` in CLOCK_BOOTTIME."""
        if self.is_waiting:
            self._cause = "stopped"
            self._end(signum, max(0.0, kill_at - linux.boottime()))

    def obey(self, order: wire.Message) -> None:
        """`stop`, `signal` or `limit`, in the supervisor's place. Raises wire.Malformed."""
        if not self.is_waiting:
            return
        match order.get("op"):
            case "stop":
                if self._cause == "exited":
                    self._cause = "stopped"
                if not order.get("is_repeated") or self._kill_at is None:
                    self._end(wire.integer(order, "signal", 1), wire.number(order, "grace_s"))
            case "signal":
                self._signal_main(wire.integer(order, "signal", 1))
            case "limit":
                self._grace_s = wire.number(order, "grace_s")
                self._limit.obey(order)

    def tick(self, spare: set[int], may_take_unknown: Callable[[], bool]) -> float | None:
        """Do what is due; returns seconds until the next look (None: when a child ends), 0 once nothing is left."""
        if self.is_waiting:
            return self._wait()
        left = self._members(spare, take_unknown=may_take_unknown())
        if not left:
            return 0.0
        for process in left:
            ticks = process.start_ticks
            tree.send_checked(process.pid, signal.SIGKILL, lambda found, ticks=ticks: found.start_ticks == ticks)  # type: ignore[misc]  # mypy does not infer lambdas with defaults
        self._pause_s = min(_MAX_PAUSE_S, self._pause_s * 2)
        return self._pause_s

    def result(self, identity: wire.Message) -> wire.Message:
        """The `ended` message."""
        detail = "its supervisor was killed"
        status, cause = self._status, self._cause
        if status == 0 and cause == "exited" and self._step + 1 < self._facts.n_steps:
            detail += f" after step {self._step + 1} of {self._facts.n_steps}; the others did not run"
            status = None
        if status != 0 or cause == "time_limit":
            detail = "; ".join([part for part in (self._limit.told(), detail) if part])
        if status is None:
            cause = "lost"
            detail += "; how its command ended is not known"
        return ended(
            identity,
            status=status,
            started_at=self.started_at,
            begun=self._limit.begun,
            cause=cause,
            cpu_s=self._cpu_s,
            max_rss_mib=self._max_rss_mib,
            detail=detail,
        )

    def _wait(self) -> float | None:
        now = linux.boottime()
        if self._kill_at is not None and now >= self._kill_at:
            tree.send(self._main[0], signal.SIGKILL)
            return 0.1
        if self._kill_at is None and self._limit.is_over(now):
            self._cause = "time_limit"
            self._end(signal.SIGTERM, self._grace_s)
        elif self._kill_at is None and (warning := self._limit.warning(now)) is not None:
            self._signal_main(warning)
        due = self._kill_at if self._kill_at is not None else self._limit.next_at()
        # Looked at every minute at least: the launcher's own waiting does not count suspended time.
        return None if due is None else min(60.0, max(0.001, due - now))

    def _signal_main(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._main[0], signum)

    def _end(self, signum: int, grace_s: float) -> None:
        kill_at = linux.boottime() + (0.0 if signum == signal.SIGKILL else grace_s)
        self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)
        for process in self._members(set(), take_unknown=False):
            ticks = process.start_ticks
            for number in (signum, signal.SIGCONT):
                tree.send_checked(process.pid, number, lambda found, ticks=ticks: found.start_ticks == ticks)  # type: ignore[misc]  # mypy does not infer lambdas with defaults

    def _members(self, spare: set[int], *, take_unknown: bool) -> list[linux.Stat]:
        """Every live process of the attempt, never one of `spare`."""
        own = os.getpid()
        around = [process for process in tree.processes() if process.pid != own and process.pid not in spare]
        found = {process.pid: process for process in around if self._is_member(process, own, take_unknown=take_unknown)}
        n_before = -1
        while n_before != len(found):
            n_before = len(found)
            found.update((process.pid, process) for process in around if process.parent in found)
        return [process for process in found.values() if not process.is_dead]

    def _is_member(self, process: linux.Stat, own: int, *, take_unknown: bool) -> bool:
        if process.start_ticks < self._facts.since_ticks:
            return False
        if (process.pid, process.start_ticks) == self._main:
            return True
        if take_unknown and process.parent == own:
            return True
        return self._is_in_session(process) or self._is_marked(process.pid)

    def _is_in_session(self, process: linux.Stat) -> bool:
        session, ticks = self._session
        if not session or process.session != session:
            return False
        leader = linux.stat(session)  # its number may be somebody else's by now
        return leader is None or leader.start_ticks == ticks

    def _is_marked(self, pid: int) -> bool:
        if not self._facts.marks:
            return False
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                entries = set(file.read().split(b"\0"))
        except OSError:
            return False
        return all(os.fsencode(mark) in entries for mark in self._facts.marks)
