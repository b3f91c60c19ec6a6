"""Between the runner and the loop: an attempt that failed is handed in with what tells why.

The end of its log is read in a thread, because a log may lie on a server that hangs; after a moment the end is handed
in without it. Reports about one task keep their order; all others pass at once.
"""

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from gavelq.core.events import AttemptEnded, AttemptStarted, AttemptUnknown, Event, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.task import Lease
from gavelq.daemon import journal, task_logs
from gavelq.daemon.oom_kills import OomKills

TAIL_BYTES = 64 << 10
LOOK_S = 3.0
"""So long an end waits for its evidence."""
MAX_LOOKS = 16
"""Logs that are read at once; hanging ones count."""
NOTICE_S = 5.0
"""How often the kernel's word is looked for, so that an old kill explains nothing new."""
_MAX_REMEMBERED = 1000
_REPORTS = (AttemptStarted, AttemptEnded, SpawnFailed, AttemptUnknown)

_Report = AttemptStarted | AttemptEnded | SpawnFailed | AttemptUnknown


@dataclass(frozen=True, slots=True)
class _Look:
    """What to look at for one end."""

    log_path: str
    is_own_log: bool
    """A file of the user's, which other attempts may have written to."""
    pid: int | None


@dataclass(frozen=True, slots=True)
class _Seen:
    log_tail: str = ""
    log_end: int = 0
    host_oom: str = ""


class Evidence:
    """Stands in the runner's listener: `take` for each report, `post` for what is complete."""

    def __init__(
        self, *, state: State, post: Callable[[Event], None], kernel: OomKills, look_s: float = LOOK_S,
        n_looks: int = MAX_LOOKS,
    ) -> None:  # fmt: skip
        """`state` is the committed one; `post` hands an event to the loop. At most `n_looks` at once, `look_s` each."""
        self._state = state
        self._post = post
        self._kernel = kernel
        self._lines: dict[TaskId, list[_Report]] = {}
        """Reports that wait behind one that is looked into, by task."""
        self._log_ends: OrderedDict[str, int] = OrderedDict()
        """How far own logs were read: what stands before is about an earlier attempt."""
        self._look_s = look_s
        self._free = asyncio.Semaphore(n_looks)
        self._working: set[asyncio.Task[None]] = set()

    def take(self, event: Event) -> None:
        """Hand in a report, at once or when its evidence is there. Called on the loop's thread."""
        if not isinstance(event, _REPORTS):
            self._post(event)
        elif event.task_id in self._lines:
            self._lines[event.task_id].append(event)
        elif self._wanted(event) is None:
            self._post(event)
        else:
            self._lines[event.task_id] = [event]
            work = asyncio.get_running_loop().create_task(self._work_off(event.task_id))
            self._working.add(work)
            work.add_done_callback(self._working.discard)

    async def run(self) -> None:
        """Keep the kernel's counters fresh, until cancelled."""
        while True:
            await asyncio.sleep(NOTICE_S)
            await asyncio.to_thread(self._kernel.notice)

    def _wanted(self, event: Event) -> _Look | None:
        """What to look at: for attempts that failed by themselves. What was stopped needs no explanation."""
        if not isinstance(event, AttemptEnded) or event.result.cause != "exited" or _is_success(event):
            return None
        task = self._state.tasks.get(event.task_id)
        if task is None or task.attempt is None or task.attempt.number != event.attempt:
            return None
        if task.state is TaskState.STOPPING or isinstance(task.request.command, Lease):
            return None
        path = task.attempt.log_path or task.log_path
        return _Look(path, task.request.log_path is not None, task.attempt.pid)

    async def _work_off(self, task_id: TaskId) -> None:
        line = self._lines[task_id]
        while line:
            self._post(await self._explained(line[0]))
            del line[0]
        del self._lines[task_id]

    async def _explained(self, event: _Report) -> Event:
        """The report with its evidence; as it is where none can be had. It must never be lost."""
        look = self._wanted(event)
        if look is None or not isinstance(event, AttemptEnded):
            return event
        begin = self._log_ends.get(look.log_path, 0) if look.is_own_log else 0
        seen = await self._aside(lambda: _see(look, begin, self._kernel))
        if seen is None:
            journal.warn("a log could not be read in time to tell why", task=event.task_id, log=look.log_path)
            return event
        if look.is_own_log:
            self._remember(look.log_path, seen.log_end)
        return replace(event, log_tail=seen.log_tail, host_oom=seen.host_oom)

    def _remember(self, path: str, end: int) -> None:
        self._log_ends[path] = end
        self._log_ends.move_to_end(path)
        while len(self._log_ends) > _MAX_REMEMBERED:
            self._log_ends.popitem(last=False)

    async def _aside(self, look: Callable[[], _Seen]) -> _Seen | None:
        """What a thread of its own sees; None when it takes too long. Hanging threads do not keep us from ending."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Seen | None] = loop.create_future()

        def finish(seen: _Seen | None) -> None:
            self._free.release()
            if not answer.done():
                answer.set_result(seen)

        def work() -> None:
            seen = None
            try:
                seen = look()
            finally:
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(finish, seen)

        try:
            await asyncio.wait_for(self._free.acquire(), self._look_s)
            threading.Thread(target=work, name="evidence", daemon=True).start()
            return await asyncio.wait_for(answer, self._look_s)
        except TimeoutError:
            return None


def _is_success(event: AttemptEnded) -> bool:
    return event.result.exit_code == 0 and event.result.signal is None


def _see(look: _Look, begin: int, kernel: OomKills) -> _Seen:
    """The end of a log from offset `begin` on, and the kernel's word. Blocking."""
    host_oom = kernel.told(look.pid)
    if not task_logs.exists(look.log_path):  # removed, or no regular file: a device, a pipe
        return _Seen(host_oom=host_oom)
    end = task_logs.length(look.log_path)
    first = begin if begin <= end else 0  # somebody began the file anew
    chunk = task_logs.read(look.log_path, max(first, end - TAIL_BYTES))
    tail = chunk.content[-TAIL_BYTES:].decode("utf-8", "replace")
    return _Seen(log_tail=tail, log_end=chunk.end, host_oom=host_oom)
