"""Everything about log files of people's own: bind one to a task of a configuration, unbind, list, read, follow."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gavelq.core import events as ev
from gavelq.core.command_files import NO_SUBMISSION, Binding, BindingKey, BindingNotFound, StoredFile
from gavelq.core.errors import GavelqError, InvalidField, LogNotFound, TimedOut
from gavelq.core.task import Task
from gavelq.core.view import View
from gavelq.daemon import bound_logs
from gavelq.daemon.aside import Aside
from gavelq.daemon.binding_views import (
    LanesKept,
    Place,
    Seen,
    binding_json,
    by_place,
    key_of,
    last_runs,
    piece_json,
)
from gavelq.daemon.bound_logs import Look, Piece
from gavelq.daemon.caller import Caller
from gavelq.daemon.log_roots import LogRoots, absolute
from gavelq.daemon.log_text import is_half
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService, mode_named
from gavelq.daemon.views import Json
from gavelq.formats.command_file import MAX_BLOCKS
from gavelq.ports import TaskFilter

Found = TypeVar("Found")
DEFAULT_LINES = 100
POLL_S = 0.2
"""How often a file that is followed is looked at."""
_THREADS = 8
_LOOK_S = 5.0
_QUEUE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlace:
    """A task of a configuration, as a caller names it."""

    mode: str
    config_index: int
    queue_id: str
    process_index: int
    """From 0 among the tasks of its queue id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of a file is wanted: the last lines, or from an offset on."""

    tail_lines: int = DEFAULT_LINES
    offset: int | None = None
    """In bytes. None: the last lines."""
    limit: int = bound_logs.MAX_READ
    """Bytes at most, from an offset on."""
    identity: str = ""
    """Of the file that the offset is about, as an earlier answer told it."""
    wait_s: float = 0.0
    """For so long something new is waited for, where nothing stands at the offset yet."""


class BindingService:
    """The verbs of `gavelq file bind|unbind|bindings|log`."""

    def __init__(self, desk: Desk, files: FileService, find_roots: Callable[[], LogRoots]) -> None:
        self._desk = desk
        self._files = files
        self._find_roots = find_roots
        self._aside = Aside(_THREADS, _LOOK_S)
        self._lanes = LanesKept()

    # --- bind --------------------------------------------------------------------------------------------

    async def bind(self, caller: Caller, place: TaskPlace, log_path: str) -> Json:
        """`file bind`: a log file, which may come later, belongs to a task of a configuration; an older one no longer.

        Raises OutsideRoots, NotAFile and LogUnreadable where it could never be read. That the configuration has no such
        task is only told (`known`): the block may be written later.
        """
        file = self._files.find(caller, place.mode, place.config_index)
        key = _key(file, place)
        if "{work_dir}" in log_path:
            hint = "leave it out: a relative path counts from the configuration's directory"
            raise InvalidField(field="log_path", problem="{work_dir} means something in commands alone", hint=hint)
        written = absolute(log_path, file.workdir, field="log_path")
        path, _ = await self._look_at(caller, written, lambda roots: bound_logs.bindable(written, roots))
        old = self._desk.state.bindings.get(key)
        binding: Binding = await self._desk.loop.ask(ev.LogBound(by=caller.name, key=key, path=path))
        shown = (await self._shown(caller, [(binding, self._desk.state.files.get(file.id, file))]))[0]
        return shown | {"replaced": old.path if old is not None and old.path != path else None}

    async def unbind(self, caller: Caller, place: TaskPlace) -> Json:
        """`file unbind`: the file is left alone. Raises BindingNotFound."""
        file = self._files.find(caller, place.mode, place.config_index)
        binding: Binding = await self._desk.loop.ask(ev.LogUnbound(by=caller.name, key=_key(file, place)))
        return {"unbound": key_of(file, place.queue_id, place.process_index), "path": binding.path}

    # --- look --------------------------------------------------------------------------------------------

    async def list_bindings(self, caller: Caller, mode: str | None = None, config_index: int | None = None) -> Json:
        """`GET /api/log/bindings`: by MODE_CONFIGINDEX_QUEUEID_PROCESSINDEX, and where log files may lie.

        Raises ModeNotFound, and FileNotStored where a single configuration is asked for that there is not.
        """
        if mode is not None:
            mode = mode_named(mode)
            if config_index is not None:
                self._files.find(caller, mode, config_index)
        files = self._desk.state.files
        found = [
            (binding, file)
            for binding in self._desk.state.bindings.values()
            if (file := files.get(binding.key.file)) is not None
            and file.tenant == caller.tenant
            and mode in (None, file.mode)
            and config_index in (None, file.place)
        ]
        found.sort(key=_order)
        roots = await self._look_at(caller, "logs.roots", lambda roots: roots)
        shown = await self._shown(caller, found)
        return {"bindings": {one["key"]: one for one in shown}, "roots": list(roots.allowed)}

    async def content(self, caller: Caller, place: TaskPlace, part: Part) -> tuple[Json, Piece]:
        """`GET /api/log/content`: some of a bound file, as text and as it is.

        `ended`: the task has ended in the last run, and nothing more stands behind this. A file that is not there
        (yet) is empty and `exists` is false. Raises BindingNotFound, and what a look at the file does.
        """
        file = self._files.find(caller, place.mode, place.config_index)
        key = _key(file, place)
        binding = self._desk.state.bindings.get(key)
        if binding is None:
            raise BindingNotFound(process_index=key.process_index, queue_id=key.queue_id)
        task = await self._task_of(file, (key.queue_id, key.process_index))
        piece, is_over = await self._follow(caller, binding.path, part, task)
        shown = piece_json(binding.path, piece)
        is_ended = is_over and shown["next_offset"] >= (shown["size"] or 0)
        now = (await self._desk.find(task.id) or task) if task else None
        about = {"task_id": now.id if now else None, "task_state": now.state.value if now else None, "ended": is_ended}
        return shown | {"key": key_of(file, key.queue_id, key.process_index)} | about, piece

    async def read(self, caller: Caller, log_path: str, part: Part) -> tuple[Json, Piece]:
        """`GET /api/log/read`: some of any file below the roots. Raises LogNotFound where there is none.

        For admins alone: whose such a file is nobody can say.
        """
        caller.require_admin("reading files by their path")
        path = absolute(log_path, None, field="log_path")
        piece, _ = await self._follow(caller, path, part, None)
        if piece.look is None:
            hint = "nothing has been written there yet, or it has another name"
            raise LogNotFound(f"there is no file {path}", hint=hint)
        return piece_json(path, piece), piece

    # --- within ------------------------------------------------------------------------------------------

    async def _follow(self, caller: Caller, path: str, part: Part, task: Task | None) -> tuple[Piece, bool]:
        """The wanted part, as soon as there is something; and whether the task had ended before that was read."""

        def look(roots: LogRoots) -> Piece:
            if part.offset is None:
                return bound_logs.tail(path, roots, part.tail_lines)
            return bound_logs.read(path, roots, offset=part.offset, limit=part.limit, identity=part.identity)

        deadline = asyncio.get_running_loop().time() + part.wait_s
        while True:
            is_over = task is not None and task.id not in self._desk.state.tasks
            piece = await self._look_at(caller, path, look)
            is_news = piece.is_anew or (piece.content and not is_half(piece.content))
            left = deadline - asyncio.get_running_loop().time()
            if part.offset is None or is_news or is_over or left <= 0 or self._desk.waiters.is_over:
                return piece, is_over
            await asyncio.sleep(min(left, POLL_S))
            caller.require_still()

    async def _look_at(self, caller: Caller, path: str, at: Callable[[LogRoots], Found]) -> Found:
        return await self._aside.look(lambda: at(self._roots_for(caller)), f"{path} does not answer")

    def _roots_for(self, caller: Caller) -> LogRoots:
        """Among gavelq's task logs lie those of all tenants."""
        roots = self._find_roots()
        return roots if caller.is_admin else replace(roots, own=None)

    async def _shown(self, caller: Caller, found: Sequence[tuple[Binding, StoredFile]]) -> list[Json]:
        known = await asyncio.to_thread(self._known, found)
        looks = await self._looks(caller, [binding.path for binding, _ in found])
        tasks = {file.id: await self._tasks_of(file) for file in {file.id: file for _, file in found}.values()}
        shown = []
        for (binding, file), is_known in zip(found, known, strict=True):
            look, task = looks[binding.path], tasks[file.id].get(_place(binding.key))
            if isinstance(look, GavelqError):
                seen = Seen(look=None, problem=look, task=task, is_known=is_known)
            else:
                seen = Seen(look=look, problem=None, task=task, is_known=is_known)
            shown.append(binding_json(binding, file, seen))
        return shown

    def _known(self, found: Sequence[tuple[Binding, StoredFile]]) -> list[bool]:
        return [self._lanes.has(file, _place(binding.key)) for binding, file in found]

    async def _looks(self, caller: Caller, paths: Sequence[str]) -> Mapping[str, Look | GavelqError | None]:
        """Each file as it is, or why it may not be read. One that does not answer leaves those behind it unseen."""
        seen: dict[str, Look | GavelqError | None] = {}

        def look(roots: LogRoots) -> None:
            for path in paths:
                try:
                    seen[path] = bound_logs.look(path, roots)
                except GavelqError as error:
                    seen[path] = error

        try:
            await self._look_at(caller, "a bound log file", look)
        except TimedOut as error:
            return dict.fromkeys(paths, error) | dict(seen)
        return seen

    async def _tasks_of(self, file: StoredFile) -> Mapping[Place, Task]:
        """The tasks of the configuration's last run, by their place."""
        number = last_runs(self._desk.state.runs).get(file.id)
        if number is None:
            return {}
        found = await self._desk.store.tasks(TaskFilter(submission_id=number, limit=2 * MAX_BLOCKS, newest=True))
        return by_place(self._desk.state.tasks.get(task.id, task) for task in found)

    async def _task_of(self, file: StoredFile, place: Place) -> Task | None:
        number = last_runs(self._desk.state.runs).get(file.id)
        live = View(self._desk.state).tasks_of(number or NO_SUBMISSION)
        return by_place(live).get(place) or (await self._tasks_of(file)).get(place)


def _key(file: StoredFile, place: TaskPlace) -> BindingKey:
    if not _QUEUE_ID.fullmatch(place.queue_id):
        hint = "a queue id is a number or a word of A-Z a-z 0-9 _ . -"
        raise InvalidField(field="queue_id", problem=f"{place.queue_id[:80]!r} is not a queue id", hint=hint)
    return BindingKey(file=file.id, queue_id=place.queue_id, process_index=place.process_index)


def _place(key: BindingKey) -> Place:
    return key.queue_id, key.process_index


def _order(found: tuple[Binding, StoredFile]) -> tuple[bool, int, bool, int, str, int]:
    """Single mode first, then by place; numbers before words, numbers numerically."""
    key, file = found[0].key, found[1]
    is_word = not key.queue_id.isdigit()
    number = 0 if is_word else int(key.queue_id)
    return file.mode != "single", file.place, is_word, number, key.queue_id, key.process_index
