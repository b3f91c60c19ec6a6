"""How long tasks take, and how that is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from gavelq.core.learned import Learned, name_key, run_time
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Task
from gavelq.scheduling.gpu_view import ends_at
from gavelq.scheduling.policy import Policy

Basis = Literal["learned", "limit", "assumed", "unknown"]


@dataclass(frozen=True, slots=True)
class Length:
    """How long a task runs, in seconds; infinite where nobody knows."""

    seconds: float
    basis: Basis


class Expectation:
    """What is known at the beginning. Tasks that end in the forecast itself teach nothing."""

    def __init__(self, learned: Mapping[str, Learned], assumed_s: float | None) -> None:
        self._learned = dict(learned)
        self._assumed_s = assumed_s

    def of(self, task: Task) -> Length:
        """By what tasks of its name took, but no longer than its limit; by its limit; by what is to be assumed."""
        request = task.request
        limit = inf if request.time_limit_s is None else request.time_limit_s
        usual = None
        if request.is_named:
            usual = run_time(self._learned.get(name_key(request.tenant, request.name)))
        if usual is not None and usual <= limit:
            return Length(usual, "learned")
        if limit < inf:
            return Length(limit, "limit")
        return Length(inf, "unknown") if self._assumed_s is None else Length(self._assumed_s, "assumed")

    def end(self, task: Task, now: float, policy: Policy) -> float:
        """When one that holds its place will have ended; one that outran what was expected may end at any moment."""
        if task.state is TaskState.STOPPING:
            return max(now, ends_at(task, policy))
        attempt = task.attempt
        if attempt is None:
            return inf
        began = attempt.placed_at if attempt.started_at is None else attempt.started_at
        return max(now, began + self.of(task).seconds)
