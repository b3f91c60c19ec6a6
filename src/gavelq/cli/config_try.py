"""`gavelq config try`: what would start now under other rules."""

from __future__ import annotations

from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.client import lean


def print_tried(call: Call, wanted: dict[str, str]) -> int:
    """Ask the daemon, and say what is different."""
    reply = call.link().send("POST", "/api/config/try", {"settings": wanted})
    if call.is_json:
        print_body(reply.body)
        return 0
    told = lean.loads(reply.body)
    if not told["changed"]:
        say("these settings stand in the configuration already")
    say(f"with the rules in force: {_starts(told['now'])}")
    say(f"with the changes:        {_starts(told['then'])}")
    for row in told["reasons"]:
        say(safe(f"  task {row['task_id']} ({row['name']}): {_fate(row['now'])} -> {_fate(row['then'])}"))
    if told["preempted"]:
        say(f"stopped to make room: task {', '.join(map(str, told['preempted']))}")
    say("nothing was changed; write them with: gavelq config set")
    return 0


def _starts(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nothing starts now"
    return "; ".join(
        f"task {row['task_id']} on GPU {', '.join(map(str, row['gpus']))}" if row["gpus"] else f"task {row['task_id']}"
        for row in rows
    )


def _fate(text: str | None) -> str:
    return "starts" if text is None else f"waits: {text}"
