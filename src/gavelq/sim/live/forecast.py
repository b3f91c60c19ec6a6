"""The queue as it stands, driven on by the engine and the cycle until everything has ended or the time is over.

It is to the live state what `gavelq.sim.simulator` is to a trace. Tasks end well after the time that they are expected
to take; what other people do on the cards stays as it is; nobody submits anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import inf

from gavelq.core import events as ev
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.pending import Shape
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.task import Task
from gavelq.scheduling.cycle import plan
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.question import Question
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.trial import unwatched
from gavelq.sim.driver import Driver
from gavelq.sim.live.expectation import Expectation

MAX_EVENTS = 200_000
"""A forecast ends after so many: it then tells of the time until there."""
_PASSING = frozenset({
    Reason.BEGIN_TIME, Reason.DEPENDENCY, Reason.BACKOFF, Reason.QUEUE_LIMIT, Reason.TENANT_QUOTA, Reason.ARRAY_LIMIT,
    Reason.TASK_LIMIT, Reason.GPU_BUDGET, Reason.GPU_MEMORY, Reason.GPU_COUNT, Reason.SERIAL, Reason.PRIORITY,
    Reason.DEPTH,
})  # fmt: skip
"""What may pass as tasks end and time goes on."""
_LATER = "not within the time that was looked ahead"
_UNKNOWN = "it waits for tasks of which nobody knows how long they run: "


@dataclass(frozen=True, slots=True)
class Start:
    """When a task is expected to start, and to have ended (infinite: nobody knows); on which cards."""

    at: float
    end: float
    gpus: tuple[GpuUuid, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the tasks that wait at the beginning."""

    starts: dict[TaskId, Start]
    waits: dict[TaskId, str]
    """Why the others do not start."""
    is_whole: bool
    """It was not cut short by its size."""
    events: int


def state_of(question: Question, pieces: Sequence[Changes]) -> State:
    """The state that was asked about."""
    state = State()
    for piece in pieces:
        state.apply(piece)
    state.books.settle_s = 0.0  # a card is calm within seconds, and nobody looks again
    state.books.unattributed_mib = question.unattributed_mib
    state.books.take(question.sample, frozenset(state.holding), state.ledger.on)
    return state


def forecast(question: Question, state: State, policy: Policy) -> Forecast:
    """Look ahead from this state, which is used up by that."""
    return _Future(question, state, policy).look()


class _Future(Driver):
    def __init__(self, question: Question, state: State, policy: Policy) -> None:
        super().__init__(state, replace(unwatched(policy), stale_s=inf), question.rules, question.now)
        self._question = question
        self._expected = Expectation(state.learned, question.assumed_s)
        self._asked = [task_id for task_id, task in state.tasks.items() if task.state is TaskState.PENDING]
        self._ends: list[tuple[float, TaskId, int]] = []
        self._starts: dict[TaskId, Start] = {}
        self._has_unknown = False

    def look(self) -> Forecast:
        """Until nothing is left that could happen, the time is over, or it takes too long."""
        for task in list(self._state.holding.values()):
            self._note_end(self._expected.end(task, self._now, self._policy), task.id, task.n_attempts)
        self._cycle()
        is_over = False
        while not is_over and self._n_events < MAX_EVENTS:
            then = min(self._ends[0][0] if self._ends else inf, self._wake_at)
            is_over = then > self._question.until
            if not is_over:
                self._now = then
                self._wake_at = inf if self._wake_at <= then else self._wake_at
                self._end_all()
                self._cycle()
        is_beyond = bool(self._ends) or self._wake_at < inf
        reasons = plan(self._camera.take(self._policy, self._now), self._policy).reasons
        waits = {one: self._why(one, reasons, is_beyond=is_beyond) for one in self._asked if one not in self._starts}
        return Forecast(self._starts, waits, is_over, self._n_events)

    def _note_end(self, at: float, task_id: TaskId, attempt: int) -> None:
        if at < inf:
            heappush(self._ends, (at, task_id, attempt))
        else:
            self._has_unknown = True

    def _end_all(self) -> None:
        """Attempts whose time is over."""
        while self._ends and self._ends[0][0] <= self._now:
            _, task_id, attempt = heappop(self._ends)
            task = self._running(task_id, attempt)
            if task is not None and task.state is TaskState.STOPPING:
                self._stopped(task_id)
                self._end(task_id, attempt, "stopped", 15)
            elif task is not None:
                self._end(task_id, attempt, "exited")

    def _started(self, start: ev.Placement, task: Task, attempt: int) -> None:
        end = self._now + self._expected.of(task).seconds
        self._note_end(end, task.id, attempt)
        self._starts[task.id] = Start(self._now, end, start.gpus)

    def _stopped(self, task_id: TaskId) -> None:
        self._starts.pop(task_id, None)

    def _why(self, task_id: TaskId, reasons: Mapping[Shape, Blocked], *, is_beyond: bool) -> str:
        """Why a task has not started when the forecast ends."""
        task = self._state.tasks.get(task_id)
        if task is None:
            return "it ends without a start: what it depends on does not come about"
        if task.state is not TaskState.PENDING:
            return f"it is {task.state.value}"
        blocked = reasons.get(self._state.pending.shape_of(task))
        is_passing = blocked is None or blocked.reason in _PASSING
        if blocked is None or (is_passing and is_beyond):
            return _LATER
        return (_UNKNOWN if is_passing and self._has_unknown else "") + blocked.text
