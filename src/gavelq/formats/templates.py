"""`{name}` in a text stands for a value. In shell command lines values are quoted to fit the place where they stand."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Place(Enum):
    """Where in a text a template stands."""

    TEXT = "text"
    """In no shell command line: the value goes in as it is."""
    BARE = "bare"
    """Outside of the shell's quotes."""
    SINGLE = "single"
    DOUBLE = "double"
    UNCLEAR = "unclear"
    """Where a value could only be quoted by somebody who understands all of the shell's grammar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A template's place in a text."""

    name: str
    place: Place


class UnsafeValueError(ValueError):
    """A value with characters that mean something to the shell, in an unclear place."""

    def __init__(self, name: str, value: str) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value


class Templates:
    """Finds the templates of some names. `${name}`, `\\{name}` and `{{name}}` are none: others use these."""

    def __init__(self, names: Iterable[str]) -> None:
        # Names are identifiers, so that none of their characters mean anything to a regular expression.
        self._pattern = re.compile(r"(?<![\\$])\{(" + "|".join(names) + r")\}")

    def read(self, text: str, *, is_shell: bool = False) -> "Template | None":
        """What is between the templates, and the templates; None where there are none. `is_shell`: for `bash -c`."""
        found = [match for match in self._pattern.finditer(text) if not _is_doubled(text, match)]
        if not found:
            return None
        places = _places(text, {match.start() for match in found}) if is_shell else {}
        parts: list[str | Slot] = []
        at = 0
        for match in found:
            parts += [text[at : match.start()], Slot(name=match[1], place=places.get(match.start(), Place.TEXT))]
            at = match.end()
        return Template(tuple(part for part in (*parts, text[at:]) if part))


class Template:
    """A text with templates in it."""

    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[str | Slot, ...]) -> None:
        self._parts = parts

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with these values. Raises UnsafeValueError."""
        return "".join(part if isinstance(part, str) else _inserted(part, values[part.name]) for part in self._parts)


def is_plain(value: str) -> bool:
    """Whether it is one word without meaning to a shell, wherever it stands."""
    return bool(value) and all(c.isalnum() or c in "_./:=+,@%-" for c in value)


def _inserted(slot: Slot, value: str) -> str:
    if slot.place is Place.TEXT or is_plain(value):
        return value
    match slot.place:
        case Place.BARE:
            return "'" + value.replace("'", "'\\''") + "'"
        case Place.SINGLE:
            return value.replace("'", "'\\''")
        case Place.DOUBLE:
            return re.sub(r'([\\"$`])', r"\\\1", value)
    raise UnsafeValueError(slot.name, value)


def _is_doubled(text: str, match: re.Match[str]) -> bool:
    return text[match.start() - 1 : match.start()] == "{" and text[match.end() : match.end() + 1] == "}"


_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_WORD_ENDS = " \t\n;&|()<>"


def _places(text: str, wanted: set[int]) -> dict[int, Place]:
    """How the shell would quote at these positions.

    Follows quotes and backslashes (bash(1), QUOTING). What has a grammar of its own (here-documents, comments,
    arithmetic, backquotes, $'...', substitutions inside double quotes) makes everything behind it unclear.
    """
    found: dict[int, Place] = {}
    place, is_clear, at = Place.BARE, True, 0
    while at < len(text):
        if at in wanted:
            found[at] = place if is_clear else Place.UNCLEAR
        char = text[at]
        if place is Place.SINGLE:
            place = Place.BARE if char == "'" else place
        elif char == "\\":
            at += 1
        elif char == '"':
            place = Place.BARE if place is Place.DOUBLE else Place.DOUBLE
        elif char == "'" and place is Place.BARE:
            place = Place.SINGLE
        elif _VARIABLE.match(text, at):
            at = text.index("}", at)
        elif _is_knotty(text, at, place):
            is_clear = False
        at += 1
    return found


def _is_knotty(text: str, at: int, place: Place) -> bool:
    """Whether something begins here that has a grammar of its own."""
    two = text[at : at + 2]
    if text[at] == "`" or two in ("${", "$["):
        return True
    if place is Place.DOUBLE:
        return two == "$("
    if text[at] == "#":
        return at == 0 or text[at - 1] in _WORD_ENDS
    return two in ("((", "$'") or (two == "<<" and text[at + 2 : at + 3] != "<" and text[at - 1 : at] != "<")
