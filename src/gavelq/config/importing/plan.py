"""What an import would write into the configuration, compared with what stands there now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gavelq.config.cards import FIELDS
from gavelq.config.edit import Author
from gavelq.config.importing.draft import Finding, Outcome
from gavelq.config.importing.entries import read_root
from gavelq.config.importing.recognising import DESIGNS, recognise
from gavelq.config.importing.writing import try_to_write, write
from gavelq.config.load import check
from gavelq.config.model import Config
from gavelq.config.reading import Located, read_mapping, read_text
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidField, InvalidFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A judged file. Nothing is written before `write`."""

    path: str
    """The file that is imported."""
    config_path: str
    """The configuration file that it goes into."""
    design: str
    recognised_by: tuple[str, ...]
    """The keys that told the design; empty where it was named."""
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]
    """All values that the file gives, by name, as the configuration holds them."""
    cards: Mapping[str, Mapping[str, Any]]
    changes: Mapping[str, Any]
    """Those of `settings` that do not stand in the configuration yet."""
    card_changes: Mapping[str, Mapping[str, Any]]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The lines with wrong values."""
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.REFUSED)

    @property
    def commands(self) -> tuple[str, ...]:
        """What to type for lines that no setting stands for, in their order."""
        return tuple(dict.fromkeys(finding.command for finding in self.findings if finding.command))

    @property
    def changes_anything(self) -> bool:
        """True where the configuration does not say all of it yet."""
        return bool(self.changes or self.card_changes)

    def write(self, author: Author | None = None) -> None:
        """Write all changes at once. Raises like `try_to_write`, and StoreUnavailable; nothing is changed then."""
        if self.changes_anything:
            write(self.config_path, self.changes, self.card_changes, author)

    def try_to_write(self) -> None:
        """Raises InvalidFile where the changes and what stands in the configuration would make a mistake together."""
        if self.changes_anything:
            try_to_write(self.config_path, self.changes, self.card_changes)


def plan(path: str, text: str, config_path: str, design: str | None = None) -> Plan:
    """Judge a file of an older design (recognised, where none is named).

    Raises InvalidFile: it cannot be parsed, or nothing tells whose it is; or the configuration cannot be parsed.
    """
    try:
        root = read_root(text, path)
        found, telling = (DESIGNS[design], []) if design else recognise(root, path)
    except InvalidFile as error:
        hint = f"correct it, then look again with: gavelq config import {path}"
        raise InvalidFile(error.message, hint=hint, **error.details) from None
    present = read_text(config_path)
    config = check(config_path, present, {})[0]
    draft = found.read(root, allow_remote=config.http.allow_remote)
    stood = _card_lines(read_mapping(present or "", config_path).get("gpus"))
    findings = tuple(_compared(finding, config, stood) for finding in draft.findings)
    new = {finding.setting for finding in findings if finding.setting and not finding.is_so_already}
    cards = {
        card: {key: value for key, value in fields.items() if f"gpus.{card}.{key}" in new}
        for card, fields in draft.cards.items()
    }
    return Plan(
        path=path, config_path=config_path, design=found.name, recognised_by=tuple(telling), findings=findings,
        settings=draft.settings, cards={card: fields for card, fields in draft.cards.items() if fields},
        changes={name: value for name, value in draft.settings.items() if name in new},
        card_changes={card: fields for card, fields in cards.items() if fields},
    )  # fmt: skip


def _compared(finding: Finding, config: Config, stood: Mapping[tuple[str, str], tuple[int, Any]]) -> Finding:
    """The finding with what the configuration says now."""
    if not finding.setting:
        return finding
    if finding.setting in BY_NAME:
        source, kind = config.source(finding.setting), BY_NAME[finding.setting].kind
        if not source.startswith("file:"):
            return finding
        line, before = int(source.removeprefix("file:")), kind.plain(config.value(finding.setting))
    else:
        card, _, key = finding.setting.removeprefix("gpus.").rpartition(".")
        if (card, key) not in stood:
            return finding
        line, before = stood[card, key]
        before = _plain_card(key, before)
    if before == finding.to:
        return replace(finding, is_so_already=True)
    return replace(finding, replaces=before, replaces_line=line)


def _plain_card(key: str, raw: Any) -> Any:
    kind = FIELDS[key]
    try:
        return kind.plain(kind.parse(raw, field=key))
    except InvalidField:
        return raw


def _card_lines(section: Located | None) -> dict[tuple[str, str], tuple[int, Any]]:
    """Line and value of each field of the `gpus:` section, by card and field."""
    found: dict[tuple[str, str], tuple[int, Any]] = {}
    if section is None or not isinstance(section.value, dict | list):
        return found
    entries = section.value.items() if isinstance(section.value, dict) else (("", part) for part in section.value)
    for key, entry in entries:
        fields = entry.value if isinstance(entry.value, dict) else {}
        named = key or next((str(fields[word].plain()) for word in ("index", "uuid", "id") if word in fields), "")
        for word, one in fields.items():
            if word in FIELDS:
                found[named, word] = (one.line, one.plain())
    return found
