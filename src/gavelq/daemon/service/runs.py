"""Runs of command files: start, submit once."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gavelq.core import events as ev
from gavelq.core.command_files import MAX_CONTENT, NO_SUBMISSION, FileId, Run, RunNotFound, StoredFile
from gavelq.core.engine.files import live_run
from gavelq.core.engine.runs import require_idle
from gavelq.core.errors import GavelqError, Infeasible, InvalidField, LimitReached, QueueNotFound, WrongState
from gavelq.core.ids import QueueName, SubmissionId, TaskId
from gavelq.core.state import View
from gavelq.core.task import TaskRequest
from gavelq.daemon.caller import Caller
from gavelq.daemon.command_runs import Terms, file_error, mistakes_of, requests_of, terms_of
from gavelq.daemon.mistakes import impossible_ones
from gavelq.daemon.requests import Intake
from gavelq.daemon.service import changes
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService, mode_named
from gavelq.daemon.service.submissions import SubmissionService
from gavelq.daemon.service.tasks import require_key
from gavelq.daemon.views import Json
from gavelq.formats.command_file import CommandFile, Mode, read_command_file
from gavelq.formats.command_text import decode
from gavelq.formats.start_options import MAX_SEED, StartOptions, parse_start_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is to be run: a configuration's text, or one that is only submitted."""

    name: str
    mode: Mode
    content: str
    file: FileId | None = None
    workdir: str | None = None
    env: Mapping[str, str] | None = None


