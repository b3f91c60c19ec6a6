"""What the daemon keeps of command files: configurations, the runs that came from them, bound logs (SPEC section 6).

A configuration is a text that people edit and start; a run is the submission that a start made.
"""

from dataclasses import dataclass, field
from typing import NewType

from gavelq.core.errors import GavelqError, NotFound
from gavelq.core.ids import SubmissionId, TaskId

FileId = NewType("FileId", int)
"""A configuration's own number: positive, given once, never used again. People count by place (1, 2, ... N)."""

FIRST_FILE = FileId(1)
NO_SUBMISSION = SubmissionId(0)
"""Of a run that the engine has not seen yet."""
MAX_CONTENT = 4 << 20
"""Bytes of a configuration's text."""
MAX_FILES = 10_000
"""Configurations of one tenant and mode."""
KEPT_RUNS = 50
"""Ended runs that are remembered beside the last one of each configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A configuration: a command file that the daemon keeps."""

    id: FileId
    tenant: str
    mode: str
    """`single` or `multi`."""
    place: int
    """From 0 among its tenant's configurations of that mode."""
    name: str
    content: str
    """UTF-8 text with `\\n` line ends; it need not be without mistakes."""
    saved: str
    """What `reset` goes back to: the text that ran last, or the first one."""
    version: int
    """Grows with every change of the text or name: the ETag."""
    modified_at: float
    modified_by: str
    workdir: str | None = None
    """Where its tasks run, unless `rules.work_dir` or the start says so."""
    env: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    """The environment that was captured with it; None: none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The submission that a start of a command file made."""

    submission: SubmissionId = NO_SUBMISSION
    mode: str
    file: FileId | None = None
    """The configuration; None: a file that was only submitted."""
    name: str
    content: str
    """The text that it runs, as of its start or the last `apply`."""
    tenant: str
    by: str
    started_at: float = 0.0
    seed: int
    """Of the random order in which single-GPU lanes start."""
    work_dir: str
    """What `{work_dir}` stands for."""
    options: str = "{}"
    """What the start asked for beside its text, as JSON; it holds for tasks that are added later, too."""
    owners: tuple[TaskId, ...] = ()
    """For each block of the text the task that runs it, or ran what stood in its place before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingKey:
    """A task of a configuration, whatever runs of it there have been."""

    file: FileId
    queue_id: str
    process_index: int
    """From 0 among the tasks of its queue id, in file order."""

    def __str__(self) -> str:
        return f"{self.file}:{self.process_index}:{self.queue_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A log file of a person's own, bound to a task of a configuration."""

    key: BindingKey
    path: str
    """Absolute; the file may come later."""
    at: float
    by: str


class FileNotStored(NotFound):
    """there is no configuration {wanted} of mode {mode}"""

    code = "configuration_not_found"
    hint = "`gavelq file list` shows the configurations; `gavelq file new FILE` makes one"


class BindingNotFound(NotFound):
    """no log file is bound to task {process_index} of queue {queue_id}"""

    code = "binding_not_found"
    hint = "`gavelq file bindings` shows which are"


class RunNotFound(NotFound):
    """there is no run {run}"""

    code = "run_not_found"
    hint = "`gavelq file state` shows the runs; a run's number is that of its submission"


class ChangedMeanwhile(GavelqError):
    """{what} was changed meanwhile (it is at version {version} now)"""

    code = "changed_meanwhile"
    hint = "read it again, make the change there, and send that"
    http_status = 412
    exit_code = 6
