"""The engine and the cycle in virtual time: a load with known lengths, limits enforced, nothing else going on."""

from dataclasses import dataclass, field
from heapq import heappop, heappush

from gavelq.core.ids import TaskId
from gavelq.core.units import MiB
from gavelq.scheduling.policy import Policy
from tests.support.builders import World, card

EPOCH = 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One task of a load. Times in seconds; `length` is what it would take, its limit may end it earlier."""

    at: float
    length: float
    gpus: int = 1
    limit: float | None = None
    priority: int = 0
    memory: int | None = None
    """MiB per GPU; with it, the job shares its GPUs with others."""
    most: int | None = None
    """Of an elastic job: up to so many GPUs."""
    left: int | None = None
    """Of an elastic job: what it leaves free."""
    tenant: str = "me"

    @property
    def runs_for(self) -> float:
        """How long it really runs."""
        return self.length if self.limit is None else min(self.length, self.limit)


@dataclass(slots=True)
class Run:
    """What came of a load: starts by job, in seconds from the beginning, and what was promised meanwhile."""

    starts: dict[int, float] = field(default_factory=dict)
    gpus: dict[int, tuple[str, ...]] = field(default_factory=dict)
    promises: dict[int, list[float]] = field(default_factory=dict)
    """Every promised time that a job was told, in order."""
    n_idle_cycles: int = 0
    """Second cycles that started something; must be none."""

    def running(self, jobs: list[Job], moment: float) -> list[int]:
        """The jobs that run at this moment."""
        return [n for n, start in self.starts.items() if start <= moment < start + jobs[n].runs_for]


def run(jobs: list[Job], n_cards: int, policy: Policy) -> Run:
    """Run a load to its end. Limits are kept to the second: grace and start-up take no time."""
    world = World(n_cards=n_cards, policy=policy, now=EPOCH)
    found = Run()
    by_task: dict[TaskId, int] = {}
    calendar: list[tuple[float, int, int]] = []
    for number, job in enumerate(jobs):
        heappush(calendar, (job.at, 1, number))
    while calendar:
        now = calendar[0][0]
        world.now = EPOCH + now
        while calendar and calendar[0][0] == now:
            _, kind, number = heappop(calendar)
            if kind == 0:
                world.ended(TaskId(number))
            else:
                by_task[submit(world, jobs[number])] = number
        world.look(*(card(index) for index in range(n_cards)))
        for task_id in world.run_all():
            number = by_task[task_id]
            found.starts[number] = now
            found.gpus[number] = tuple(world.gpus(task_id))
            heappush(calendar, (now + jobs[number].runs_for, 0, task_id))
        for held in world.state.reservations.values():
            if held.expected_at is not None:
                found.promises.setdefault(by_task[held.task_id], []).append(held.expected_at - EPOCH)
        found.n_idle_cycles += bool(world.cycle())
    return found


def submit(world: World, job: Job) -> TaskId:
    """Hand a job in."""
    return world.submit(
        count=job.gpus, max_count=job.most, gpu_left=job.left, time_limit_s=job.limit, priority=job.priority,
        memory=None if job.memory is None else MiB(job.memory), share=job.memory is not None, tenant=job.tenant,
        allow_infeasible=True,
    )  # fmt: skip