class RunService:
    """The verbs of `gavelq file` that run something, and `gavelq submit file`."""

    def __init__(self, desk: Desk, files: FileService, submissions: SubmissionService) -> None:
        self._desk = desk
        self._files = files
        self._submissions = submissions

    # --- start -------------------------------------------------------------------------------------------

    async def start(
        self, caller: Caller, mode: str, config_index: int, options: Mapping[str, object], key: str | None = None,
    ) -> Json:  # fmt: skip
        """`file start`: run a configuration as it is now. Raises GavelqError; nothing is started then.

        InvalidFile has all mistakes of the file with their lines; WrongState is raised where it runs already.
        """
        file = self._files.find(caller, mode, config_index)
        ids = await self._run(caller, text_of(file), parse_start_options(options), key)
        return await self._started(ids)

    async def submit_text(
        self, caller: Caller, name: str, mode: str, content: str, options: Mapping[str, object],
        key: str | None = None,
    ) -> list[Json]:  # fmt: skip
        """`submit file`: run a text once, without keeping it as a configuration; its tasks."""
        if len(content.encode("utf-8")) > MAX_CONTENT:
            problem = f"the file has more than {MAX_CONTENT} bytes"
            raise InvalidField(field="content", problem=problem, hint="cut it into several")
        text = Text(name=name, mode=mode_named(mode), content=decode(content.encode("utf-8"))[0])
        ids = await self._run(caller, text, parse_start_options(options), key)
        found = [await self._desk.find(task_id) for task_id in ids]
        return [self._desk.task_json(task) for task in found if task is not None]

    async def _run(self, caller: Caller, text: Text, options: StartOptions, key: str | None) -> tuple[TaskId, ...]:
        require_key(key)
        scoped = None if key is None else f"{caller.tenant}:{key}"
        use = self._desk.state.keys.get(scoped) if scoped is not None else None
        if use is not None:
            return use.task_ids  # a repetition, whatever was edited since
        stored = self._desk.state.files.get(text.file) if text.file is not None else None
        if stored is not None:  # who starts a running one is told so, and not what is wrong with its new text
            require_idle(View(self._desk.state), stored)
        terms = self.terms(text, options)
        intake = changes.intake_for(self._desk, caller)
        found, requests, wrong = await asyncio.to_thread(_read, text, terms, intake)
        self.require_possible(text.name, found, requests, wrong)
        run = Run(
            mode=text.mode.value, file=text.file, name=text.name, content=text.content, tenant=caller.tenant,
            by=caller.name, seed=terms.seed, work_dir=terms.work_dir,
        )  # fmt: skip
        event = ev.TasksSubmitted(
            by=caller.name, requests=tuple(requests.values()), blobs=intake.blobs, key=scoped, run=run
        )
        try:
            ids: tuple[TaskId, ...] = await self._desk.loop.ask(event)
        except Infeasible:
            self.require_possible(text.name, found, requests, wrong)  # a card went away meanwhile
            raise
        return ids

    def terms(self, text: Text, options: StartOptions) -> Terms:
        """What holds for the tasks of a text that is started now."""
        config = self._desk.config()
        queue = self._desk.state.queues.get(QueueName(options.queue or config.submit.default_queue))
        return terms_of(
            config.rules, options, name=text.name, mode=text.mode, seed=secrets.randbelow(MAX_SEED + 1), queue=queue,
            captured_dir=text.workdir, captured_env=text.env,
        )  # fmt: skip

    def require_possible(
        self, name: str, found: CommandFile, requests: Mapping[int, TaskRequest], wrong: Mapping[int, GavelqError]
    ) -> None:
        """Raises InvalidFile for blocks that make no task or can never start, QueueNotFound, LimitReached."""
        limit = self._desk.config().limits.max_submission
        if len(found.blocks) > limit:
            problem = f"the file has {len(found.blocks)} tasks, at most {limit} are taken at once"
            raise LimitReached(limit="limits.max_submission", problem=problem, hint="cut the file into several")
        errors = {**impossible_ones(requests, View(self._desk.state)), **wrong}
        for error in errors.values():
            if isinstance(error, QueueNotFound):
                raise error  # one queue for all of them: no line of the file is wrong
        mistakes = mistakes_of(found, errors)
        if mistakes:
            raise file_error(name, found.mode, mistakes)

    # --- stop --------------------------------------------------------------------------------------------

    async def stop(self, caller: Caller, mode: str, config_index: int) -> Json:
        """`file stop`: end the run of a configuration, tasks that wait first. Raises WrongState where none runs."""
        file = self._files.find(caller, mode, config_index)
        run = live_run(View(self._desk.state), file.id)
        if run is None:
            raise WrongState(
                what=f"configuration {file.place + 1} of mode {file.mode} ({file.name})", state="not running",
                problem="there is nothing to stop", hint=f"start it with: gavelq file start {file.place + 1}",
            )  # fmt: skip
        return await self.stop_run(caller, run)

    async def stop_run(self, caller: Caller, number: int) -> Json:
        """`file stop --run R`: end a run. Raises RunNotFound, NotAllowed, and WrongState for one that is over."""
        run = self._desk.state.runs.get(SubmissionId(number))
        if run is None:
            raise RunNotFound(run=number)
        caller.require_tenant(run.tenant, f"stopping run {number}")
        done = await self._submissions.kill(caller, number)
        return {**self._run_json(run), "n_done": done["n_done"], "n_refused": done["n_refused"]}

    async def _started(self, ids: tuple[TaskId, ...]) -> Json:
        """What is said about a run that was just started."""
        first = await self._desk.find(ids[0])
        number = first.submission_id if first is not None else NO_SUBMISSION
        run = self._desk.state.runs.get(number)
        if run is None:  # the key of a start of long ago
            raise RunNotFound(run=number)
        return {**self._run_json(run), "n_tasks": len(ids)}

    def _run_json(self, run: Run) -> Json:
        file = self._desk.state.files.get(run.file) if run.file is not None else None
        return {
            "pid": run.submission,
            "mode": run.mode,
            "config_index": file.place if file is not None else None,
            "name": run.name,
            "submission_id": run.submission,
        }


def text_of(file: StoredFile) -> Text:
    """A configuration as it is now."""
    env: dict[str, Any] | None = None if file.env is None else dict(file.env)
    return Text(name=file.name, mode=Mode(file.mode), content=file.content, file=file.id, workdir=file.workdir, env=env)


def _read(
    text: Text, terms: Terms, intake: Intake
) -> tuple[CommandFile, dict[int, TaskRequest], dict[int, GavelqError]]:
    """In a thread: ten thousand blocks take a while, and a working directory may lie on a hanging server."""
    found = read_command_file(text.content.encode("utf-8"), text.mode)
    return found, *requests_of(found.blocks, terms, intake)
