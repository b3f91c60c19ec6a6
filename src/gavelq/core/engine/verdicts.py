"""What the end of an attempt means: its reason, the words for it, and whether the task just goes back."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.classify import classify
from gavelq.core.engine.cards import faults_told
from gavelq.core.engine.isolating import violations_told
from gavelq.core.fixed import fixed
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.task import AttemptResult, Lease, Stop, Task
from gavelq.core.view import View


@fixed
class Verdict:
    """How an attempt ended."""

    reason: EndReason
    detail: str
    is_put_back: bool = False
    """Back into its queue without a failure being counted: preempted, drained, lost by a reboot."""


def judged(view: View, task: Task, event: ev.AttemptEnded) -> Verdict:
    """The verdict about the present attempt of a task, which holds its cards still."""
    verdict = _judged(view, task, event)
    if isinstance(task.request.command, Lease):
        # Its owner would not know of another grant, on other cards perhaps.
        return replace(verdict, is_put_back=False)
    return verdict


def _judged(view: View, task: Task, event: ev.AttemptEnded) -> Verdict:
    result, stop = event.result, task.stop
    if task.state is TaskState.STOPPING and stop is not None:
        return _stopped(view, task, stop, result)
    match result.cause:
        case "lost":
            return Verdict(reason=EndReason.LOST, detail=result.detail, is_put_back=task.request.requeue)
        case "time_limit":
            return Verdict(reason=EndReason.TIME_LIMIT, detail=result.detail)
        case "owner_gone":
            return Verdict(reason=EndReason.LEASE_EXPIRED, detail=result.detail)
        case "spawn_failed":
            return Verdict(reason=EndReason.SPAWN_FAILED, detail=result.detail)
    if result.exit_code == 0 and result.signal is None:
        return Verdict(reason=EndReason.EXIT_ZERO, detail=result.detail)
    reason, evidence = classify(
        exit_code=result.exit_code, signal=result.signal, log_tail=event.log_tail, host_oom=event.host_oom,
        faulty_gpu=_faulty(view, task),
    )  # fmt: skip
    return Verdict(reason=reason, detail=_joined(evidence, result.detail))


def _stopped(view: View, task: Task, stop: Stop, result: AttemptResult) -> Verdict:
    by = _why_stopped(view, task, stop)
    if stop.keep_success and result.exit_code == 0 and not isinstance(task.request.command, Lease):
        return Verdict(reason=EndReason.EXIT_ZERO, detail=_joined(by, result.detail))
    return Verdict(reason=stop.reason, detail=_joined(by, result.detail), is_put_back=stop.requeue)


def _why_stopped(view: View, task: Task, stop: Stop) -> str:
    match stop.reason:
        case EndReason.GPU_LOST:
            return faults_told(view, task)
        case EndReason.VIOLATION:
            return violations_told(task)
    return f"asked by {stop.by}"


def _faulty(view: View, task: Task) -> str:
    """What is wrong with the cards of a task: a fault, or that the last look missed one. Empty: nothing."""
    found = (view.cards().get(gpu) for gpu in task.held_gpus)
    lost = (f"GPU {card.index} is lost" for card in found if card is not None and card.lost and not card.fault)
    return _joined(faults_told(view, task), *lost)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
