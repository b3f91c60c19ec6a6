"""What one cycle may not do, and what it must not leave undone."""

from dataclasses import dataclass, replace
from math import inf

from gavelq.core.events import Placement
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.reservation import Reservation
from gavelq.core.state import State
from gavelq.core.task import Attempt, Task
from gavelq.scheduling.cycle import Plan
from gavelq.scheduling.policy import Policy
from tests.properties import expected
from tests.properties.expected import Samples
from tests.properties.promised import is_delayed_by, is_over, is_whole, latest_start, would_be_gone_by


@dataclass
class Cycle:
    """A cycle that is over: what it looked at, and what it decided. `try_out` goes along with its starts."""

    before: State
    after: State
    plan: Plan
    policy: Policy
    samples: Samples
    now: float

    def __post_init__(self) -> None:
        self.try_out = expected.picture(self.before)
        self.closed = emptied(self.before, self.policy)
        promised = {key: self.before.reservations.get(key) for key in self.after.reservations}
        self.kept: list[tuple[Reservation, Reservation]] = [
            (was, self.after.reservations[key])
            for key, was in promised.items()
            if was is not None and was.task_id == self.after.reservations[key].task_id
        ]
        """Reservations that were there before and are there now, as they were and as they are."""
        whole = [held for key, held in self.before.reservations.items() if self._is_whole(key, held)]
        self.first = [held.task_id for held in sorted(whole, key=lambda held: not held.is_preempting)]
        """Those for whom cards were held back before, in the order in which they are asked."""
        self.is_limited = self.policy.max_gpu is not None or self.policy.gpu_left > 0

    def _is_whole(self, key: str, held: Reservation) -> bool:
        """Whether cards are held back for it still: not where cards or tasks changed hands."""
        task = self.before.tasks.get(held.task_id)
        if task is None or not is_whole(task, held):
            return False
        return held.is_preempting or expected.domain(self.before, self.before.queues[task.queue]) == key

    def judge(self) -> None:
        """All there is to say about it."""
        self._check_that_holders_are_served()
        for start in self.plan.starts:
            self._check_start(start)
        assert {t.id: t.held_gpus for t in self.try_out.tasks.values()} == {
            t.id: t.held_gpus for t in self.after.tasks.values()
        }
        self._check_reservations()

    def fitting(self, state: State, task: Task, *, as_guest: bool = False) -> set[GpuUuid]:
        """The cards that a task could be given in this state."""
        return expected.fitting(state, task, self.samples, self.policy, self.now, as_guest=as_guest)

    def latest_start(self, state: State, held: Reservation) -> float:
        """When a holder starts at the latest, as things are in this state."""
        task = state.tasks[held.task_id]
        kept = self.closed if state is not self.after else emptied(state, self.policy)
        return latest_start(state, task, held, {} if held.is_preempting else kept, self.samples, self.policy, self.now)

    # --- starts -------------------------------------------------------------------------------------------

    def _check_start(self, start: Placement) -> None:
        state, task = self.try_out, self.try_out.tasks[start.task_id]
        gpus, story = task.request.gpus, f"task {start.task_id} on {start.gpus}"
        assert task.state is TaskState.PENDING, f"{story}: it was {task.state}"
        assert expected.is_admitted(state, task, self.policy, self.now), f"{story}: something keeps it waiting"
        could = self.fitting(state, task, as_guest=start.is_borrowed)
        assert set(start.gpus) <= could, f"{story}: {could} would do"
        self._check_count(task, len(start.gpus), len(could))
        own = [expected.is_in_domain(state, state.queues[task.queue], state.cards[gpu]) for gpu in start.gpus]
        assert start.is_borrowed == (not all(own)), f"{story}: borrowed {start.is_borrowed}, own {own}"
        assert not start.is_borrowed or gpus.count > 0
        is_affordable = expected.is_affordable(state, self.samples, self.policy, start.gpus)
        assert is_affordable, f"{story}: the budget has no room"
        self._check_that_nobody_is_delayed(start, task)
        assert not (found := expected.breaches(state, self.policy, task.queue, len(start.gpus))), f"{story}: {found}"

    def _check_count(self, task: Task, n: int, n_free: int) -> None:
        gpus = task.request.gpus
        most = gpus.count if gpus.max_count is None else gpus.max_count
        assert gpus.count <= n <= most, f"task {task.id} asked for {gpus.count} to {most} and got {n}"
        if gpus.max_count is not None and gpus.gpu_left is not None:
            assert n <= max(gpus.count, n_free - gpus.gpu_left), f"task {task.id} left fewer than {gpus.gpu_left}"

    def _check_that_nobody_is_delayed(self, start: Placement, task: Task) -> None:
        """Take the start over, and see that it puts nobody off who held a reservation, and holds one still."""
        state, watched = self.try_out, self._watched(task)
        before = [self.latest_start(state, held) for held in watched]
        over = [is_over(state, state.tasks[h.task_id], h, self.samples, self.policy, self.now) for h in watched]
        attempt = Attempt(number=task.n_attempts + 1, gpus=start.gpus, indices=(), placed_at=self.now)
        state.tasks[task.id] = replace(
            task, state=TaskState.STARTING, attempt=replace(attempt, borrowed=start.is_borrowed), retry_at=None
        )
        ends_by = would_be_gone_by(task, self.policy, self.now)
        earlier = self.before.reservations.get(f"preempt:{task.id}")
        taken = set(start.gpus) - set(earlier.gpus if earlier is not None else ())
        for held, was, is_free in zip(watched, before, over, strict=True):
            story = f"task {task.id} on {start.gpus} (gone by {ends_by}) delays {held}"
            assert not (taken & set(held.gpus)) or is_free or not is_delayed_by(held, ends_by), story
            # What those before it will use is part of what a holder was told; where that is unknown, nothing was.
            is_vague = task.id in self.first or (self.is_limited and self.first[:1] != [held.task_id])
            told = held.expected_at or (inf if is_vague else was)
            assert (late := self.latest_start(state, held)) <= max(was, told), f"{story}: {was} -> {late}"

    def _watched(self, task: Task) -> list[Reservation]:
        """The reservations that a start of this task must not put off: those before it."""
        state, own_level = self.try_out, expected.level(self.try_out, task)
        found = []
        for was, held in sorted(self.kept, key=lambda pair: not pair[0].is_preempting):
            holder = state.tasks[was.task_id]
            if is_whole(holder, was) or (own_level <= expected.level(state, holder) and task.id not in self.first):
                found.append(held)
        return found

    def _check_that_holders_are_served(self) -> None:
        """Who held a reservation and can start is asked before everybody else."""
        started = {start.task_id for start in self.plan.starts}
        for task in (task for task_id in self.first if (task := self.before.tasks[task_id]).state is TaskState.PENDING):
            if not task.request.gpus.count or not expected.is_admitted(self.before, task, self.policy, self.now):
                continue
            could = self.fitting(self.before, task) - closed_to(self, task, since_before=True)
            # Others may have taken what they both can have, or those before it wait for room in the budget as well.
            rivals = {other for other in self.first if other != task.id}
            is_crowded = self.is_limited and task.id != self.first[0]
            if expected.affordable(self.before, self.samples, self.policy, could, task.request.gpus.count):
                is_served = task.id in started or started & rivals or is_crowded
                assert is_served, f"holder {task.id}: {could} were free, and {started} started"

    # --- reservations -------------------------------------------------------------------------------------

    def _check_that_emptied_cards_stay_promised(self) -> None:
        """Who others are stopped for loses its cards only where it cannot have them any more."""
        policy = replace(self.policy, max_running=None)
        soon = self.now + self.policy.grace_s + self.policy.allowance_s
        for key, held in ((key, held) for key, held in self.before.reservations.items() if held.is_preempting):
            task = self.after.tasks.get(held.task_id)
            if task is None or task.state is not TaskState.PENDING or len(held.gpus) < task.request.gpus.count:
                continue
            is_possible = all(self._is_mine(task, gpu) for gpu in held.gpus)
            is_possible = is_possible and expected.is_admitted(self.after, task, policy, self.now)
            if is_possible and self.latest_start(self.before, held) <= soon:
                assert key in self.after.reservations, f"{held} was given up"

    def _check_reservations(self) -> None:
        self._check_that_emptied_cards_stay_promised()
        for key, held in self.after.reservations.items():
            task = self.after.tasks[held.task_id]
            assert task.state is TaskState.PENDING, f"{held}: it is {task.state}"
            # Those who are being stopped for a task make room under limits.max_running as well.
            policy = replace(self.policy, max_running=None) if held.is_preempting else self.policy
            is_admitted = expected.is_admitted(self.after, task, policy, self.now)
            assert is_admitted, f"{held}: something else keeps it waiting"
            assert len(held.gpus) >= task.request.gpus.count
            assert held.promised_at is None or held.expected_at is None or held.promised_at <= held.expected_at
            if held.is_preempting:
                assert key == f"preempt:{task.id}"
            else:
                mine = {card.uuid for card in self.after.cards.values() if self._is_mine(task, card.uuid)}
                assert set(held.gpus) <= mine, f"{held}: only {mine} are its own"
            if held.expected_at is not None:
                at = self.latest_start(self.after, held)
                assert at <= held.expected_at, f"{held} and it may be {at} before it can start"

    def _is_mine(self, task: Task, gpu: GpuUuid) -> bool:
        return expected.is_in_domain(self.after, self.after.queues[task.queue], self.after.cards[gpu])


