"""Where in a file of tasks a task and its fields stand, so that mistakes told by index and field get their line."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from gavelq.formats.fields import READERS

Path = tuple[str | int, ...]
"""Keys and indices that lead from the root of the document to a value."""
_WORD = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Line and column from 1; 0: unknown."""

    line: int = 0
    column: int = 0


NOWHERE = Place()
Find = Callable[[Path], Place | None]


def paths_of(field: str) -> Iterator[Path]:
    """Where in a task the place of a field may be found, the best one first; at last the task itself.

    `params.lr` and `gpu_ids[1]` are parts of a field; a field may stand there under another of its names.
    """
    if field:
        yield (field,)
    parts: list[str | int] = [name or int(number) for name, number in _PART.findall(field)]
    if parts:
        names = _names_of(str(parts[0]))
        for end in range(len(parts), 0, -1):
            yield from ((name, *parts[1:end]) for name in names)
    yield ()


def _names_of(field: str) -> list[str]:
    known = READERS.get(field)
    others = [] if known is None else [name for name, (meant, _) in READERS.items() if meant == known[0]]
    return [field, *(name for name in others if name != field)]


# --- JSON ------------------------------------------------------------------------------------------------


def in_json(text: str, wanted: Collection[int], under: Path) -> Find:
    """Finds places in a text that is known to be JSON.

    `under` leads to the list of tasks; of that list only the `wanted` indices are looked into, so that a large file
    costs one pass over its tokens and little memory.
    """
    offsets = dict(_offsets(text, frozenset(wanted), under))
    ends = [found.start() for found in re.finditer("\n", text)]

    def find(path: Path) -> Place | None:
        offset = offsets.get(path)
        if offset is None:
            return None
        line = bisect_left(ends, offset)
        return Place(line=line + 1, column=offset - (ends[line - 1] if line else -1))

    return find


def _offsets(text: str, wanted: frozenset[int], under: Path) -> Iterator[tuple[Path, int]]:
    """The keys of objects and the elements of lists, with the offset where each begins."""
    walk = _Walk(wanted, under)
    for found in _WORD.finditer(text):
        word = found[0]
        if walk.begins(word) and walk.is_wanted():
            yield tuple(walk.path), found.start()
        walk.opens(word)


class _Walk:
    """Which key or element of a JSON text one is at, word by word."""

    def __init__(self, wanted: frozenset[int], under: Path) -> None:
        self.path: list[str | int] = []
        self._lists: list[bool] = []
        """Of each open container whether it is a list."""
        self._wanted = wanted
        self._under = list(under)
        self._is_awaited = False
        """Whether a key or an element comes next."""

    def begins(self, word: str) -> bool:
        """Go on by a word; whether a key or an element begins with it."""
        if word == ",":
            self._is_awaited = True
            if self._lists[-1]:
                self.path[-1] = int(self.path[-1]) + 1
            return False
        if word in ("}", "]"):
            self._lists.pop()
            self.path.pop()
            self._is_awaited = False
            return False
        is_begin, self._is_awaited = self._is_awaited, False
        if is_begin and not self._lists[-1]:
            self.path[-1] = _unquoted(word)
        return is_begin

    def opens(self, word: str) -> None:
        """Go on into the container that a word opens."""
        if word in ("{", "["):
            self._lists.append(word == "[")
            self.path.append(0 if word == "[" else "")
            self._is_awaited = True

    def is_wanted(self) -> bool:
        """Whether this is above the tasks, or one of those that are looked for, or in it."""
        depth = len(self._under)
        if len(self.path) <= depth or self.path[:depth] != self._under:
            return len(self.path) <= depth
        return self.path[depth] in self._wanted


def _unquoted(key: str) -> str:
    return str(json.loads(key)) if "\\" in key else key[1:-1]


def place_of_word(text: str, word: str) -> Place:
    """Where a bare word such as NaN stands the first time in JSON."""
    for found in _WORD.finditer(text):
        if found[0] == word:
            before = text.rfind("\n", 0, found.start())
            return Place(line=text.count("\n", 0, found.start()) + 1, column=found.start() - before)
    return NOWHERE


# --- YAML ------------------------------------------------------------------------------------------------


def in_yaml(root: Any) -> Find:
    """Finds places among the nodes of a YAML document. What `<<` brings along is found where it was written."""

    def find(path: Path) -> Place | None:
        node, mark = root, root.start_mark
        for part in path:
            found = _child(node, part)
            if found is None:
                return None
            mark, node = found
        return Place(line=mark.line + 1, column=mark.column + 1)

    return find


def _child(node: Any, part: str | int, depth: int = 0) -> tuple[Any, Any] | None:
    """Where a key or element begins, and the node of its value."""
    if isinstance(node.value, str) or depth > 20:
        return None
    if not node.tag.endswith(":map"):
        is_there = isinstance(part, int) and part < len(node.value)
        return (node.value[part].start_mark, node.value[part]) if is_there else None
    merged = []
    for key, value in node.value:
        if key.tag.endswith(":merge"):
            merged += [value] if value.tag.endswith(":map") else list(value.value)
        elif key.value == part:
            return key.start_mark, value
    return next((found for one in merged if (found := _child(one, part, depth + 1)) is not None), None)
