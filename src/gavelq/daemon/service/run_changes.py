"""`file diff` and `file apply`: what tells a configuration from its run, and bringing it into the run."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.command_files import ChangedMeanwhile, Run, StoredFile
from gavelq.core.engine.files import is_stopping, live_run
from gavelq.core.engine.runs import is_untouched
from gavelq.core.errors import WrongState
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import ENDED, TaskState
from gavelq.core.task import Task
from gavelq.core.view import View
from gavelq.daemon.caller import Caller
from gavelq.daemon.command_runs import Terms, file_error
from gavelq.daemon.file_views import etag_of
from gavelq.daemon.run_edits import Difference, Layout, compare, difference_json, lay_out
from gavelq.daemon.service import changes
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService, require_version
from gavelq.daemon.service.run_terms import require_possible, terms_for, text_of
from gavelq.daemon.views import Json
from gavelq.formats.command_file import Mode, read_command_file
from gavelq.formats.start_options import parse_start_options
from gavelq.ports import TaskFilter

TRIES = 5
"""How often a difference is made anew, because tasks have started that it removes or moves."""
_PAGE = 10_000


class RunChanges:
    """Compares configurations with their runs, and changes runs. An edit alone never touches a run."""

    def __init__(self, desk: Desk, files: FileService) -> None:
        self._desk = desk
        self._files = files

    async def diff(self, caller: Caller, mode: str, config_index: int) -> Json:
        """`file diff`: what `file apply` would do now. Raises WrongState where the configuration does not run."""
        file = self._files.find(caller, mode, config_index)
        return self._told(file, await self._difference(file), None)

    async def apply(self, caller: Caller, mode: str, config_index: int, *, match: str | None, is_dry_run: bool) -> Json:
        """`file apply`: what has not started becomes as the configuration says now, all of it or nothing.

        `match` is the If-Match of the request. Raises ChangedMeanwhile where that names another version, WrongState
        where the configuration does not run, and what a start would raise.
        """
        for number in range(TRIES):
            file = self._files.find(caller, mode, config_index)
            require_version(file, match)
            try:
                return await self._apply_once(caller, file, is_dry_run=is_dry_run)
            except ChangedMeanwhile:
                if number == TRIES - 1:
                    raise
        raise AssertionError("the last try answers or raises")

    async def _apply_once(self, caller: Caller, file: StoredFile, *, is_dry_run: bool) -> Json:
        difference = await self._difference(file)
        terms = self._terms(file, difference)
        intake = changes.intake_for(self._desk, caller)
        layout = await asyncio.to_thread(lay_out, difference, terms, intake)
        require_possible(self._desk, file.name, difference.present, layout.added, layout.wrong)
        if is_dry_run or (not difference.is_changed and file.content == difference.run.content):
            return self._told(file, difference, None)
        event = _edited(caller, file, difference, layout)
        ids: tuple[TaskId, ...] = await self._desk.loop.ask(event)
        return self._told(file, difference, dict(zip(layout.added, ids, strict=True)))

    async def _difference(self, file: StoredFile) -> Difference:
        """Raises WrongState where the configuration does not run, and InvalidFile for the mistakes of its text."""
        view = View(self._desk.state)
        number = live_run(view, file.id)
        if number is None:
            raise WrongState(
                what=f"configuration {file.place + 1} of mode {file.mode} ({file.name})", state="not running",
                problem="there is nothing to compare it with",
                hint=f"start it with: gavelq file start {file.place + 1} --mode {file.mode}",
            )  # fmt: skip
        run = view.runs[number]
        live = {task.id: task for task in view.tasks_of(number)}
        if is_stopping(view, number):
            raise WrongState(
                what=f"run {number}", state="stopping", problem="nothing can be added to it",
                hint="start the configuration again when it is over: "
                f"gavelq file start {file.place + 1} --mode {file.mode}",
            )  # fmt: skip
        tasks = await self._ended(number) | live
        return await asyncio.to_thread(_compared, run, file, tasks)

    async def _ended(self, number: SubmissionId) -> dict[TaskId, Task]:
        """The tasks of a run that are history."""
        found: dict[TaskId, Task] = {}
        states = tuple(state.value for state in ENDED)
        while True:
            after = max(found, default=0)
            wanted = TaskFilter(states=states, submission_id=number, after_id=after, limit=_PAGE)
            page = await self._desk.store.tasks(wanted)
            found |= {task.id: task for task in page}
            if len(page) < _PAGE:
                return found

    def _terms(self, file: StoredFile, difference: Difference) -> Terms:
        """For new tasks: the rules of now, and what the start of the run said."""
        run = difference.run
        options = parse_start_options(json.loads(run.options))
        live = [task for task in difference.tasks.values() if not task.state.is_ended]
        # `--hold` is over as soon as somebody let a task of it go.
        is_held = bool(options.hold) and all(task.state is TaskState.HELD for task in live)
        terms = terms_for(self._desk, replace(text_of(file), name=run.name), options)
        return replace(terms, seed=run.seed, work_dir=run.work_dir, hold=is_held)

    def _told(self, file: StoredFile, difference: Difference, new_ids: Mapping[int, TaskId] | None) -> Json:
        return {
            "pid": difference.run.submission,
            "mode": file.mode,
            "config_index": file.place,
            "name": file.name,
            "submission_id": difference.run.submission,
            "etag": etag_of(file),
            "is_applied": new_ids is not None,
            **difference_json(difference, new_ids),
        }


def _compared(run: Run, file: StoredFile, tasks: Mapping[TaskId, Task]) -> Difference:
    """In a thread: ten thousand blocks take a while."""
    mode = Mode(file.mode)
    present = read_command_file(file.content.encode("utf-8"), mode)
    if present.mistakes:
        raise file_error(file.name, mode, present.mistakes)
    return compare(run, read_command_file(run.content.encode("utf-8"), mode), present, tasks)


def _edited(caller: Caller, file: StoredFile, difference: Difference, layout: Layout) -> ev.RunEdited:
    return ev.RunEdited(
        by=caller.name,
        submission=difference.run.submission,
        content=file.content,
        lanes=layout.lanes,
        based_on=frozenset(task.id for task in difference.tasks.values() if is_untouched(task)),
        in_place=frozenset(layout.in_place),
        owners=tuple(owner for _, owner in sorted(layout.owners.items(), key=lambda pair: pair[0])),
    )
