"""What /proc says about processes (proc(5)). Every answer may be stale at once: processes end while we look."""

import os
import pwd
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gavelq.core.task import ProcessIdentity

COMMAND_LENGTH = 200
"""Characters of a command that are kept: enough to know a process by, little enough for a table and a database."""

_MAX_DEPTH = 4096
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStat:
    """The fields of /proc/PID/stat that gavelq uses."""

    pid: int
    comm: str
    """The program's short name, which may hold blanks, parentheses and line feeds."""
    state: str
    """One letter: R, S, D, Z, ..."""
    parent: int
    n_threads: int
    start_ticks: int
    """Clock ticks after boot."""

    @property
    def is_alive(self) -> bool:
        """False for a process that has ended and only waits to be reaped.

        A process whose first thread has ended while others go on looks like a zombie but has more than one thread.
        """
        return self.state not in "ZX" or self.n_threads > 1


class ProcTable:
    """Port ProcessTable, and what else is to be known about processes. Unknown processes are None, never an error."""

    def __init__(self, root: str = "/proc") -> None:
        """Look at the proc file system mounted at `root`."""
        self._root = root
        self._names: dict[int, str] = {}

    def stat(self, pid: int) -> ProcessStat | None:
        """The process's line of /proc/PID/stat; None where there is no such process."""
        return _parsed(self._read(pid, "stat"))

    def ancestors(self, pid: int) -> Sequence[int]:
        """The pid itself and all its ancestors, nearest first; empty where there is no such process."""
        chain: list[int] = []
        seen: set[int] = set()
        # The table moves while it is walked: a pid that is used again could lead back to where we were.
        while pid > 0 and pid not in seen and len(chain) < _MAX_DEPTH:
            found = self.stat(pid)
            if found is None:
                break
            chain.append(pid)
            seen.add(pid)
            pid = found.parent
        return chain

    def owner(self, pid: int) -> str | None:
        """The user that the process runs as (the number, where the account has no name); None: no such process."""
        try:
            uid = os.stat(f"{self._root}/{pid}").st_uid
        except OSError:
            return None
        if uid not in self._names:
            # Kept for good: with a directory service behind it this lookup can take longer than all the others.
            self._names[uid] = _user_name(uid)
        return self._names[uid]

    def command(self, pid: int) -> str:
        """The command line, on one line, printable and at most COMMAND_LENGTH characters; empty: no such process.

        A kernel thread, a zombie and a process of another user under hidepid have none: then its short name.
        """
        line = self._read(pid, "cmdline")
        if line and line.strip(b"\0 "):
            return _printable(line.rstrip(b"\0").replace(b"\0", b" "))
        found = self.stat(pid)
        return _printable(found.comm.encode(errors="surrogateescape")) if found else ""

    def start_ticks(self, pid: int) -> int | None:
        """When it started, in clock ticks after boot: with the pid and the boot id this tells it from all others."""
        found = self.stat(pid)
        return found.start_ticks if found else None

    def identify(self, pid: int) -> ProcessIdentity | None:
        """What tells this process from any other with its pid; None where there is no such process."""
        ticks = self.start_ticks(pid)
        if ticks is None:
            return None
        return ProcessIdentity(pid=pid, start_ticks=ticks, boot_id=self._boot_id())

    def _boot_id(self) -> str:
        try:
            with open(f"{self._root}/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def start_time(self, pid: int) -> float | None:
        """When it started, in seconds since the epoch, to the clock tick; None: no such process."""
        found = self.stat(pid)
        return epoch_of(found.start_ticks) if found else None

    def is_alive(self, pid: int) -> bool:
        """True for a process that runs, also where hidepid hides it; False for one that ended, reaped or not."""
        found = self.stat(pid)
        if found is not None:
            return found.is_alive
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        except (OSError, OverflowError):
            return False
        # Ours to signal and yet not in /proc: it came up between the two looks, or /proc is not mounted.
        return pid > 0

    def is_same(self, pid: int, start_ticks: int) -> bool:
        """True while the process that started at `start_ticks` is alive under this pid."""
        found = self.stat(pid)
        return found is not None and found.is_alive and found.start_ticks == start_ticks

    def _read(self, pid: int, name: str) -> bytes | None:
        try:
            with open(f"{self._root}/{pid}/{name}", "rb") as file:
                return file.read()
        except OSError:
            return None


def epoch_of(start_ticks: int) -> float:
    """Clock ticks after boot as seconds since the epoch, by the present offset between the two clocks."""
    return round(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + start_ticks / _TICKS_PER_S, 2)


def _parsed(line: bytes | None) -> ProcessStat | None:
    if not line:
        return None
    # The name stands in parentheses and may hold any byte, further parentheses and line feeds included.
    head, _, tail = line.rpartition(b")")
    pid, _, comm = head.partition(b"(")
    fields = tail.split()
    try:
        return ProcessStat(
            pid=int(pid),
            comm=comm.decode(errors="surrogateescape"),
            state=fields[0].decode(),
            parent=int(fields[1]),
            n_threads=int(fields[17]),
            start_ticks=int(fields[19]),
        )
    except (ValueError, IndexError):
        return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _printable(raw: bytes) -> str:
    # Other people write these bytes: nothing of them may reach a terminal as a control sequence.
    text = raw[: COMMAND_LENGTH * 4].decode(errors="replace")
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= COMMAND_LENGTH else line[: COMMAND_LENGTH - 1] + "…"
