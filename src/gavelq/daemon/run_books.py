"""The books of runs of command files: what is known of their tasks, lane by lane.

Ended tasks never reopen, so that each is looked at once; what a lane adds up to is counted anew only after one of its
tasks has changed. Nothing here asks a store or a clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from gavelq.core.engine.runs import is_taken_out
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason
from gavelq.core.step import Changes
from gavelq.core.task import Attempt, Task
from gavelq.daemon.run_processes import NO_PAST, Past, Process, process_of
from gavelq.daemon.run_sums import RunTimeOf, Sums, sums_of

BEFORE = 2
"""Where only some tasks of a lane are shown, so many stand before the one whose turn it is."""


class LaneBook:
    """The tasks of one queue id."""

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self._processes: dict[TaskId, Process] = {}
        self._texts: dict[TaskId, str] = {}
        self._ordered: list[Process] | None = None
        self._sums: Sums | None = None

    def __len__(self) -> int:
        return len(self._processes)

    def put(self, process: Process) -> None:
        """A task is new, or has changed."""
        self._processes[process.task_id] = process
        self._texts.pop(process.task_id, None)
        self._ordered = self._sums = None

    def drop(self, task_id: TaskId) -> None:
        """A task is gone."""
        self._processes.pop(task_id, None)
        self._texts.pop(task_id, None)
        self._ordered = self._sums = None

    def look_again(self) -> None:
        """What is known of run times has changed."""
        self._sums = None

    def in_order(self) -> Sequence[Process]:
        """In file order."""
        if self._ordered is None:
            self._ordered = sorted(self._processes.values(), key=lambda one: (one.at, one.task_id))
        return self._ordered

    def sums(self, run_time_of: RunTimeOf) -> Sums:
        """What they add up to; counted anew where one has changed."""
        if self._sums is None:
            self._sums = sums_of(self.in_order(), run_time_of)
        return self._sums

    def near(self, n: int) -> Sequence[Process]:
        """So many tasks around the first one that has not ended (the last one where all have), in file order."""
        ordered = self.in_order()
        turn = next((at for at, one in enumerate(ordered) if one.ended_at is None), len(ordered))
        start = max(0, min(turn - BEFORE, len(ordered) - n))
        return ordered[start : start + n]

    def texts(self, write: Callable[[Process], str], around: int | None = None) -> list[str]:
        """Each task written down in file order; who waits for cards, not for others, is written each time.

        `around`: only so many of them, see `near`.
        """
        if around is not None:
            return [write(one) for one in self.near(around)]
        for one in self._processes.values() if len(self._texts) < len(self._processes) else ():
            if one.task_id not in self._texts:
                self._texts[one.task_id] = write(one)
        waiting = self._sums.waiting if self._sums is not None else self.in_order()
        for one in waiting:
            if not one.is_behind and one.is_waiting:
                self._texts[one.task_id] = write(one)
        return [self._texts[one.task_id] for one in self.in_order()]

    def thin_out(self, run_time_of: RunTimeOf) -> None:
        """Keep the sums of a lane that is over, and let its tasks go."""
        self._sums = self.sums(run_time_of)
        self._processes, self._texts, self._ordered = {}, {}, None


class RunBook:
    """The tasks of one run."""

    def __init__(self, number: SubmissionId) -> None:
        self.number = number
        self.lanes: dict[str, LaneBook] = {}
        self.is_thin = False
        """Its tasks were let go, the sums are there."""
        self.n_readers = 0
        """Who reads its tasks just now, so that they stay."""
        self._lane_of: dict[TaskId, str] = {}
        self._gone: set[TaskId] = set()
        self._pasts: dict[TaskId, Past] = {}
        self._by_key: dict[str, str] = {}
        self._ids = range(0)

    def __len__(self) -> int:
        return len(self._lane_of)

    def __contains__(self, task_id: object) -> bool:
        """Whether a task is in it, or (where its tasks were let go) may be."""
        return task_id in (self._ids if self.is_thin else self._lane_of)

    def put(self, task: Task) -> None:
        """A task is new, or has changed."""
        process = None if task.id in self._gone or is_taken_out(task) else process_of(task, self._past(task))
        was_in = self._lane_of.get(task.id)
        if was_in is not None and (process is None or process.lane != was_in):
            self._leave(task.id)
        if process is None:
            return
        self._lane_of[task.id] = process.lane
        self.lanes.setdefault(process.lane, LaneBook(process.lane)).put(process)
        if process.learned_as is not None:
            self._by_key[process.learned_as] = process.lane
        if task.state.is_ended:
            self._pasts.pop(task.id, None)

    def remember(self, task_id: TaskId, attempt: Attempt) -> None:
        """One of the attempts of a task, of which it keeps only the last itself; before `put`."""
        past = self._pasts.get(task_id, NO_PAST)
        if attempt.number == 1 and attempt.started_at is not None:
            past = replace(past, began=attempt.started_at)
        is_later = past.failed is None or attempt.number >= past.failed.number
        if attempt.result is not None and attempt.reason is not EndReason.EXIT_ZERO and is_later:
            past = replace(past, failed=attempt)
        if past is not NO_PAST:
            self._pasts[task_id] = past

    def _past(self, task: Task) -> Past:
        return self._pasts.get(task.id, NO_PAST)

    def drop(self, task_id: TaskId) -> None:
        """A task was removed."""
        self._gone.add(task_id)
        self._leave(task_id)

    def _leave(self, task_id: TaskId) -> None:
        lane = self._lane_of.pop(task_id, None)
        if lane is None:
            return
        self.lanes[lane].drop(task_id)
        if not len(self.lanes[lane]):
            del self.lanes[lane]

    def learned(self, keys: Iterable[str]) -> None:
        """What is known under these keys has changed."""
        for key in keys:
            lane = self._by_key.get(key)
            if lane in self.lanes:
                self.lanes[lane].look_again()

    def hidden_pasts(self) -> list[TaskId]:
        """The tasks of whose earlier attempts something is shown: those that go on, and the first of each lane."""
        found: list[TaskId] = []
        for lane in self.lanes.values():
            ordered = lane.in_order()
            first = next((one for one in ordered if one.began is not None), None)
            shown = (one for one in ordered if one is first or not one.state.is_ended)
            found += [one.task_id for one in shown if one.n_attempts > 1]
        return found

    def thin_out(self, run_time_of: RunTimeOf) -> None:
        """The run is over: keep what it adds up to, and let its tasks go."""
        self._ids = range(min(self._lane_of, default=0), max(self._lane_of, default=-1) + 1)
        for lane in self.lanes.values():
            lane.thin_out(run_time_of)
        self.is_thin = True
        self._lane_of, self._pasts, self._by_key, self._gone = {}, {}, {}, set()


def notice(books: Mapping[SubmissionId, RunBook], changes: Changes) -> set[SubmissionId]:
    """A commit: bring the books up to date. Returns those that have to be made anew."""
    if not books:
        return set()
    stale: set[SubmissionId] = set()
    for (task_id, _), attempt in sorted(changes.attempts.items(), key=lambda entry: entry[0]):
        task = changes.tasks.get(task_id)
        book = books.get(task.submission_id) if task is not None else None
        if book is not None:
            book.remember(task_id, attempt)
    for task_id, task in changes.tasks.items():
        if task is None:
            stale |= drop(books, (task_id,))
        elif (book := books.get(task.submission_id)) is not None:
            if book.is_thin:
                stale.add(book.number)
            else:
                book.put(task)
    if changes.learned:
        for book in books.values():
            book.learned(changes.learned)
    return stale


def drop(books: Mapping[SubmissionId, RunBook], task_ids: Iterable[TaskId]) -> set[SubmissionId]:
    """Tasks were removed. Returns the books that have to be made anew."""
    stale: set[SubmissionId] = set()
    for task_id in task_ids:
        for book in books.values():
            if task_id in book:
                if book.is_thin:
                    stale.add(book.number)
                else:
                    book.drop(task_id)
    return stale
