"""Random lives of a scheduler (hypothesis): whatever happens, in whatever order, its promises hold."""

from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.core.lifecycle import TaskState
from gavelq.core.retrying import NO_RETRIES
from gavelq.core.task import Dependency, DependencyKind, Lease, Task
from gavelq.scheduling.policy import Policy
from tests.properties import filing, lives
from tests.properties.lives import CARDS, CHANCE, POLICIES, QUEUES, SETTINGS, TASKS
from tests.properties.machine import N_CARDS, Look, Machine, facts
from tests.properties.phases import examples
from tests.support.builders import GIB, World, uuid

HOLDING = (TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING)
WAITING = (TaskState.PENDING, TaskState.HELD)


class SchedulerLife(RuleBasedStateMachine):
    """What people, the runner, the driver and time do to a scheduler. What mostly happens is likely here, too."""

    @initialize(policy=POLICIES, chance=CHANCE)
    def begin(self, policy: Policy, chance: Random) -> None:
        self.m = Machine(policy)
        self.n_steps = 0
        for name in "ab":
            self.m.send(ev.QueueCreated(by="me", name=QueueName(name), options=lives.options(chance)))
        for number in range(N_CARDS):
            if owner := chance.choice(lives.OWNERS):
                self.m.send(ev.GpusAllocated(by="me", queue=QueueName(owner), gpus=(uuid(number),)))
        self.rush(chance, 8)

    def pick(self, n: int, *states: TaskState) -> Task | None:
        """One of the tasks in these states (none named: any that lives)."""
        found = [task for task in self.m.state.tasks.values() if not states or task.state in states]
        return found[n % len(found)] if found else None

    def depend(self, n: int, kinds: tuple[DependencyKind, ...]) -> tuple[Dependency, ...]:
        """Dependencies of these kinds on tasks that live."""
        found = [(self.pick(n + number), kind) for number, kind in enumerate(kinds)]
        return tuple(Dependency(task_id=task.id, kind=kind) for task, kind in found if task is not None)

    # --- people -------------------------------------------------------------------------------------------

    @rule(chance=CHANCE, n=st.integers(2, 8))
    def hurry(self, chance: Random, n: int) -> None:
        self.rush(chance, n)

    def rush(self, chance: Random, n: int) -> None:
        """Much is handed in within a short time."""
        for _ in range(n):
            self.m.hand_in(**lives.wishes(chance))
            self.go_on()
            if chance.random() < 0.3:
                self.m.pass_time(chance.choice([0.1, 0.5, 1.0, 3.0]))
                self.go_on()

    @rule(chance=CHANCE, copies=st.integers(1, 3))
    def submit(self, chance: Random, copies: int) -> None:
        wishes = lives.wishes(chance)
        for _ in range(copies):
            depends_on = self.depend(chance.randrange(1000), chance.choice(lives.DEPENDENCIES))
            not_before = self.m.world.now + 3 if chance.random() < 0.2 else None
            self.m.hand_in(**wishes, depends_on=depends_on, not_before=not_before)
        self.go_on()

    @rule(chance=CHANCE, n=st.integers(2, 6), at_once=st.integers(1, 3))
    def submit_array(self, chance: Random, n: int, at_once: int) -> None:
        self.m.hand_in(n, **lives.wishes(chance), max_parallel=at_once)
        self.go_on()

    @rule(chance=CHANCE)
    def submit_file(self, chance: Random) -> None:
        filing.hand_in(self.m, chance)
        self.go_on()

    @rule(n=TASKS, chance=CHANCE)
    def edit_file(self, n: int, chance: Random) -> None:
        filing.edit(self.m, n, chance)
        self.go_on()

    @rule(chance=CHANCE)
    def ask_for_lease(self, chance: Random) -> None:
        wishes = lives.wishes(chance) | {"retry": NO_RETRIES}
        self.m.hand_in(command=Lease(renew_s=20.0), **wishes)
        self.go_on()

    @rule(n=TASKS, what=st.sampled_from(["renew", "release", "check", "check"]))
    def touch_lease(self, n: int, what: str) -> None:
        leases = [task for task in self.m.state.tasks.values() if isinstance(task.request.command, Lease)]
        if leases:
            task_id = leases[n % len(leases)].id
            events: dict[str, ev.Event] = {
                "renew": ev.LeaseRenewed(by="me", task_id=task_id),
                "release": ev.LeaseReleased(by="me", task_id=task_id),
                "check": ev.LeasesChecked(since=0.0, due=tuple(task.id for task in leases)),
            }
            self.m.send(events[what])

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

    @rule(n=TASKS, n_tasks=st.integers(1, 2), chance=CHANCE)
    def edit(self, n: int, n_tasks: int, chance: Random) -> None:
        chosen = {task.id: task for number in range(n_tasks) if (task := self.pick(n + number, *WAITING))}
        if chosen:
            given: dict[str, Any] = {
                **lives.wishes(chance),
                "depends_on": self.depend(n + 3, chance.choice(lives.DEPENDENCIES)),
                "not_before": self.m.world.now + 2,
            }
            what = chance.choice(lives.EDITS)
            requests = {task_id: replace(task.request, **{what: given[what]}) for task_id, task in chosen.items()}
            based_on = {task_id: task.request for task_id, task in chosen.items()}
            self.m.send(ev.TasksEdited(by="me", requests=requests, fields=(what,), based_on=based_on))
            self.m.cycle()

    @rule(n=TASKS, queue=st.none() | QUEUES)
    def run(self, n: int, queue: QueueName | None) -> None:
        if task := self.pick(n, TaskState.HELD):
            self.m.send(ev.TaskReleased(by="me", task_id=task.id, queue=queue))

    @rule(n=TASKS, queue=QUEUES)
    def move(self, n: int, queue: QueueName) -> None:
        if task := self.pick(n):
            self.m.send(ev.TaskMoved(by="me", task_id=task.id, queue=queue))

    @rule(n=TASKS, priority=st.sampled_from(lives.PRIORITIES))
    def prioritize(self, n: int, priority: int) -> None:
        if task := self.pick(n):
            self.m.send(ev.TaskPrioritized(by="me", task_id=task.id, priority=priority))

    @rule(queue=QUEUES, chance=CHANCE, is_new=st.integers(0, 2))
    def change_queue(self, queue: QueueName, chance: Random, is_new: int) -> None:
        kind = ev.QueueCreated if is_new == 0 else ev.QueueChanged
        self.m.send(kind(by="me", name=queue, options=lives.options(chance)))

    @rule(queue=QUEUES, into=QUEUES)
    def clear_queue(self, queue: QueueName, into: QueueName) -> None:
        self.m.send(ev.QueueMerged(by="me", source=queue, target=into))
        self.m.send(ev.QueueDeleted(by="me", name=queue))

    @rule(settings=SETTINGS)
    def change_settings(self, settings: dict[str, Any]) -> None:
        self.m.set_policy(**settings)

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
        for name in list(self.m.state.queues):
            at_ease = {**lives.AT_EASE, "hold": name == "waiting"}
            self.m.send(ev.QueueChanged(by="me", name=name, options=at_ease))
        for number in range(N_CARDS):
            self.m.send(ev.GpuUnignored(by="me", gpu=uuid(number)))
            self.m.looks[number] = Look()
        self.m.look()

    # --- the runner ---------------------------------------------------------------------------------------

    @rule(n=TASKS, exit_code=st.sampled_from([0, 0, 1, 1]), signal=st.sampled_from([None, None, 9]), chance=CHANCE)
    def end(self, n: int, exit_code: int, signal: int | None, chance: Random) -> None:
        cause, told = chance.choice(lives.CAUSES), chance.choice(lives.TOLD)
        if task := self.pick(n, *HOLDING):
            code = None if signal or cause == "lost" else exit_code
            self.m.end(task, code, signal, cause, log_tail=told if code or signal else "")
            # After a reconnection the runner tells of ends that are known already.
            number = task.n_attempts
            self.m.send_again(ev.AttemptUnknown(task_id=task.id, attempt=number))
            self.m.cycle()
            self.m.send_again(ev.AttemptUnknown(task_id=task.id, attempt=number))
            self.m.send_again(ev.SpawnFailed(task_id=task.id, attempt=number, problem="late", is_transient=True))
            self.go_on()

    @rule(n=TASKS)
    def overrun(self, n: int) -> None:
        """A task comes to its time limit, and its supervisor ends it."""
        limited = [task for task in self.m.state.holding.values() if task.request.time_limit_s is not None]
        if limited:
            self.m.end(limited[n % len(limited)], None, 15, "time_limit")
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

    @rule(card=CARDS, foreign=st.sampled_from([0, 0, 100, 6 * GIB, 23 * GIB]), util=st.sampled_from([0, 0, 40, 100]))
    def change_card(self, card: int, foreign: int, util: int) -> None:
        self.m.looks[card] = Look(foreign_mib=foreign, utilization=util)
        self.m.look()
        self.m.cycle()

    @rule(card=CARDS, how=st.sampled_from(["xid", "blinks", "is gone"]))
    def break_card(self, card: int, how: str) -> None:
        self.m.looks[card] = Look(xids=(79,)) if how == "xid" else Look(is_there=False)
        self.m.look()
        self.m.looks[card] = Look(is_there=how != "is gone")
        self.m.look()
        self.m.cycle()

    @rule(seconds=st.sampled_from([0.1, 1.0, 1.0, 2.0, 4.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.m.pass_time(seconds)
        self.m.cycle()

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
        self.m.pass_time(0.3)
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
        if self.n_steps % 12 == 0:
            self.put_cards_right()

    def teardown(self) -> None:
        if hasattr(self, "m"):
            self.m.cycle()
            assert facts(self.m.replay()) == facts(self.m.world), "the same events gave another state"


SchedulerLife.TestCase.settings = examples(50, stateful_step_count=40)
TestSchedulerLife = SchedulerLife.TestCase
