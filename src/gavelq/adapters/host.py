"""How busy the machine itself is: what the kernel says in /proc/stat, /proc/meminfo and /proc/loadavg (proc(5))."""

import os
import socket
import time
from collections.abc import Callable

from gavelq.core.measures import HostUse

READ_AT_MOST_EVERY_S = 1.0
_IDLE = (3, 4)
"""Places of `idle` and `iowait` in the first line of /proc/stat."""
_N_TIMES = 8
"""`user` to `steal`; guests' times behind them are in `user` and `nice` already."""


class ProcHost:
    """Port HostMeter. The kernel is asked once a second at most; in between the last answer is given again."""

    def __init__(self, root: str = "/proc", monotonic: Callable[[], float] = time.monotonic) -> None:
        """Look at the proc file system mounted at `root`; `monotonic` tells seconds."""
        self._root = root
        self._monotonic = monotonic
        self._times: tuple[int, int] | None = None
        self._read_at = -READ_AT_MOST_EVERY_S
        self._last = HostUse(name=socket.gethostname(), n_cpus=os.cpu_count() or 1)

    def look(self) -> HostUse:
        """See HostMeter.look."""
        now = self._monotonic()
        if now - self._read_at >= READ_AT_MOST_EVERY_S:
            self._read_at = now
            total, used = self._memory()
            self._last = HostUse(
                name=self._last.name, n_cpus=self._last.n_cpus, cpu_percent=self._cpu(), memory_total=total,
                memory_used=used, load=self._load(),
            )  # fmt: skip
        return self._last

    def _cpu(self) -> float | None:
        """Of all processors together, since the look before."""
        before, self._times = self._times, self._processor_times()
        if before is None or self._times is None:
            return None
        passed, idle = self._times[0] - before[0], self._times[1] - before[1]
        return None if passed <= 0 else round(min(100.0, max(0.0, 100.0 * (1 - idle / passed))), 1)

    def _processor_times(self) -> tuple[int, int] | None:
        """All ticks so far, and those in which nothing was to be done."""
        try:
            name, *times = self._read("stat").partition("\n")[0].split()
            ticks = [int(part) for part in times[:_N_TIMES]]
            return (sum(ticks), sum(ticks[place] for place in _IDLE)) if name == "cpu" else None
        except (OSError, ValueError, IndexError):
            return None

    def _memory(self) -> tuple[int | None, int | None]:
        """MiB that there are, and that are in use: all but what programs could have without swapping."""
        try:
            rows = dict(line.split(":", 1) for line in self._read("meminfo").splitlines() if ":" in line)
            total = int(rows["MemTotal"].split()[0]) // 1024
            return total, total - int(rows["MemAvailable"].split()[0]) // 1024
        except (OSError, ValueError, LookupError):
            return None, None

    def _load(self) -> float | None:
        try:
            return float(self._read("loadavg").split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _read(self, name: str) -> str:
        with open(f"{self._root}/{name}", encoding="ascii", errors="replace") as file:
            return file.read()
