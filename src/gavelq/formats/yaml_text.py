"""YAML read with its lines, and without what makes it dangerous: depth, self-reference, exponential growth."""

from typing import Any

MAX_DEPTH = 100
MAX_VALUES = 5_000_000

Scalar = bool | int | float | str | None


class YamlProblem(Exception):
    """Where a text stops being YAML that gavelq reads; callers name the file. Lines and columns from 1; 0: unknown."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.column = column
        self.problem = problem


def compose(text: str) -> Any:
    """The document's root node (None: an empty document). Raises YamlProblem."""
    from ruamel.yaml import YAML  # here: 40 ms that most commands need not spend
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    # The parser's time grows with the square of the depth: deep text is refused before it sees it.
    _refuse_depth(text)
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context).strip()
        raise YamlProblem(mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, problem) from error
    except YAMLError as error:
        raise YamlProblem(0, 0, str(error).split("\n", 1)[0]) from error
    except RecursionError as error:
        raise YamlProblem(0, 0, "values are nested too deeply") from error


def _refuse_depth(text: str) -> None:
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) - len(line.lstrip(" -?")) > 20 * MAX_DEPTH:
            raise YamlProblem(number, 1, "values are nested too deeply")
        if "[" in line or "{" in line or "]" in line or "}" in line:
            opened = line.count("[") + line.count("{")
            if depth + opened > MAX_DEPTH:
                depth = _deepest(line, depth, number)
            else:
                depth = max(0, depth + opened - line.count("]") - line.count("}"))


def _deepest(line: str, depth: int, number: int) -> int:
    for column, character in enumerate(line, 1):
        depth += (character in "[{") - (character in "]}")
        if depth > MAX_DEPTH:
            raise YamlProblem(number, column, "values are nested too deeply")
        depth = max(depth, 0)
    return depth


def scalar(tag: str, text: str) -> Scalar:
    """A YAML 1.2 scalar by its resolved tag; whatever else (dates) stays text."""
    kind = tag.rpartition(":")[2]
    if len(text) > 1000:  # nobody means such a number, and Python cannot print it
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        if kind == "int":
            digits = text.replace("_", "")
            return int(digits, 0) if digits.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(digits)
        if kind == "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return text


def construct(node: Any) -> Any:
    """The node as dicts, lists and scalars; aliases and `<<` work. Raises YamlProblem, also for duplicate keys."""
    return _Builder().value(node)


class _Builder:
    """Values by node: an alias is the same node again, and becomes the same object."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._done: dict[int, tuple[Any, int]] = {}
        self._size = 0

    def value(self, node: Any) -> Any:
        """The node's value; counts what it would be with every alias written out."""
        if isinstance(node.value, str):
            self._grow(1, node)
            return scalar(node.tag, node.value)
        known = self._done.get(id(node))
        if known is not None:
            self._grow(known[1], node)
            return known[0]
        if id(node) in self._open:
            raise _at(node, "this value contains itself")
        self._open.add(id(node))
        before = self._size
        made = self._mapping(node) if node.tag.endswith(":map") else [self.value(part) for part in node.value]
        self._grow(1, node)
        self._open.discard(id(node))
        self._done[id(node)] = (made, self._size - before)
        return made

    def _grow(self, n_values: int, node: Any) -> None:
        self._size += n_values
        if self._size > MAX_VALUES:
            raise _at(node, f"with its aliases written out the text has more than {MAX_VALUES} values")

    def _mapping(self, node: Any) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise _at(key_node, "a key must be a plain text")
            if key_node.tag.endswith(":merge"):
                self._merge(value_node, merged)
            elif key in own:
                raise _at(key_node, f"the key {key!r} stands here twice")
            else:
                own[key] = self.value(value_node)
        return {**merged, **own}

    def _merge(self, node: Any, merged: dict[str, Any]) -> None:
        value = self.value(node)
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                raise _at(node, "`<<` takes a mapping, or a list of mappings")
            for key, inherited in part.items():
                merged.setdefault(key, inherited)


def _at(node: Any, problem: str) -> YamlProblem:
    return YamlProblem(node.start_mark.line + 1, node.start_mark.column + 1, problem)
