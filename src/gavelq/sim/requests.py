"""What a job asks for, in gavelq's words."""

from collections.abc import Sequence

from gavelq.core.ids import RUNNING_QUEUE, BlobKey
from gavelq.core.learned import Learned, pattern_key
from gavelq.core.lifecycle import EndReason
from gavelq.core.retrying import NO_LIMIT, Backoff, RetryRules
from gavelq.core.step import Changes
from gavelq.core.task import GpuRequest, ShellLines, TaskRequest
from gavelq.core.units import MiB
from gavelq.sim.machine import Machine
from gavelq.sim.trace import Job

_COMMAND = ShellLines(lines=("true",))
_RETRY = RetryRules(retries=NO_LIMIT, backoff=Backoff(first_s=0.0), on=(EndReason.GPU_LOST,))
"""After a card broke a job begins anew."""
_NO_ENV = BlobKey("")
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_Key = tuple[int, int | None, int | None, float | None, str, str]


class Requests:
    """Makes requests of jobs; equal ones are made once."""

    def __init__(self, jobs: Sequence[Job], machine: Machine, share: bool) -> None:
        """`share`: jobs whose memory is known share their cards."""
        self._share = share
        self._most = machine.widest()
        self._made: dict[_Key, TaskRequest] = {}
        self._known = {self._learned_as(job): job.utilization for job in jobs if self._is_known(job)}

    def of(self, job: Job) -> TaskRequest:
        """The request of a job."""
        name = self._name(job)
        key = (job.gpus, job.max_gpus, job.memory_mib, job.limit_s, job.tenant, name)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(job, name)
        return found

    def taught(self) -> Changes:
        """What gavelq has learned before: how busy tasks of each name make their cards."""
        known = {key: Learned(n_ends=1, utilization=value) for key, value in self._known.items()}
        return Changes(learned=dict(known))

    def _make(self, job: Job, name: str) -> TaskRequest:
        memory = None if job.memory_mib is None else MiB(job.memory_mib)
        most = None if job.max_gpus is None else max(job.gpus, min(job.max_gpus, self._most))
        gpus = GpuRequest(
            count=job.gpus, max_count=most, memory=memory, share=self._share and memory is not None
        )  # fmt: skip
        return TaskRequest(
            command=_COMMAND, name=name, workdir="/", env=_NO_ENV, gpus=gpus, queue=RUNNING_QUEUE, tenant=job.tenant,
            time_limit_s=job.limit_s, allow_infeasible=True, retry=_RETRY, is_named=self._is_known(job),
        )  # fmt: skip

    def _is_known(self, job: Job) -> bool:
        return self._share and job.memory_mib is not None and job.utilization is not None

    def _name(self, job: Job) -> str:
        """A name for all jobs of this utilisation: what is learned is kept by names, without their digits."""
        if not self._is_known(job):
            return "job"
        return "busy-" + f"{job.utilization:g}".translate(_LETTERS)

    def _learned_as(self, job: Job) -> str:
        return pattern_key(job.tenant, self._name(job))
