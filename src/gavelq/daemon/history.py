"""Feeds the history: from every sample of the GPUs, and from looks at the process trees of running tasks."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from gavelq.config import Config
from gavelq.core.foreign import is_foreign
from gavelq.core.gpu import CardSample
from gavelq.core.ids import TaskId
from gavelq.core.measures import Keeping, Kind, Look, Span, Stat, Subject, TreeUse
from gavelq.core.meters import memory_in
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.task import Lease, ProcessIdentity, Task
from gavelq.core.usage import CardMinutes
from gavelq.daemon import journal
from gavelq.ports import Clock, History, ProcessTrees

MAX_SHARE = 0.005
"""Looking at process trees takes at most such a part of a core: where there are very many processes it comes rarely."""


def keeping_of(config: Config) -> Keeping:
    """How long what is kept, by the settings."""
    return Keeping(
        raw_s=config.history.raw_s,
        fine_s=config.history.fine_s,
        days=config.history.days,
        totals_days=config.retention.tasks_days,
        max_mib=config.history.max_mb,
    )


class NoHistory:
    """Port History where nothing is to be kept (`history.enabled: false`)."""

    problem: str | None = "nothing is recorded: history.enabled is false"

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping

    def add(self, looks: Sequence[Look]) -> None:
        """See History.add; they are dropped."""

    async def read(
        self, kind: Kind, subjects: Sequence[Subject], span: Span
    ) -> Mapping[Subject, Mapping[str, Sequence[Stat | None]]]:
        """See History.read; nothing is known."""
        return {}

    async def total(self, task_id: TaskId) -> Mapping[str, Stat]:
        """See History.total; nothing is known."""
        return {}

    async def minutes(self, start: float, end: float, idle_percent: float) -> CardMinutes:
        """See History.minutes; nothing is known."""
        return CardMinutes()

    async def close(self) -> None:
        """See History.close."""


class Recorder:
    """Hands what is seen to the history. Works on the loop's thread, but for the looks at processes."""

    def __init__(
        self, *, state: State, history: History, trees: ProcessTrees, clock: Clock, interval_s: Callable[[], float]
    ) -> None:
        """`interval_s`: how often process trees are looked at."""
        self._state = state
        self._history = history
        self._trees = trees
        self._clock = clock
        self._interval_s = interval_s
        self._taken_at = state.books.sample.taken_at
        self._cpu: dict[ProcessIdentity, tuple[float, float]] = {}
        """Processor time of each tree at the last look, and when that was (monotonic clock)."""

    def notice(self, changes: Changes) -> None:
        """A commit: where a new sample came with it, that is recorded. Called on the loop's thread."""
        taken_at = self._state.books.sample.taken_at
        if taken_at == self._taken_at:
            return
        self._taken_at = taken_at
        try:
            self._history.add([*self._gpus(), *self._tasks()])
        except Exception as error:  # noqa: BLE001  # nothing that goes wrong here may stop the loop
            journal.fail("a sample was not recorded", error)

    def _gpus(self) -> Iterator[Look]:
        sample = self._state.books.sample
        for card in sample.cards:
            if card.is_mig_parent:
                continue
            held = self._state.ledger.on(card.uuid)
            values = {
                "utilization_percent": card.utilization,
                "memory_utilization_percent": card.memory_utilization,
                "memory_used_mib": card.memory_used,
                "foreign_memory_mib": self._foreign(card, held),
                "power_w": card.power_w,
                "temperature_c": card.temperature_c,
                "n_tasks": len(held),
            }
            yield Look(kind=Kind.GPU, subject=card.uuid, at=sample.taken_at, values=values)

    def _foreign(self, card: CardSample, held: Mapping[TaskId, object]) -> int | None:
        """Memory of others' processes, and that of processes which nobody sees; None where a size is not told."""
        sizes = [process.memory for process in card.processes if is_foreign(process, list(held))]
        if card.memory_used is None or None in sizes:
            return None
        books = self._state.books
        unseen = books.unseen(card, is_held=bool(held), now=books.sample.taken_at)
        return sum(size or 0 for size in sizes) + (unseen if unseen > books.unattributed_mib else 0)

    def _tasks(self) -> Iterator[Look]:
        sample, holding = self._state.books.sample, self._state.holding.values()
        n_holders = Counter(gpu for task in holding for gpu in task.held_gpus)
        for task in holding:
            attempt = task.attempt
            if attempt is None or not task.held_gpus or attempt.started_at is None:
                continue
            cards = [sample.by_uuid[uuid] for uuid in task.held_gpus if uuid in sample.by_uuid]
            parts = [card.utilization / n_holders[card.uuid] for card in cards if card.utilization is not None]
            values: dict[str, float | None] = {
                "gpu_memory_mib": memory_in(sample, task.id, attempt),
                "gpu_utilization_percent": sum(parts) / len(parts) if parts else None,
            }
            yield Look(kind=Kind.TASK, subject=task.id, at=sample.taken_at, values=values)

    # --- process trees ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look at the trees of running tasks, again and again, until cancelled."""
        while True:
            pause = 0.0
            try:
                pause = await self.look()
            except Exception as error:  # noqa: BLE001  # nothing that goes wrong here may stop the daemon
                journal.fail("the processes of tasks were not looked at", error)
            await asyncio.sleep(max(pause, self._interval_s()))

    async def look(self) -> float:
        """Look once; returns the seconds that should pass before the next time, whatever the setting says."""
        roots = dict(self._roots())
        used, took_s = await asyncio.to_thread(self._look, list(roots)) if roots else ({}, 0.0)
        self._take(roots, used)
        return took_s / MAX_SHARE

    def _roots(self) -> Iterator[tuple[ProcessIdentity, Task]]:
        """The supervisors of running tasks. The processes of a lease are its owner's, and stand elsewhere."""
        for task in self._state.holding.values():
            attempt = task.attempt
            if attempt is not None and attempt.supervisor is not None and not isinstance(task.request.command, Lease):
                yield attempt.supervisor, task

    def _look(self, roots: Sequence[ProcessIdentity]) -> tuple[Mapping[ProcessIdentity, TreeUse], float]:
        """In a thread: the look, and the processor time that it took."""
        began = time.thread_time()
        return self._trees.look(roots), time.thread_time() - began

    def _take(self, roots: Mapping[ProcessIdentity, Task], used: Mapping[ProcessIdentity, TreeUse]) -> None:
        now, moment, looks, before = self._clock.now(), time.monotonic(), [], self._cpu
        self._cpu = {root: (use.cpu_s, moment) for root, use in used.items()}
        for root, use in used.items():
            if use.n_processes == 0:
                continue  # not begun yet, or over
            values = {
                "cpu_percent": self._cpu_percent(roots[root], use, before.get(root), now),
                "rss_mib": use.rss_mib,
                "n_processes": use.n_processes,
            }
            looks.append(Look(kind=Kind.TASK, subject=roots[root].id, at=now, values=values))
        if looks:
            self._history.add(looks)

    def _cpu_percent(self, task: Task, use: TreeUse, before: tuple[float, float] | None, now: float) -> float | None:
        """Of one core, since the last look, or since a start that is not long ago."""
        started_at = task.attempt.started_at if task.attempt is not None else None
        passed: float | None = None
        if before is not None:
            passed = time.monotonic() - before[1]
        elif started_at is not None and now - started_at <= 2 * self._interval_s() + 1:
            passed = now - started_at
        if passed is None or passed <= 0:
            return None
        # A process whose parent does not wait for it takes its time along: less than before counts as none.
        return max(0.0, use.cpu_s - (before[0] if before is not None else 0.0)) / passed * 100
