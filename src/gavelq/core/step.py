"""What the engine answers with: the rows that change, what to do about it, and what to tell the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gavelq.core.alerts import Alert, Mute
from gavelq.core.bursts import Burst
from gavelq.core.command_files import Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.effects import Effect
from gavelq.core.fixed import fixed
from gavelq.core.gpu import Card, GpuSample
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.notices import Message
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.task import Attempt, Task
from gavelq.core.tenants import HourKey, Tenant, Token, TokenId


@fixed
class Record:
    """One row of the event history: what happened, to what, by whom. `details` is JSON-able and small."""

    at: float
    kind: str
    by: str = ""
    task_id: TaskId | None = None
    subject: str = ""
    """A queue's name or a GPU's UUID, where the event is about one."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """An idempotency key and the tasks, or the one other thing, that its first use made."""

    key: str
    at: float
    task_ids: tuple[TaskId, ...]
    digest: str = ""
    """Of what its first use said; empty: unknown."""
    made: str = ""
    """What was made, where that is no tasks: a name or a number."""


@dataclass(slots=True, kw_only=True)
class Changes:
    """Everything that one commit writes, all of it or nothing. None as a value deletes the row."""

    tasks: dict[TaskId, Task | None] = field(default_factory=dict)
    attempts: dict[tuple[TaskId, int], Attempt] = field(default_factory=dict)
    queues: dict[QueueName, Queue | None] = field(default_factory=dict)
    cards: dict[GpuUuid, Card | None] = field(default_factory=dict)
    reservations: dict[str, Reservation] | None = None
    """All reservations by domain (or purpose), when they changed; None: unchanged."""
    learned: dict[str, Learned | None] = field(default_factory=dict)
    """What ended tasks taught, by tenant and name (`gavelq.core.learned`)."""
    shares: dict[str, ShareUse | None] = field(default_factory=dict)
    """Decayed use by tenant."""
    streaks: dict[SubmissionId, int | None] = field(default_factory=dict)
    """Fast failures in a row, by submission."""
    files: dict[FileId, StoredFile | None] = field(default_factory=dict)
    """Configurations of command files."""
    runs: dict[SubmissionId, Run | None] = field(default_factory=dict)
    """Submissions that came from command files."""
    bindings: dict[BindingKey, Binding | None] = field(default_factory=dict)
    """Log files of people's own."""
    tenants: dict[str, Tenant | None] = field(default_factory=dict)
    retired: dict[str, float | None] = field(default_factory=dict)
    """When tenants that are gone were deleted, by name."""
    tokens: dict[TokenId, Token | None] = field(default_factory=dict)
    hours: dict[HourKey, float | None] = field(default_factory=dict)
    """GPU-seconds by tenant and hour."""
    alerts: dict[str, Alert | None] = field(default_factory=dict)
    """Alerts that fire, by key."""
    mutes: dict[str, Mute | None] = field(default_factory=dict)
    outbox: dict[str, Message | None] = field(default_factory=dict)
    """Messages that wait to be delivered, by key."""
    blobs: dict[BlobKey, bytes] = field(default_factory=dict)
    keys: list[KeyUse] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    next_task_id: TaskId | None = None
    next_submission_id: SubmissionId | None = None
    next_file_id: FileId | None = None
    next_token_id: TokenId | None = None

    def is_empty(self) -> bool:
        """True where there is nothing to write."""
        rows = (
            self.tasks, self.attempts, self.queues, self.cards, self.blobs, self.keys, self.records,
            self.learned, self.shares, self.streaks, self.files, self.runs, self.bindings,
            self.tenants, self.retired, self.tokens, self.hours, self.alerts, self.mutes, self.outbox,
        )  # fmt: skip
        return not any(rows) and self.reservations is None and self.next_task_id is None

    def absorb(self, later: "Changes") -> None:
        """Add the changes of a later step; the later value of a row wins."""
        self.tasks.update(later.tasks)
        self.attempts.update(later.attempts)
        self.queues.update(later.queues)
        self.cards.update(later.cards)
        self.learned.update(later.learned)
        self.shares.update(later.shares)
        self.streaks.update(later.streaks)
        self.files.update(later.files)
        self.runs.update(later.runs)
        self.bindings.update(later.bindings)
        self.tenants.update(later.tenants)
        self.retired.update(later.retired)
        self.tokens.update(later.tokens)
        self.hours.update(later.hours)
        self.alerts.update(later.alerts)
        self.mutes.update(later.mutes)
        self.outbox.update(later.outbox)
        self.blobs.update(later.blobs)
        self.keys.extend(later.keys)
        self.records.extend(later.records)
        self.reservations = self.reservations if later.reservations is None else later.reservations
        self.next_task_id = later.next_task_id or self.next_task_id
        self.next_submission_id = later.next_submission_id or self.next_submission_id
        self.next_file_id = later.next_file_id or self.next_file_id
        self.next_token_id = later.next_token_id or self.next_token_id


@dataclass(slots=True, kw_only=True)
class Step:
    """The engine's answer to one event. Nothing of it is true before its changes are committed."""

    changes: Changes = field(default_factory=Changes)
    effects: list[Effect] = field(default_factory=list)
    sample: GpuSample | None = None
    """A new look at the GPUs; volatile, joins the books without a commit."""
    bursts: tuple[Burst, ...] = ()
    """What a burst of looks told about some GPUs; volatile as well."""
    ended: list[Task] = field(default_factory=list)
    """Tasks (as they were) whose attempt just ended: their use of GPUs leaves the books."""
    reply: Any = None
    """What the caller is told after the commit."""

    def put_task(self, task: Task, record: Record) -> None:
        """Note a changed task together with its event row; its present attempt's row changes with it."""
        self.changes.tasks[task.id] = task
        if task.attempt is not None:
            self.changes.attempts[task.id, task.attempt.number] = task.attempt
        self.changes.records.append(record)
