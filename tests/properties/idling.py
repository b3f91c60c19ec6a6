"""Why tasks wait and cards idle: after a cycle there is a reason for each, and it is true."""

from gavelq.core.ids import GpuUuid
from gavelq.core.lifecycle import TaskState
from gavelq.core.pending import Shape, shape_of
from gavelq.core.task import Task
from gavelq.scheduling.cycle import Plan
from gavelq.scheduling.reasons import Blocked, Reason
from tests.properties import expected
from tests.properties.judging import Cycle, closed_to, emptied
from tests.properties.promised import free_at, is_delayed_by, would_be_gone_by

GATES = (
    Reason.QUEUE_PAUSED, Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.BACKOFF, Reason.QUEUE_LIMIT, Reason.ARRAY_LIMIT,
    Reason.TASK_LIMIT, Reason.SERIAL, Reason.TENANT_QUOTA,
)  # fmt: skip
CARDS = (Reason.GPU_UNAVAILABLE, Reason.GPU_BUSY, Reason.GPU_MEMORY, Reason.GPU_COUNT)


def check_reasons(cycle: Cycle) -> None:
    """Every pending task has a true reason; no card idles that one of them could use."""
    reasons = cycle.plan.reasons
    waiting: dict[Shape, list[Task]] = {}
    for task in cycle.after.tasks.values():
        if task.state is TaskState.PENDING:
            waiting.setdefault(shape_of(task), []).append(task)
    assert set(reasons) == set(waiting), "a reason for each shape, and for no other"
    holders = {held.task_id for held in cycle.after.reservations.values()}
    if cycle.plan.preemptions:
        return  # another cycle follows at once: cards that were held back are free
    for shape, tasks in waiting.items():
        others = [task for task in tasks if task.id not in holders]
        _check_told(cycle, tasks[0], reasons[shape])
        for task in {task.id: task for task in (tasks[0], *others[:1])}.values():
            _check_idle(cycle, task, reasons[shape])


def _check_told(cycle: Cycle, task: Task, told: Blocked) -> None:
    """What can be seen of the reason itself."""
    story = f"task {task.id}: {told}, {told.text}"
    assert told.reason not in (Reason.GPU_SAMPLING, Reason.DEPTH), story
    is_admitted = expected.is_admitted(cycle.after, task, cycle.policy, cycle.now)
    assert told.reason not in GATES or not is_admitted, f"{story}, which does not bind"
    if told.reason is Reason.PRIORITY:
        held = [held for held in cycle.after.reservations.values() if held.task_id == told.details["holder"]]
        ends_by = would_be_gone_by(task, cycle.policy, cycle.now)
        assert any(is_delayed_by(one, ends_by) for one in held), f"{story}, and that holds {held}"
    if told.reason is Reason.INFEASIBLE:
        queue = cycle.after.queues[task.queue]
        mine = [card for card in cycle.after.cards.values() if expected.is_in_domain(cycle.after, queue, card)]
        allowed = [card for card in mine if not task.request.gpus.allowed or card.uuid in task.request.gpus.allowed]
        large = [card for card in allowed if card.memory_total >= (task.request.gpus.memory or 0)]
        assert len(large) < task.request.gpus.count, story


def _check_idle(cycle: Cycle, task: Task, told: Blocked) -> None:
    """A task that could start now has not been left waiting."""
    state, count = cycle.after, task.request.gpus.count
    if not expected.is_admitted(state, task, cycle.policy, cycle.now):
        return
    assert count, f"task {task.id} needs no GPU and waits: {told}"
    own = cycle.fitting(state, task) - closed_to(cycle, task)
    lent = cycle.fitting(state, task, as_guest=True) - closed_to(cycle, task)
    for could in (own, lent):
        choices = [] if _is_crowded(cycle, task) else _choices(cycle, could, count)
        assert not choices, f"task {task.id} could start on any of {choices}, and waits: {told.reason} {told.text}"
    if told.reason is Reason.GPU_BUDGET:
        assert not _choices(cycle, own, count), f"task {task.id}: {told.text}, and {own} are free"


def _choices(cycle: Cycle, could: set[GpuUuid], count: int) -> list[tuple[GpuUuid, ...]]:
    return expected.affordable(cycle.after, cycle.samples, cycle.policy, could, count)


def _is_crowded(cycle: Cycle, task: Task) -> bool:
    """Whether a start may take room in the budget that a reservation waits for."""
    if cycle.policy.max_gpu is None and not cycle.policy.gpu_left:
        return False
    ends_by = would_be_gone_by(task, cycle.policy, cycle.now)
    others = [held for held in cycle.after.reservations.values() if held.task_id != task.id]
    return any(is_delayed_by(held, ends_by) for held in others)


def check_that_somebody_is_promised(cycle: Cycle, again: Plan) -> None:
    """Where tasks wait merely for our own, one of them holds a reservation: large ones are not passed by for ever.

    Asked after another cycle, because those that start in one may be all that others wait for from then on.
    """
    state = cycle.after
    waiting = [task for task in state.tasks.values() if task.state is TaskState.PENDING]
    served = {shape_of(state.tasks[held.task_id]) for held in state.reservations.values()}
    for task in [task for task in waiting if shape_of(task) not in served]:
        if again.reasons[shape_of(task)].reason is Reason.PRIORITY:
            continue
        if not task.request.gpus.count or not expected.is_admitted(state, task, cycle.policy, cycle.now):
            continue
        queue = state.queues[task.queue]
        mine = [card for card in state.cards.values() if expected.is_in_domain(state, queue, card)]
        closed = emptied(state, cycle.policy)
        times = [
            free_at(state, task, card, cycle.samples, cycle.policy, cycle.now)
            for card in mine
            if card.uuid not in closed
        ]
        n_own = sum(at is not None for at in times)
        used = expected.in_use(state)
        most = expected.budget(state, cycle.samples, cycle.policy, used)
        if n_own < task.request.gpus.count or task.request.gpus.count > most:
            continue
        domain = expected.domain(state, queue)
        is_promised = domain in state.reservations or f"preempt:{task.id}" in state.reservations
        assert is_promised, f"task {task.id} waits for {domain} without anybody holding a reservation: {times}"
