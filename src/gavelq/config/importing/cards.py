"""The cards of a minimalist configuration: a list of indices, or a description of each card."""

from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry, normal
from gavelq.config.importing.rules import AS_ALWAYS, NOT_SAID
from gavelq.config.places import is_card_name
from gavelq.config.reading import Located
from gavelq.core.errors import InvalidField
from gavelq.core.units import MiB, parse_memory

_NAMES = ("id", "index", "device", "device_id", "uuid")
_LABELS = ("name", "label", "alias")
_MEMORY = {"memory": "m", "memory_mb": "m", "memory_mib": "m", "total_memory": "m", "memory_gb": "g", "memory_gib": "g"}
"""Names of a card's memory, and what a bare number there counts in."""
_KEPT = {"keep_free": "g", "reserved": "m", "reserved_mb": "m", "reserved_memory": "m", "reserved_memory_mb": "m"}
_ON = ("true", "yes", "on", "1")


def devices(draft: Draft, entry: Entry) -> None:
    """Only the cards that are listed may be used; what is told of each one goes to the `gpus:` section."""
    described = _described(entry)
    for card, fields in described.items():
        for part in fields:
            _field(draft, card, part)
    cards = list(described) if described else entry.value
    if cards in (None, [], "all", "auto"):
        draft.leave(entry, f"all cards are used: {AS_ALWAYS}")
        return
    named = [card for card in cards if not _is_off(described.get(str(card), []))] if isinstance(cards, list) else cards
    if not named:
        draft.refuse(entry, "no card is left to use; switch one on, or leave the list out to use all")
        return
    draft.take(entry, "rules.compete_gpus", named, "only cards that are listed are used; `all` lifts that")


def memory_percent(draft: Draft, entry: Entry) -> None:
    """A share of each card that stays free; gavelq counts it in memory, so it needs to know the card's."""
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    try:
        percent = float(str(entry.value).strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 1 <= percent <= 100:
        draft.refuse(entry, f"{entry.value!r} is not a percentage from 1 to 100")
        return
    if percent == 100:
        draft.leave(entry, AS_ALWAYS)
        return
    described = draft.find("gpu_devices", "devices")
    sizes = _sizes(_described(described)) if described is not None else {}
    for card, size in sizes.items():
        kept = MiB(round(size * (100 - percent) / 100))
        draft.take_card(entry, card, "keep_free", f"{kept}M", f"{100 - percent:g} % of its {size} MiB stay free")
    if not sizes:
        draft.leave(
            entry,
            f"gavelq counts in memory, not in percent: for {100 - percent:g} % of a card write keep_free under gpus: "
            f"(`gpus: {{0: {{keep_free: {round(24576 * (100 - percent) / 100)}M}}}}` for one of 24 GiB)",
        )


def _described(entry: Entry) -> dict[str, list[Entry]]:
    """The fields of each card that is described by a mapping, by its index or UUID; empty for a list of indices."""
    value = entry.located.value
    parts: list[tuple[str, Located]] = []
    if isinstance(value, dict):
        parts = [(key, part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [("", part) for part in value]
    found: dict[str, list[Entry]] = {}
    for number, (key, part) in enumerate(parts):
        inner = part.value if isinstance(part.value, dict) else {}
        fields = [
            Entry(line=one.line, key=f"{entry.key}[{number}].{word}", name=normal(word), located=one)
            for word, one in inner.items()
        ]
        named = next((str(field.value) for field in fields if field.name in _NAMES), key)
        named = named or (str(part.value) if not inner else "")
        found[named] = fields
    return found if isinstance(value, dict) or any(found.values()) else {}


def _field(draft: Draft, card: str, part: Entry) -> None:
    if part.name in _NAMES:
        draft.leave(part, "it names the card that the lines beside it are about")
    elif not is_card_name(card):
        draft.refuse(part, f"{card!r} is neither a card's index nor its UUID; `gavelq gpu list` shows both")
    elif part.name in _LABELS:
        draft.take_card(part, card, "label", part.value)
    elif part.name in _MEMORY:
        draft.leave(part, "gavelq asks the driver how much memory a card has")
    elif part.name in _KEPT:
        draft.take_card(part, card, "keep_free", _written(part, _KEPT[part.name]))
    elif part.name in ("enabled", "ignored", "disabled"):
        draft.take_card(part, card, "ignored", _is_off([part]))
    else:
        draft.leave_unknown(part)


def _is_off(fields: list[Entry]) -> bool:
    """True where one of the fields takes the card out."""
    switches = {field.name: str(field.value).strip().lower() in _ON for field in fields}
    return not switches.get("enabled", True) or switches.get("ignored", False) or switches.get("disabled", False)


def _written(part: Entry, bare_unit: str) -> object:
    return f"{part.value}{bare_unit}" if isinstance(part.value, int | float) else part.value


def _sizes(described: dict[str, list[Entry]]) -> dict[str, MiB]:
    """The memory of each card that has it written down."""
    found: dict[str, MiB] = {}
    for card, fields in described.items():
        for part in fields:
            if part.name not in _MEMORY or not is_card_name(card):
                continue
            try:
                found[card] = parse_memory(str(part.value), field=part.key, bare_unit=_MEMORY[part.name])
            except InvalidField:
                continue
    return found
