"""Names of log files: `{id}`, `{submission}`, `{name}` and `{index}` in a path stand for what a task is.

They are filled in where a task gets its id, so that whoever submits need not know it.
"""

import re
from collections.abc import Iterable

from gavelq.core.errors import InvalidField
from gavelq.core.task import TaskRequest

MAX_PATH_BYTES = 4095
"""PATH_MAX of limits.h without the final zero."""
MAX_NAME_BYTES = 150
"""A file's name has at most 255 bytes (NAME_MAX), and there is more to it than the task's name."""
_PATTERN = re.compile(r"(?<![\\$])\{(?:(name)|(id|submission|index)(?::0([1-9]|10))?)\}")


def log_of(request: TaskRequest, *, task_id: int, submission: int, own: str) -> str:
    """Where this task writes to: `own`, unless it names a file. Raises InvalidField where the path becomes too long."""
    if request.log_path is None:
        return own
    bare = request.name.removesuffix(suffix(request.params, request.array_index))
    return fill(request.log_path, task_id=task_id, submission=submission, name=bare, index=request.array_index)


def suffix(params: Iterable[tuple[str, str]], index: int | None) -> str:
    """What makes the name of one task of a sweep its own: `[3]`, `[lr=0.1,bs=32]`; nothing outside of sweeps."""
    parts = [f"{name}={value}" for name, value in params]
    if index is not None:
        parts.append(str(index))
    return f"[{','.join(parts)}]" if parts else ""


def fill(path: str, *, task_id: int, submission: int, name: str, index: int | None) -> str:
    """The path with these values. `{id:05}` has five digits at least, and so have the other numbers.

    `name` is the one that was given, without what a sweep adds. `${id}`, `\\{id}` and `{{id}}` stay as they are, and so
    does `{index}` of a task without one. A name cannot lead into another directory. Raises InvalidField where the path
    becomes too long.
    """
    if "{" not in path:
        return path
    numbers = {"id": task_id, "submission": submission, "index": index}

    def value(found: re.Match[str]) -> str:
        is_doubled = path[found.start() - 1 : found.start()] == "{" and path[found.end() : found.end() + 1] == "}"
        if is_doubled:
            return found[0]
        if found[1]:
            return as_file_name(name)
        number = numbers[found[2]]
        return found[0] if number is None else f"{number:0{found[3] or 1}d}"

    filled = _PATTERN.sub(value, path)
    if len(filled.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
        problem = f"with the task's name it has more than {MAX_PATH_BYTES} bytes"
        raise InvalidField(field="log_path", problem=problem, hint="name a shorter path")
    return filled


def as_file_name(name: str) -> str:
    """A task's name as a part of a file's name: no directory, no blanks, nothing that cannot be printed."""
    plain = "".join("_" if c == "/" or c.isspace() or not c.isprintable() else c for c in name)
    if not plain.strip("."):  # `..` would be the directory above
        plain = "_" * max(len(plain), 1)
    content = plain.encode("utf-8", "surrogateescape")
    return plain if len(content) <= MAX_NAME_BYTES else content[:MAX_NAME_BYTES].decode("utf-8", "ignore")
