"""Random lives of a scheduler (hypothesis): whatever happens, in whatever order, its promises hold."""

import os
from functools import partial

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import GpuRequest, Task
from gavelq.core.units import MiB
from tests.properties.machine import N_CARDS, Look, Machine, facts
from tests.support.builders import GIB, World, uuid

TASKS = st.integers(0, 1 << 16)
"""Which of the tasks in question; hypothesis shrinks it well."""
CARDS = st.integers(0, N_CARDS - 1)
QUEUES = st.sampled_from([QueueName(name) for name in ("running", "running", "a", "b", "waiting")])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "max_running": st.sampled_from([None, 1, 2, 3]),
        "max_gpus": st.sampled_from([None, 1, 3]),
        "max_util": st.sampled_from([None, None, 10, 50]),
        "paused": st.sampled_from([False, False, True]),
        "hold": st.sampled_from([False, False, False, True]),
        "pool": st.sampled_from([True, True, False]),
        "priority": st.integers(0, 9),
        "mem_type": st.sampled_from(["ignore", "ignore", "absolute", "percentage"]),
        "mem_value": st.sampled_from([0, 50, 100, 20_000]),
    },
)
REQUESTS = st.builds(
    GpuRequest,
    count=st.sampled_from([1, 1, 1, 2, 2, 3, 4, 0]),
    allowed=st.sampled_from([(), (), (), (), (uuid(0),), (uuid(1), uuid(2))]),
    memory=st.sampled_from([None, None, MiB(1), MiB(8 * GIB), MiB(20 * GIB)]),
    max_util=st.sampled_from([None, None, None, 30]),
)
HOLDING = (TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING)


