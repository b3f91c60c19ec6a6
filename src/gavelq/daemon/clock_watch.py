"""Tells when somebody set the machine's clock: it is held against one that nobody can set.

What the engine is told is the time by the clock as it was at the last look, so that no event ever meets a state whose
times are those of another setting of the clock.
"""

from collections.abc import Iterable

from gavelq.core.events import ClockSet
from gavelq.core.ids import TaskId
from gavelq.core.task import Task
from gavelq.ports import Clock, ProcessTable

SET_S = 2.0
"""A difference below that is not worth a word: clocks that are kept right move by parts of a second."""
UNKNOWN_S = 60.0
"""How late after its supervisor an attempt may begin (a slow disk) before a new daemon puts it down to the clock."""
_AT_ONCE_S = 0.1


class ClockWatch:
    """Two clocks, side by side."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now, self._passed = self._both()
        self.since = self._now
        """When the watch began, by the clock as it was set at the last look."""

    def now(self) -> float:
        """Seconds since the epoch, by the clock as it was set at the last look."""
        return self._now + (self._clock.passed() - self._passed)

    def look(self) -> ClockSet | None:
        """By how much the clock was set since the last look; None: it was not."""
        before, passed = self._now, self._passed
        self._now, self._passed = self._both()
        by_s = self._now - before - (self._passed - passed)
        if abs(by_s) < SET_S:
            return None
        found = ClockSet(by_s=by_s, since=self.since)
        self.since += by_s
        return found

    def _both(self) -> tuple[float, float]:
        """Read both at one moment: whoever is interrupted in between (a suspend) reads again."""
        while True:
            before, now = self._clock.passed(), self._clock.now()
            if self._clock.passed() - before < _AT_ONCE_S:
                return now, before


def set_meanwhile(tasks: Iterable[Task], processes: ProcessTable) -> dict[TaskId, float]:
    """By how much the clock was set, since they started, for running attempts of an earlier daemon.

    The kernel knows when a supervisor started, whatever the clock said then.
    """
    found: dict[TaskId, float] = {}
    for task in tasks:
        attempt = task.attempt
        if attempt is None or attempt.started_at is None or attempt.supervisor is None:
            continue
        began = processes.start_time(attempt.supervisor.pid)
        if began is None or processes.identify(attempt.supervisor.pid) != attempt.supervisor:
            continue
        if abs(began - attempt.started_at) > UNKNOWN_S:
            found[task.id] = began - attempt.started_at
    return found
