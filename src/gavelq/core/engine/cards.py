"""The register of cards: what the monitor sees for the first time, loses, finds again, and finds broken."""

from collections.abc import Mapping
from dataclasses import replace

from gavelq.core.card_config import CardConfig
from gavelq.core.effects import Wake
from gavelq.core.engine.learning import observed
from gavelq.core.engine.stopping import stop_task
from gavelq.core.events import GpusSampled
from gavelq.core.faults import GONE, SILENT, describe_xid, fault_of, is_fault, worth_telling
from gavelq.core.foreign import still_there
from gavelq.core.gpu import Accepted, Card, CardSample, GpuSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Stop, Task
from gavelq.core.view import View

OURSELVES = "gavelq"
"""Who acts where no person did."""


def gpus_sampled(view: View, event: GpusSampled, now: float) -> Step:
    """Take in a sample. Rows change only where a card is new, changed, lost, back or broken; looks are volatile.

    A card that a look misses is lost at once, so that nothing starts there; when the next look misses it too, that is a
    fault: its tasks end. Where the driver as a whole does not answer (`problem`), nothing is known and nothing changes.
    """
    sample = event.sample
    step = Step(sample=sample)
    known = view.cards()
    lost = set(sample.lost)
    faults: dict[GpuUuid, str] = {}
    for seen in sample.cards:
        card = known.get(seen.uuid)
        config = event.configured.get(seen.uuid) or event.configured.get(seen.index)
        fresh = _configured(view, _registered(card, seen), config)
        fresh = replace(fresh, lost=seen.uuid in lost, accepted=_staying(fresh, seen, sample))
        if fresh != card:
            _put(step, fresh, "gpu_seen" if card is None else _kind(card, fresh), now)
        fault = fault_of(seen, view.look(seen.uuid))
        if fault:
            faults[seen.uuid] = fault
        _tell_xids(view, step, seen, now)
    for card in known.values():
        if card.uuid in lost:
            _lose(step, faults, card, SILENT, now)
        elif card.uuid not in sample.by_uuid and sample.problem is None:
            _miss(view, step, faults, card, sample, now)
    _break(view, step, faults, now)
    observed(view, step, event, now)
    step.effects.append(Wake())
    return step


def _kind(before: Card, after: Card) -> str:
    if before.lost != after.lost:
        return "gpu_lost" if after.lost else "gpu_back"
    if before.accepted != after.accepted:
        return "gpu_share_ended"
    return "gpu_changed"


def _staying(card: Card, seen: CardSample, sample: GpuSample) -> tuple[Accepted, ...]:
    """Whom the card is still shared with: who left and comes back is a stranger. A look that failed says nothing."""
    is_known = sample.problem is None and seen.uuid not in sample.lost
    return still_there(card, seen) if card.accepted and is_known else card.accepted


def _registered(card: Card | None, seen: CardSample) -> Card:
    if card is None:
        return Card(
            uuid=seen.uuid, index=seen.index, name=seen.name, memory_total=seen.memory_total, parent=seen.parent
        )
    # A card that does not answer does not tell its memory either.
    total = seen.memory_total or card.memory_total
    return replace(card, index=seen.index, name=seen.name, memory_total=total, parent=seen.parent)


def _configured(view: View, card: Card, config: CardConfig | None) -> Card:
    """Apply a `gpus:` entry when it is new or gone: later decisions at the command line stay until the entry changes.

    A card that a person ignored stays so, unless the entry speaks of that and now says otherwise.
    """
    config = CardConfig() if config is None else config
    if config.entry == card.configured:
        return card
    was_ignored = '"ignored":true' in card.configured  # entries are written by gavelq.config.cards
    owner = config.queue if config.queue is not None and view.find_queue(config.queue) is not None else card.queue
    return replace(
        card,
        label=config.label,
        keep_free=config.keep_free,
        ignored=card.ignored if config.ignored == was_ignored else config.ignored,
        queue=owner,
        configured=config.entry,
    )


