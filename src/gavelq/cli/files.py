"""Submissions that come from files: scripts and lists of tasks."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.submit import request_of, submit_all, submit_one
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import GavelqError, InvalidField, InvalidFile

MAX_SCRIPT = 8 << 20


def read_bytes(path: str, limit: int) -> bytes:
    """A file's content; `-` is the standard input. Raises InvalidField where it cannot be read or is too long."""
    try:
        if path == "-":
            content = sys.stdin.buffer.read(limit + 1)
        else:
            with open(path, "rb") as file:
                content = file.read(limit + 1)
    except OSError as error:
        raise InvalidField(
            field="file", problem=f"{path} cannot be read: {error.strerror}", hint="name a readable file with --file"
        ) from None
    if len(content) > limit:
        raise InvalidField(field="file", problem=f"{path} has more than {limit} bytes", hint="name a smaller file")
    return content


def script_request(call: Call, path: str, args: Sequence[str], values: Mapping[str, Any]) -> int:
    """Submit a script: its text travels with the task, so that later edits do not change what runs."""
    content = read_bytes(path, MAX_SCRIPT)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidFile(path=path, line=line, problem="this is not UTF-8 text", hint="save it as UTF-8") from None
    from gavelq.cli.directives import lines_of, read_header

    header = read_header(text, path)
    merged = header.under(values)
    name = os.path.basename(path) if path != "-" else "stdin.sh"
    code = submit_one(call, merged, {"script": {"name": name, "content": text, "args": list(args)}})
    for note in lines_of(header.notes):
        say(safe(note), sys.stderr)
    return code


def list_request(call: Call, path: str, queue: str | None, values: Mapping[str, Any], *, is_check: bool) -> int:
    """Submit the tasks that a file lists; `is_check`: only judge them. What is wrong is told with its line.

    The daemon judges them once more, so that all that it knows better is told together, too.
    """
    from gavelq.cli.checking import add_lines, check_tasks
    from gavelq.cli.sweep import sweep_of
    from gavelq.formats.task_file import MAX_BYTES, open_task_file

    content = read_bytes(path, MAX_BYTES)
    base, dropped = request_of(call, values)
    base.update(sweep_of(values))
    if is_check:
        return check_tasks(call, path, content, queue=queue, base=base)
    file = open_task_file(content, path)
    try:
        return submit_all(call, file.tasks, queue=queue, base=base, dropped=dropped)
    except GavelqError as error:
        add_lines(error, file)
        raise
