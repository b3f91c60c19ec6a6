"""What the tasks of a lane of a run add up to."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import HOLDING, EndReason, TaskState
from gavelq.daemon.run_processes import Process

RunTimeOf = Callable[[str], float | None]
"""The learned run time in seconds by a key of `gavelq.core.learned`; None: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the tasks of a lane add up to."""

    n_pending: int = 0
    n_running: int = 0
    n_completed: int = 0
    n_failed: int = 0
    """Ended without completing, however."""
    n_cancelled: int = 0
    """Those of them that were cancelled."""
    n_skipped: int = 0
    """Those of them that ended because of another one: most never started."""
    n_retries: int = 0
    began: float | None = None
    ended_at: float | None = None
    """The last end, where all have ended."""
    error: str | None = None
    """How the last task failed that did so by itself: those that ended because of it say nothing new."""
    error_at: float = 0.0
    error_task: TaskId | None = None
    completed_s: float = 0.0
    """How long the completed ones took, together."""
    holding: tuple[Process, ...] = ()
    waiting: tuple[Process, ...] = ()
    """Those that have not started or are put back, in their order."""
    held: Process | None = None
    """The first of them that is held."""
    n_learned: int = 0
    """Of the waiting ones those whose run time is known from their name ..."""
    learned_s: float = 0.0
    """... and how long they take together."""
    unlearned: Mapping[float | None, tuple[int, TaskId]] = field(default_factory=dict)
    """The other waiting ones by time limit: how many, and the first of them."""

    @property
    def n_total(self) -> int:
        """How many there are."""
        return self.n_pending + self.n_running + self.n_completed + self.n_failed

    @property
    def head(self) -> Process | None:
        """The waiting one whose turn it is."""
        return next((one for one in self.waiting if not one.is_behind), None)


def sums_of(ordered: Iterable[Process], run_time_of: RunTimeOf) -> Sums:
    """Count the tasks of a lane."""
    known = list(ordered)
    counted = Counter(one.state for one in known)
    waiting = tuple(one for one in known if one.state in _WAITING)
    learned_s, n_learned, unlearned = 0.0, 0, dict[float | None, tuple[int, TaskId]]()
    for one in waiting:
        usual = run_time_of(one.learned_as) if one.learned_as is not None else None
        if usual is None:
            n, first = unlearned.get(one.time_limit_s, (0, one.task_id))
            unlearned[one.time_limit_s] = (n + 1, first)
        else:
            n_learned += 1
            learned_s += usual if one.time_limit_s is None else min(usual, one.time_limit_s)
    last = max(known, key=_how_telling, default=None)
    n_completed, n_running = counted[TaskState.COMPLETED], sum(counted[state] for state in HOLDING)
    is_over = not waiting and not n_running
    return Sums(
        n_pending=len(waiting),
        n_running=n_running,
        n_completed=n_completed,
        n_failed=len(known) - len(waiting) - n_running - n_completed,
        n_cancelled=counted[TaskState.CANCELLED],
        n_skipped=sum(one.end_reason == EndReason.DEPENDENCY_FAILED.value for one in known),
        n_retries=sum(one.n_retries for one in known),
        began=min((one.began for one in known if one.began is not None), default=None),
        ended_at=max((one.ended_at or 0.0 for one in known), default=None) if is_over else None,
        error=last.error if last is not None else None,
        error_at=last.error_at if last is not None else 0.0,
        error_task=last.task_id if last is not None and last.error is not None else None,
        completed_s=sum(one.run_s for one in known if one.run_s is not None),
        holding=tuple(one for one in known if one.state in HOLDING) if n_running else (),
        waiting=waiting,
        held=next((one for one in waiting if one.state is TaskState.HELD), None) if counted[TaskState.HELD] else None,
        n_learned=n_learned,
        learned_s=learned_s,
        unlearned=unlearned,
    )


_WAITING = frozenset({TaskState.PENDING, TaskState.HELD})


def _how_telling(one: Process) -> tuple[bool, float]:
    """Later errors tell more, but for those of tasks that ended because another one had."""
    return one.error is not None and one.end_reason != EndReason.DEPENDENCY_FAILED.value, one.error_at
