"""Runs of command files: start, submit once, stop."""

import asyncio
import json
from collections.abc import Mapping

from gavelq.core import events as ev
from gavelq.core.command_files import MAX_CONTENT, Run, RunNotFound
from gavelq.core.engine.files import live_run
from gavelq.core.engine.runs import require_idle
from gavelq.core.errors import GavelqError, Infeasible, InvalidField, WrongState
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.task import TaskRequest
from gavelq.core.view import View
from gavelq.daemon.caller import Caller
from gavelq.daemon.command_runs import Terms, requests_of
from gavelq.daemon.requests import Intake
from gavelq.daemon.service import changes, once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService, mode_named, require_version
from gavelq.daemon.service.once import require_key
from gavelq.daemon.service.run_changes import RunChanges
from gavelq.daemon.service.run_terms import Text, require_possible, terms_for, text_of
from gavelq.daemon.service.submissions import SubmissionService
from gavelq.daemon.versions import digest_of
from gavelq.daemon.views import Json
from gavelq.formats.command_file import CommandFile, read_command_file
from gavelq.formats.command_text import decode
from gavelq.formats.start_options import parse_start_options
from gavelq.ports import TaskFilter


class RunService:
    """The verbs of `gavelq file` that run something, and `gavelq submit file`."""

    def __init__(self, desk: Desk, files: FileService, submissions: SubmissionService) -> None:
        self._desk = desk
        self._files = files
        self._submissions = submissions
        self.changes = RunChanges(desk, files)
        """`file diff` and `file apply`."""

    # --- start -------------------------------------------------------------------------------------------

    async def start(
        self, caller: Caller, mode: str, config_index: int, options: Mapping[str, object], key: str | None = None,
        match: str | None = None,
    ) -> SubmissionId:  # fmt: skip
        """`file start`: run a configuration as it is now. Returns the run's number.

        Raises GavelqError, and then nothing is started: InvalidFile has all mistakes of the file with their lines;
        WrongState is raised where it runs already, ChangedMeanwhile where `match` (If-Match) names another version.
        """
        file = self._files.find(caller, mode, config_index)
        require_version(file, match)
        ids = await self._run(caller, text_of(file), options, key, [mode, config_index, options])
        return await self._number(ids)

    async def submit_text(
        self, caller: Caller, name: str, mode: str, content: str, options: Mapping[str, object],
        key: str | None = None,
    ) -> list[Json]:  # fmt: skip
        """`submit file`: run a text once, without keeping it as a configuration; its tasks."""
        if len(content.encode("utf-8")) > MAX_CONTENT:
            problem = f"the file has more than {MAX_CONTENT} bytes"
            raise InvalidField(field="content", problem=problem, hint="cut it into several")
        text = Text(name=name, mode=mode_named(mode), content=decode(content.encode("utf-8"))[0])
        ids = await self._run(caller, text, options, key, [mode, name, content, options])
        return [self._desk.task_json(task, caller) for task in await once.still_there(self._desk, ids)]

    async def _run(
        self, caller: Caller, text: Text, document: Mapping[str, object], key: str | None, said: object
    ) -> tuple[TaskId, ...]:
        require_key(key)
        scoped, digest = (None, "") if key is None else (once.scoped(caller, key), digest_of(said))
        before = once.tasks_of(self._desk, caller, key, digest)
        if before is not None:
            return before  # a repetition, whatever was edited since
        stored = self._desk.state.files.get(text.file) if text.file is not None else None
        if stored is not None:  # who starts a running one is told so, and not what is wrong with its new text
            require_idle(View(self._desk.state), stored)
        terms = terms_for(self._desk, text, parse_start_options(document))
        intake = changes.intake_for(self._desk, caller)
        found, requests, wrong = await asyncio.to_thread(_read, text, terms, intake)
        require_possible(self._desk, text.name, found, requests, wrong)
        run = Run(
            mode=text.mode.value, file=text.file, name=text.name, content=text.content, tenant=caller.tenant,
            by=caller.name, seed=terms.seed, work_dir=terms.work_dir,
            options=json.dumps({name: value for name, value in document.items() if name not in _NOT_KEPT}),
        )  # fmt: skip
        event = ev.TasksSubmitted(
            by=caller.name, requests=tuple(requests.values()), blobs=intake.blobs, key=scoped, digest=digest, run=run
        )
        try:
            ids: tuple[TaskId, ...] = await self._desk.loop.ask(event)
        except Infeasible:
            require_possible(self._desk, text.name, found, requests, wrong)  # a card went away meanwhile
            raise
        return ids

    async def _number(self, ids: tuple[TaskId, ...]) -> SubmissionId:
        kept = await self._desk.store.tasks(TaskFilter(ids=ids, limit=1))
        if not kept:  # a repetition after all of them were removed
            raise RunNotFound(run="of that idempotency key")
        return kept[0].submission_id

    # --- stop --------------------------------------------------------------------------------------------

    def running(self, caller: Caller, mode: str, config_index: int) -> SubmissionId:
        """The run of a configuration that is not over. Raises FileNotStored, and WrongState where there is none."""
        file = self._files.find(caller, mode, config_index)
        run = live_run(View(self._desk.state), file.id)
        if run is None:
            raise WrongState(
                what=f"configuration {file.place + 1} of mode {file.mode} ({file.name})", state="not running",
                problem="there is nothing to stop",
                hint=f"start it with: gavelq file start {file.place + 1} --mode {file.mode}",
            )  # fmt: skip
        return run

    async def stop_run(self, caller: Caller, number: int) -> Json:
        """`file stop`: end a run, tasks that wait first. Raises RunNotFound, NotAllowed, WrongState where it is over.

        `n_done` tasks were asked to end, `n_refused` could not be.
        """
        run = self._desk.state.runs.get(SubmissionId(number))
        if run is None or not caller.owns(run.tenant):
            raise RunNotFound(run=number)
        done = await self._submissions.kill(caller, number)
        return {"n_done": done["n_done"], "n_refused": done["n_refused"]}


_NOT_KEPT = frozenset({"cwd", "env", "env_dropped", "workdir"})
"""Options whose meaning a run keeps in another way."""


def _read(
    text: Text, terms: Terms, intake: Intake
) -> tuple[CommandFile, dict[int, TaskRequest], dict[int, GavelqError]]:
    """In a thread: ten thousand blocks take a while, and a working directory may lie on a hanging server."""
    found = read_command_file(text.content.encode("utf-8"), text.mode)
    return found, *requests_of(found.blocks, terms, intake)
