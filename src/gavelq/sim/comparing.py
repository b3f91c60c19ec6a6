"""Several policies over one trace, side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gavelq.scheduling.policy import Policy
from gavelq.sim.bounds import Bounds, Part, bounds, whole
from gavelq.sim.limits import Limits, with_limits
from gavelq.sim.machine import Machine
from gavelq.sim.measures import Measures, measure
from gavelq.sim.oracles import srtf
from gavelq.sim.outcome import Outcome
from gavelq.sim.policies import BASE, NamedPolicy
from gavelq.sim.simulator import Options, Progress, fits, simulate
from gavelq.sim.trace import Job, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one policy."""

    outcome: Outcome
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A trace on a machine, to be run under several policies."""

    trace: Trace
    machine: Machine
    limits: Limits = "modelled"
    seed: int = 1
    options: Options = field(default_factory=Options)
    _bounds: dict[Policy, Bounds] = field(init=False, repr=False, compare=False, default_factory=dict)
    """Those that were asked for: a million jobs take seconds."""

    def bound(self, policy: Policy = BASE) -> Bounds:
        """What none of them can beat. Limits are looked at only where they end jobs, the policy where jobs share."""
        key = policy if self.options.share else BASE
        if key not in self._bounds:
            self._bounds[key] = self._bound(key)
        return self._bounds[key]

    def _bound(self, policy: Policy) -> Bounds:
        trace = with_limits(self.trace, self.limits, seed=self.seed)
        jobs = [job for job in trace.jobs if fits(job, self.machine)]
        return bounds(jobs, self.machine, parts(self.machine, policy) if self.options.share else (whole,))

    def run(self, named: NamedPolicy, clock: Callable[[], float], progress: Progress | None = None) -> Result:
        """Run one. `clock` tells seconds of real time, for the speed alone. Raises Stuck."""
        limits = self.limits if named.limits is None else named.limits
        trace = with_limits(self.trace, limits, seed=self.seed)
        began = clock()
        if named.policy is None:
            outcome = srtf(trace, self.machine, progress=progress)
        else:
            outcome = simulate(trace, self.machine, named.policy, self.options, name=named.name, progress=progress)
        elapsed_s = clock() - began
        outcome = replace(outcome, is_oracle=named.is_oracle)
        return Result(outcome=outcome, measures=measure(outcome, self.bound(named.policy or BASE), elapsed_s))


def parts(machine: Machine, policy: Policy) -> Sequence[Part]:
    """Ways to count what a job takes of a card that it shares: of its places, its memory, its utilisation."""
    largest = max(gpu.memory for gpu in machine.gpus)
    most = policy.max_utilization

    def place(job: Job) -> float:
        return 1.0 if job.memory_mib is None else 1.0 / policy.max_per_gpu

    def memory(job: Job) -> float:
        return 1.0 if job.memory_mib is None else min(1.0, job.memory_mib / largest)

    def busy(job: Job) -> float:
        value = policy.unknown_utilization if job.utilization is None else job.utilization
        return 1.0 if job.memory_mib is None else min(1.0, value / most)

    return place, memory, busy
