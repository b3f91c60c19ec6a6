"""Sentences of the command line's contract that nobody else tests, at a real daemon."""

from tests.compat.conftest import Person


def gates(someone: Person, task_id: int) -> dict[str, bool]:
    """Each gate of `task why`, and whether it lets the task pass."""
    return {gate["gate"]: gate["passed"] for gate in someone.asks("task", "why", str(task_id))["gates"]}


def test_why_closes_the_gate_that_it_names(someone: Person) -> None:
    someone.does("gpu", "ignore", "0")
    task_id = someone.submits("-g", "0", "true")
    try:
        assert someone.asks("task", "info", str(task_id))["pending_reason"] == "gpu_unavailable"
        assert [name for name, passed in gates(someone, task_id).items() if not passed] == ["gpu_unavailable"]
    finally:
        someone.ends(task_id)
        someone.does("gpu", "unignore", "0")


def test_why_leaves_gates_open_that_keep_no_card_out(someone: Person) -> None:
    task_id = someone.submits("-c", "5", "--allow-infeasible", "true")
    try:
        assert [name for name, passed in gates(someone, task_id).items() if not passed] == ["infeasible"]
    finally:
        someone.ends(task_id)
