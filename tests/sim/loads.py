"""Short ways to say what is simulated."""

from pathlib import Path

from hypothesis import strategies as st

from gavelq.sim.limits import with_limits
from gavelq.sim.machine import Machine, parse_machine
from gavelq.sim.outcome import Outcome
from gavelq.sim.policies import named
from gavelq.sim.readers import read_trace
from gavelq.sim.simulator import Options, simulate
from gavelq.sim.trace import Job, Trace, in_order

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
"""Beside the project, where they are mounted."""
HOUR = 3600.0


def job(row: int, at: float, length: float, gpus: int = 1, **more: object) -> Job:
    """A job; its id is its row."""
    return Job(row=row, job_id=str(row), submit_s=at, duration_s=length, gpus=gpus, **more)  # type: ignore[arg-type]  # by name


def trace(*jobs: tuple[float, float, int] | Job) -> Trace:
    """A trace of jobs, or of their submissions, lengths and GPUs."""
    made = [one if isinstance(one, Job) else job(row, *one) for row, one in enumerate(jobs)]
    return Trace(name="test", jobs=in_order(made))


def shipped(name: str, first: int | None = None) -> Trace:
    """One of the shared traces with modelled limits, or the first jobs of it."""
    found = with_limits(read_trace(str(TRACES / f"{name}.csv.gz")), "modelled")
    return Trace(name=found.name, jobs=found.jobs[:first])


def run(load: Trace, n_gpus: int | Machine, policy: str = "fair", options: Options | None = None) -> Outcome:
    """What comes of a load under a policy of that name."""
    machine = parse_machine(str(n_gpus)) if isinstance(n_gpus, int) else n_gpus
    chosen = named(policy)
    assert chosen.policy is not None
    limited = load if chosen.limits is None else with_limits(load, chosen.limits)
    return simulate(limited, machine, chosen.policy, options, name=policy)


def starts(outcome: Outcome) -> list[float]:
    """When each job started, in the order of the jobs."""
    return [one.start_s for one in outcome.runs]


def mean_jct(outcome: Outcome) -> float:
    """The mean time from submission to end."""
    return sum(one.end_s - one.job.submit_s for one in outcome.runs) / len(outcome.runs)


def loads(most_gpus: int, most_jobs: int = 12) -> st.SearchStrategy[Trace]:
    """Random loads with limits that are true, of jobs up to that width."""

    def made(rows: list[tuple[int, int, int, float]]) -> Trace:
        jobs = [job(n, at, length, gpus, limit_s=length * more) for n, (at, length, gpus, more) in enumerate(rows)]
        return trace(*jobs)

    row = st.tuples(
        st.integers(0, 60), st.integers(1, 40), st.integers(1, most_gpus), st.sampled_from((1.0, 1.5, 4.0))
    )  # fmt: skip
    return st.lists(row, min_size=1, max_size=most_jobs).map(made)
