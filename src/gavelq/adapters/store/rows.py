"""Tasks, attempts, queues and cards as rows, and back.

The format's version is the database's schema version: who changes a codec so that old documents read differently adds
a migration that rewrites them. A new field with a default needs none. No pickle: rows are data, never code.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from gavelq.adapters.store.shape import (
    FLAG,
    REAL,
    TEXT,
    TEXTS,
    WHOLE,
    Codec,
    RowError,
    Shape,
    enumerated,
    listed,
    optional,
)
from gavelq.core.gpu import Accepted, Card
from gavelq.core.idling import IdleAction
from gavelq.core.ids import QueueName, SubmissionId, TaskId
from gavelq.core.isolation import Violation, ViolationKind
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.notices import NotifyOn
from gavelq.core.queue import MemType, Queue
from gavelq.core.retrying import Backoff, OomAction, RetryRules, RetryWish
from gavelq.core.step import KeyUse, Record
from gavelq.core.task import (
    Argv,
    Attempt,
    AttemptResult,
    Command,
    Dependency,
    DependencyKind,
    Ending,
    GpuRequest,
    LanePlace,
    Lease,
    ProcessIdentity,
    Script,
    ShellLines,
    Stop,
    Task,
    TaskRequest,
    Warn,
)
from gavelq.core.tenants import Isolation

to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_from_json = json.JSONDecoder().decode

_PROCESS = Shape(ProcessIdentity, pid=WHOLE, start_ticks=WHOLE, boot_id=TEXT)
_COMMANDS: dict[str, Shape[Any]] = {
    "shell": Shape(ShellLines, lines=TEXTS),
    "argv": Shape(Argv, argv=TEXTS),
    "script": Shape(Script, name=TEXT, blob=TEXT, interpreter=TEXTS, args=TEXTS),
    "lease": Shape(Lease, owner=optional(_PROCESS.codec), renew_s=REAL),
}
_KINDS: dict[type, str] = {ShellLines: "shell", Argv: "argv", Script: "script", Lease: "lease"}


def _encode_command(command: Command) -> dict[str, Any]:
    kind = _KINDS[type(command)]
    return {kind: _COMMANDS[kind].encode(command)}


def _decode_command(document: Any) -> Command:
    if type(document) is not dict or len(document) != 1 or next(iter(document)) not in _COMMANDS:
        raise RowError(f"{document!r} is not a command")
    ((kind, inner),) = document.items()
    command: Command = _COMMANDS[kind].decode(inner)
    return command


def decode_pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """A list of pairs of texts. Raises RowError."""
    pairs = TEXTS_LIST.decode(value)
    if not all(len(pair) == 2 for pair in pairs):
        raise RowError(f"{value!r} is not a list of pairs")
    return tuple((name, text) for name, text in pairs)


TEXTS_LIST = listed(TEXTS)
_RESULT = Shape(
    AttemptResult,
    exit_code=optional(WHOLE),
    signal=optional(WHOLE),
    started_at=optional(REAL),
    ended_at=REAL,
    cause=TEXT,
    cpu_s=REAL,
    max_rss_mib=REAL,
    detail=TEXT,
)
_VIOLATION = Shape(
    Violation,
    kind=enumerated(ViolationKind),
    gpu=TEXT,
    index=TEXT,
    pid=WHOLE,
    memory=optional(WHOLE),
    declared=optional(WHOLE),
    at=REAL,
)
_ATTEMPT = Shape(
    Attempt,
    number=WHOLE,
    gpus=TEXTS,
    indices=TEXTS,
    placed_at=REAL,
    started_at=optional(REAL),
    pid=optional(WHOLE),
    supervisor=optional(_PROCESS.codec),
    result=optional(_RESULT.codec),
    reason=optional(enumerated(EndReason)),
    log_path=TEXT,
    peak_memory=optional(WHOLE),
    utilization=optional(REAL),
    borrowed=FLAG,
    isolation=enumerated(Isolation),
    violations=listed(_VIOLATION.codec),
    idle_since=optional(REAL),
)
_STOP = Shape(Stop, reason=enumerated(EndReason), by=TEXT, since=REAL, requeue=FLAG, keep_success=FLAG)
_ENDING = Shape(
    Ending, reason=enumerated(EndReason), at=REAL, exit_code=optional(WHOLE), signal=optional(WHOLE), detail=TEXT
)
_GPUS = Shape(
    GpuRequest,
    count=WHOLE,
    max_count=optional(WHOLE),
    gpu_left=optional(WHOLE),
    allowed=TEXTS,
    memory=optional(WHOLE),
    max_util=optional(WHOLE),
    selection=optional(TEXT),
    share=FLAG,
)
_LANE = Shape(LanePlace, lane=TEXT, at=WHOLE, rank=WHOLE, is_strict=FLAG)
_BACKOFF = Shape(Backoff, first_s=REAL, factor=REAL, cap_s=REAL)
_OOM = Shape(OomAction, factor=optional(REAL), is_exclusive=FLAG)
_RETRY = Shape(
    RetryRules,
    retries=WHOLE,
    backoff=_BACKOFF.codec,
    burst=optional(WHOLE),
    on=listed(enumerated(EndReason)),
    on_gpu_oom=_OOM.codec,
)
_RETRY_WISH = Shape(
    RetryWish,
    retries=optional(WHOLE),
    backoff=optional(_BACKOFF.codec),
    burst=optional(WHOLE),
    on=optional(listed(enumerated(EndReason))),
    on_gpu_oom=optional(_OOM.codec),
)
_DEPENDENCY = Shape(Dependency, task_id=WHOLE, kind=enumerated(DependencyKind))
_WARN = Shape(Warn, signal=WHOLE, before_s=REAL)
_REQUEST = Shape(
    TaskRequest,
    command=Codec(_encode_command, _decode_command),
    name=TEXT,
    workdir=TEXT,
    env=TEXT,
    dropped_env=TEXTS,
    gpus=_GPUS.codec,
    queue=TEXT,
    priority=WHOLE,
    tenant=TEXT,
    tags=TEXTS,
    time_limit_s=optional(REAL),
    log_path=optional(TEXT),
    hold=FLAG,
    requeue=FLAG,
    allow_infeasible=FLAG,
    warn=optional(_WARN.codec),
    retry=_RETRY.codec,
    depends_on=listed(_DEPENDENCY.codec),
    not_before=optional(REAL),
    preemptible=FLAG,
    is_named=FLAG,
    learn_memory=FLAG,
    array_index=optional(WHOLE),
    max_parallel=optional(WHOLE),
    params=Codec(lambda pairs: [list(pair) for pair in pairs], decode_pairs),
    lane=optional(_LANE.codec),
    isolation=optional(enumerated(Isolation)),
    mps_percent=optional(WHOLE),
    description=TEXT,
    notify=TEXTS,
    notify_on=listed(enumerated(NotifyOn)),
)
_STANDING = Shape(
    Task,
    elsewhere=frozenset({"id", "submission_id", "request", "state", "queue", "priority", "submitted_at"}),
    log_path=TEXT,
    is_held_by_user=FLAG,
    hold_reason=TEXT,
    retry_at=optional(REAL),
    n_failures=WHOLE,
    waits_for=listed(_DEPENDENCY.codec),
    behind=optional(WHOLE),
    renewed_at=optional(REAL),
    attempt=optional(_ATTEMPT.codec),
    stop=optional(_STOP.codec),
    ending=optional(_ENDING.codec),
)
"""The fields of a Task that have no column of their own."""

_QUEUE = Shape(
    Queue,
    name=TEXT,
    hold=FLAG,
    paused=FLAG,
    paused_by=TEXT,
    paused_at=optional(REAL),
    pool=FLAG,
    priority=WHOLE,
    max_running=optional(WHOLE),
    max_gpus=optional(WHOLE),
    max_util=optional(WHOLE),
    mem_type=enumerated(MemType),
    mem_value=WHOLE,
    lend=FLAG,
    retry=_RETRY_WISH.codec,
    time_limit_s=optional(REAL),
    max_time_limit_s=optional(REAL),
    idle_after_s=optional(REAL),
    idle_action=enumerated(IdleAction),
)
_ACCEPTED = Shape(Accepted, pid=WHOLE, started_at=optional(REAL))
_CARD = Shape(
    Card,
    uuid=TEXT,
    index=TEXT,
    name=TEXT,
    memory_total=WHOLE,
    parent=optional(TEXT),
    queue=optional(TEXT),
    ignored=FLAG,
    draining=FLAG,
    lost=FLAG,
    label=TEXT,
    keep_free=WHOLE,
    fault=TEXT,
    fault_at=optional(REAL),
    configured=TEXT,
    accepted=listed(_ACCEPTED.codec),
)

TaskRow = tuple[int, int, str, str, int, float, str, str]
"""id, submission_id, state, queue, priority, submitted_at, request, standing: what the queries select."""


def task_rows(tasks: Iterable[Task]) -> list[tuple[object, ...]]:
    """Parameters of `put_task`. A request that several tasks share is encoded once."""
    texts: dict[int, str] = {}
    rows: list[tuple[object, ...]] = []
    for task in tasks:
        request = task.request
        text = texts.get(id(request))
        if text is None:
            text = texts[id(request)] = to_json(_REQUEST.encode(request))
        rows.append(
            (
                task.id,
                task.submission_id,
                task.state.value,
                task.queue,
                task.priority,
                task.submitted_at,
                task.ending.at if task.ending is not None else None,
                request.env,
                request.command.blob if isinstance(request.command, Script) else None,
                text,
                to_json(_STANDING.encode(task)),
                request.tenant,
            )
        )
    return rows


class TaskReader:
    """Rows to tasks. Keep one for a whole result: equal requests become one object."""

    def __init__(self) -> None:
        self._requests: dict[str, TaskRequest] = {}

    def task(self, row: TaskRow) -> Task:
        """The task of a row. Raises RowError, naming the task."""
        task_id, submission_id, state, queue, priority, submitted_at, request_text, standing_text = row
        try:
            request = self._requests.get(request_text)
            if request is None:
                request = self._requests[request_text] = _REQUEST.decode(parse_text(request_text))
            return Task(
                id=TaskId(task_id),
                submission_id=SubmissionId(submission_id),
                request=request,
                state=TaskState(state),
                queue=QueueName(queue),
                priority=priority,
                submitted_at=submitted_at,
                **_STANDING.arguments(parse_text(standing_text)),
            )
        except (RowError, ValueError) as error:
            raise RowError(f"task {task_id}: {error}") from None

    def tasks(self, rows: Iterable[TaskRow]) -> list[Task]:
        """The tasks of many rows. Raises RowError."""
        return [self.task(row) for row in rows]


def parse_text(text: str) -> Any:
    """A document of a text. Raises RowError."""
    try:
        return _from_json(text)
    except (ValueError, TypeError) as error:
        raise RowError(f"not JSON: {error}") from None


def attempt_text(attempt: Attempt) -> str:
    """An attempt as text."""
    return to_json(_ATTEMPT.encode(attempt))


def attempt_of(text: str) -> Attempt:
    """The attempt of a text. Raises RowError."""
    return _ATTEMPT.decode(parse_text(text))


def queue_text(queue: Queue) -> str:
    """A queue as text."""
    return to_json(_QUEUE.encode(queue))


def queue_of(text: str) -> Queue:
    """The queue of a text. Raises RowError."""
    return _QUEUE.decode(parse_text(text))


def card_text(card: Card) -> str:
    """A card as text."""
    return to_json(_CARD.encode(card))


def card_of(text: str) -> Card:
    """The card of a text. Raises RowError."""
    return _CARD.decode(parse_text(text))


def record_row(record: Record) -> tuple[object, ...]:
    """Parameters of `put_record`."""
    details = to_json(dict(record.details)) if record.details else "{}"
    return (record.at, record.kind, record.by, record.task_id, record.subject, details)


def record_of(row: Sequence[Any]) -> Record:
    """The record of a row. Raises RowError."""
    at, kind, by, task_id, subject, details = row
    return Record(
        at=at,
        kind=kind,
        by=by,
        task_id=None if task_id is None else TaskId(task_id),
        subject=subject,
        details=parse_text(details),
    )


def key_row(use: KeyUse) -> tuple[object, ...]:
    """Parameters of `put_key`: the tasks alone, or with the digest of the request that made them, or something else."""
    tasks: Any = list(use.task_ids)
    if use.digest or use.made:
        tasks = {"tasks": tasks, "digest": use.digest} | ({"made": use.made} if use.made else {})
    return (use.key, use.at, to_json(tasks))


def key_of(row: Sequence[Any]) -> KeyUse:
    """The key use of a row. Raises RowError."""
    key, at, text = row
    document = parse_text(text)
    known = document if isinstance(document, dict) else {"tasks": document}
    tasks, digest, made = known["tasks"], known.get("digest", ""), known.get("made", "")
    return KeyUse(key=key, at=at, task_ids=tuple(map(TaskId, tasks)), digest=digest, made=made)
