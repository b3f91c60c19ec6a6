"""How long tasks take, for forecasts: by the learned run time of their name, by what is usual, by their time limit."""

from collections.abc import Callable
from math import inf

from gavelq.core.ids import TaskId
from gavelq.core.learned import name_key, run_time
from gavelq.core.task import Task
from gavelq.scheduling.gpu_view import ends_at
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot

Typical = Callable[[Task], float | None]
"""How long a task usually runs (seconds), where its name tells nothing; None: nobody knows."""


class Lengths:
    """How long tasks take, and what that is based on."""

    def __init__(self, snapshot: Snapshot, policy: Policy, typical: Typical | None = None) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._typical = typical
        self._n_learned = self._n_typical = self._n_limits = 0
        self._ends: dict[TaskId, float] = {}

    @property
    def told(self) -> str:
        """What was used so far; empty: nothing."""
        counted = (
            ("learned run times", self._n_learned),
            ("run times of completed tasks beside them", self._n_typical),
            ("time limits", self._n_limits),
        )
        return " and ".join(f"{what} ({n})" for what, n in counted if n)

    def of(self, task: Task) -> float:
        """How long a task will run, in seconds; infinite where nobody knows."""
        limit = task.request.time_limit_s
        usual = self._usual(task)
        if usual is not None:
            return usual if limit is None else min(usual, limit)
        self._n_limits += limit is not None
        return inf if limit is None else limit

    def end(self, task_id: TaskId) -> float:
        """When a running task is expected to be gone; one that outran what is usual may end at any moment."""
        if task_id not in self._ends:
            self._ends[task_id] = self._expected_end(self._snapshot.tasks[task_id])
        return self._ends[task_id]

    def _expected_end(self, task: Task) -> float:
        now = self._snapshot.now
        latest = ends_at(task, self._policy)
        usual = self._usual(task) if task.attempt is not None else None
        if usual is None or task.attempt is None:
            self._n_limits += latest < inf
            return max(now, latest)
        began = task.attempt.started_at if task.attempt.started_at is not None else task.attempt.placed_at
        return max(now, min(latest, began + usual))

    def _usual(self, task: Task) -> float | None:
        request = task.request
        if request.is_named:
            learned = run_time(self._snapshot.learned.get(name_key(request.tenant, request.name)))
            if learned is not None:
                self._n_learned += 1
                return learned
        usual = self._typical(task) if self._typical is not None else None
        self._n_typical += usual is not None
        return usual
