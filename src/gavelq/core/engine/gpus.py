"""What people do to GPUs, and what the monitor sees of them."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.effects import Wake
from gavelq.core.engine.cards import gpus_sampled as gpus_sampled
from gavelq.core.engine.stopping import stop_task
from gavelq.core.errors import Refused, UsageError, WrongState
from gavelq.core.gpu import Card, index_key
from gavelq.core.ids import GpuUuid
from gavelq.core.lifecycle import EndReason
from gavelq.core.step import Record, Step
from gavelq.core.task import Stop
from gavelq.core.view import View

GpuEvent = ev.GpusAllocated | ev.GpuReleased | ev.GpuIgnored | ev.GpuUnignored | ev.GpuDrained


def handle(view: View, event: GpuEvent, now: float) -> Step:
    """Answer an event about GPUs. The reply is the tuple of UUIDs that it was about."""
    step = Step()
    match event:
        case ev.GpusAllocated():
            _allocate(view, step, event, now)
        case ev.GpuReleased():
            card = view.card(event.gpu)
            _put(step, replace(card, queue=None), "gpu_released", event.by, now)
            stop = Stop(reason=EndReason.GPU_RELEASED, by=event.by, since=now, requeue=event.requeue)
            _stop_all(view, step, card.uuid, stop)
        case ev.GpuIgnored():
            _put(step, replace(view.card(event.gpu), ignored=True), "gpu_ignored", event.by, now)
        case ev.GpuUnignored():
            card = view.card(event.gpu)
            changed = replace(card, ignored=False, draining=False, fault="", fault_at=None)
            _put(step, changed, "gpu_unignored", event.by, now, **({"fault": card.fault} if card.fault else {}))
        case ev.GpuDrained():
            _put(step, replace(view.card(event.gpu), draining=True), "gpu_drained", event.by, now)
            if event.stop_now:
                stop = Stop(
                    reason=EndReason.GPU_DRAINED, by=event.by, since=now, requeue=event.requeue, keep_success=True
                )
                _stop_all(view, step, event.gpu, stop)
        case _:
            assert_never(event)
    step.effects.append(Wake())
    return step


def _put(step: Step, card: Card, kind: str, by: str, now: float, **details: object) -> None:
    step.changes.cards[card.uuid] = card
    about = {"index": card.index} | details
    step.changes.records.append(Record(at=now, kind=kind, by=by, subject=card.uuid, details=about))
    step.reply = (*(step.reply or ()), card.uuid)


def _stop_all(view: View, step: Step, gpu: GpuUuid, stop: Stop) -> None:
    for task in view.tasks_on(gpu):
        stop_task(step, task, stop)


def _allocate(view: View, step: Step, event: ev.GpusAllocated, now: float) -> None:
    queue = view.queue(event.queue)
    if queue.hold:
        raise WrongState(
            what=f"queue {queue.name}", state="a hold queue", problem="it never dispatches and needs no GPU",
            hint="name another queue",
        )  # fmt: skip
    chosen = [view.card(uuid) for uuid in event.gpus] or _free_cards(view, event.count, event.excluded)
    for card in chosen:
        _require_allocatable(card, queue.name)
    for card in chosen:
        _put(step, replace(card, queue=queue.name), "gpu_allocated", event.by, now, queue=queue.name)


def _require_allocatable(card: Card, queue: str) -> None:
    if card.queue is not None and card.queue != queue:
        raise WrongState(
            what=f"GPU {card.index}", state=f"owned by queue {card.queue}", problem="a GPU has one owner",
            hint=f"release it first with: gavelq gpu release {card.index}",
        )  # fmt: skip


def _free_cards(view: View, count: int, excluded: frozenset[GpuUuid]) -> list[Card]:
    if count < 1:
        raise UsageError(f"count: {count} is not a number of GPUs", hint="ask for one or more")
    cards = view.cards()
    parents = {card.parent for card in cards.values()}
    free = [
        card
        for card in sorted(cards.values(), key=lambda card: index_key(card.index))
        if card.queue is None and not (card.ignored or card.draining or card.lost)
        and card.uuid not in parents and card.uuid not in excluded and view.is_idle(card.uuid)
    ]  # fmt: skip
    if len(free) < count:
        raise Refused(
            problem=f"{count} free GPU(s) of the pool were asked for and there are {len(free)}",
            hint="name GPUs that are busy, they change hands when their tasks end: gavelq gpu allocate IDS QUEUE",
        )
    return free[:count]
