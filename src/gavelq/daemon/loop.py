"""The loop that owns the state: events in, one commit, then the answers and the effects.

Requests that arrive together share one commit, and so does the scheduling cycle that they call for: a freed card's next
task costs one fsync. The engine and the cycle work on a draft; the committed state, which readers see, follows after
the commit. If that fails, the draft is taken back, callers hear `store_unavailable`, and the runner's reports are kept
for the next try. A commit that fails by a fault of ours ends neither the daemon nor what came along with it: each event
of the batch is tried alone, and who brought the fault hears of it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from gavelq.core.effects import Effect, Wake
from gavelq.core.engine import EngineRules, handle
from gavelq.core.errors import GavelqError, StoreUnavailable
from gavelq.core.event_names import misfits
from gavelq.core.events import (
    AttemptEnded,
    AttemptStarted,
    AttemptUnknown,
    ClockSet,
    Event,
    GpusSampled,
    PlanMade,
    SpawnFailed,
)
from gavelq.core.ids import GpuUuid
from gavelq.core.invariants import violations
from gavelq.core.pending import Shape
from gavelq.core.state import State
from gavelq.core.step import Changes, Record, Step
from gavelq.core.task import Task
from gavelq.core.view import View
from gavelq.daemon import journal
from gavelq.daemon.clock_watch import ClockWatch
from gavelq.ports import Clock, Store
from gavelq.scheduling.cycle import Plan, plan
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Blocked
from gavelq.scheduling.snapshot import Camera

RETRY_STORE_S = 1.0
LINGER_S = 0.004
SLOW_CYCLE_S = 0.003
ANSWER_S = 0.001
"""Time for the answers to leave before a slow cycle begins."""
LONGEST_NAP_S = 30.0
"""After that at the latest a cycle looks whether its time has come: the loop's own waiting knows neither of a suspended
machine nor of a clock that is set forward."""
SHORTEST_NAP_S = 0.05
"""Nothing that is due by a time comes closer together than that."""
MAX_BATCH = 2000
MAX_LOGGED = 100
"""Lines of one commit in the daemon's log; all of it stands in the event history."""


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
        """Why each shape of pending tasks waits, as the last cycle saw it whose batch was committed."""
        self.is_read_only = False
        """True while the store cannot be written."""
        self.on_applied: list[Callable[[Changes], None]] = []
        """Called after each commit, on the loop's thread, before the effects."""
        self.on_watch: Callable[[frozenset[GpuUuid]], None] = lambda _: None
        """Called when a cycle wants some cards to be watched (`selection: sampled`)."""
        self.on_cycle: Callable[[float], None] = lambda _: None
        """Called after each cycle with the seconds that it took."""
        self._store = store
        self._clock = clock
        self._time = ClockWatch(clock)
        self._carry_out = carry_out
        self._is_debug = is_debug
        self._inbox: list[_Item] = []
        self._bell = asyncio.Event()
        self._draft = State(state.books)
        self._draft.apply(state.as_changes())
        self._camera = Camera(self._draft)
        self._wants_cycle = False
        self._n_alone = 0
        """So many events at the head of the inbox are committed one by one: together they could not be."""
        self._is_stopping = False
        self._is_paused = False
        """True for a moment after a failed commit."""
        self.is_closing = False
        """True while the daemon ends with its tasks: nothing new starts."""
        self._cycle_s = 0.0
        """How long the last cycle took."""
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
        details = {"tenant": task.request.tenant}
        record = Record(at=self._clock.now(), kind="removed", by=by, task_id=task.id, details=details)
        changes = Changes(tasks={task.id: None}, records=[record])
        await self._store.commit(changes)
        for listener in self.on_applied:
            listener(changes)

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
            if self._inbox and all(isinstance(item.event, AttemptStarted) for item in self._inbox):
                await self._linger()
            while not self._is_stopping and (self._has_requests() or not self._is_paused) and self._has_work():
                await self._turn()

    def _has_work(self) -> bool:
        return bool(self._inbox) or self._wants_cycle

    def _has_requests(self) -> bool:
        """Whether somebody waits for an answer: while the store cannot be written, they at least hear so."""
        return any(item.answer is not None for item in self._inbox)

    async def _linger(self) -> None:
        """Nobody waits for the news of a start: give the end of a short task the chance to share its commit."""
        try:
            await asyncio.wait_for(self._bell.wait(), LINGER_S)
        except TimeoutError:
            return

    async def _turn(self) -> None:
        """One batch: steps, a plan where one is wanted, one commit for all of it, then answers and effects."""
        is_alone, size = self._n_alone > 0, 1 if self._n_alone else MAX_BATCH
        self._n_alone = max(0, self._n_alone - 1)
        batch, self._inbox = self._inbox[:size], self._inbox[size:]
        clock_set = self._time.look()
        if clock_set is not None:
            batch.insert(0, _Item(clock_set))
        changes, done = Changes(), []
        for item in batch:
            step = self._step(item)
            if step is not None:
                changes.absorb(step.changes)
                done.append((item, step))
        planned, reasons = (None, None) if is_alone or self._is_answer_first(batch) else self._planned()
        if planned is not None:
            changes.absorb(planned.changes)
            done.append((_Item(_PLAN), planned))
        if not await self._commit(changes, batch, has_plan=planned is not None):
            return
        self.state.apply(changes)
        if reasons is not None:
            self.reasons = reasons
        self._publish(changes, [step for _, step in done])
        for item, step in done:
            if item.answer is not None and not item.answer.done():
                item.answer.set_result(step.reply)
        if self._wants_cycle and batch:
            await asyncio.sleep(ANSWER_S)

    def _is_answer_first(self, batch: Sequence[_Item]) -> bool:
        """Where cycles take long (thousands of kinds wait), callers are answered before the next one."""
        return self._cycle_s > SLOW_CYCLE_S and any(item.answer is not None for item in batch)

    def _step(self, item: _Item) -> Step | None:
        now = self._time.now()
        try:
            step = handle(View(self._draft), item.event, now, self.rules)
        except GavelqError as error:
            if item.answer is None:
                journal.fail("an event was refused", error, about=type(item.event).__name__)
            elif not item.answer.done():
                item.answer.set_exception(error)
            return None
        except Exception as error:
            # A fault of ours. Nothing has changed yet, so that a request with it need not end the daemon for all.
            if item.answer is None:
                raise
            self._fail(item, item.answer, error)
            return None
        self._take(step, now)
        return step

    def _take(self, step: Step, now: float) -> None:
        """Let the draft run ahead by one step."""
        self._draft.apply(step.changes)
        self._draft.observe(step, now)
        if any(isinstance(effect, Wake) for effect in step.effects):
            self._wants_cycle = True
        if self._is_debug:
            broken = violations(self._draft) + misfits(step.changes.records)
            if broken:
                raise AssertionError("; ".join(broken))

    def _planned(self) -> tuple[Step | None, Mapping[Shape, Blocked] | None]:
        """A scheduling cycle over the draft, where one is wanted: what it changes, if anything, and why tasks wait."""
        is_wanted, self._wants_cycle = self._wants_cycle, False
        if not is_wanted or self.is_closing:
            return None, None
        draft, now, began = self._draft, self._time.now(), perf_counter()
        if not len(draft.pending) and not draft.reservations:
            return None, {}
        decided = plan(self._camera.take(self.policy, now), self.policy)
        self._cycle_s = perf_counter() - began
        self.on_cycle(self._cycle_s)
        self._set_timer(decided)
        if decided.watch:
            self.on_watch(decided.watch)
        if not decided.starts and not decided.preemptions and decided.reservations == draft.reservations:
            return None, decided.reasons
        event = PlanMade(starts=decided.starts, reservations=decided.reservations, preemptions=decided.preemptions)
        step = handle(View(draft), event, now, self.rules)
        self._take(step, now)
        return step, decided.reasons

    async def _commit(self, changes: Changes, batch: Sequence[_Item], *, has_plan: bool) -> bool:
        if changes.is_empty():
            return True
        try:
            await self._store.commit(changes)
        except StoreUnavailable as error:
            self._draft.revert(changes, self.state)
            self._fall_back(error, batch)
            return False
        except Exception as error:
            self._draft.revert(changes, self.state)
            if isinstance(error, GavelqError) or not self._is_put_down_to(error, batch, has_plan=has_plan):
                raise  # a damaged disk, or a fault of ours in what nobody asked for
            return False
        if self.is_read_only:
            self.is_read_only = False
            journal.note("the state can be written again")
        return True

    def _is_put_down_to(self, error: Exception, batch: Sequence[_Item], *, has_plan: bool) -> bool:
        """A fault of ours, and nothing happened: who brought it is told; where that is unknown, each is tried alone.

        False where it was none of those who wait: a report of the runner or a plan.
        """
        self._wants_cycle = True
        if len(batch) == 1 and not has_plan:
            answer = batch[0].answer
            if answer is not None:
                self._fail(batch[0], answer, error)
            return answer is not None
        again = [item for item in batch if item.answer is None or not item.answer.done()]
        self._inbox[:0] = again
        self._n_alone = len(again)
        return bool(batch)

    @staticmethod
    def _fail(item: _Item, answer: "asyncio.Future[Any]", error: Exception) -> None:
        journal.fail("a request failed unexpectedly", error, about=type(item.event).__name__)
        if not answer.done():
            answer.set_exception(error)

    def _fall_back(self, error: StoreUnavailable, batch: Sequence[_Item]) -> None:
        """Nothing happened: callers are told, and what the runner said is kept for the next try."""
        if not self.is_read_only:
            journal.fail("the state cannot be written; read-only until it can", error)
        self.is_read_only = True
        for item in batch:
            if item.answer is not None and not item.answer.done():
                item.answer.set_exception(error)
        self._inbox[:0] = [item for item in batch if _is_told_once(item.event)]
        self._wants_cycle = True
        self._is_paused = True
        asyncio.get_running_loop().call_later(RETRY_STORE_S, self._go_on)

    def _go_on(self) -> None:
        self._is_paused = False
        self._bell.set()

    def _publish(self, changes: Changes, steps: Sequence[Step]) -> None:
        """The commit is done: tell the log and those who wait, and hand over the effects."""
        journal.note_all([_as_line(record) for record in changes.records[:MAX_LOGGED]])
        if len(changes.records) > MAX_LOGGED:
            journal.note("and more of the same commit", n_records=len(changes.records) - MAX_LOGGED)
        for listener in self.on_applied:
            listener(changes)
        effects = [effect for step in steps for effect in step.effects]
        self._carry_out([effect for effect in effects if not isinstance(effect, Wake)])

    def _set_timer(self, decided: Plan) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if decided.next_at is not None:
            delay = min(LONGEST_NAP_S, max(SHORTEST_NAP_S, decided.next_at - self._time.now()))
            self._timer = asyncio.get_running_loop().call_later(delay, self.wake)


def _as_line(record: Record) -> tuple[str, dict[str, Any]]:
    about = {"task": record.task_id, "by": record.by, "subject": record.subject}
    return record.kind, {**{name: value for name, value in about.items() if value}, **record.details}


_PLAN = PlanMade(starts=(), reservations={})
_REPORTS = (AttemptStarted, AttemptEnded, SpawnFailed, AttemptUnknown)


def _is_told_once(event: Event) -> bool:
    """What nobody says again: reports of the runner, the clock, and a look that shows errors of a GPU."""
    if isinstance(event, ClockSet):
        return True
    if isinstance(event, GpusSampled):
        return any(card.xids for card in event.sample.cards)
    return isinstance(event, _REPORTS)
