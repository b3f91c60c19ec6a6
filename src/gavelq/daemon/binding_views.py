"""Bound log files as JSON objects (`client/shapes`), and which task of the last run each belongs to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gavelq.core.command_files import Binding, FileId, Run, StoredFile
from gavelq.core.errors import GavelqError
from gavelq.core.ids import SubmissionId
from gavelq.core.task import Task
from gavelq.daemon.bound_logs import Look, Piece
from gavelq.daemon.file_views import read_content
from gavelq.daemon.log_text import as_text
from gavelq.daemon.views import Json, stamp

_KEPT = 1000
"""Configurations whose lanes are remembered."""
Place = tuple[str, int]
"""A queue id, and a task's place from 0 among those of that queue id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to say of a binding beside itself."""

    look: Look | None
    """None: there is no file now, or it may not be looked at."""
    problem: GavelqError | None
    """Why it may not be read."""
    task: Task | None
    """The task of the last run that it belongs to."""
    is_known: bool
    """Whether the configuration has such a task now."""


def key_of(file: StoredFile, queue_id: str, process_index: int) -> str:
    """How a binding is called: MODE_CONFIGINDEX_QUEUEID_PROCESSINDEX."""
    return f"{file.mode}_{file.place}_{queue_id}_{process_index}"


def binding_json(binding: Binding, file: StoredFile, seen: Seen) -> Json:
    """A binding with its file as it is now."""
    key = binding.key
    return {
        "key": key_of(file, key.queue_id, key.process_index),
        "mode": file.mode,
        "config_index": file.place,
        "index": file.place + 1,
        "name": file.name,
        "queue_id": key.queue_id,
        "process_index": key.process_index,
        "path": binding.path,
        "exists": seen.look is not None,
        "size": seen.look.size if seen.look else None,
        "modified_at": stamp(seen.look.modified_at) if seen.look else None,
        "bound_at": stamp(binding.at),
        "bound_by": binding.by,
        "known": seen.is_known,
        "problem": seen.problem.message if seen.problem else None,
        "task_id": seen.task.id if seen.task else None,
        "task_state": seen.task.state.value if seen.task else None,
    }


def piece_json(path: str, piece: Piece) -> Json:
    """Some of a file as text. A character that is not there whole comes with the next piece."""
    text, encoding, n_left = as_text(piece.content)
    return {
        "path": path,
        "exists": piece.look is not None,
        "size": max(piece.look.size, piece.end) if piece.look else None,
        "modified_at": stamp(piece.look.modified_at) if piece.look else None,
        "identity": piece.look.identity if piece.look else None,
        "start": piece.start,
        "next_offset": piece.end - n_left,
        "truncated": piece.is_anew,
        "encoding": encoding,
        "content": text,
    }


def last_runs(runs: Mapping[SubmissionId, Run]) -> dict[FileId, SubmissionId]:
    """The last run of each configuration that has run."""
    found: dict[FileId, SubmissionId] = {}
    for number, run in runs.items():
        if run.file is not None:
            found[run.file] = max(number, found.get(run.file, number))
    return found


def by_place(tasks: Iterable[Task]) -> dict[Place, Task]:
    """The tasks of a run by place.

    Where an `apply` took one out before it started, another may have its place: those that live or ran come first, and
    among them the newest.
    """
    found: dict[Place, Task] = {}
    for task in sorted(tasks, key=lambda task: (not task.state.is_ended or task.n_attempts > 0, task.id)):
        lane = task.request.lane
        if lane is not None:
            found[lane.lane, lane.at] = task
    return found


class LanesKept:
    """How many tasks each queue id of a configuration has, so that a long text is not read for each question."""

    def __init__(self) -> None:
        self._kept: dict[FileId, tuple[int, Counter[str]]] = {}

    def has(self, file: StoredFile, place: Place) -> bool:
        """Whether the text has that task now. Takes a while for a long text that was changed."""
        version, lanes = self._kept.get(file.id, (0, Counter()))
        if version != file.version:
            lanes = Counter(block.queue_id for block in read_content(file.content, file.mode).blocks)
            self._kept = dict(list(self._kept.items())[-_KEPT:]) | {file.id: (file.version, lanes)}
        return place[1] < lanes[place[0]]
