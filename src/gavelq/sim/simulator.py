"""The driver: a trace's jobs become events for the engine, and the cycle's plans become starts and ends.

All events of one instant, then one cycle (`gavelq.sim.driver`). What it adds is what the world does: jobs arrive, run
for as long as they take, and cards break.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from heapq import heappop, heappush
from math import inf

from gavelq.core import events as ev
from gavelq.core.engine import EngineRules
from gavelq.core.errors import GavelqError
from gavelq.core.gpu import GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.core.units import MiB
from gavelq.scheduling.cycle import Plan, plan
from gavelq.scheduling.policy import Policy
from gavelq.sim.driver import Driver
from gavelq.sim.faults import Happening, Mishaps, happenings
from gavelq.sim.machine import Machine
from gavelq.sim.outcome import Outcome, Run
from gavelq.sim.requests import Requests
from gavelq.sim.trace import Job, Trace

EPOCH = 3_600_000.0
"""The engine's time when a trace begins: to it zero would mean "never"."""
XID_GONE = 79
"""GPU has fallen off the bus (`gavelq.core.faults`)."""
ROUNDING_S = 1e-6
"""A start is not late by what additions of floating-point numbers differ."""
TOLD_EVERY = 500
"""Progress is told once for so many ended jobs."""

Progress = Callable[[int, int], None]
"""Told how many jobs have ended, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What else is simulated."""

    share: bool = False
    """Jobs whose memory is known share their cards."""
    weights: dict[str, float] = field(default_factory=dict)
    """Of tenants in fair share; 1 where none is told."""
    mishaps: Mishaps = field(default_factory=Mishaps)


class Stuck(GavelqError):
    """{n} job(s) can never start, the first of them is job {job_id}: {why}"""

    code = "simulation_stuck"
    hint = "leave the job out, or simulate a machine that can run it"


