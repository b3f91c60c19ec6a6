"""What the scheduler should do, worked out again and independently: which cards would serve a task, and which may.

Plain and slow on purpose: it looks at tasks, queues, cards and the last sample, never at the ledger, at a snapshot or
at anything else that the scheduler itself looks at.
"""

from collections.abc import Collection

from gavelq.core.gpu import Card, CardSample
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.lifecycle import TaskState
from gavelq.core.queue import MemType, Queue
from gavelq.core.state import State
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy

Samples = dict[GpuUuid, CardSample]

LIVE = (TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING)


def holders(state: State, gpu: GpuUuid) -> list[Task]:
    """The tasks that hold a card, by their attempts."""
    return [t for t in state.tasks.values() if t.state in LIVE and t.attempt is not None and gpu in t.attempt.gpus]


def is_in_domain(state: State, queue: Queue, card: Card) -> bool:
    """A queue with cards of its own runs on those alone; one without runs on the pool, unless it may not."""
    if any(other.queue == queue.name for other in state.cards.values()):
        return card.queue == queue.name
    return queue.pool and card.queue is None


def would_do(state: State, task: Task, card: Card, samples: Samples) -> bool:
    """Whether a card, apart from those who hold it now, may serve a task."""
    queue, request, seen = state.queues[task.queue], task.request.gpus, samples.get(card.uuid)
    if seen is None or card.ignored or card.draining or card.lost:
        return False
    if not is_in_domain(state, queue, card) or (request.allowed and card.uuid not in request.allowed):
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


def is_calm(state: State, task: Task, card: Card) -> bool:
    """Whether a free card is not too busy for a task. Asked of the books: what a task left behind is an echo."""
    seen = state.books.sample.by_uuid[card.uuid]
    limits = [limit for limit in (task.request.gpus.max_util, state.queues[task.queue].max_util) if limit is not None]
    return seen.utilization is None or all(seen.utilization <= limit for limit in limits)


def fitting(state: State, task: Task, samples: Samples) -> set[GpuUuid]:
    """The cards that a task could be given now."""
    cards = state.cards.values()
    return {
        card.uuid
        for card in cards
        if would_do(state, task, card, samples) and not holders(state, card.uuid) and is_calm(state, task, card)
    }


def is_admitted(state: State, task: Task, policy: Policy, now: float) -> bool:
    """Whether neither its queue nor a limit nor a backoff keeps a pending task waiting."""
    queue = state.queues[task.queue]
    live = [other for other in state.tasks.values() if other.state in LIVE]
    mine = [other for other in live if other.queue == queue.name]
    n_gpus = sum(other.request.gpus.count for other in mine)
    n_cpu = sum(other.request.gpus.count == 0 for other in live)
    return not (
        queue.paused
        or (task.retry_at is not None and now < task.retry_at)
        or (queue.max_running is not None and len(mine) >= queue.max_running)
        or (queue.max_gpus is not None and n_gpus + task.request.gpus.count > queue.max_gpus)
        or (policy.max_running is not None and len(live) >= policy.max_running)
        or (task.request.gpus.count == 0 and n_cpu >= policy.max_cpu_tasks)
    )


def breaches(state: State, policy: Policy, queues: Collection[str]) -> list[str]:
    """Limits that are exceeded now, in words; asked after a start about the queues in which something started.

    A limit may be lowered below what runs already, and a running task may be moved: then nothing starts.
    """
    found = []
    live = [task for task in state.tasks.values() if task.state in LIVE]
    for queue in (state.queues[QueueName(name)] for name in queues):
        mine = [task for task in live if task.queue == queue.name]
        n_gpus = sum(task.request.gpus.count for task in mine)
        if queue.max_running is not None and len(mine) > queue.max_running:
            found.append(f"{queue.name}: {len(mine)} run, max_running {queue.max_running}")
        if queue.max_gpus is not None and n_gpus > queue.max_gpus:
            found.append(f"{queue.name}: {n_gpus} GPUs, max_gpus {queue.max_gpus}")
    if policy.max_running is not None and len(live) > policy.max_running:
        found.append(f"{len(live)} tasks run, limits.max_running {policy.max_running}")
    if sum(task.request.gpus.count == 0 for task in live) > policy.max_cpu_tasks:
        found.append("more tasks without GPU run than limits.max_cpu_tasks")
    return found
