"""The supervisor of a lease: it starts no command and only holds the cards, until it is told to let go.

A lease belongs to processes that gavelq did not start. Nothing here ever signals one of them: the owner is watched, by
a pidfd where there is one, and its end, a stop and the time limit all end the lease at once, without a grace time,
because there is nobody to end. What its owner's processes still do on the cards is theirs; the daemon sees it.
"""

import os
import select
import socket
import time

from gavelq.adapters.runner import command, linux, orders, results, wire
from gavelq.adapters.runner.files import AttemptFiles
from gavelq.adapters.runner.limits import TimeLimit

_LOOK_S = 1.0
"""How often an owner is looked at that no pidfd can be had for (a kernel before 5.3, a thread's number)."""


class LeaseHolder:
    """One attempt of a lease, from the fork to its result."""

    def __init__(
        self, spawn: wire.Spawn, files: AttemptFiles, control: socket.socket, reports_fd: int, boot_id: str
    ) -> None:
        self._spawn = spawn
        self._files = files
        self._control = control
        self._reports_fd = reports_fd
        self._boot_id = boot_id
        self._limit = TimeLimit(spawn.time_limit_s, spawn.warn_signal, spawn.warn_before_s)
        self._cause = ""
        """Why it ends; empty while it does not."""

    def run(self) -> None:
        """Hold, end, write the result."""
        identity = {"task": self._spawn.task, "attempt": self._spawn.attempt}
        try:
            # Nobody writes it, but a task has a log: whoever reads it finds nothing instead of no file.
            os.close(command.open_log(self._spawn.log_path))
        except command.CannotStart as failure:
            results.save(self._files, results.spawn_failed(identity, failure), self._reports_fd)
            return
        owner_fd = self._owner_fd()
        started_at = time.time()
        self._limit.begin()
        self._tell_start(started_at)
        self._hold(owner_fd)
        result = results.ended(
            identity, status=0, started_at=started_at, begun=self._limit.begun, cause=self._cause,
            detail=self._detail(),
        )  # fmt: skip
        results.save(self._files, result, self._reports_fd)

    def _owner_fd(self) -> int | None:
        """Before its identity is checked: so that it cannot become another process in between."""
        return linux.pidfd(self._spawn.owner.pid) if self._spawn.owner is not None else None

    def _tell_start(self, started_at: float) -> None:
        own = linux.stat(os.getpid())
        pid = self._spawn.owner.pid if self._spawn.owner is not None else os.getpid()
        line = (
            f'{{"kind":"started","task":{self._spawn.task},"attempt":{self._spawn.attempt},"pid":{pid},'
            f'"supervisor":{{"pid":{os.getpid()},"start_ticks":{own.start_ticks if own else 0},'
            f'"boot_id":"{self._boot_id}"}},"at":{started_at!r}}}\n'
        ).encode("ascii")
        results.note_start(self._files, line)
        results.tell(line, self._reports_fd)

    def _hold(self, owner_fd: int | None) -> None:
        timer: linux.BootTimer | None = None
        poll = select.poll()
        poll.register(self._control.fileno(), select.POLLIN)
        if owner_fd is not None:
            poll.register(owner_fd, select.POLLIN)
        is_polled = self._spawn.owner is not None and owner_fd is None
        self._look_at_owner(is_polled=is_polled)
        while not self._cause:
            due = self._limit.next_at()
            if due is not None and timer is None:
                timer = linux.BootTimer()
                poll.register(timer.fd, select.POLLIN)
            if timer is not None:
                timer.set(due)
            for fd, _ in poll.poll(_LOOK_S * 1000 if is_polled else None):
                if fd == owner_fd:
                    self._end("owner_gone")
                elif fd == self._control.fileno():
                    orders.obey_all(self._control, self._files.name, self._obey)
                elif timer is not None:
                    timer.clear()
            if is_polled:
                self._look_at_owner(is_polled=True)
            if self._limit.is_over(linux.boottime()):
                self._end("time_limit")

    def _look_at_owner(self, *, is_polled: bool) -> None:
        owner = self._spawn.owner
        if owner is None:
            return
        found = linux.stat(owner.pid)
        # A process whose first thread alone has ended looks dead too; a pidfd knows better.
        if (
            found is None
            or found.start_ticks != owner.start_ticks
            or owner.boot_id != self._boot_id
            or (is_polled and found.is_dead)
        ):
            self._end("owner_gone")

    def _end(self, cause: str) -> None:
        self._cause = self._cause or cause

    def _obey(self, order: wire.Message) -> None:
        match order.get("op"):
            case "stop":
                self._end("stopped")
            case "signal":
                pass  # there is no command, and the owner is not ours to signal
            case "limit":
                self._limit.obey(order)
            case other:
                raise wire.Malformed(f"op: unknown order {other!r:.80}")

    def _detail(self) -> str:
        if self._cause == "owner_gone" and self._spawn.owner is not None:
            return f"its owner, process {self._spawn.owner.pid}, is gone"
        return ""
