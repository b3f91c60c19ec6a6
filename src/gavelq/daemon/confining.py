"""What an attempt's isolation means for its start: the device nodes that it may open, the MPS daemon that it uses."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.errors import GavelqError
from gavelq.core.gpu import GpuSample
from gavelq.core.ids import GpuUuid
from gavelq.core.isolation import includes
from gavelq.core.state import State
from gavelq.core.task import Attempt, Task
from gavelq.core.tenants import Isolation
from gavelq.daemon import journal
from gavelq.ports import Mps


class CannotConfine(GavelqError):
    """the task cannot be kept to its GPUs: {problem}"""

    code = "cannot_confine"
    http_status = 500


def devices_of(attempt: Attempt, sample: GpuSample) -> tuple[str, ...] | None:
    """The device nodes that an attempt may open beside those that all cards share; None: it is kept from none.

    Raises CannotConfine where a card does not tell.
    """
    if not includes(attempt.isolation, Isolation.DEVICE):
        return None
    nodes: list[str] = []
    for uuid, index in zip(attempt.gpus, attempt.indices, strict=True):
        seen = sample.by_uuid.get(uuid)
        if seen is None or seen.nodes is None:
            raise CannotConfine(problem=f"the driver does not tell the device node of GPU {index}")
        nodes += seen.nodes
    return tuple(dict.fromkeys(nodes))


@dataclass(slots=True, kw_only=True)
class MpsDesk:
    """Starts the private MPS daemon of a GPU for the first task that needs it, and quits it after the last."""

    mps: Mps
    state: State
    _locks: dict[GpuUuid, asyncio.Lock] = field(default_factory=dict)
    _quitting: set["asyncio.Task[None]"] = field(default_factory=set)

    async def prepared(self, task: Task, attempt: Attempt) -> Mapping[str, str]:
        """What the task's environment needs; nothing for other levels. Raises CannotConfine."""
        if attempt.isolation is not Isolation.MPS:
            return {}
        (gpu,) = attempt.gpus
        async with self._lock(gpu):
            env = dict(await self.mps.start(gpu))
        if task.request.mps_percent is not None:
            env["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = str(task.request.mps_percent)
        if task.request.gpus.memory is not None:
            env["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = f"0={task.request.gpus.memory}M"
        return env

    def tidy(self) -> None:
        """A task has ended: quit what no task uses any more, in the background."""
        for gpu in self.mps.running() - self._used():
            quitting = asyncio.get_running_loop().create_task(self._quit(gpu))
            self._quitting.add(quitting)
            quitting.add_done_callback(self._quitting.discard)

    async def _quit(self, gpu: GpuUuid) -> None:
        async with self._lock(gpu):
            if gpu in self._used():  # somebody came while it waited
                return
            try:
                await self.mps.quit(gpu)
            except CannotConfine as error:
                journal.fail("the MPS daemon of a GPU does not quit", error, gpu=gpu)

    def _used(self) -> set[GpuUuid]:
        attempts = [task.attempt for task in self.state.holding.values() if task.attempt is not None]
        return {gpu for attempt in attempts if attempt.isolation is Isolation.MPS for gpu in attempt.gpus}

    def _lock(self, gpu: GpuUuid) -> asyncio.Lock:
        return self._locks.setdefault(gpu, asyncio.Lock())