def emptied(state: State, policy: Policy) -> dict[GpuUuid, float]:
    """Cards that are being emptied for somebody, and when they are given back at the latest (infinite: unknown)."""
    return {
        gpu: would_be_gone_by(state.tasks[held.task_id], policy, held.expected_at or inf)
        for held in state.reservations.values()
        if held.is_preempting and held.task_id in state.tasks
        for gpu in held.gpus
    }


def check_preemptions(cycle: Cycle) -> None:
    """Who is stopped may be stopped for that one, and is needed."""
    state, policy = cycle.try_out, cycle.policy
    for preemption in cycle.plan.preemptions:
        task = state.tasks[preemption.task_id]
        queue, story = state.queues[task.queue], f"{preemption}"
        assert preemption.victims, story
        assert expected.is_admitted(_without(state, set(preemption.victims)), task, policy, cycle.now), story
        for victim in (cycle.before.tasks[victim] for victim in preemption.victims):
            attempt = victim.attempt
            assert victim.state is TaskState.RUNNING, f"{story}: {victim.state}"
            assert attempt is not None
            assert attempt.started_at is not None
            assert victim.request.preemptible, f"{story}: task {victim.id} is not preemptible"
            assert cycle.now >= attempt.started_at + policy.min_run_s, f"{story}: task {victim.id} has hardly begun"
            shared = set(attempt.gpus) & set(preemption.gpus)
            owned = [gpu for gpu in shared if state.cards[gpu].queue == task.queue != victim.queue]
            is_urgent = expected.level(state, task) - expected.level(state, victim) >= policy.min_levels
            assert shared, f"{story}: task {victim.id} stands elsewhere"
            assert (policy.preemption and is_urgent) or (attempt.borrowed and owned), f"{story}: not task {victim.id}"
        assert all(expected.is_in_domain(state, queue, state.cards[gpu]) for gpu in preemption.gpus), story
        warnings = [one.request.warn for one in cycle.before.tasks.values() if one.request.warn is not None]
        takes_s = policy.grace_s + policy.allowance_s + max((warn.before_s for warn in warnings), default=0)
        closed = closed_to(cycle, task, since_before=True, in_s=takes_s)
        for spared in preemption.victims:
            rest = _without(state, set(preemption.victims) - {spared})
            could = cycle.fitting(rest, task) - closed
            is_enough = expected.affordable(rest, cycle.samples, policy, could, task.request.gpus.count)
            assert not is_enough, f"{story}: task {spared} need not be stopped, there are {could}"


def _without(state: State, gone: set[TaskId]) -> State:
    rest = expected.picture(state)
    for task_id in gone:
        del rest.tasks[task_id]
    return rest


def closed_to(cycle: Cycle, task: Task, *, since_before: bool = False, in_s: float = 0) -> set[GpuUuid]:
    """Cards that reservations of others keep from a task that starts in `in_s` seconds.

    `since_before`: also those that are over now.
    """
    ends_by = would_be_gone_by(task, cycle.policy, cycle.now + in_s)
    states = (cycle.before, cycle.after) if since_before else (cycle.after,)
    others = [held for state in states for held in state.reservations.values() if held.task_id != task.id]
    return {gpu for held in others if is_delayed_by(held, ends_by) for gpu in held.gpus}
