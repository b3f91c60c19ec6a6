"""`gavelq submit file`: a command file that runs once and is not kept."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.file_options import start_options
from gavelq.cli.hot.submit import send_submission, tell_dropped
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.cli.stored_text import name_of, read_command_text
from gavelq.client import lean
from gavelq.formats.command_file import Mode, mode_of, read_command_file

_MAX_LINES = 5
"""A terminal shows so many tasks line by line, as other submissions do."""


def submit_file(call: Call, path: str, mode: str | None, values: Mapping[str, Any]) -> int:
    """Send its text; the daemon judges it and tells all mistakes with their lines."""
    text = read_command_text(path)
    wanted = Mode(mode) if mode else mode_of(os.path.basename(path))
    fields, dropped = start_options(call, values)
    payload = {**fields, "name": name_of(path) or "stdin", "content": text}
    reply = send_submission(call, f"/api/scheduler/{wanted.value}/submit", payload)
    if call.is_json:
        print_body(reply.body)
        return 0
    tasks = lean.loads(reply.body)
    if len(tasks) <= _MAX_LINES or not sys.stdout.isatty():
        for task in tasks:
            say(f"task {task['id']} submitted: {task['state']} in queue {safe(task['queue'])}")
    n_lanes = len({block.queue_id for block in read_command_file(text.encode(), wanted).blocks})
    if sys.stdout.isatty():
        ids = f"{tasks[0]['id']} to {tasks[-1]['id']}" if len(tasks) > 1 else f"{tasks[0]['id']}"
        counted = f"{len(tasks)} task{'s' * (len(tasks) > 1)} ({ids}) in {n_lanes} lane{'s' * (n_lanes > 1)}"
        say(f"submission {tasks[0]['submission_id']}: {counted}")
        if tasks[0]["state"] == "held":
            say(f"let them run with: gavelq task run --submission {tasks[0]['submission_id']}")
    tell_dropped(dropped)
    return 0
