"""`task why`: what a task waits for, gate by gate."""

from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local
from gavelq.client import lean

_GATES = (Column("GATE"), Column("OPEN"), Column("WHY"))
_CARDS = (Column("GPU"), Column("FITS"), Column("WHY NOT"))


def print_why(call: Call, task_id: int) -> int:
    """Print the explanation; returns 0, for ended tasks as well."""
    reply = call.link().send("GET", f"/api/tasks/{task_id}/why")
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    say(safe(f"task {task_id} is {found['state']}: {found['summary']}"))
    gates = [_gate(gate) for gate in found.get("gates") or ()]
    if gates:
        say("")
        print_table(_GATES, gates)
    cards = _cards(found.get("cards"))
    if cards:
        say("")
        print_table(_CARDS, cards)
    rest = [
        ("position", str(found["position"]) if found.get("position") else "-"),
        ("expected start", local(found.get("expected_start_at"))),
    ]
    if any(value != "-" for _, value in rest):
        say("")
        print_fields(rest)
    return 0


def _gate(gate: dict[str, Any]) -> tuple[str, str, str]:
    is_open = gate.get("passes", gate.get("passed"))
    return (str(gate.get("name", gate.get("gate", "?"))), "yes" if is_open else "no", str(gate.get("text") or "-"))


def _cards(cards: Any) -> list[tuple[str, str, str]]:
    """Cards by index, each with None where it would do, or with what is against it."""
    if not isinstance(cards, dict):
        return []
    rows = []
    for index, refusal in cards.items():
        text = refusal.get("text") or refusal.get("reason") if isinstance(refusal, dict) else refusal
        rows.append((str(index), "no" if refusal else "yes", str(text or "-")))
    return rows
