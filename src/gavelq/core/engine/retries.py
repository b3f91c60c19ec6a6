"""Another try for a task that failed: when, and with what request."""

from dataclasses import replace
from math import ceil

from gavelq.core.engine.quotas import offered_cards
from gavelq.core.engine.rules import EngineRules
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retry_words import format_retries
from gavelq.core.retrying import chance_of, is_tried_again, pause_s
from gavelq.core.step import Record, Step
from gavelq.core.task import Attempt, GpuRequest, Lease, Task, advance
from gavelq.core.tenants import cards_within
from gavelq.core.units import MiB, format_memory
from gavelq.core.view import View


def may_try_again(task: Task, reason: EndReason) -> bool:
    """Whether the task's rules grant another try after such an end. A lease is never given twice."""
    is_lease = isinstance(task.request.command, Lease)
    return not is_lease and is_tried_again(task.request.retry, reason, task.n_failures)


def try_again(view: View, step: Step, task: Task, attempt: Attempt, reason: EndReason, rules: EngineRules) -> None:
    """Put a task back whose attempt failed; it counts against its retries. `attempt` has its result."""
    result = attempt.result
    if result is None:
        raise AssertionError(f"attempt {attempt.number} of task {task.id} has no result")
    n_failures = task.n_failures + 1
    chance = chance_of(task.id, attempt.number)
    pause = pause_s(task.request.retry, n_failures, jitter=rules.jitter, chance=chance)
    retry_at = result.ended_at + pause if pause > 0 else None
    gpus, changed = task.request.gpus, ""
    if reason is EndReason.OUT_OF_MEMORY_GPU:
        gpus, changed = _after_gpu_oom(view, task)
    request = replace(task.request, gpus=gpus) if gpus != task.request.gpus else task.request
    back = replace(put_back(view, task, attempt, retry_at), request=request, n_failures=n_failures)
    details = {
        "attempt": attempt.number, "reason": reason.value, "exit_code": result.exit_code, "signal": result.signal,
        "detail": result.detail, "failures": n_failures, "retries": format_retries(task.request.retry.retries),
        "pause_s": round(pause, 3), "retry_at": retry_at, "changed": changed,
    }  # fmt: skip
    step.put_task(back, Record(at=result.ended_at, kind="retrying", task_id=task.id, details=details))


def put_back(view: View, task: Task, attempt: Attempt, retry_at: float | None = None) -> Task:
    """Into its queue again; held where it was moved into a hold queue meanwhile, or its queue became one."""
    back = advance(task, TaskState.PENDING, attempt=attempt, retry_at=retry_at)
    return advance(back, TaskState.HELD) if view.queue(task.queue).hold else back


def _after_gpu_oom(view: View, task: Task) -> tuple[GpuRequest, str]:
    """What to ask for after a GPU ran out of memory, and what of it is new.

    More than the cards have would never start: then, as where a card of its own is wished for, it gets a whole one.
    A task that had whole cards asks for the same again.
    """
    gpus, action = task.request.gpus, task.request.retry.on_gpu_oom
    if gpus.memory is None or (action.factor is None and not action.is_exclusive):
        return gpus, ""
    before = format_memory(gpus.memory)
    most = _most_memory(view, task)
    if action.factor is not None and most is not None and gpus.memory < most:
        more = MiB(min(most, ceil(gpus.memory * action.factor)))
        return replace(gpus, memory=more), f"memory {before} -> {format_memory(more)} per GPU"
    return replace(gpus, memory=None, share=False), f"memory {before} -> whole GPU"


def _most_memory(view: View, task: Task) -> MiB | None:
    """The most that each of its GPUs could have: it needs `count` of those that it may use. None: too few are there."""
    gpus = task.request.gpus
    allowed = cards_within(gpus.allowed, offered_cards(view, task.request.tenant))
    cards = list(view.cards().values())
    parents = {card.parent for card in cards}
    owner = task.queue if any(card.queue == task.queue for card in cards) else None
    sizes = sorted(
        card.memory_total - card.keep_free
        for card in cards
        if card.uuid not in parents
        and not (card.lost or card.fault)
        and (card.uuid in allowed if allowed else card.queue == owner)
        and not (gpus.count > 1 and card.parent is not None)
    )
    return MiB(sizes[-gpus.count]) if 0 < gpus.count <= len(sizes) else None
