"""Command files and the log files bound to their tasks."""

from typing import TypedDict

from gavelq.client.shapes.words import Mode


class CommandTask(TypedDict):
    """A task as it stands in a command file; `line` is where its block begins, from 1."""

    process_index: int
    line: int
    commands: list[str]
    gpu_count: int
    memory_gb: float


class FileMistake(TypedDict):
    """What is wrong with a command file."""

    line: int
    problem: str
    hint: str
    block: str


class StoredFile(TypedDict):
    """A configuration without its text; `id` None: there is none at this place yet."""

    id: int | None
    mode: Mode
    config_index: int
    index: int
    name: str
    tenant: str
    n_tasks: int
    n_queues: int
    n_mistakes: int
    is_running: bool
    run_id: int | None
    is_changed: bool
    workdir: str | None
    has_env: bool
    n_bindings: int
    etag: str
    modified_at: str | None
    modified_by: str | None


class StoredText(StoredFile):
    """A configuration with its text, and what stands in that: tasks by queue id, mistakes."""

    content: str
    queues: dict[str, list[CommandTask]]
    mistakes: list[FileMistake]


class DeletedFile(StoredFile):
    """A configuration that is gone; so many behind it moved up by one place."""

    n_moved: int


class CheckedText(TypedDict):
    """What stands in a text that nobody keeps."""

    mode: Mode
    n_tasks: int
    n_queues: int
    n_mistakes: int
    queues: dict[str, list[CommandTask]]
    mistakes: list[FileMistake]


class Binding(TypedDict):
    """A log file of somebody's own, bound to a task of a configuration; `known` tells whether that is there now."""

    key: str
    mode: Mode
    config_index: int
    index: int
    name: str
    queue_id: str
    process_index: int
    path: str
    exists: bool
    size: int | None
    modified_at: str | None
    bound_at: str
    bound_by: str
    known: bool
    problem: str | None
    task_id: int | None
    task_state: str | None


class Bound(Binding):
    """A new binding, and the path that it took the place of."""

    replaced: str | None


class Unbound(TypedDict):
    """A binding that was taken back."""

    unbound: str
    path: str


class Bindings(TypedDict):
    """Bindings by MODE_CONFIGINDEX_QUEUEID_PROCESSINDEX, and below which directories log files may lie."""

    bindings: dict[str, Binding]
    roots: list[str]


class LogPart(TypedDict):
    """Some of a log file as text; offsets count bytes."""

    path: str
    exists: bool
    size: int | None
    modified_at: str | None
    identity: str | None
    start: int
    next_offset: int
    truncated: bool
    encoding: str
    content: str


class BoundLogPart(LogPart):
    """Some of a bound log file; `ended`: its task has ended, and nothing more stands behind this."""

    key: str
    task_id: int | None
    task_state: str | None
    ended: bool
