"""The `gpus:` section: what a person says about single cards, by index or UUID."""

import json
from typing import Any

from gavelq.config.kinds import Flag, Kind, Memory
from gavelq.config.mistakes import Mistake, suggest
from gavelq.config.places import QueueRef, is_card_name
from gavelq.config.reading import Located
from gavelq.core.card_config import CardConfig
from gavelq.core.errors import InvalidField
from gavelq.core.ids import QueueName


class _Label:
    wanted = "a text of at most 200 printable characters"

    def parse(self, raw: object, *, field: str) -> str:
        text = str(raw) if isinstance(raw, str | int | float) and not isinstance(raw, bool) else "\n"
        if len(text) > 200 or not text.isprintable():
            raise InvalidField(field=field, problem=f"{raw!r} is not a label", hint=f"write {self.wanted}")
        return text

    def plain(self, value: Any) -> Any:
        return value


FIELDS: dict[str, Kind] = {"label": _Label(), "keep_free": Memory(), "ignored": Flag(), "queue": QueueRef()}
_NAMES = ("index", "uuid", "id")


def read_cards(section: Located, path: str, mistakes: list[Mistake]) -> dict[str, CardConfig]:
    """The entries by index or UUID; what is wrong with them is added to `mistakes`."""
    cards: dict[str, CardConfig] = {}

    def note(line: int, field: str, problem: str, hint: str = "") -> None:
        mistakes.append(Mistake(path=path, line=line, field=field, problem=problem, hint=hint))

    for named, entry in _entries(section, note):
        field = f"gpus.{named}"
        if named in cards:
            note(entry.line, field, "this card is described twice", "keep one of the entries")
        elif not is_card_name(named):
            note(entry.line, field, f"{named!r} is neither an index nor a UUID", "`gavelq gpu list` shows both")
        else:
            cards[named] = _card(entry, field, note)
    return cards


def _entries(section: Located, note: Any) -> list[tuple[str, Located]]:
    if section.value is None:
        return []
    if isinstance(section.value, dict):
        return list(section.value.items())
    if not isinstance(section.value, list):
        note(section.line, "gpus", "this is neither a mapping nor a list", "write `0: {label: left card}`")
        return []
    found = []
    for entry in section.value:
        fields = entry.value if isinstance(entry.value, dict) else {}
        names = [key for key in _NAMES if key in fields]
        if len(names) != 1:
            note(entry.line, "gpus", "an entry of the list needs either `index` or `uuid`", "write `- index: 0`")
            continue
        rest = {key: value for key, value in fields.items() if key not in _NAMES}
        found.append((str(fields[names[0]].plain()), Located(entry.line, rest)))
    return found


def _card(entry: Located, field: str, note: Any) -> CardConfig:
    if entry.value is not None and not isinstance(entry.value, dict):
        note(entry.line, field, "this is not a mapping", f"its fields are {', '.join(FIELDS)}")
        return CardConfig()
    given: dict[str, Any] = {}
    for key, located in (entry.value or {}).items():
        kind = FIELDS.get(key)
        if kind is None:
            hint = suggest(key, FIELDS) or f"the fields are {', '.join(FIELDS)}"
            note(located.line, f"{field}.{key}", "there is no such field", hint)
            continue
        try:
            given[key] = kind.parse(located.plain(), field=f"{field}.{key}")
        except InvalidField as error:
            note(located.line, f"{field}.{key}", error.details["problem"], error.hint)
    if "queue" in given:
        given["queue"] = QueueName(given["queue"])
    return CardConfig(**given, entry=json.dumps(given, sort_keys=True, separators=(",", ":")))
