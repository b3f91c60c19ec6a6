"""All that an import changes goes into the configuration file at once, or not at all."""

from collections.abc import Mapping
from typing import Any

from gavelq.config.edit import Author, change_file
from gavelq.config.load import check
from gavelq.config.mistakes import as_error
from gavelq.config.reading import read_text
from gavelq.config.rewriting import changed, put
from gavelq.core.errors import InvalidField

Fields = Mapping[str, Mapping[str, Any]]
"""Fields of the `gpus:` section by card."""


def write(path: str, settings: Mapping[str, Any], cards: Fields, author: Author | None) -> None:
    """Write settings and fields of cards, as the file holds them; comments stay.

    Raises InvalidFile (with what stands there they make a mistake), InvalidField and StoreUnavailable; nothing is
    changed then.
    """
    change_file(path, lambda root: _put_all(root, settings, cards), author)


def try_to_write(path: str, settings: Mapping[str, Any], cards: Fields) -> None:
    """Raise what `write` would raise, as far as the file's text tells; write nothing."""
    before = read_text(path) or ""
    after = changed(before, path, lambda root: _put_all(root, settings, cards))
    known = {(mistake.field, mistake.problem) for mistake in check(path, before, {})[1]}
    new = [mistake for mistake in check(path, after, {})[1] if (mistake.field, mistake.problem) not in known]
    if new:
        raise as_error(new)


def _put_all(root: Any, settings: Mapping[str, Any], cards: Fields) -> None:
    for name, value in settings.items():
        put(root, name, value)
    for card, fields in cards.items():
        _card(root, card).update(fields)


def _card(root: Any, card: str) -> Any:
    """The mapping that describes a card in the `gpus:` section, made where there is none."""
    section = root.get("gpus")
    if section is None:
        section = root["gpus"] = {}
    if isinstance(section, list):
        return _listed(section, card)
    if isinstance(section, dict):
        key = next((key for key in section if str(key) == card), int(card) if card.isdigit() else card)
        if section.get(key) is None:
            section[key] = {}
        if isinstance(section[key], dict):
            return section[key]
    raise InvalidField(field=f"gpus.{card}", problem="this is not a mapping", hint="`gavelq config check` says where")


def _listed(section: list[Any], card: str) -> Any:
    for part in section:
        named = [str(part[word]) for word in ("index", "uuid", "id") if word in part] if isinstance(part, dict) else []
        if named == [card]:
            return part
    # The file's own kind of list holds this very object: what is put into it later is written.
    section.append({"uuid": card} if card.startswith(("GPU-", "MIG-")) else {"index": card})
    return section[-1]
