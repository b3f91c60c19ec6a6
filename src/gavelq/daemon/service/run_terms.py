"""What a start and an apply of a command file have in common: its text, the terms of its tasks, what is impossible."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.command_files import FileId, StoredFile
from gavelq.core.errors import GavelqError, LimitReached, QueueNotFound
from gavelq.core.ids import QueueName
from gavelq.core.task import TaskRequest
from gavelq.core.view import View
from gavelq.daemon.command_runs import Terms, file_error, mistakes_of, terms_of
from gavelq.daemon.mistakes import impossible_ones
from gavelq.daemon.service.desk import Desk
from gavelq.formats.command_file import CommandFile, Mode
from gavelq.formats.start_options import MAX_SEED, StartOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is to be run: a configuration's text, or one that is only submitted."""

    name: str
    mode: Mode
    content: str
    file: FileId | None = None
    workdir: str | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)


def text_of(file: StoredFile) -> Text:
    """A configuration as it is now."""
    env = None if file.env is None else dict(file.env)
    return Text(name=file.name, mode=Mode(file.mode), content=file.content, file=file.id, workdir=file.workdir, env=env)


def terms_for(desk: Desk, text: Text, options: StartOptions) -> Terms:
    """What holds for tasks that are made of a text now."""
    config = desk.config()
    queue = desk.state.queues.get(QueueName(options.queue or config.submit.default_queue))
    return terms_of(
        config.rules, options, name=text.name, mode=text.mode, seed=secrets.randbelow(MAX_SEED + 1), queue=queue,
        captured_dir=text.workdir, captured_env=text.env,
    )  # fmt: skip


def require_possible(
    desk: Desk, name: str, found: CommandFile, requests: Mapping[int, TaskRequest], wrong: Mapping[int, GavelqError]
) -> None:
    """Raises InvalidFile for blocks that make no task or can never start, QueueNotFound, LimitReached.

    `requests` and `wrong` (blocks that make no task) are by the index of the block.
    """
    limit = desk.config().limits.max_submission
    if len(found.blocks) > limit:
        problem = f"the file has {len(found.blocks)} tasks, at most {limit} are taken at once"
        raise LimitReached(limit="limits.max_submission", problem=problem, hint="cut the file into several")
    errors = {**impossible_ones(requests, View(desk.state)), **wrong}
    for error in errors.values():
        if isinstance(error, QueueNotFound):
            raise error  # one queue for all of them: no line of the file is wrong
    mistakes = mistakes_of(found, errors)
    if mistakes:
        raise file_error(name, found.mode, mistakes)
