"""What the kernel tells, without any privilege, about processes that it killed for want of main memory.

Three places, the most telling first: the kernel's log (/dev/kmsg, where the machine lets users read it), the counters
of our control groups (cgroup v2, memory.events), and the counter of the whole machine (/proc/vmstat). None of them says
which task was meant, so that only what is new since the last look counts, and only for a moment.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FRESH_S = 5.0
"""So long after it was noticed a kill explains the end of an attempt."""
_MAX_RECORDS = 2000
_MAX_RECORD = 8192
"""Bytes; more than the kernel writes (Documentation/ABI/testing/dev-kmsg)."""
_KILLED = re.compile(r"Killed process (\d+) \((.{0,64}?)\)(?=[ ,]|$)")


@dataclass(frozen=True, slots=True)
class _Kill:
    at: float
    words: str
    pid: int | None = None


class OomKills:
    """Remembers what was there at the last look. May be used from several threads."""

    def __init__(
        self,
        pids: Callable[[], Iterable[int]] = lambda: (os.getpid(),),
        *,
        proc: str = "/proc",
        cgroups: str = "/sys/fs/cgroup",
        log: str = "/dev/kmsg",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pids` are the processes in whose control groups tasks run; the paths are for tests."""
        self._pids = pids
        self._proc = proc
        self._cgroups = cgroups
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._kills: list[_Kill] = []
        self._log = _open_at_end(log)
        self.notice()  # what is there now is old

    def notice(self) -> None:
        """Look for new kills. Reads some small files of the kernel, which never wait for anything."""
        with self._lock:
            self._notice()

    def told(self, pid: int | None = None) -> str:
        """The kernel's word for a kill that was noticed just now; empty where there was none.

        `pid`: the process that is asked about; a kill that names it goes before others.
        """
        with self._lock:
            self._notice()
            fresh = self._kills
            own = [kill for kill in fresh if pid is not None and kill.pid == pid]
            named = [kill for kill in fresh if kill.pid is not None]
            best = own or named or fresh
            return best[-1].words if best else ""

    def close(self) -> None:
        """Let go of the kernel's log. Safe to call twice."""
        with self._lock:
            self._let_go()

    def _notice(self) -> None:
        now = self._monotonic()
        self._kills = [kill for kill in self._kills if now - kill.at <= FRESH_S]
        for line in self._log_lines():
            killed = _KILLED.search(line)
            if killed is not None:
                self._kills.append(_Kill(now, f"kernel: Killed process {killed[1]} ({killed[2]})", int(killed[1])))
        for path in self._event_files():
            self._compare(path, now, "the kernel killed {n} process(es) of our control group for want of memory")
        # The whole machine's counter cannot tell our tasks from others: it counts where the log cannot be read.
        if self._log is None:
            machine = os.path.join(self._proc, "vmstat")
            self._compare(machine, now, "the kernel killed {n} process(es) of this machine for want of memory")

    def _compare(self, path: str, now: float, words: str) -> None:
        count = _counter(path)
        if count is None:
            return
        before = self._counts.get(path)
        self._counts[path] = count
        if before is not None and count > before:
            self._kills.insert(0, _Kill(now, words.format(n=count - before)))

    def _event_files(self) -> Iterable[str]:
        """memory.events of the control groups (cgroups(7), version 2) that our processes are in."""
        found: dict[str, None] = {}
        for pid in self._pids():
            for line in _text(os.path.join(self._proc, str(pid), "cgroup")).splitlines():
                if line.startswith("0::/") and ".." not in line:
                    for root in (self._cgroups, os.path.join(self._cgroups, "unified")):
                        found[os.path.join(root, line[4:], "memory.events")] = None
        return found

    def _log_lines(self) -> Iterable[str]:
        """New messages of the kernel itself: `PRIORITY,SEQUENCE,TIME,FLAGS;TEXT`. One read gives one of them."""
        for _ in range(_MAX_RECORDS if self._log is not None else 0):
            if self._log is None:
                return
            try:
                record = os.read(self._log, _MAX_RECORD)
            except BrokenPipeError:
                continue  # it was overwritten before we read it; the next one is there
            except BlockingIOError:
                return
            except OSError:
                self._let_go()
                return
            if not record:
                return
            for line in record.decode("utf-8", "replace").splitlines():
                head, _, text = line.partition(";")
                priority = head.partition(",")[0]
                if priority.isdigit() and int(priority) < 8:  # others are messages of programs
                    yield text

    def _let_go(self) -> None:
        if self._log is not None:
            os.close(self._log)
            self._log = None


def _open_at_end(path: str) -> int | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        os.lseek(fd, 0, os.SEEK_END)
    except OSError:
        os.close(fd)
        return None
    return fd


def _counter(path: str) -> int | None:
    """The line `oom_kill N` of a file of the kernel; None where there is none."""
    for line in _text(path).splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdigit():
            return int(value)
    return None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except OSError:
        return ""