def _miss(view: View, step: Step, faults: dict[GpuUuid, str], card: Card, sample: GpuSample, now: float) -> None:
    """A card that is gone is lost; a MIG or simulated device that nobody needs any more just leaves the register."""
    is_passing = card.parent is not None or card.uuid.startswith("GPU-sim")
    if is_passing and not view.tasks_on(card.uuid):
        step.changes.cards[card.uuid] = None
        step.changes.records.append(Record(at=now, kind="gpu_gone", subject=card.uuid, details={"index": card.index}))
        return
    # A device whose GPU is well was taken away by a person; and a driver that has no GPU at all says nothing about one.
    is_reconfigured = card.parent in sample.by_uuid
    _lose(step, faults, card, "" if is_reconfigured or not sample.cards else GONE, now)


def _lose(step: Step, faults: dict[GpuUuid, str], card: Card, fault: str, now: float) -> None:
    if card.lost and fault:
        faults.setdefault(card.uuid, fault)
    elif not card.lost and card.uuid not in step.changes.cards:
        _put(step, replace(card, lost=True), "gpu_lost", now)


def _break(view: View, step: Step, faults: Mapping[GpuUuid, str], now: float) -> None:
    """Let nothing more start on broken cards, and stop what runs there: its results are in doubt."""
    cards = {**view.cards(), **step.changes.cards}
    parts: dict[GpuUuid | None, list[Card]] = {}
    for card in cards.values():
        if card is not None:
            parts.setdefault(card.parent, []).append(card)
    broken: dict[GpuUuid, Card] = {}
    for uuid, fault in faults.items():
        whole = cards[uuid]
        # The devices of a GPU in MIG mode stand for it: they hold the tasks, and they are what people can name.
        for card in parts.get(uuid) or ([whole] if whole is not None else []):
            if not card.fault:
                broken[card.uuid] = replace(card, fault=fault, fault_at=now, draining=True)
    for card in broken.values():
        step.changes.cards[card.uuid] = card
        _tell(view, step, card.uuid, "gpu_fault", now, index=card.index, fault=card.fault)
    stop = Stop(reason=EndReason.GPU_LOST, by=OURSELVES, since=now)
    stopped = {task.id: task for uuid in broken for task in view.tasks_on(uuid)}
    for task in stopped.values():
        if task.state is not TaskState.STOPPING:
            stop_task(step, task, stop)


def _tell_xids(view: View, step: Step, seen: CardSample, now: float) -> None:
    """Write down Xid errors that are no fault, or come after one."""
    card = view.cards().get(seen.uuid)
    is_broken = card is not None and bool(card.fault)
    for xid in worth_telling(seen, view.look(seen.uuid)):
        if is_broken or not is_fault(xid):
            _tell(view, step, seen.uuid, "gpu_xid", now, index=seen.index, xid=xid, says=describe_xid(xid))


def _tell(view: View, step: Step, gpu: GpuUuid, kind: str, now: float, **details: object) -> None:
    """A row in the history of the card and of each task that it may be about: a driver tells a moment late."""
    concerned = sorted({task.id for task in view.tasks_on(gpu)} | view.ended_lately_on(gpu, now))
    about: list[TaskId] | list[None] = concerned or [None]
    for task_id in about:
        step.changes.records.append(Record(at=now, kind=kind, task_id=task_id, subject=gpu, details=details))


def faults_told(view: View, task: Task) -> str:
    """Why a task lost its cards: `GPU 0: Xid 79: GPU has fallen off the bus`; empty where they are well again."""
    cards = (view.cards().get(gpu) for gpu in task.held_gpus)
    return ", ".join(f"GPU {card.index}: {card.fault}" for card in cards if card is not None and card.fault)


def _put(step: Step, card: Card, kind: str, now: float) -> None:
    step.changes.cards[card.uuid] = card
    details = {"index": card.index, "name": card.name}
    step.changes.records.append(Record(at=now, kind=kind, subject=card.uuid, details=details))
