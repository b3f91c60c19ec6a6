"""What is simulated: the jobs of a trace."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

DEFAULT_TENANT = "everybody"
"""Whose jobs are those of a trace that names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a trace. Times in seconds from the trace's beginning, memory in MiB per GPU."""

    row: int
    """Where it stands in the file, from 0; ties in submission go by it."""
    job_id: str
    submit_s: float
    duration_s: float
    """How long it runs on `gpus` GPUs."""
    gpus: int
    user: str = ""
    limit_s: float | None = None
    """The time limit that it asked for; None: none, or the trace does not tell."""
    memory_mib: int | None = None
    """What it needs on each GPU; None: a whole one."""
    utilization: float | None = None
    """How busy it makes each GPU, in percent."""
    max_gpus: int | None = None
    """An elastic job takes up to so many GPUs, and is faster in proportion; None: exactly `gpus`."""
    tenant: str = DEFAULT_TENANT
    waited_s: float | None = None
    """How long it waited in reality, where the trace tells."""

    @property
    def gpu_s(self) -> float:
        """GPU-seconds of work."""
        return self.duration_s * self.gpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The jobs in the order of their submission."""

    name: str
    jobs: tuple[Job, ...]
    notes: tuple[str, ...] = ()
    """What was left out or assumed when it was read, for people."""

    def map(self, change: Callable[[Job], Job]) -> "Trace":
        """The same trace with each job changed."""
        return replace(self, jobs=tuple(map(change, self.jobs)))


def in_order(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """By submission, then by row."""
    return tuple(sorted(jobs, key=attrgetter("submit_s", "row")))


def from_first(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """In order, with times from the first submission on: files may count from any year."""
    begin = min((job.submit_s for job in jobs), default=0.0)
    return in_order(jobs if not begin else (replace(job, submit_s=job.submit_s - begin) for job in jobs))
