"""What came of a simulation."""

from dataclasses import dataclass

from gavelq.sim.trace import Job


@dataclass(frozen=True, slots=True)
class Run:
    """How a job fared. Times in seconds from the trace's beginning."""

    job: Job
    start_s: float
    """Of the run that counted: one that a broken card cut short does not."""
    end_s: float
    ran_s: float
    """How long it ran; without preemption the time between these."""
    cards: tuple[int, ...] = ()
    """The cards it ran on; an oracle that preempts freely has none."""

    @property
    def wait_s(self) -> float:
        """The time in which it did not run."""
        return max(0.0, self.end_s - self.job.submit_s - self.ran_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a trace under one policy."""

    policy: str
    is_oracle: bool
    n_gpus: int
    runs: tuple[Run, ...]
    """In the order of the jobs."""
    left_out: int
    """Jobs that want more than the machine has."""
    events: int
    """How many events the engine answered: submissions, plans, starts, ends, looks at the cards."""
    backfilled: int = 0
    """Starts that went ahead of a waiting task."""
    promises_broken: int = 0
    """Tasks that started later than they were once promised."""
    preemptions: int = 0
    """How often a task was stopped for another one."""
    restarts: int = 0
    """Runs that a broken card cut short."""
    n_cut: int = 0
    """Jobs that their time limit ended."""
