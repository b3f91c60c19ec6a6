"""The loop that owns the state: events in, one commit, then the answers and the effects.

Requests that arrive together share one commit. The engine works on a view that joins the state only after that commit;
if it fails, the view is dropped, callers hear `store_unavailable`, and the runner's reports are kept for the next try.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gavelq.core.effects import Effect, Wake
from gavelq.core.engine import EngineRules, handle
from gavelq.core.errors import GavelqError, StoreUnavailable
from gavelq.core.events import AttemptEnded, AttemptStarted, AttemptUnknown, Event, PlanMade, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.core.invariants import violations
from gavelq.core.pending import Shape
from gavelq.core.state import State, View
from gavelq.core.step import Changes, Record, Step
from gavelq.core.task import Task
from gavelq.daemon import journal
from gavelq.ports import Clock, Store
from gavelq.scheduling.cycle import Plan, plan
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked
from gavelq.scheduling.snapshot import take_snapshot

RETRY_STORE_S = 1.0
MAX_BATCH = 2000


@dataclass(slots=True)
class _Item:
    event: Event
    answer: "asyncio.Future[Any] | None" = None


class Loop:
    """One writer: `ask` for requests that wait for their answer, `post` for news that nobody waits for."""

    def __init__(
        self,
        *,
        state: State,
        store: Store,
        clock: Clock,
        rules: EngineRules,
        policy: Policy,
        carry_out: Callable[[Sequence[Effect]], None],
        is_debug: bool = False,
    ) -> None:
        self.state = state
        self.policy = policy
        self.rules = rules
        self.reasons: Mapping[Shape, Blocked] = {}
        """Why each shape of pending tasks waits, as the last cycle saw it."""
        self.is_read_only = False
        """True while the store cannot be written."""
        self.on_applied: list[Callable[[Changes], None]] = []
        """Called after each commit, on the loop's thread, before the effects."""
        self._store = store
        self._clock = clock
        self._carry_out = carry_out
        self._is_debug = is_debug
        self._inbox: list[_Item] = []
        self._bell = asyncio.Event()
        self._wants_cycle = False
        self._is_stopping = False
        self.is_closing = False
        """True while the daemon ends with its tasks: nothing new starts."""
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, event: Event) -> Any:
        """Hand in an event and wait until its effect is committed; the engine's reply. Raises GavelqError."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._inbox.append(_Item(event, answer))
        self._bell.set()
        return await answer

    def post(self, event: Event) -> None:
        """Hand in an event that nobody waits for."""
        self._inbox.append(_Item(event))
        self._bell.set()

    async def remove_ended(self, task: Task, by: str) -> None:
        """Delete an ended task's rows; they are history, which the engine does not know. Raises StoreUnavailable."""
        record = Record(at=self._clock.now(), kind="removed", by=by, task_id=task.id)
        await self._store.commit(Changes(tasks={task.id: None}, records=[record]))

    def wake(self) -> None:
        """Ask for a scheduling cycle; many wakes make one cycle."""
        self._wants_cycle = True
        self._bell.set()

    def stop(self) -> None:
        """End `run` after the present turn."""
        self._is_stopping = True
        self._bell.set()

    async def run(self) -> None:
        """Work until `stop`. Raises StoreCorrupt: memory never runs ahead of a damaged disk."""
        while not self._is_stopping:
            await self._bell.wait()
            self._bell.clear()
            if self._inbox:
                await self._turn()
            if self._wants_cycle and not self.is_read_only:
                await self._cycle()
            if self._inbox or (self._wants_cycle and not self.is_read_only):
                self._bell.set()

    async def _turn(self) -> None:
        batch, self._inbox = self._inbox[:MAX_BATCH], self._inbox[MAX_BATCH:]
        view, steps = View(self.state), []
        for item in batch:
            step = self._step(view, item)
            if step is not None:
                steps.append((item, step))
        if not await self._commit(view.changes, batch):
            return
        self._apply(view.changes, [step for _, step in steps])
        for item, step in steps:
            if item.answer is not None and not item.answer.done():
                item.answer.set_result(step.reply)

    def _step(self, view: View, item: _Item) -> Step | None:
        try:
            step = handle(view, item.event, self._clock.now(), self.rules)
        except GavelqError as error:
            if item.answer is None:
                journal.fail("an event was refused", error, about=type(item.event).__name__)
            elif not item.answer.done():
                item.answer.set_exception(error)
            return None
        view.absorb(step)
        return step

    async def _commit(self, changes: Changes, batch: Sequence[_Item]) -> bool:
        if changes.is_empty():
            return True
        try:
            await self._store.commit(changes)
        except StoreUnavailable as error:
            self._fall_back(error, batch)
            return False
        if self.is_read_only:
            self.is_read_only = False
            self._wants_cycle = True
            journal.note("the state can be written again")
        return True

    def _fall_back(self, error: StoreUnavailable, batch: Sequence[_Item]) -> None:
        """Nothing happened: callers are told, and what the runner said is kept for the next try."""
        if not self.is_read_only:
            journal.fail("the state cannot be written; read-only until it can", error)
        self.is_read_only = True
        for item in batch:
            if item.answer is not None and not item.answer.done():
                item.answer.set_exception(error)
        kept = [item for item in batch if isinstance(item.event, _REPORTS)]
        self._inbox[:0] = kept
        self._wants_cycle = True
        asyncio.get_running_loop().call_later(RETRY_STORE_S, self._retry)

    def _retry(self) -> None:
        self.is_read_only = False
        self._bell.set()

    def _apply(self, changes: Changes, steps: Sequence[Step]) -> None:
        now = self._clock.now()
        self.state.apply(changes)
        for step in steps:
            self.state.observe(step, now)
        if self._is_debug:
            broken = violations(self.state)
            if broken:
                raise AssertionError("; ".join(broken))
        for record in changes.records:
            journal.note(record.kind, task=record.task_id, by=record.by, subject=record.subject, **record.details)
        for listener in self.on_applied:
            listener(changes)
        effects = [effect for step in steps for effect in step.effects]
        if any(isinstance(effect, Wake) for effect in effects):
            self._wants_cycle = True
        self._carry_out([effect for effect in effects if not isinstance(effect, Wake)])

    async def _cycle(self) -> None:
        self._wants_cycle = False
        if self.is_closing:
            return
        if not len(self.state.pending):
            self.reasons = {}
            if not self.state.reservations:
                return
        decided = plan(take_snapshot(self.state, self.policy, self._clock.now()), self.policy)
        self.reasons = decided.reasons
        self._set_timer(decided)
        if not decided.starts and decided.reservations == self.state.reservations:
            return
        view = View(self.state)
        event = PlanMade(starts=decided.starts, reservations=decided.reservations)
        step = handle(view, event, self._clock.now(), self.rules)
        view.absorb(step)
        if await self._commit(view.changes, ()):
            self._apply(view.changes, [step])

    def _set_timer(self, decided: Plan) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if decided.next_at is not None:
            delay = max(0.0, decided.next_at - self._clock.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self.wake)


_REPORTS = (AttemptStarted, AttemptEnded, SpawnFailed, AttemptUnknown)


class Waiters:
    """Callers that wait for a task to end."""

    def __init__(self) -> None:
        self._by_task: dict[TaskId, set[asyncio.Future[Task | None]]] = {}

    def notice(self, changes: Changes) -> None:
        """A commit: tell those whose task ended or was removed."""
        if not self._by_task:
            return
        for task_id, task in changes.tasks.items():
            if task is None or task.state.is_ended:
                for waiter in self._by_task.pop(task_id, ()):
                    if not waiter.done():
                        waiter.set_result(task)

    async def wait(self, task_id: TaskId, timeout_s: float) -> bool:
        """Until the task ends or the time is over; True where it ended. The caller checks first that it is live."""
        waiter: asyncio.Future[Task | None] = asyncio.get_running_loop().create_future()
        waiting = self._by_task.setdefault(task_id, set())
        waiting.add(waiter)
        try:
            await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            waiting.discard(waiter)
            if not waiting and self._by_task.get(task_id) is waiting:
                del self._by_task[task_id]
        return True
