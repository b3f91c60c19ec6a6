"""What the runs of command files do: live tasks from memory, ended ones from books that are filled from the store once.

A person or a console asks once a second, with thousands of tasks: only what has changed is looked at again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from gavelq.core.command_files import FileNotStored, Run, RunNotFound, StoredFile
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.learned import run_time
from gavelq.core.lifecycle import ENDED
from gavelq.core.meters import memory_in
from gavelq.core.step import Changes
from gavelq.core.task import Task
from gavelq.core.units import MiB
from gavelq.daemon import run_books
from gavelq.daemon.caller import Caller
from gavelq.daemon.command_runs import lane_key
from gavelq.daemon.discretion import Discretion
from gavelq.daemon.run_books import RunBook
from gavelq.daemon.run_ends import Expected, Mean, lane_end, mean_of, run_end, work_of
from gavelq.daemon.run_processes import Process
from gavelq.daemon.run_sums import Sums
from gavelq.daemon.run_views import LaneView, RunView, idle_json, lane_json, process_text, run_json
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService, mode_named
from gavelq.daemon.views import pending_text
from gavelq.ports import TaskFilter
from gavelq.scheduling.forecast import expected_starts
from gavelq.scheduling.snapshot import take_snapshot

PAGE = 2000
_ENDED = tuple(state.value for state in ENDED)
MAX_KEPT = 50_000
"""Tasks of runs that are over that stay in memory; of further runs only the sums do."""
MAX_HEADS = 64
"""So many lanes that wait for GPUs are told when they may get some; of more, the wait is not counted."""
STARTS_S = 2.0
"""Expected starts are told again for so long, in seconds."""


class RunStates:
    """The verbs of `gavelq file state`. Everybody sees the runs of their own tenant, admins all."""

    def __init__(self, desk: Desk, files: FileService) -> None:
        self._desk = desk
        self._files = files
        self._books: dict[SubmissionId, RunBook] = {}
        """In the order in which they were asked for."""
        self._fill = asyncio.Lock()
        self._starts: tuple[float, frozenset[TaskId], Mapping[TaskId, Expected]] = (0.0, frozenset(), {})
        """When who was asked about, and what was found."""

    # --- look --------------------------------------------------------------------------------------------

    async def of_configuration(
        self, caller: Caller, mode: str, config_index: int, *, with_processes: bool, around: int | None = None
    ) -> RunView:
        """Its last run; `state` is None where there is none. Raises FileNotStored, also for a file of nobody.

        `around`: of each lane only so many tasks around the one whose turn it is.
        """
        try:
            file = self._files.find(caller, mode, config_index)
        except FileNotStored:
            if config_index:
                raise
            return RunView(fields=idle_json(mode_named(mode).value, 0, "", caller.tenant))
        state = self._desk.state
        last = max((number for number, run in state.runs.items() if run.file == file.id), default=None)
        views = await self._views(caller, [] if last is None else [state.runs[last]], with_processes, around)
        return views[0] if views else RunView(fields=idle_json(file.mode, file.place, file.name, file.tenant))

    async def known(self, caller: Caller, mode: str | None = None, *, with_processes: bool) -> list[RunView]:
        """All runs (of a mode) that are remembered, the oldest first."""
        wanted = None if mode is None else mode_named(mode)
        runs = [run for run in self._visible(caller) if wanted is None or run.mode == wanted]
        return await self._views(caller, runs, with_processes)

    async def running(self, caller: Caller, *, with_processes: bool) -> list[RunView]:
        """The runs that are not over, the oldest first."""
        live = self._desk.state.members
        runs = [run for run in self._visible(caller) if live.get(run.submission)]
        return await self._views(caller, runs, with_processes)

    async def of_run(self, caller: Caller, number: int, *, with_processes: bool, around: int | None = None) -> RunView:
        """One run by its number. Raises RunNotFound, also for another tenant's, and where its tasks were removed."""
        run = self._desk.state.runs.get(SubmissionId(number))
        if run is None or not caller.owns(run.tenant):
            raise RunNotFound(run=number)
        views = await self._views(caller, [run], with_processes, around)
        if not views:
            raise RunNotFound(run=number)
        return views[0]

    def _visible(self, caller: Caller) -> list[Run]:
        runs = sorted(self._desk.state.runs.items())
        return [run for _, run in runs if caller.owns(run.tenant)]

    # --- the books ---------------------------------------------------------------------------------------

    def notice(self, changes: Changes) -> None:
        """A commit: bring the books up to date. Called on the loop's thread."""
        for number in run_books.notice(self._books, changes):
            self._books.pop(number, None)
        for run in changes.runs:
            if changes.runs[run] is None:
                self._books.pop(run, None)

    def removed(self, tasks: Iterable[TaskId]) -> None:
        """Ended tasks were removed: by somebody, or because they are old."""
        for number in run_books.drop(self._books, tasks):
            self._books.pop(number, None)

    async def _book(self, number: SubmissionId, with_processes: bool) -> RunBook:
        async with self._fill:
            book = self._books.get(number)
            if book is None or (book.is_thin and with_processes):
                book = await self._filled(number)
        if number in self._books:
            self._books[number] = self._books.pop(number)
        return book

    async def _filled(self, number: SubmissionId) -> RunBook:
        """Read a run's tasks; what happens meanwhile comes by `notice`. Raises StoreUnavailable."""
        book = self._books[number] = RunBook(number)
        try:
            after = 0
            while True:
                wanted = TaskFilter(states=_ENDED, submission_id=number, after_id=after, limit=PAGE)
                page = await self._desk.store.tasks(wanted)
                for task in page:
                    if task.id not in book:
                        book.put(task)
                if len(page) < PAGE:
                    break
                after = page[-1].id
            for task_id in self._desk.state.members.get(number, ()):
                book.put(self._desk.state.tasks[task_id])
            for task_id in book.hidden_pasts():
                await self._recall(book, task_id)
        except BaseException:
            if self._books.get(number) is book:
                del self._books[number]
            raise
        return book

    async def _recall(self, book: RunBook, task_id: TaskId) -> None:
        """What earlier attempts of a task were like: only the last one stands with the task itself."""
        for attempt in await self._desk.store.attempts(task_id):
            book.remember(task_id, attempt)
        task = self._desk.state.tasks.get(task_id) or await self._desk.store.task(task_id)
        if task is not None and task_id in book:
            book.put(self._desk.state.tasks.get(task_id, task))

    def _let_go(self) -> None:
        """Of runs that are over, and were not asked for lately, only the sums stay."""
        over = [book for number, book in self._books.items() if not self._desk.state.members.get(number)]
        n_kept = 0
        for book in reversed(over):
            n_kept += len(book)
            if n_kept > MAX_KEPT and not book.is_thin and not book.n_readers:
                book.thin_out(self._run_time_of)

    # --- what they look like now -------------------------------------------------------------------------

    async def _views(
        self, caller: Caller, runs: Iterable[Run], with_processes: bool, around: int | None = None
    ) -> list[RunView]:
        books: list[tuple[Run, RunBook]] = []
        try:
            for run in runs:
                book = await self._book(run.submission, with_processes)
                book.n_readers += 1
                books.append((run, book))
            found = {run.submission: (run, self._sums(book)) for run, book in books}
            starts = self._expected_starts(found)
            discretion = self._desk.discretion(caller)
            return [
                self._view(discretion, run, found[run.submission][1], starts, book if with_processes else None, around)
                for run, book in books
                if found[run.submission][1]
            ]
        finally:
            for _, book in books:
                book.n_readers -= 1
            self._let_go()

    def _run_time_of(self, key: str) -> float | None:
        return run_time(self._desk.state.learned.get(key))

    def _sums(self, book: RunBook) -> dict[str, Sums]:
        return {lane: book.lanes[lane].sums(self._run_time_of) for lane in sorted(book.lanes, key=lane_key)}

    def _view(
        self, discretion: Discretion, run: Run, lanes: Mapping[str, Sums], starts: Mapping[TaskId, Expected],
        book: RunBook | None, around: int | None,
    ) -> RunView:  # fmt: skip
        now = self._desk.clock.now()
        of_run = mean_of(lanes.values(), "run")
        shown: list[LaneView] = []
        ends = []
        for lane, sums in lanes.items():
            work = work_of(sums, _mean(sums, of_run), self._run_time_of, now)
            head = sums.head
            end = lane_end(sums, work, starts.get(head.task_id) if head is not None else None, now)
            ends.append((lane, sums, work, end))
            fields = lane_json(lane, sums, memory=self._memory(sums), wait=self._wait(sums), expected=end)
            own = book.lanes.get(lane) if book is not None else None
            texts = own.texts(self._process_text, around) if own is not None else []
            shown.append(LaneView(fields=discretion.words(fields), processes=texts))
        told = run_json(run, self._file(run), dict(lanes), run_end(ends, now))
        return RunView(fields=discretion.words(told), lanes=shown)

    def _file(self, run: Run) -> StoredFile | None:
        return self._desk.state.files.get(run.file) if run.file is not None else None

    def _memory(self, sums: Sums) -> MiB | None:
        """What the present task's processes use on that one of its GPUs where they have most."""
        task = self._desk.state.tasks.get(sums.holding[0].task_id) if sums.holding else None
        if task is None or task.attempt is None:
            return None
        return memory_in(self._desk.state.books.sample, task.id, task.attempt)

    def _wait(self, sums: Sums) -> tuple[str, str] | None:
        """Why the next task of a lane without a running one waits."""
        head = sums.head
        if sums.holding or head is None:
            return None
        task = self._desk.state.tasks.get(head.task_id)
        if task is not None and task.state == "held":
            return "held", f"task {task.id} is held{': ' + task.hold_reason if task.hold_reason else ''}"
        blocked = self._desk.loop.reasons.get(self._desk.state.pending.shape_of(task)) if task is not None else None
        return (blocked.reason.value, pending_text(task, blocked)) if blocked is not None and task is not None else None

    def _process_text(self, process: Process) -> str:
        task = self._desk.state.tasks.get(process.task_id)
        if task is None or task.state != "pending":
            return process_text(process, None)
        if process.is_behind:
            return process_text(process, "serial")
        blocked = self._desk.loop.reasons.get(self._desk.state.pending.shape_of(task))
        return process_text(process, blocked.reason.value if blocked is not None else None)

    # --- when ----------------------------------------------------------------------------------------------

    def _expected_starts(
        self, found: Mapping[SubmissionId, tuple[Run, Mapping[str, Sums]]]
    ) -> Mapping[TaskId, Expected]:
        """When lanes that hold no GPU may get some."""
        lanes = (sums for _, lanes in found.values() for sums in lanes.values() if not sums.holding)
        heads = [head.task_id for sums in lanes if (head := sums.head) is not None and head.state == "pending"]
        now, state = self._desk.clock.now(), self._desk.state
        at, asked, told = self._starts
        if heads and not (0 <= now - at < STARTS_S and asked.issuperset(heads)):
            policy = self._desk.loop.policy
            wanted = [task_id for task_id in heads if task_id in state.tasks][:MAX_HEADS]
            told = expected_starts(wanted, take_snapshot(state, policy, now), policy, self._typical(found))
            self._starts = (now, frozenset(heads), told)
        return told

    @staticmethod
    def _typical(found: Mapping[SubmissionId, tuple[Run, Mapping[str, Sums]]]) -> Callable[[Task], float | None]:
        """How long tasks of these runs take: as the completed ones of their lane or run did."""
        of_runs = {number: mean_of(lanes.values(), "run") for number, (_, lanes) in found.items()}

        def typical(task: Task) -> float | None:
            entry, place = found.get(task.submission_id), task.request.lane
            sums = entry[1].get(place.lane) if entry is not None and place is not None else None
            mean = _mean(sums, of_runs[task.submission_id]) if sums is not None else None
            return mean.seconds if mean is not None else None

        return typical


def _mean(sums: Sums, of_run: Mean | None) -> Mean | None:
    return mean_of((sums,), "queue") or of_run
