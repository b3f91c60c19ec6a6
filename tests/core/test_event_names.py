"""The table of events says what the source records, no more and no less."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gavelq.core
from gavelq.core import audit
from gavelq.core.event_names import EVENTS, KINDS, misfits
from gavelq.core.step import Record

SOURCE = Path(gavelq.core.__file__).parents[1]
RECORDING = {"Record", "ActNoted", "_put", "_note", "_tell", "_record"}
"""What is called with the name of an event, among other texts."""


def texts(node: ast.AST) -> Iterator[str]:
    """Every text below a node."""
    return (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def trees() -> Iterator[ast.AST]:
    """The modules where events are recorded."""
    for folder in ("core/engine", "daemon"):
        for path in sorted((SOURCE / folder).rglob("*.py")):
            yield ast.parse(path.read_text())


def calls() -> Iterator[ast.Call]:
    """The calls that record."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in RECORDING:
                    yield node


def chosen() -> Iterator[str]:
    """Names that are chosen before the call: what is put into `kind`, and what a `_kind()` returns."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == "_kind":
                yield from texts(node)
            elif isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "kind" for one in ast.walk(node)):
                yield from texts(node.value)


def test_every_event_of_the_table_is_recorded_somewhere() -> None:
    written = {text for call in calls() for text in texts(call)} | set(chosen())
    assert EVENTS.keys() - written == set()


def test_every_record_of_the_source_is_in_the_table() -> None:
    kinds = [field.value for call in calls() for field in call.keywords if field.arg == "kind"]
    named = {text for kind in kinds for text in texts(kind)}
    assert len(named) > 30, "the scan finds the records"
    assert named - EVENTS.keys() == set()


def test_every_event_is_about_something_that_is_told() -> None:
    assert {event.kind for event in EVENTS.values()} == set(KINDS)
    assert KINDS.keys() & EVENTS.keys() == set(), "one asks for both in the same list"
    assert EVENTS.keys() >= audit.ACTS


@pytest.mark.parametrize(
    ("kind", "details", "said"),
    [
        ("moved", {"source": "a", "target": "b"}, ""),
        ("moved", {"source": "a"}, "target"),
        ("moved", {"source": "a", "target": "b", "why": "c"}, "why"),
        ("held", {}, ""),
        ("held", {"reason": "so"}, ""),
        ("queue_changed", {"paused": True}, ""),
        ("queue_changed", {"pausd": True}, "pausd"),
        ("tenant_changed", {"weight": 2, "password": "changed"}, ""),
        ("mooved", {}, "mooved"),
    ],
)
def test_a_record_that_is_not_as_the_table_says_is_named(kind: str, details: dict[str, object], said: str) -> None:
    found = misfits([Record(at=1.0, kind=kind, details=details)])
    assert len(found) == bool(said)
    assert said in "".join(found)
