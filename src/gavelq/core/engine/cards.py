"""The register of cards: what the monitor sees for the first time, loses, and finds again."""

from dataclasses import replace

from gavelq.core.effects import Wake
from gavelq.core.events import CardConfig, GpusSampled
from gavelq.core.gpu import Card, CardSample
from gavelq.core.state import View
from gavelq.core.step import Record, Step


def gpus_sampled(view: View, event: GpusSampled, now: float) -> Step:
    """Take in a sample. Rows change only where a card is new, changed, lost or back; looks alone are volatile."""
    step = Step(sample=event.sample)
    known = view.cards()
    lost = set(event.sample.lost)
    for seen in event.sample.cards:
        card = known.get(seen.uuid)
        config = event.configured.get(seen.uuid) or event.configured.get(seen.index)
        fresh = _configured(view, _registered(card, seen), config)
        fresh = replace(fresh, lost=seen.uuid in lost)
        if fresh != card:
            _put(step, fresh, "gpu_seen" if card is None else _kind(card, fresh), now)
    present = {seen.uuid for seen in event.sample.cards}
    for card in known.values():
        if card.uuid in present:
            continue
        if card.uuid in lost:
            _lose(step, card, now)
        elif event.sample.problem is None:
            _miss(view, step, card, now)
    step.effects.append(Wake())
    return step


def _kind(before: Card, after: Card) -> str:
    if before.lost != after.lost:
        return "gpu_lost" if after.lost else "gpu_back"
    return "gpu_changed"


def _registered(card: Card | None, seen: CardSample) -> Card:
    if card is None:
        return Card(
            uuid=seen.uuid, index=seen.index, name=seen.name, memory_total=seen.memory_total, parent=seen.parent
        )
    return replace(card, index=seen.index, name=seen.name, memory_total=seen.memory_total, parent=seen.parent)


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


def _miss(view: View, step: Step, card: Card, now: float) -> None:
    """A card that is gone is lost; a MIG or simulated device that nobody needs any more just leaves the register."""
    if (card.parent is not None or card.uuid.startswith("GPU-sim")) and not view.tasks_on(card.uuid):
        step.changes.cards[card.uuid] = None
        step.changes.records.append(Record(at=now, kind="gpu_gone", subject=card.uuid, details={"index": card.index}))
    else:
        _lose(step, card, now)


def _lose(step: Step, card: Card, now: float) -> None:
    if not card.lost:
        _put(step, replace(card, lost=True), "gpu_lost", now)


def _put(step: Step, card: Card, kind: str, now: float) -> None:
    step.changes.cards[card.uuid] = card
    details = {"index": card.index, "name": card.name}
    step.changes.records.append(Record(at=now, kind=kind, subject=card.uuid, details=details))
