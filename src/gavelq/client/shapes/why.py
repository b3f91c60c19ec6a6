"""Why a task waits, and what a submission would come to."""

from typing import Any, TypedDict

from gavelq.client.shapes.tasks import Task
from gavelq.client.shapes.words import State


class Gate(TypedDict):
    """One condition between a pending task and its start."""

    gate: str
    passed: bool
    reason: str | None
    text: str
    details: dict[str, Any]


class CardVerdict(TypedDict):
    """Whether a card would do for a pending task."""

    index: int | str
    fits: bool
    reason: str | None
    text: str
    details: dict[str, Any]


class Explanation(TypedDict):
    """Why a task stands where it stands."""

    task: Task
    state: State
    summary: str
    gates: list[Gate]
    cards: list[CardVerdict]
    position: int | None
    expected_start_at: str | None
    expected_basis: str | None
    would_start: list["Change"]


class DryRun(TypedDict):
    """What would come of a submission; `task` is as it would be, with the id None."""

    valid: bool
    task: dict[str, Any]
    starts_now: bool
    gpus: list[int | str]
    summary: str
    gates: list[Gate]
    cards: list[CardVerdict]
    position: int | None
    expected_start_at: str | None
    expected_basis: str | None


class Change(TypedDict):
    """With these fields of its request changed, a waiting task would start at once."""

    change: dict[str, Any]
    text: str
