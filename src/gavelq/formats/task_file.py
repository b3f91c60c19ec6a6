"""A file of task objects, as JSON or YAML text."""

import json
from collections.abc import Sequence
from typing import Any

from gavelq.core.errors import InvalidFile
from gavelq.formats.task_places import NOWHERE, Find, Path, Place, in_json, in_yaml, paths_of, place_of_word
from gavelq.formats.yaml_text import YamlProblem, compose, construct

MAX_BYTES = 16 << 20
MAX_YAML_BYTES = 4 << 20
"""YAML is read at about 100 kB/s, JSON a thousand times faster."""


class TaskFile:
    """A file of tasks: what it lists, and where."""

    def __init__(self, *, path: str, tasks: list[object], text: str, root: Any, under: Path) -> None:
        """`root`: its YAML nodes, None where it is JSON. `under` leads from the root to the list of tasks."""
        self.path = path
        self.tasks = tasks
        self._text = text
        self._root = root
        self._under = under

    def places(self, mistakes: Sequence[tuple[int | None, str]]) -> list[Place]:
        """Of each mistake, told by the task's index (None: it is in none) and the field, where that stands."""
        if self._root is not None:
            find = in_yaml(self._root)
        else:
            find = in_json(self._text, {index for index, _ in mistakes if index is not None}, self._under)
        return [self._place(find, index, field) for index, field in mistakes]

    def _place(self, find: Find, index: int | None, field: str) -> Place:
        if index is None:
            return NOWHERE
        found = (find((*self._under, index, *path)) for path in paths_of(field))
        return next((place for place in found if place is not None), NOWHERE)


def read_task_file(content: bytes, path: str) -> list[object]:
    """The task objects of a list, or of `{"tasks": [...]}`. `path` is for messages.

    Raises InvalidFile, whose details have path, line, column (from 1; 0: unknown) and problem.
    """
    return open_task_file(content, path).tasks


def open_task_file(content: bytes, path: str) -> TaskFile:
    """The same, with what is needed to tell where things stand."""
    if len(content) > MAX_BYTES:
        raise _invalid(path, 0, 0, f"it has more than {MAX_BYTES} bytes", "submit it in parts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise _invalid(path, line, column, "this is not UTF-8 text", "save the file as UTF-8") from error
    tasks, root = _parsed(text, path)
    under: Path = ()
    if isinstance(tasks, dict) and isinstance(tasks.get("tasks"), list):
        under = ("tasks",)
        others = sorted(key for key in tasks if key != "tasks" and not key.startswith("//"))
        if others:
            find = in_json(text, (), under) if root is None else in_yaml(root)
            place = find((others[0],)) or NOWHERE
            problem = f"beside `tasks` there is {others[0]!r}, which means nothing here"
            raise _invalid(path, place.line, place.column, problem, "a task's fields stand in its own object")
        tasks = tasks["tasks"]
    if not isinstance(tasks, list):
        raise _invalid(path, 1, 1, 'this is neither a list of tasks nor {"tasks": [...]}', 'write [{"cmd": "..."}]')
    if not tasks:
        raise _invalid(path, 1, 1, "there is no task in it", 'write [{"cmd": "..."}]')
    return TaskFile(path=path, tasks=tasks, text=text if root is None else "", root=root, under=under)


def _parsed(text: str, path: str) -> tuple[Any, Any]:
    """The document, and its YAML nodes (None: it is JSON)."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant), None
    except _TwiceError as error:
        line, column = _second_place(text, error.key)
        raise _invalid(path, line, column, f"the key {error.key!r} stands twice in one object", "keep one") from error
    except _ConstantError as error:
        place = place_of_word(text, error.word)
        problem = f"{error.word} is not a number that JSON knows"
        raise _invalid(path, place.line, place.column, problem, "write a number, or null for none") from error
    except json.JSONDecodeError as error:
        is_meant_as_json = path.lower().endswith(".json") or text.lstrip()[:2] in ("[{", '{"')
        if is_meant_as_json and not _is_yaml(text):
            raise _invalid(
                path, error.lineno, error.colno, f"not JSON: {error.msg}", "look for a comma or quote"
            ) from error
    except RecursionError as error:
        raise _invalid(path, 0, 0, "values are nested too deeply") from error
    except ValueError as error:
        raise _invalid(path, 0, 0, str(error)) from error
    return _parsed_yaml(text, path)


def _is_yaml(text: str) -> bool:
    if len(text) > MAX_YAML_BYTES:
        return False
    try:
        compose(text)
    except YamlProblem:
        return False
    return True


def _parsed_yaml(text: str, path: str) -> tuple[Any, Any]:
    if len(text) > MAX_YAML_BYTES:
        problem = f"it is not JSON, and as YAML it may have {MAX_YAML_BYTES} bytes"
        raise _invalid(path, 0, 0, problem, "write long lists as JSON")
    try:
        node = compose(text)
        return None if node is None else construct(node), node
    except YamlProblem as found:
        raise _invalid(path, found.line, found.column, found.problem, "check indentation and quotes") from found


class _TwiceError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _TwiceError(key)
            seen.add(key)
    return made


def _second_place(text: str, key: str) -> tuple[int, int]:
    """Where the key stands the second time, which the JSON parser does not tell; (0, 0): unknown."""
    try:
        construct(compose(text.replace("\t", " ") if len(text) < 65536 else ""))
    except YamlProblem as found:
        return (found.line, found.column) if repr(key) in found.problem else (0, 0)
    return 0, 0


class _ConstantError(Exception):
    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def _refuse_constant(word: str) -> None:
    raise _ConstantError(word)


def _invalid(path: str, line: int, column: int, problem: str, hint: str = "") -> InvalidFile:
    where = f"{path}:{line}:{column}" if line else path
    return InvalidFile(f"{where}: {problem}", hint=hint, path=path, line=line, column=column, problem=problem)
