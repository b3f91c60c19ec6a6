"""What the scheduler should do, worked out again and independently: which cards would serve a task, and which may.

Plain and slow on purpose: it looks at tasks, queues, cards and the last sample, never at the ledger, at a snapshot or
at anything else that the scheduler itself looks at. What is promised stands in `promised.py`.
"""

from collections.abc import Collection, Iterable
from itertools import combinations

from gavelq.core.gpu import Card, CardSample
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.lifecycle import TaskState
from gavelq.core.queue import MemType, Queue
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy

Samples = dict[GpuUuid, CardSample]

LIVE = (TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING)


def picture(state: State) -> State:
    """A second state with the same tasks, queues and cards, for things to be tried out. Its indexes are empty."""
    other = State(books=state.books)
    other.tasks, other.queues, other.cards = dict(state.tasks), dict(state.queues), dict(state.cards)
    other.reservations = dict(state.reservations)
    return other


def holders(state: State, gpu: GpuUuid) -> list[Task]:
    """The tasks that hold a card, by their attempts."""
    return [t for t in state.tasks.values() if t.state in LIVE and t.attempt is not None and gpu in t.attempt.gpus]


def level(state: State, task: Task) -> int:
    """Priority of a task and its queue together."""
    return task.priority + state.queues[task.queue].priority


def owns_cards(state: State, queue: Queue) -> bool:
    """Whether a queue has cards of its own."""
    return any(card.queue == queue.name for card in state.cards.values())


def is_in_domain(state: State, queue: Queue, card: Card) -> bool:
    """A queue with cards of its own runs on those alone; one without runs on the pool, unless it may not."""
    if owns_cards(state, queue):
        return card.queue == queue.name
    return queue.pool and card.queue is None


def domain(state: State, queue: Queue) -> str:
    """The name of the cards that a queue runs on."""
    return f"queue:{queue.name}" if owns_cards(state, queue) else "pool"


def is_guest(task: Task) -> bool:
    """Whether it may borrow cards: it can be sent away again, or ends by itself."""
    return task.request.preemptible or task.request.time_limit_s is not None


def is_lent_to(state: State, task: Task, card: Card) -> bool:
    """Whether another queue's card may serve it as a guest."""
    return card.queue not in (None, task.queue) and is_guest(task) and state.queues[card.queue].lend


def is_named(card: Card, policy: Policy) -> bool:
    """Whether the rules let tasks start on a card: those that are named, by index or UUID, or all."""
    return policy.allowed_gpus is None or card.index in policy.allowed_gpus or str(card.uuid) in policy.allowed_gpus


def is_out(card: Card, samples: Samples, policy: Policy) -> bool:
    """Whether nothing new may start on a card, whoever it is for."""
    return card.uuid not in samples or card.ignored or card.draining or card.lost or not is_named(card, policy)


def would_do(state: State, task: Task, card: Card, samples: Samples, policy: Policy) -> bool:
    """Whether a card, apart from those who hold it now and from whose it is, may serve a task."""
    queue, request = state.queues[task.queue], task.request.gpus
    if is_out(card, samples, policy):
        return False
    seen = samples[card.uuid]
    if request.allowed and card.uuid not in request.allowed:
        return False
    foreign = [process for process in seen.processes if process.task_id is None]
    if foreign and request.memory is None:
        return False
    return seen.memory_total - sum(p.memory or 0 for p in foreign) >= _memory_needed(task, queue, card)


