"""Times, medians, processor time and memory of processes, and rows of the table."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: what was measured, in which unit, the most (or least) it may be, and what came out for whom."""

    what: str
    unit: str
    values: Mapping[str, float | None]
    most: float | None = None
    least: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The promise in words."""
        if self.most is not None:
            return f"at most {self.most:g} {self.unit}"
        return f"at least {self.least:g} {self.unit}" if self.least is not None else ""

    def is_met(self, name: str = "gavelq") -> bool | None:
        """Whether the promise is kept; None where there is none, or no value."""
        value = self.values.get(name)
        if value is None or (self.most is None and self.least is None):
            return None
        return value <= self.most if self.most is not None else value >= (self.least or 0)


def median_ms(work: Callable[[], object], n: int) -> float:
    """The median duration of `n` runs, in milliseconds."""
    return statistics.median(timed_ms(work) for _ in range(n))


def timed_ms(work: Callable[[], object]) -> float:
    """The duration of one run in milliseconds."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def run(argv: Sequence[str], env: Mapping[str, str], cwd: str | None = None) -> str:
    """Run a command to its end; its output. Raises CalledProcessError with what it said."""
    done = subprocess.run(
        argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)[:200]} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def spawn_ms(argv: list[str], env: Mapping[str, str], cwd: str | None = None) -> float:
    """The duration of a whole process in milliseconds, from before its fork to its reaping, output to /dev/null."""
    begin = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, env, file_actions=_SILENT)
    status = os.waitpid(pid, 0)[1]
    took = (time.perf_counter() - begin) * 1000
    if status:
        raise RuntimeError(f"{' '.join(argv)[:200]} ended with {os.waitstatus_to_exitcode(status)}")
    return took


_SILENT = [
    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
    (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
]


def wait_for(predicate: Callable[[], object], timeout_s: float, what: str, poll_s: float = 0.002) -> None:
    """Return when `predicate` is true. Raises TimeoutError that names `what`."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(poll_s)


def cpu_s(pids: Iterable[int]) -> float:
    """Processor time that these processes have used so far, in seconds (proc(5), fields 14 and 15 of stat)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def pss_mib(pids: Iterable[int]) -> float:
    """Proportional memory of these processes together, in MiB (/proc/PID/smaps_rollup)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total / 1024


def children(pid: int) -> list[int]:
    """The processes that a process has made, and that still live."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
            found += [int(word) for word in file.read().split()]
    return found
