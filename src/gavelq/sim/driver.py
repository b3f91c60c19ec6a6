"""The engine and the cycle with a clock that jumps: what the trace's simulation and the look ahead have in common.

It is to them what the daemon's loop is: one event after another, then a cycle, whose starts are reported at once.
"""

from math import inf

from gavelq.core import events as ev
from gavelq.core.effects import StopAttempt
from gavelq.core.engine import EngineRules, handle
from gavelq.core.ids import TaskId
from gavelq.core.state import State
from gavelq.core.step import Step
from gavelq.core.task import AttemptResult, ProcessIdentity, Task
from gavelq.core.view import View
from gavelq.scheduling.cycle import Plan, plan
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Camera

_SUPERVISOR = ProcessIdentity(pid=1, start_ticks=1, boot_id="simulated")


class Driver:
    """Takes a state through time. Who derives from it says what comes of a plan, a start and a stop."""

    def __init__(self, state: State, policy: Policy, rules: EngineRules, now: float) -> None:
        """`now`: in the engine's seconds."""
        self._state, self._policy, self._rules, self._now = state, policy, rules, now
        self._view, self._camera = View(state), Camera(state)
        self._wake_at = inf
        """When a gate opens by itself."""
        self._n_events = self._n_preemptions = 0

    def _send(self, event: ev.Event) -> Step:
        step = handle(self._view, event, self._now, self._rules)
        self._state.apply(step.changes)
        self._state.observe(step, self._now)
        self._n_events += 1
        return step

    def _running(self, task_id: TaskId, attempt: int) -> Task | None:
        """The task of an attempt, unless that has ended; some that would end now have been stopped before."""
        task = self._state.tasks.get(task_id)
        if task is None or task.n_attempts != attempt or not task.state.holds_gpus:
            return None
        return task

    def _end(self, task_id: TaskId, attempt: int, cause: str, signal: int | None = None) -> None:
        result = AttemptResult(
            exit_code=0 if signal is None else None, signal=signal, started_at=None, ended_at=self._now, cause=cause
        )
        self._send(ev.AttemptEnded(task_id=task_id, attempt=attempt, result=result))

    def _stop(self, step: Step) -> int:
        """What is to be stopped ends at once, and goes back into its queue; how many these were."""
        stops = [effect for effect in step.effects if isinstance(effect, StopAttempt)]
        for one in stops:
            self._stopped(one.task_id)
            self._end(one.task_id, one.attempt, "stopped", one.signal)
        return len(stops)

    def _cycle(self) -> None:
        """Plan, as often as it takes: those who are stopped for others leave at once."""
        state, policy, now = self._state, self._policy, self._now
        while len(state.pending) or state.reservations:
            decided = plan(self._camera.take(policy, now), policy, is_told=False)
            if decided.next_at is not None and decided.next_at > now:
                self._wake_at = min(self._wake_at, decided.next_at)
            if not decided.starts and not decided.preemptions and decided.reservations == state.reservations:
                return
            self._planned(decided)
            step = self._send(
                ev.PlanMade(
                    starts=decided.starts, reservations=decided.reservations, preemptions=decided.preemptions
                )
            )  # fmt: skip
            for start in decided.starts:
                task = state.tasks[start.task_id]
                attempt = task.n_attempts
                self._send(
                    ev.AttemptStarted(task_id=task.id, attempt=attempt, pid=1, supervisor=_SUPERVISOR, at=now)
                )  # fmt: skip
                self._started(start, task, attempt)
            n_stopped = self._stop(step)
            self._n_preemptions += n_stopped
            if not n_stopped:
                return

    def _planned(self, decided: Plan) -> None:
        """A plan is about to be carried out."""

    def _started(self, start: ev.Placement, task: Task, attempt: int) -> None:
        """A task runs; `task` is what it was before the report."""
        raise NotImplementedError

    def _stopped(self, task_id: TaskId) -> None:
        """A task is stopped, and begins anew, if at all."""