class SchedulerLife(RuleBasedStateMachine):
    """What people, the runner, the driver and time do to a scheduler. What mostly happens is likely here, too."""

    @initialize(limits=st.lists(OPTIONS, min_size=2, max_size=2), requests=st.lists(REQUESTS, min_size=3, max_size=6))
    def begin(self, limits: list[dict[str, object]], requests: list[GpuRequest]) -> None:
        self.m = Machine()
        self.n_steps = 0
        for name, options in zip("ab", limits, strict=True):
            self.m.send(ev.QueueCreated(by="me", name=QueueName(name), options=options))
        for gpus in requests:
            self.m.take(partial(World.submit, gpus=gpus))
        self.go_on()

    def pick(self, n: int, *states: TaskState) -> Task | None:
        """One of the tasks in these states (none named: any that lives)."""
        found = [task for task in self.m.state.tasks.values() if not states or task.state in states]
        return found[n % len(found)] if found else None

    # --- people -------------------------------------------------------------------------------------------

    @rule(
        gpus=REQUESTS, queue=QUEUES, priority=st.sampled_from([0, 0, 0, 5, 100]), hold=st.integers(0, 5),
        requeue=st.booleans(), n=st.integers(1, 3),
    )  # fmt: skip
    def submit(self, gpus: GpuRequest, queue: QueueName, priority: int, hold: int, requeue: bool, n: int) -> None:
        given = {"gpus": gpus, "queue": queue, "priority": priority, "hold": hold == 5, "requeue": requeue}
        for _ in range(n):
            self.m.take(lambda world: world.submit(**given, allow_infeasible=True))
        self.go_on()

    @rule(n=TASKS, what=st.sampled_from(["kill", "kill", "signal", "hold", "remove"]))
    def touch(self, n: int, what: str) -> None:
        if task := self.pick(n):
            by = {"by": "me", "task_id": task.id}
            events: dict[str, ev.Event] = {
                "kill": ev.TaskKilled(**by, signal=15, is_ending=True),  # type: ignore[arg-type]  # by name
                "signal": ev.TaskKilled(**by, signal=10, is_ending=False),  # type: ignore[arg-type]  # by name
                "hold": ev.TaskHeld(**by),  # type: ignore[arg-type]  # by name
                "remove": ev.TaskRemoved(**by),  # type: ignore[arg-type]  # by name
            }
            self.m.send(events[what])

    @rule(n=TASKS, queue=st.none() | QUEUES)
    def run(self, n: int, queue: QueueName | None) -> None:
        if task := self.pick(n, TaskState.HELD):
            self.m.send(ev.TaskReleased(by="me", task_id=task.id, queue=queue))

    @rule(n=TASKS, queue=QUEUES)
    def move(self, n: int, queue: QueueName) -> None:
        if task := self.pick(n):
            self.m.send(ev.TaskMoved(by="me", task_id=task.id, queue=queue))

    @rule(n=TASKS, priority=st.sampled_from([0, 1, 50, 100]))
    def prioritize(self, n: int, priority: int) -> None:
        if task := self.pick(n):
            self.m.send(ev.TaskPrioritized(by="me", task_id=task.id, priority=priority))

    @rule(queue=QUEUES, options=OPTIONS, is_new=st.integers(0, 2))
    def change_queue(self, queue: QueueName, options: dict[str, object], is_new: int) -> None:
        kind = ev.QueueCreated if is_new == 0 else ev.QueueChanged
        self.m.send(kind(by="me", name=queue, options=options))

    @rule(queue=QUEUES, into=QUEUES)
    def clear_queue(self, queue: QueueName, into: QueueName) -> None:
        self.m.send(ev.QueueMerged(by="me", source=queue, target=into))
        self.m.send(ev.QueueDeleted(by="me", name=queue))

    @rule(card=CARDS, queue=QUEUES, by_count=st.booleans())
    def allocate(self, card: int, queue: QueueName, by_count: bool) -> None:
        self.m.send(ev.GpusAllocated(by="me", queue=queue, gpus=() if by_count else (uuid(card),), count=1 + card))

    @rule(card=CARDS, what=st.sampled_from(["release", "requeue", "ignore", "drain", "drain now", "unignore"]))
    def touch_card(self, card: int, what: str) -> None:
        by, gpu = "me", uuid(card)
        events: dict[str, ev.Event] = {
            "release": ev.GpuReleased(by=by, gpu=gpu),
            "requeue": ev.GpuReleased(by=by, gpu=gpu, requeue=True),
            "ignore": ev.GpuIgnored(by=by, gpu=gpu),
            "drain": ev.GpuDrained(by=by, gpu=gpu),
            "drain now": ev.GpuDrained(by=by, gpu=gpu, stop_now=True, requeue=card % 2 == 0),
            "unignore": ev.GpuUnignored(by=by, gpu=gpu),
        }
        self.m.send(events[what])

    @rule()
    def put_cards_right(self) -> None:
        """Somebody tidies up."""
        for number in range(N_CARDS):
            self.m.send(ev.GpuUnignored(by="me", gpu=uuid(number)))
            self.m.looks[number] = Look()
        self.m.look()

    # --- the runner ---------------------------------------------------------------------------------------

    @rule(n=TASKS, exit_code=st.sampled_from([0, 0, 1]), signal=st.sampled_from([None, None, 9]),
          cause=st.sampled_from(["exited", "exited", "stopped", "time_limit", "lost"]))  # fmt: skip
    def end(self, n: int, exit_code: int, signal: int | None, cause: str) -> None:
        if task := self.pick(n, *HOLDING):
            code = None if signal or cause == "lost" else exit_code
            self.m.end(task, code, signal, cause)
            # After a reconnection the runner tells of ends that are known already.
            number = task.n_attempts
            self.m.send_again(ev.AttemptUnknown(task_id=task.id, attempt=number))
            self.m.cycle()
            self.m.send_again(ev.AttemptUnknown(task_id=task.id, attempt=number))
            self.m.send_again(ev.SpawnFailed(task_id=task.id, attempt=number, problem="late", is_transient=True))
            self.go_on()

    @rule(n=TASKS, what=st.sampled_from(["passing", "passing", "for good", "unknown"]))
    def fail_to_start(self, n: int, what: str) -> None:
        for oldest in list(self.m.state.holding.values())[:2]:
            self.m.end(oldest, 0, None, "exited")
        self.m.cycle()
        if task := self.pick(n, TaskState.STARTING):
            number = task.n_attempts
            if what == "unknown":
                self.m.send(ev.AttemptUnknown(task_id=task.id, attempt=number))
            else:
                is_passing = what == "passing"
                self.m.send(ev.SpawnFailed(task_id=task.id, attempt=number, problem="x", is_transient=is_passing))

    # --- the driver, time and the cycle -------------------------------------------------------------------

    @rule(card=CARDS, foreign=st.sampled_from([0, 100, 6 * GIB, 23 * GIB]), util=st.sampled_from([0, 0, 40, 100]),
          is_there=st.integers(0, 4))  # fmt: skip
    def change_card(self, card: int, foreign: int, util: int, is_there: int) -> None:
        self.m.looks[card] = Look(foreign_mib=foreign, utilization=util, is_there=is_there > 0)
        self.m.look()

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.m.pass_time(seconds)
        self.m.look()

    @rule(with_tasks=st.integers(0, 3))
    def restart(self, with_tasks: int) -> None:
        if with_tasks == 0:
            self.m.send(ev.DaemonStopped(by="me"))
        self.m.restart()

    @rule()
    def cycle(self) -> None:
        self.m.cycle()

    @rule(n_ends=st.integers(1, 3))
    def let_work(self, n_ends: int) -> None:
        """What mostly happens: the oldest tasks end well, and others take their places."""
        for task in sorted(self.m.state.holding.values(), key=lambda task: task.id)[:n_ends]:
            self.m.end(task, 0, None, "exited")
        self.m.pass_time(0.1)
        self.m.look()
        self.go_on()

    def go_on(self) -> None:
        """A cycle, and what it placed starts."""
        self.m.cycle()
        for task in [task for task in self.m.state.holding.values() if task.state is TaskState.STARTING]:
            self.m.take(partial(World.started, task_id=task.id))

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "m"):
            return
        self.m.check()
        # Hypothesis leaves whole rules out of a life; without ends and starts there would be none.
        self.n_steps += 1
        if self.n_steps % 3 == 0:
            self.let_work(1)

    def teardown(self) -> None:
        if hasattr(self, "m"):
            self.m.cycle()
            assert facts(self.m.replay()) == facts(self.m.world), "the same events gave another state"


# To shrink a failure takes minutes: it is done on request. Without, the blob in the report plays the same life again.
PHASES = tuple(Phase) if os.environ.get("GAVELQ_SHRINK") else (Phase.explicit, Phase.reuse, Phase.generate)

SchedulerLife.TestCase.settings = settings(
    phases=PHASES,
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestSchedulerLife = SchedulerLife.TestCase
