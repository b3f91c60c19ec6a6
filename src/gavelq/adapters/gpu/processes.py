"""Processes on a GPU: which pids the driver reports, and what /proc knows about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gavelq.adapters.gpu.gateway import Asking, Query
from gavelq.adapters.procfs import ProcTable, epoch_of
from gavelq.core.gpu import GpuProcess
from gavelq.core.units import MiB

REFRESH_S = 30.0
"""A process may give itself another title; its owner and command are read again this often."""

BYTES_PER_MIB = 1 << 20
NO_INSTANCE = 0xFFFFFFFF
"""What NVML says for `no MIG instance`."""

# A process with a graphics and a compute context is in both lists; a client of an MPS server is in the third alone.
_LISTS = (
    Query("nvmlDeviceGetComputeRunningProcesses_v3", (), Query("nvmlDeviceGetComputeRunningProcesses_v2")),
    Query("nvmlDeviceGetGraphicsRunningProcesses_v3", (), Query("nvmlDeviceGetGraphicsRunningProcesses_v2")),
    Query("nvmlDeviceGetMPSComputeRunningProcesses_v3"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A process as the driver reports it."""

    pid: int
    memory: MiB | None
    """None where the driver cannot tell."""
    gpu_instance: int
    compute_instance: int


def listed_processes(nvml: Asking, handle: object) -> Mapping[int, Listed] | None:
    """The processes on a card or MIG device by pid; None where the driver does not tell. Raises CardUnreachable."""
    found: dict[int, Listed] = {}
    is_known = False
    for query in _LISTS:
        answer = nvml.ask(query, handle)
        if answer is None:
            continue
        is_known = True
        for entry in answer:
            known = found.get(entry.pid)
            memory = None if entry.usedGpuMemory is None else MiB(entry.usedGpuMemory // BYTES_PER_MIB)
            if known is not None and known.memory is not None:
                memory = MiB(max(memory or 0, known.memory))
            found[entry.pid] = Listed(
                pid=entry.pid,
                memory=memory,
                gpu_instance=entry.gpuInstanceId,
                compute_instance=entry.computeInstanceId,
            )
    return found if is_known else None


@dataclass(frozen=True, slots=True)
class _Known:
    start_ticks: int
    process: GpuProcess
    read_at: float


class ProcessBook:
    """Describes processes by /proc and remembers what it read: a sample a second must not read everything anew."""

    def __init__(self, table: ProcTable | None = None) -> None:
        self._table = table or ProcTable()
        self._known: dict[int, _Known] = {}

    def describe(self, pid: int, memory: MiB | None, now: float) -> GpuProcess:
        """The process with its owner, command and start; `is_alive` is False where /proc knows no such pid."""
        stat = self._table.stat(pid)
        if stat is None or not stat.is_alive:
            self._known.pop(pid, None)
            return GpuProcess(pid=pid, user=None, memory=memory, is_alive=self._table.is_alive(pid))
        known = self._known.get(pid)
        if known is None or known.start_ticks != stat.start_ticks or not 0 <= now - known.read_at < REFRESH_S:
            process = GpuProcess(
                pid=pid,
                user=self._table.owner(pid),
                memory=memory,
                command=self._table.command(pid),
                started_at=epoch_of(stat.start_ticks),
            )
            known = self._known[pid] = _Known(stat.start_ticks, process, now)
        return known.process if known.process.memory == memory else replace(known.process, memory=memory)

    def forget_all_but(self, pids: set[int]) -> None:
        """Drop what was remembered about processes that no card shows any more."""
        for pid in self._known.keys() - pids:
            del self._known[pid]
