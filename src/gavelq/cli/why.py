"""`task why`: what a task waits for, gate by gate."""

from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.details import expected, would_start
from gavelq.cli.output.document import print_body
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.client import lean

_GATES = (Column("GATE"), Column("OPEN"), Column("WHY"))
_CARDS = (Column("GPU"), Column("FITS"), Column("WHY"))


def print_why(call: Call, task_id: int) -> int:
    """Print the explanation; returns 0, for ended tasks as well."""
    reply = call.link().send("GET", f"/api/tasks/{task_id}/why")
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    say(safe(found["summary"]))
    gates = [_gate(gate) for gate in found.get("gates") or ()]
    if gates:
        say("")
        print_table(_GATES, gates)
    cards = [_card(card) for card in found.get("cards") or ()]
    if cards:
        say("")
        print_table(_CARDS, cards)
    rest = [
        ("position", str(found["position"]) if found.get("position") else "-"),
        ("expected start", expected(found)),
        ("would start now", would_start(found.get("would_start") or ())),
    ]
    if any(value != "-" for _, value in rest):
        say("")
        print_fields(rest)
    return 0


def _gate(gate: dict[str, Any]) -> tuple[str, str, str]:
    return (str(gate["gate"]), "yes" if gate["passed"] else "no", str(gate.get("text") or "-"))


def _card(card: dict[str, Any]) -> tuple[str, str, str]:
    return (str(card["index"]), "yes" if card["fits"] else "no", str(card.get("text") or "-"))
