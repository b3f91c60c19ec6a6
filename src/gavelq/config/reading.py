"""From a configuration file's text to values that know their lines."""

import json
import os
import stat
from dataclasses import dataclass
from typing import Any

from gavelq.config.mistakes import Mistake, as_error
from gavelq.core.errors import InvalidFile
from gavelq.formats.yaml_text import YamlProblem, compose, scalar

MAX_BYTES = 1 << 20
COMMENT_KEY = "//"
"""Keys that begin with this are comments: JSON has no others."""


@dataclass(frozen=True, slots=True)
class Located:
    """A value and the line where it stands (a mapping's entry: its key's line)."""

    line: int
    value: "bool | int | float | str | list[Located] | dict[str, Located] | None"

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, list):
            return [part.plain() for part in self.value]
        if isinstance(self.value, dict):
            return {key: part.plain() for key, part in self.value.items()}
        return self.value


def mistake_in(path: str, line: int, problem: str, hint: str = "") -> InvalidFile:
    """A file that cannot be read at all, or stops making sense at this line."""
    return as_error([Mistake(path=path, line=line, field="", problem=problem, hint=hint)])


def read_text(path: str) -> str | None:
    """The file's text; None where there is no such file. Raises InvalidFile (unreadable, too large, not UTF-8)."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise mistake_in(path, 0, "this is not a regular file")
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise mistake_in(path, 0, f"it cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise mistake_in(path, 0, f"it has more than {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise mistake_in(path, line, "this is not UTF-8 text", "save the file as UTF-8") from error


def is_json(text: str) -> bool:
    """True for text that a JSON parser accepts."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_mapping(text: str, path: str) -> dict[str, Located]:
    """The top-level mapping; empty for an empty file. Raises InvalidFile for anything else, telling all duplicates."""
    # In JSON a tab can stand between values only; YAML does not take it there.
    source = text.replace("\t", " ") if is_json(text) else text
    reader = _Reader(path)
    try:
        root = compose(source)
    except YamlProblem as found:
        raise mistake_in(path, found.line, found.problem, "check indentation and quotes") from found
    located = reader.located(root) if root is not None else Located(1, {})
    if located.value is None:
        return {}
    if reader.mistakes:
        raise as_error(reader.mistakes)
    if not isinstance(located.value, dict):
        raise mistake_in(path, located.line, "this is not a mapping", "write `name: value`")
    return located.value


class _Reader:
    """Turns YAML nodes into located values; notes duplicate keys and values that contain themselves."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: set[int] = set()
        self._done: dict[int, Located] = {}
        self.mistakes: list[Mistake] = []

    def located(self, node: Any) -> Located:
        """The node's value. An alias is the same node again: it is converted once."""
        line = node.start_mark.line + 1
        if isinstance(node.value, str):
            return Located(line, scalar(node.tag, node.value))
        if id(node) in self._done:
            return Located(line, self._done[id(node)].value)
        if id(node) in self._open:
            self._note(line, "", "this value contains itself")
            return Located(line, None)
        self._open.add(id(node))
        is_mapping = node.tag.endswith(":map")
        found = Located(line, self._mapping(node) if is_mapping else [self.located(part) for part in node.value])
        self._open.discard(id(node))
        self._done[id(node)] = found
        return found

    def _mapping(self, node: Any) -> dict[str, Located]:
        entries: dict[str, Located] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                self._note(line, "", "a key must be a plain text")
            elif key in entries:
                self._note(line, key, f"it stands in line {entries[key].line} already", "keep one of them")
            elif not key.startswith(COMMENT_KEY):
                entries[key] = Located(line, self.located(value_node).value)
        return entries

    def _note(self, line: int, field: str, problem: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(path=self._path, line=line, field=field, problem=problem, hint=hint))
