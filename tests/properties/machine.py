"""A scheduler without any I/O: what hypothesis does to it, and what must hold afterwards.

Everything that happens is written down as a step, so that the same steps can be taken again in a second world, which
must come out the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gavelq.core import events as ev
from gavelq.core.errors import GavelqError
from gavelq.core.gpu import GpuProcess
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.pending import shape_of
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy, rank
from gavelq.scheduling.reasons import Reason
from tests.properties import expected
from tests.support.builders import World, card, process, uuid

N_CARDS = 4
POLICY = Policy(max_running=6, max_cpu_tasks=2)
LIMIT_REASONS = (Reason.QUEUE_PAUSED, Reason.BACKOFF, Reason.QUEUE_LIMIT, Reason.TASK_LIMIT)
Step = Callable[[World], Any]


@dataclass
class Look:
    """What the driver says of one card."""

    foreign_mib: int = 0
    utilization: int = 0
    is_there: bool = True


@dataclass
class Machine:
    """A world, what its cards look like, and the story so far."""

    world: World = field(default_factory=lambda: World(n_cards=N_CARDS, policy=POLICY))
    looks: list[Look] = field(default_factory=lambda: [Look() for _ in range(N_CARDS)])
    story: list[Step] = field(default_factory=list)
    samples: expected.Samples = field(default_factory=dict)

    def __post_init__(self) -> None:
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

    def end(self, task: Task, exit_code: int | None, signal: int | None, cause: str) -> None:
        """The runner reports an end. Whom somebody cancelled does not come back, whatever else was wished later."""
        is_final = task.stop is not None and not task.stop.requeue
        self.take(lambda world: world.ended(task.id, exit_code, signal, cause))
        assert not is_final or task.id not in self.state.tasks, f"task {task.id} was cancelled and came back"

    def send_again(self, event: ev.Event) -> None:
        """A late report about an attempt that is over: nothing may change, whatever it says."""
        before = facts(self.world)
        self.send(event)
        assert facts(self.world)[:-1] == before[:-1], f"{event} was old news"

    def replay(self) -> World:
        """The same steps in a second world."""
        second = World(n_cards=N_CARDS, policy=POLICY)
        for step in self.story:
            try:
                step(second)
            except GavelqError:
                continue
        return second

    # --- the outside --------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """The clock goes on."""

        def later(world: World) -> None:
            world.now += seconds

        self.take(later)

    def look(self) -> None:
        """The monitor takes a sample of the cards as they are."""
        cards = tuple(
            card(number, *self._own(uuid(number)), *_foreign(number, look), util=look.utilization)
            for number, look in enumerate(self.looks)
            if look.is_there
        )
        self.samples = {seen.uuid: seen for seen in cards}
        self.take(lambda world: world.look(*cards))

    def _own(self, gpu: GpuUuid) -> list[GpuProcess]:
        using = [task for task in expected.holders(self.state, gpu) if task.state is not TaskState.STARTING]
        return [process(3000 + task.id, task.request.gpus.memory or 500, task_id=task.id) for task in using]

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
        state = self.state
        before = dict(state.tasks)
        could = {task.id: expected.fitting(state, task, self.samples) for task in _pending(state)}
        promised = dict(state.reservations)
        started: list[TaskId] = self.take(lambda world: world.cycle())
        for task_id in started:
            gpus = state.tasks[task_id].held_gpus
            assert set(gpus) <= could[task_id], f"task {task_id} was started on {gpus}, {could[task_id]} would do"
            assert not state.queues[before[task_id].queue].paused
            retry_at = before[task_id].retry_at
            assert retry_at is None or retry_at <= self.world.now
        if started:
            assert expected.breaches(state, POLICY, {state.tasks[task_id].queue for task_id in started}) == []
        self._check_promises(before, could, promised, started)
        self._check_reasons()
        assert self.take(lambda world: world.cycle()) == [], "a second cycle without events started something"

    def _check_promises(
        self,
        before: dict[TaskId, Task],
        could: dict[TaskId, set[GpuUuid]],
        promised: dict[str, TaskId],
        started: list[TaskId],
    ) -> None:
        """Who holds a reservation before and after a cycle has lost no card that would do to a later arrival."""
        for holder in self.state.reservations.values():
            is_admitted = expected.is_admitted(self.state, self.state.tasks[holder], POLICY, self.world.now)
            assert is_admitted, f"task {holder} holds cards back, and a limit or a backoff keeps it waiting"
        for domain, holder in promised.items():
            if self.state.reservations.get(domain) != holder:
                continue
            for task_id in (late for late in started if late > holder):
                taken = set(self.state.tasks[task_id].held_gpus) & could[holder]
                assert not taken, f"task {task_id} took {taken} from {holder}, for whom it was held back"

    def _check_reasons(self) -> None:
        """Every pending task has a reason, and where it could start by itself, the reason is another task."""
        plan = self.world.last
        assert plan is not None
        pending = _pending(self.state)
        assert set(plan.reasons) == {shape_of(task) for task in pending}, "a reason for each shape, and for no other"
        for task in pending:
            blocked = plan.reasons[shape_of(task)]
            fits = len(expected.fitting(self.state, task, self.samples)) >= task.request.gpus.count
            is_admitted = expected.is_admitted(self.state, task, POLICY, self.world.now)
            if fits and is_admitted:
                assert blocked.reason is Reason.PRIORITY, f"task {task.id} could start, but: {blocked}"
                holder = self.state.tasks[TaskId(blocked.details["holder"])]
                assert holder.id in self.state.reservations.values()
                assert holder.id < task.id or _rank(self.state, holder) <= _rank(self.state, task)
            if blocked.reason in LIMIT_REASONS:
                assert not is_admitted, f"task {task.id} is told of a limit that does not bind: {blocked}"

    def check(self) -> None:
        """What holds at every moment."""
        for gpu, seen in self.state.cards.items():
            assert seen.queue is None or seen.queue in self.state.queues, f"{gpu} belongs to {seen.queue}"
            held = expected.holders(self.state, gpu)
            assert len(held) <= 1, f"{gpu} is promised to {[task.id for task in held]}"
        for task in self.state.tasks.values():
            is_held = task.is_held_by_user or self.state.queues[task.queue].hold
            assert (task.state is TaskState.HELD) == is_held or task.state in expected.LIVE, f"task {task.id}"


def _foreign(number: int, look: Look) -> list[GpuProcess]:
    return [process(9000 + number, look.foreign_mib)] if look.foreign_mib else []


def _pending(state: State) -> list[Task]:
    return [task for task in state.tasks.values() if task.state is TaskState.PENDING]


def _rank(state: State, task: Task) -> int:
    return rank(shape_of(task), state.queues[task.queue])


def facts(world: World) -> tuple[object, ...]:
    """Everything that is committed, and everything that is to be done about it."""
    rows = world.state.as_changes()
    tables: tuple[dict[Any, Any], ...] = (rows.tasks, rows.queues, rows.cards, world.gone)
    sorted_rows = tuple([row for _, row in sorted(table.items())] for table in tables)
    return *sorted_rows, rows.reservations, rows.next_task_id, list(world.effects)
