"""What becomes of each entry: a finding, and the settings that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gavelq.config.cards import FIELDS
from gavelq.config.importing.entries import Entry
from gavelq.config.kinds import Kind
from gavelq.config.mistakes import suggest
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidField


class Outcome(StrEnum):
    """What becomes of a line."""

    TAKEN = "taken"
    ADDED = "added"
    """It stands in no line: people of that design expect it."""
    LEFT = "no_counterpart"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    line: int
    """In the imported file, from 1; 0: it stands in no line."""
    key: str
    value: Any
    """As written; secrets are hidden."""
    outcome: Outcome
    setting: str = ""
    """What it becomes: a setting's name, or `gpus.CARD.FIELD`; empty where nothing comes of it."""
    to: Any = None
    because: str = ""
    command: str = ""
    """What to type instead, where one command does the same."""
    replaces: Any = None
    """The other value that the configuration file gives now."""
    replaces_line: int = 0
    """Where it stands there; 0: it does not stand there."""
    is_so_already: bool = False


@dataclass(slots=True)
class Draft:
    """The findings and the values while a file is read."""

    design: str
    known: frozenset[str]
    """All names that the design has, for suggestions."""
    entries: Sequence[Entry]
    allow_remote: bool = False
    """True where the configuration lets other machines in already."""
    findings: list[Finding] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    """Values by name, as the configuration file holds them."""
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The same for the `gpus:` section: fields by card."""
    _lines: dict[str, int] = field(default_factory=dict)

    def find(self, *names: str) -> Entry | None:
        """The first entry with one of these names."""
        return next((entry for entry in self.entries if entry.name in names), None)

    def take(self, entry: Entry, name: str, raw: object, because: str = "") -> bool:
        """The entry becomes a setting; False where its value is refused, or gavelq has no such setting."""
        setting = BY_NAME.get(name)
        if setting is None:
            self.leave(entry, f"this gavelq has no setting {name}")
            return False
        return self._take(entry, name, setting.kind, raw, because, self.settings, name)

    def take_card(self, entry: Entry, card: str, key: str, raw: object, because: str = "") -> bool:
        """The entry becomes a field of a card; False where its value is refused."""
        return self._take(entry, f"gpus.{card}.{key}", FIELDS[key], raw, because, self.cards.setdefault(card, {}), key)

    def _take(
        self, entry: Entry, name: str, kind: Kind, raw: object, because: str, into: dict[str, Any], key: str
    ) -> bool:
        try:
            plain = kind.plain(kind.parse(raw, field=name))
        except InvalidField as error:
            self.refuse(entry, f"{error.details['problem']}; {error.hint}")
            return False
        if key in into and into[key] != plain:
            self.refuse(entry, f"line {self._lines[name]} gives {name} = {into[key]} already; keep one of them")
            return False
        into[key] = plain
        self._lines.setdefault(name, entry.line)
        self._note(entry, Outcome.TAKEN, setting=name, to=plain, because=because)
        return True

    def add(self, name: str, raw: object, because: str) -> None:
        """A setting that stands in no line of the file; one that a line gave wins."""
        if name in BY_NAME and name not in self.settings:
            kind = BY_NAME[name].kind
            plain = self.settings[name] = kind.plain(kind.parse(raw, field=name))
            self.findings.append(
                Finding(line=0, key="", value=None, outcome=Outcome.ADDED, setting=name, to=plain, because=because)
            )

    def leave(self, entry: Entry, because: str, command: str = "") -> None:
        """Nothing comes of the entry."""
        self._note(entry, Outcome.LEFT, because=because, command=command)

    def refuse(self, entry: Entry, because: str) -> None:
        """The entry's value is wrong."""
        self._note(entry, Outcome.REFUSED, because=because)

    def leave_unknown(self, entry: Entry) -> None:
        """Nothing is known about the entry."""
        if "<<" in entry.key:
            self.refuse(entry, "merge keys are not followed; write the entries out where they belong")
            return
        hint = suggest(entry.name, self.known)
        self.leave(entry, f"the {self.design} design has no such key" + (f"; {hint}" if hint else ""))

    def leave_the_rest(self) -> None:
        """No entry is dropped silently: those that nothing was said about came second with their name."""
        said = {(finding.line, finding.key) for finding in self.findings}
        for entry in self.entries:
            is_parent = any(key.startswith((f"{entry.key}.", f"{entry.key}[")) for _, key in said)
            if (entry.line, entry.key) not in said and not is_parent:
                self.leave(entry, "another line says the same in other words; that one counts")

    def _note(
        self, entry: Entry, outcome: Outcome, *, setting: str = "", to: Any = None, because: str = "", command: str = ""
    ) -> None:
        self.findings.append(
            Finding(
                line=entry.line, key=entry.key, value=entry.shown, outcome=outcome, setting=setting, to=to,
                because=because, command=command,
            )
        )  # fmt: skip
