"""A scheduler without any I/O: what hypothesis does to it, written down so that it can be done again.

Everything that happens is a step; the same steps taken in a second world must come out the same.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from gavelq.core import events as ev
from gavelq.core.books import SETTLE_S
from gavelq.core.engine import EngineRules
from gavelq.core.errors import GavelqError
from gavelq.core.gpu import CardSample, GpuProcess
from gavelq.core.ids import BlobKey, GpuUuid, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retrying import NO_LIMIT
from gavelq.core.state import State
from gavelq.core.task import DependencyKind, Lease, Task
from gavelq.scheduling.cycle import Plan
from gavelq.scheduling.holds import PREEMPTING
from gavelq.scheduling.policy import Policy
from tests.properties import expected, lanes
from tests.properties.idling import check_reasons, check_that_somebody_is_promised
from tests.properties.judging import Cycle, check_preemptions
from tests.properties.promised import gone_by
from tests.support.builders import World, card, process, request, uuid

N_CARDS = 6
GREED_MIB = 3000
"""Every fifth task uses more memory than it declared."""
RULES = EngineRules(log_dir="/logs", hold_after=4)
Step = Callable[[World], Any]


@dataclass
class Look:
    """What the driver says of one card."""

    foreign_mib: int = 0
    utilization: int = 0
    is_there: bool = True
    xids: tuple[int, ...] = ()


@dataclass
class Machine:
    """A world, what its cards look like, and the story so far."""

    policy: Policy
    looks: list[Look] = field(default_factory=lambda: [Look() for _ in range(N_CARDS)])
    story: list[Step] = field(default_factory=list)
    samples: expected.Samples = field(default_factory=dict)
    submitted: dict[TaskId, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(n_cards=N_CARDS, policy=self.policy, rules=RULES)
        self.look()

    @property
    def state(self) -> State:
        """The committed state."""
        return self.world.state

    def take(self, step: Step) -> Any:
        """One step; what is refused must change nothing."""
        before = facts(self.world)
        self.story.append(step)
        try:
            return step(self.world)
        except GavelqError:
            assert facts(self.world) == before, "a refused request changed something"
            return None

    def send(self, event: ev.Event) -> Any:
        """One event."""
        return self.take(lambda world: world.send(event))

    def hand_in(self, n: int = 1, **given: Any) -> None:
        """One submission of `n` equal tasks."""
        requests = (request(allow_infeasible=True, **given),) * n
        self.send(ev.TasksSubmitted(by="me", requests=requests, blobs={BlobKey("e"): b"{}"}))

    def end(self, task: Task, exit_code: int | None, signal: int | None, cause: str, **evidence: str) -> None:
        """The runner reports an end. Whom somebody cancelled does not come back, whatever else was wished later."""
        is_cancelled = task.stop is not None and not task.stop.requeue and task.stop.reason is not EndReason.GPU_LOST
        self.take(lambda world: world.ended(task.id, exit_code, signal, cause, **evidence))
        back = self.state.tasks.get(task.id)
        assert not is_cancelled or back is None, f"task {task.id} was cancelled and came back"
        if back is not None and back.n_failures != task.n_failures:
            rules, attempt = task.request.retry, back.attempt
            assert back.n_failures == task.n_failures + 1
            assert rules.retries == NO_LIMIT or back.n_failures <= rules.retries, f"{task.id} has had its tries"
            assert attempt is not None
            assert attempt.reason in rules.on
        elif back is not None:
            is_lost = cause == "lost" and task.request.requeue
            assert is_lost or (task.stop is not None and task.stop.requeue), f"task {task.id} came back for nothing"
        if isinstance(task.request.command, Lease):
            self.look()  # its processes end with it

    def send_again(self, event: ev.Event) -> None:
        """A late report about an attempt that is over: nothing may change, whatever it says."""
        before = facts(self.world)
        self.send(event)
        assert facts(self.world)[:-1] == before[:-1], f"{event} was old news"

    def replay(self) -> World:
        """The same steps in a second world."""
        second = World(n_cards=N_CARDS, policy=self.policy, rules=RULES)
        for step in self.story:
            try:
                step(second)
            except GavelqError:
                continue
        return second

    # --- the outside --------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """The clock goes on, and supervisors end whose time is over."""

        def later(world: World) -> None:
            world.now += seconds

        self.take(later)
        for task in list(self.state.holding.values()):
            if task.request.time_limit_s is not None and gone_by(task, self.world.policy) <= self.world.now:
                self.end(task, None, 9, "time_limit")
        self.look()

    def set_policy(self, **changes: Any) -> None:
        """Other settings, while everything runs."""

        def change(world: World) -> None:
            world.policy = replace(world.policy, **changes)

        self.take(change)

    def look(self) -> None:
        """The monitor takes a sample of the cards as they are."""
        cards = self._cards(self.state)
        self.samples = {seen.uuid: seen for seen in cards}
        self.take(lambda world: world.look(*cards))

    def _cards(self, state: State) -> tuple[CardSample, ...]:
        return tuple(
            replace(
                card(number, *_own(state, uuid(number)), *_foreign(number, look), util=look.utilization), xids=look.xids
            )
            for number, look in enumerate(self.looks)
            if look.is_there
        )

    def restart(self) -> None:
        """The daemon dies; the next one begins with the rows alone, and looks at its GPUs."""

        def again(world: World) -> None:
            rows = world.state.as_changes()
            world.state = State()
            world.state.apply(rows)

        before = facts(self.world)
        self.take(again)
        assert facts(self.world) == before
        self.look()

    # --- the cycle ----------------------------------------------------------------------------------------

    def cycle(self) -> None:
        """One cycle, everything it may not do, and everything it must not leave undone."""
        done = self._judged()
        if done.plan.preemptions:  # that changes the world: reservations come nearer
            done = self._judged()
        self.take(lambda world: world.cycle())
        again = self.world.last
        assert again is not None
        # Under a budget who wants one card gives way to holders of other domains from the next cycle on.
        if not (done.is_limited and len(again.reservations) > 1):
            assert not again.starts, f"a second cycle without events started {again.starts}"
        assert not again.preemptions, f"a second cycle without events made {again.preemptions}"
        check_that_somebody_is_promised(done, again)

    def _judged(self) -> Cycle:
        before = expected.picture(self.state)
        self.take(lambda world: world.cycle())
        plan = self.world.last
        assert plan is not None
        done = Cycle(before, self.state, plan, self.world.policy, self.samples, self.world.now)
        done.judge()
        check_preemptions(done)
        if plan.preemptions:
            self._check_that_nobody_was_stopped_in_vain(plan)
        check_reasons(done)
        return done

    def _check_that_nobody_was_stopped_in_vain(self, plan: Plan) -> None:
        """In another world, where all victims are gone at once, the tasks for which they were stopped begin.

        Or they are due by then at the latest: under a budget an earlier holder may take what was freed too early.
        """
        other = self.fork()
        for victim in (victim for preemption in plan.preemptions for victim in preemption.victims):
            is_lease = isinstance(other.task(victim).request.command, Lease)
            other.ended(victim, None, 15, "stopped")
            assert is_lease or other.task(victim).submitted_at == self.state.tasks[victim].submitted_at
        other.now += SETTLE_S + 1  # and whatever others left on these cards has settled
        other.look(*self._cards(other.state))
        started = other.cycle()
        assert other.last is not None
        for preemption in plan.preemptions:
            key = PREEMPTING + str(preemption.task_id)
            due = other.last.reservations[key].expected_at if key in other.last.reservations else None
            promised = plan.reservations[key].expected_at
            is_in_time = due is not None and promised is not None and due <= promised
            assert preemption.task_id in started or is_in_time, f"{preemption}, and then {started} started"
        for then in other.last.preemptions:  # somebody in the middle may find room in turn
            back = {preemption.task_id for preemption in plan.preemptions} & set(then.victims)
            assert not back, f"{plan.preemptions} led to {then}"

    def fork(self) -> World:
        """A second world as this one is now."""
        other = World(n_cards=0, policy=self.world.policy, now=self.world.now, rules=RULES)
        other.state = State(books=deepcopy(self.state.books))
        other.state.apply(self.state.as_changes())
        return other

    # --- what holds at every moment ---------------------------------------------------------------------------

    def check(self) -> None:
        """Cards stand alone or share, holding follows the queue, ages stay, dependencies are what they say."""
        for gpu, seen in self.state.cards.items():
            assert seen.queue is None or seen.queue in self.state.queues, f"{gpu} belongs to {seen.queue}"
            held = expected.holders(self.state, gpu)
            assert len(held) <= 1 or all(task.request.gpus.share for task in held), f"{gpu}: {[t.id for t in held]}"
        for task in self.state.tasks.values():
            is_held = task.is_held_by_user or self.state.queues[task.queue].hold
            assert (task.state is TaskState.HELD) == is_held or task.state in expected.LIVE, f"task {task.id}"
            assert self.submitted.setdefault(task.id, task.submitted_at) == task.submitted_at
            self._check_dependencies(task)
        for task in self.world.gone.values():
            assert task.ending is not None
            if task.ending.reason is EndReason.DEPENDENCY_FAILED:
                is_given_up = lanes.was_given_up(self.world.gone, task)
                assert is_given_up or False in self._verdicts(task), f"task {task.id} ended for what can be met"
        lanes.check(self.state)

    def _check_dependencies(self, task: Task) -> None:
        verdicts = self._verdicts(task)
        if task.state in expected.LIVE:
            assert None not in verdicts, f"task {task.id} is {task.state}, and waits for another one"
        else:
            assert False not in verdicts, f"task {task.id} can never start, and waits"
        n_open = sum(verdict is None for verdict in verdicts)
        assert len(task.waits_for) == n_open, f"task {task.id} waits for {task.waits_for}, of which {n_open} are open"

    def _verdicts(self, task: Task) -> list[bool | None]:
        """For each dependency whether it was met; None: that is open. Who is neither alive nor ended was removed."""
        found: list[bool | None] = []
        for wanted in task.request.depends_on:
            ended = self.world.gone.get(wanted.task_id)
            is_ok = ended is not None and ended.state is TaskState.COMPLETED
            if wanted.task_id in self.state.tasks:
                found.append(None)
            else:
                found.append(wanted.kind is DependencyKind.ANY or is_ok == (wanted.kind is DependencyKind.OK))
        return found


def _own(state: State, gpu: GpuUuid) -> list[GpuProcess]:
    using = [task for task in expected.holders(state, gpu) if task.state is not TaskState.STARTING]
    return [process(3000 + task.id, _used(task), task_id=task.id) for task in using]


def _used(task: Task) -> int:
    greed = GREED_MIB if task.id % 5 == 0 and task.request.gpus.share else 0
    return (task.request.gpus.memory or 500) + greed


def _foreign(number: int, look: Look) -> list[GpuProcess]:
    return [process(9000 + number, look.foreign_mib)] if look.foreign_mib else []


def facts(world: World) -> tuple[object, ...]:
    """Everything that is committed, and everything that is to be done about it."""
    rows = world.state.as_changes()
    tables: tuple[dict[Any, Any], ...] = (rows.tasks, rows.queues, rows.cards, world.gone, rows.streaks, rows.shares)
    sorted_rows = tuple([row for _, row in sorted(table.items())] for table in tables)
    return *sorted_rows, rows.reservations, rows.next_task_id, list(world.effects)