def simulate(
    trace: Trace, machine: Machine, policy: Policy, options: Options | None = None, *,
    name: str = "", progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """Run a trace to its end under a policy. Raises Stuck where nothing that can happen would start what waits."""
    return Simulation(trace, machine, policy, Options() if options is None else options).run(name, progress)


class Simulation(Driver):
    """One run of the engine and the cycle through a trace."""

    def __init__(self, trace: Trace, machine: Machine, policy: Policy, options: Options) -> None:
        widest = cache(machine.widest)  # hardly any trace has a thousand sizes of memory
        self._jobs = [job for job in trace.jobs if job.gpus <= widest(job.memory_mib)]
        self._n_left_out = len(trace.jobs) - len(self._jobs)
        rules = EngineRules(log_dir="", hold_after=0, share_half_life_s=policy.share_half_life_s)
        super().__init__(State(), replace(policy, nodes=machine.split), rules, EPOCH)
        self._machine, self._options = machine, options
        self._requests = Requests(self._jobs, machine, options.share)
        self._planned_at = EPOCH
        self._numbers: dict[TaskId, int] = {}
        """The job of each task that has not ended."""
        self._ends: list[tuple[float, TaskId, int, bool]] = []
        """When running attempts end: the time, task, attempt, and whether its time limit ends it."""
        self._runs: list[Run | None] = [None] * len(self._jobs)
        self._promised: dict[TaskId, float] = {}
        self._visitors: dict[int, GpuProcess] = {}
        self._happenings: Iterator[Happening] = happenings(options.mishaps, machine)
        self._next = next(self._happenings, None)
        self._by_uuid = {machine.uuid(number): number for number in range(machine.n_gpus)}
        self._n_ended = self._n_backfilled = self._n_broken = self._n_restarts = self._n_cut = 0

    def run(self, name: str, progress: Progress | None = None) -> Outcome:
        """To the end of the last job."""
        self._look()
        for tenant, weight in sorted(self._options.weights.items()):
            self._send(ev.TenantCreated(by="simulator", name=tenant, options={"weight": weight}))
        self._state.apply(self._requests.taught())
        jobs, n_jobs, at, told = self._jobs, len(self._jobs), 0, 0
        while self._n_ended < n_jobs:
            arrival = EPOCH + jobs[at].submit_s if at < n_jobs else inf
            self._now = now = min(arrival, self._ends[0][0] if self._ends else inf, self._wake_at, self._next_at())
            if now == inf:
                raise self._stuck()
            self._end_all()
            self._happen()
            while at < n_jobs and EPOCH + jobs[at].submit_s <= now:
                self._submit(at)
                at += 1
            self._planned_at = now
            self._cycle()
            if progress is not None and self._n_ended - told >= TOLD_EVERY:
                told = self._n_ended
                progress(told, n_jobs)
        return self._outcome(name)

    # --- what the world does ------------------------------------------------------------------------------

    def _submit(self, number: int) -> None:
        request = self._requests.of(self._jobs[number])
        step = self._send(ev.TasksSubmitted(by="simulator", requests=(request,), blobs={}))
        self._numbers[step.reply[0]] = number

    def _end_all(self) -> None:
        """Attempts whose time is over."""
        ends, now = self._ends, self._now
        while ends and ends[0][0] <= now:
            _, task_id, attempt, is_cut = heappop(ends)
            if self._running(task_id, attempt) is None:
                continue
            if is_cut:
                self._end(task_id, attempt, "time_limit", 15)
            else:
                self._end(task_id, attempt, "exited")
            del self._numbers[task_id]
            self._n_ended += 1
            self._n_cut += is_cut

    def _next_at(self) -> float:
        return inf if self._next is None else EPOCH + self._next.at

    def _happen(self) -> None:
        broken: set[int] = set()
        is_changed = self._wake_at <= self._now
        self._wake_at = inf if is_changed else self._wake_at
        while self._next is not None and EPOCH + self._next.at <= self._now:
            card, kind = self._next.card, self._next.kind
            self._next = next(self._happenings, None)
            is_changed = True
            match kind:
                case "breaks":
                    broken.add(card)
                case "is_repaired":
                    broken.discard(card)
                    self._send(ev.GpuUnignored(by="simulator", gpu=self._machine.uuid(card)))
                case "is_taken":
                    half = MiB(self._machine.gpus[card].memory // 2)
                    self._visitors[card] = GpuProcess(pid=1_000_000 + card, user="somebody", memory=half)
                case "is_left":
                    self._visitors.pop(card, None)
        if is_changed:
            self._look(frozenset(broken))

    def _look(self, broken: frozenset[int] = frozenset()) -> None:
        """The monitor's look at all cards; tasks on those that broke since are stopped, and end at once."""
        cards = tuple(
            self._machine.sample(
                card,
                *([self._visitors[card]] if card in self._visitors else ()),
                xids=(XID_GONE,) if card in broken else (),
            )
            for card in range(self._machine.n_gpus)
        )
        step = self._send(ev.GpusSampled(sample=GpuSample(taken_at=self._now, cards=cards), configured={}))
        self._n_restarts += self._stop(step)

    # --- what comes of a plan -----------------------------------------------------------------------------

    def _planned(self, decided: Plan) -> None:
        for hold in decided.reservations.values():
            if hold.promised_at is not None:
                before = self._promised.get(hold.task_id, inf)
                self._promised[hold.task_id] = min(before, hold.promised_at)

    def _started(self, start: ev.Placement, task: Task, attempt: int) -> None:
        now, number = self._now, self._numbers[task.id]
        job, limit = self._jobs[number], task.request.time_limit_s
        length = run_time(job, len(start.gpus))
        is_cut = limit is not None and limit < length
        ran = limit if limit is not None and is_cut else length
        heappush(self._ends, (now + ran, task.id, attempt, is_cut))
        began, cards = now - EPOCH, self._cards(start.gpus)
        self._runs[number] = Run(job, began, began + ran, ran, cards)
        self._n_backfilled += start.ahead_of is not None
        promised = self._promised.pop(task.id, inf)
        self._n_broken += now > promised + ROUNDING_S

    def _cards(self, gpus: tuple[GpuUuid, ...]) -> tuple[int, ...]:
        return tuple([self._by_uuid[gpu] for gpu in gpus])

    # --- the end ------------------------------------------------------------------------------------------

    def _stuck(self) -> Stuck:
        task = self._state.tasks[min(self._numbers)]
        decided = plan(self._camera.take(self._policy, self._planned_at), self._policy)
        blocked = decided.reasons.get(self._state.pending.shape_of(task))
        why = "nobody knows why" if blocked is None else blocked.text
        return Stuck(n=len(self._numbers), job_id=self._jobs[self._numbers[task.id]].job_id, why=why)

    def _outcome(self, name: str) -> Outcome:
        return Outcome(
            policy=name, is_oracle=False, n_gpus=self._machine.n_gpus,
            runs=tuple(run for run in self._runs if run is not None), left_out=self._n_left_out,
            events=self._n_events, backfilled=self._n_backfilled, promises_broken=self._n_broken,
            preemptions=self._n_preemptions, restarts=self._n_restarts, n_cut=self._n_cut,
        )  # fmt: skip


def fits(job: Job, machine: Machine) -> bool:
    """Whether the machine could ever run a job."""
    return job.gpus <= machine.widest(job.memory_mib)


def run_time(job: Job, n_gpus: int) -> float:
    """How long a job runs on so many GPUs, in seconds: an elastic one is faster in proportion."""
    return job.duration_s if n_gpus == job.gpus else job.gpu_s / n_gpus