def _memory_needed(task: Task, queue: Queue, card: Card) -> int:
    need = task.request.gpus.memory or 0
    if queue.mem_type is MemType.ABSOLUTE:
        return max(need, queue.mem_value)
    if queue.mem_type is MemType.PERCENTAGE:
        return max(need, -(-card.memory_total * queue.mem_value // 100))
    return need


def is_quiet(state: State, task: Task, card: Card, now: float) -> bool:
    """Whether a card is not too busy for a task, and has been so. Asked of the books: what a task left is an echo."""
    limits = [limit for limit in (task.request.gpus.max_util, state.queues[task.queue].max_util) if limit is not None]
    seen = state.books.sample.by_uuid[card.uuid].utilization
    peak = None if holders(state, card.uuid) else state.books.peak_utilization(card.uuid, now)
    return all(busy is None or busy <= limit for busy in (seen, peak) for limit in limits if seen is not None)


def has_settled(state: State, task: Task, card: Card, now: float) -> bool:
    """Whether foreign processes left a card long enough ago for a task that wants it whole."""
    return task.request.gpus.memory is not None or state.books.calm_at(card.uuid, now) is None


def has_room(there: Collection[Task], task: Task, seen: CardSample, policy: Policy) -> bool:
    """Whether these tasks of gavelq on a card leave room: nobody is there, or all share and it fits."""
    if not there:
        return True
    if not all(one.request.gpus.share for one in [*there, task]) or len(there) >= policy.max_per_gpu:
        return False
    foreign = sum(p.memory or 0 for p in seen.processes if p.task_id is None)
    promised = sum(_promised(one, seen) for one in there)
    room = seen.memory_total - foreign - promised - policy.reserve_mib
    busy = policy.unknown_utilization * (len(there) + 1)  # nothing is learned in these lives: nobody has a name
    return room >= (task.request.gpus.memory or 0) and busy <= policy.max_utilization


def _promised(task: Task, seen: CardSample) -> int:
    used = sum(p.memory or 0 for p in seen.processes if p.task_id == task.id)
    peak = task.attempt.peak_memory if task.attempt is not None else None
    return max(task.request.gpus.memory or 0, used, peak or 0)


def fitting(
    state: State, task: Task, samples: Samples, policy: Policy, now: float, *, as_guest: bool = False
) -> set[GpuUuid]:
    """The cards that a task could be given now; `as_guest`: those that are lent as well."""
    queue = state.queues[task.queue]
    return {
        card.uuid
        for card in state.cards.values()
        if (is_in_domain(state, queue, card) or (as_guest and is_lent_to(state, task, card)))
        and would_do(state, task, card, samples, policy)
        and has_room(holders(state, card.uuid), task, samples[card.uuid], policy)
        and is_quiet(state, task, card, now)
        and has_settled(state, task, card, now)
    }


def in_use(state: State) -> set[GpuUuid]:
    """The cards that gavelq uses."""
    return {gpu for task in state.tasks.values() if task.state in LIVE and task.attempt for gpu in task.attempt.gpus}


def budget(state: State, samples: Samples, policy: Policy, used: set[GpuUuid]) -> int:
    """How many cards gavelq may use altogether when it uses these (SPEC section 2)."""

    def is_available(card: Card) -> bool:
        if card.uuid in used:
            return True
        return not is_out(card, samples, policy) and all(p.task_id for p in samples[card.uuid].processes)

    available = sum(is_available(card) for card in state.cards.values())
    most = len(state.cards) if policy.max_gpu is None else policy.max_gpu
    return min(most, max(policy.min_gpu, available - policy.gpu_left), len(state.cards))


def is_affordable(state: State, samples: Samples, policy: Policy, gpus: Iterable[GpuUuid]) -> bool:
    """Whether the budget has room for a start on these cards: it costs no further one, or the budget is kept."""
    before = in_use(state)
    after = before | set(gpus)
    return after == before or len(after) <= budget(state, samples, policy, after)


def affordable(
    state: State, samples: Samples, policy: Policy, gpus: Collection[GpuUuid], count: int
) -> list[tuple[GpuUuid, ...]]:
    """Every choice of `count` of these cards for which the budget has room."""
    return [some for some in combinations(sorted(gpus), count) if is_affordable(state, samples, policy, some)]


def is_admitted(state: State, task: Task, policy: Policy, now: float) -> bool:
    """Whether neither its queue nor a limit, a time or another task keeps a pending task waiting."""
    queue = state.queues[task.queue]
    live = [other for other in state.tasks.values() if other.state in LIVE]
    mine = [other for other in live if other.queue == queue.name]
    of_array = [other for other in live if other.submission_id == task.submission_id]
    n_gpus = sum(len(other.held_gpus) for other in mine)
    n_cpu = sum(not other.held_gpus for other in live)
    return not (
        queue.paused
        or task.waits_for
        or (task.request.lane is not None and any(_comes_before(other, task) for other in state.tasks.values()))
        or (task.request.not_before is not None and now < task.request.not_before)
        or (task.retry_at is not None and now < task.retry_at)
        or (queue.max_running is not None and len(mine) >= queue.max_running)
        or (queue.max_gpus is not None and n_gpus + task.request.gpus.count > max(queue.max_gpus, n_gpus))
        or (task.request.max_parallel is not None and len(of_array) >= task.request.max_parallel)
        or (policy.max_running is not None and len(live) >= policy.max_running)
        or (task.request.gpus.count == 0 and n_cpu >= policy.max_cpu_tasks)
    )


def _comes_before(one: Task, other: Task) -> bool:
    """Whether it stands before the other one in the same lane of the same file."""
    mine, its = one.request.lane, other.request.lane
    if mine is None or its is None or one.submission_id != other.submission_id:
        return False
    return mine.lane == its.lane and mine.at < its.at


def breaches(state: State, policy: Policy, name: QueueName, n_new: int) -> list[str]:
    """Limits that are exceeded now, in words; asked after a start in this queue that took `n_new` GPUs.

    A limit may be lowered below what runs already, and a running task may be moved: then nothing starts.
    """
    found = []
    live = [task for task in state.tasks.values() if task.state in LIVE]
    queue, mine = state.queues[name], [task for task in live if task.queue == name]
    n_gpus = sum(len(task.held_gpus) for task in mine)
    if queue.max_running is not None and len(mine) > queue.max_running:
        found.append(f"{name}: {len(mine)} run, max_running {queue.max_running}")
    if queue.max_gpus is not None and n_new and n_gpus > queue.max_gpus:
        found.append(f"{name}: {n_gpus} GPUs, max_gpus {queue.max_gpus}")
    if policy.max_running is not None and len(live) > policy.max_running:
        found.append(f"{len(live)} tasks run, limits.max_running {policy.max_running}")
    if sum(not task.held_gpus for task in live) > policy.max_cpu_tasks:
        found.append("more tasks without GPU run than limits.max_cpu_tasks")
    return found
