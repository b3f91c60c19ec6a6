"""A store in memory, whose failures can be switched on."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gavelq.core.alerts import Alert, Mute
from gavelq.core.command_files import Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.errors import GavelqError, StoreUnavailable
from gavelq.core.gpu import Card
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.notices import Message
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.step import Changes, KeyUse, Record
from gavelq.core.task import Attempt, Script, Task
from gavelq.core.tenants import HourKey, Tenant, Token, TokenId
from gavelq.core.usage import Ended, Held
from gavelq.ports import Loaded, Numbered, TaskFilter

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True, kw_only=True)
class Disk:
    """What has been committed. Survives the FakeStore that wrote it, as a file would."""

    tasks: dict[TaskId, Task] = field(default_factory=dict)
    attempts: dict[tuple[TaskId, int], Attempt] = field(default_factory=dict)
    queues: dict[QueueName, Queue] = field(default_factory=dict)
    cards: dict[GpuUuid, Card] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    learned: dict[str, Learned] = field(default_factory=dict)
    shares: dict[str, ShareUse] = field(default_factory=dict)
    streaks: dict[SubmissionId, int] = field(default_factory=dict)
    files: dict[FileId, StoredFile] = field(default_factory=dict)
    runs: dict[SubmissionId, Run] = field(default_factory=dict)
    bindings: dict[BindingKey, Binding] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    retired: dict[str, float] = field(default_factory=dict)
    tokens: dict[TokenId, Token] = field(default_factory=dict)
    hours: dict[HourKey, float] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    mutes: dict[str, Mute] = field(default_factory=dict)
    outbox: dict[str, Message] = field(default_factory=dict)
    blobs: dict[BlobKey, bytes] = field(default_factory=dict)
    orphaned: set[BlobKey] = field(default_factory=set)
    keys: dict[str, KeyUse] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    n_records_gone: int = 0
    next_task_id: int = 1
    next_submission_id: int = 1
    next_file_id: int = 1
    next_token_id: int = 1


class FakeStore:
    """Port Store for tests. Set `failure` to an error and every commit raises it, until it is None again.

    `reads_fail` is the same for reads. `delay_s` makes commits slow. `commits` lists the changes that were committed.
    `FakeStore(store.disk)` is the store after a restart.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.commits: list[Changes] = []
        self.backups: dict[str, Disk] = {}
        self.failure: GavelqError | None = None
        self.reads_fail: GavelqError | None = None
        self.delay_s = 0.0
        self.n_failed = 0
        self.is_closed = False
        self._gate = asyncio.Event()
        self._gate.set()

    def fail(self, why: str = "disk full") -> None:
        """Make commits raise StoreUnavailable from now on."""
        self.failure = StoreUnavailable(why=why)

    def recover(self) -> None:
        """Let commits and reads work again."""
        self.failure = self.reads_fail = None

    def hold_commits(self) -> None:
        """Let commits wait until `release_commits`."""
        self._gate.clear()

    def release_commits(self) -> None:
        """Let the waiting commits go on."""
        self._gate.set()

    def load(self) -> Loaded:
        """See Store.load."""
        self._check(self.reads_fail)
        disk = self.disk
        ids = [task.id for task in disk.tasks.values()]
        submissions = [task.submission_id for task in disk.tasks.values()]
        return Loaded(
            tasks=sorted((t for t in disk.tasks.values() if not t.state.is_ended), key=lambda task: task.id),
            queues=sorted(disk.queues.values(), key=lambda queue: queue.name),
            cards=sorted(disk.cards.values(), key=lambda card: card.uuid),
            reservations=dict(disk.reservations),
            learned=dict(disk.learned),
            shares=dict(disk.shares),
            streaks=dict(disk.streaks),
            files=dict(disk.files),
            runs=dict(disk.runs),
            bindings=dict(disk.bindings),
            tenants=dict(disk.tenants),
            retired=dict(disk.retired),
            tokens=dict(disk.tokens),
            hours=dict(disk.hours),
            alerts=dict(disk.alerts),
            mutes=dict(disk.mutes),
            outbox=dict(disk.outbox),
            next_token_id=TokenId(max([disk.next_token_id, *(number + 1 for number in disk.tokens)])),
            next_file_id=FileId(max([disk.next_file_id, *(number + 1 for number in disk.files)])),
            keys=sorted(disk.keys.values(), key=lambda use: use.at),
            next_task_id=TaskId(max([disk.next_task_id, *(task_id + 1 for task_id in ids)])),
            next_submission_id=SubmissionId(max([disk.next_submission_id, *(number + 1 for number in submissions)])),
        )

    async def commit(self, changes: Changes) -> None:
        """See Store.commit."""
        await self._gate.wait()
        await asyncio.sleep(self.delay_s)
        self._check(self.failure)
        if changes.is_empty():
            return
        self._write(changes)
        self.commits.append(changes)

    async def blob(self, key: BlobKey) -> bytes:
        """See Store.blob."""
        self._check(self.reads_fail)
        return self.disk.blobs[key]

    async def task(self, task_id: TaskId) -> Task | None:
        """See Store.task."""
        self._check(self.reads_fail)
        return self.disk.tasks.get(task_id)

    async def tasks(self, wanted: TaskFilter) -> Sequence[Task]:
        """See Store.tasks."""
        self._check(self.reads_fail)
        found = [task for _, task in sorted(self.disk.tasks.items()) if _is_wanted(task, wanted)]
        limit = max(0, wanted.limit)
        return found[max(0, len(found) - limit) :] if wanted.newest else found[:limit]

    async def counts(self, submission_id: int | None = None, *, tenant: str | None = None) -> Mapping[str, int]:
        """See Store.counts."""
        self._check(self.reads_fail)
        tasks = [task for task in self.disk.tasks.values() if tenant in (None, task.request.tenant)]
        return dict(Counter(task.state.value for task in tasks if submission_id in (None, task.submission_id)))

    async def submissions(self, wanted: TaskFilter) -> Sequence[int]:
        """See Store.submissions."""
        self._check(self.reads_fail)
        tasks = (task for task in self.disk.tasks.values() if wanted.tenant in (None, task.request.tenant))
        before = wanted.before_id
        numbers = sorted({int(task.submission_id) for task in tasks})
        found = [n for n in numbers if n > wanted.after_id and (before is None or n < before)]
        return found[max(0, len(found) - wanted.limit) :] if wanted.newest else found[: wanted.limit]

    async def attempts(
        self, task_id: TaskId, *, limit: int | None = None, before: int | None = None
    ) -> Sequence[Attempt]:
        """See Store.attempts."""
        self._check(self.reads_fail)
        entries = sorted(self.disk.attempts.items())
        found = [one for (owner, n), one in entries if owner == task_id and (before is None or n < before)]
        return found if limit is None else found[max(0, len(found) - max(0, limit)) :]

    async def records(self, *, task_id: TaskId | None, limit: int) -> Sequence[Record]:
        """See Store.records."""
        self._check(self.reads_fail)
        found = [record for record in self.disk.records if task_id is None or record.task_id == task_id]
        return found[max(0, len(found) - max(0, limit)) :]

    async def acts(
        self, kinds: Collection[str], *, since: float, limit: int, before: int | None = None
    ) -> Sequence[Numbered]:
        """See Store.acts."""
        self._check(self.reads_fail)
        found = [
            Numbered(id=number, record=record, tenant=None)
            for number, record in enumerate(self.disk.records, self.disk.n_records_gone + 1)
            if record.task_id is None and record.kind in kinds and record.at >= since
            and (before is None or number < before)
        ]  # fmt: skip
        return found[max(0, len(found) - max(0, limit)) :]

    async def records_after(self, after: int, limit: int) -> Sequence[Numbered]:
        """See Store.records_after."""
        self._check(self.reads_fail)
        found = enumerate(self.disk.records, self.disk.n_records_gone + 1)
        return [self._numbered(number, record) for number, record in found if number > after][: max(0, limit)]

    def _numbered(self, number: int, record: Record) -> Numbered:
        task = None if record.task_id is None else self.disk.tasks.get(record.task_id)
        return Numbered(id=number, record=record, tenant=task.request.tenant if task else None)

    async def record_ids(self) -> tuple[int, int]:
        """See Store.record_ids."""
        self._check(self.reads_fail)
        gone, n = self.disk.n_records_gone, len(self.disk.records)
        return (gone + 1, gone + n) if n else (0, 0)

    async def usage(
        self,
        *,
        since: float,
        until: float,
        tenant: str | None,
        hold: Callable[[Held], None],
        end: Callable[[Ended], None],
    ) -> None:
        """See Store.usage."""
        self._check(self.reads_fail)
        for (task_id, _), attempt in sorted(self.disk.attempts.items()):
            task = self.disk.tasks[task_id]
            is_late = task.ending is None or task.ending.at >= since
            if tenant in (None, task.request.tenant) and attempt.placed_at < until and is_late:
                hold(self._held(task, attempt))
        for task in self.disk.tasks.values():
            if tenant in (None, task.request.tenant) and task.ending is not None and since <= task.ending.at < until:
                end(Ended(task.request.tenant, task.queue, task.state.value, task.ending.at))

    def _held(self, task: Task, attempt: Attempt) -> Held:
        ended_at = attempt.result.ended_at if attempt.result is not None else None
        if ended_at is None and not task.state.holds_gpus:
            ended_at = task.ending.at if task.ending is not None else attempt.placed_at
        kinds = ("released", "dependency_met", "lane_advanced")
        notes = [record for record in self.disk.records if record.task_id == task.id and record.kind in kinds]
        let_go = [record.at for record in notes if record.at <= attempt.placed_at]
        eligible_at = max(task.submitted_at, task.request.not_before or 0.0, *let_go)
        return Held(
            task_id=task.id, number=attempt.number, tenant=task.request.tenant, queue=task.queue, gpus=attempt.gpus,
            since=attempt.placed_at, until=ended_at, utilization=attempt.utilization,
            eligible_at=eligible_at if attempt.number == 1 else None,
        )  # fmt: skip

    async def prune(self, *, ended_before: float, records_before: float, keys_before: float) -> Sequence[Task]:
        """See Store.prune."""
        self._check(self.failure)
        disk = self.disk
        gone = [t for t in disk.tasks.values() if t.ending is not None and t.ending.at < ended_before]
        for task in gone:
            self._drop_task(task.id)
        old = sum(record.at < records_before for record in disk.records)
        n_going = min(old, max(0, len(disk.records) - 1))
        disk.records = disk.records[n_going:]
        disk.n_records_gone += n_going
        disk.keys = {key: use for key, use in disk.keys.items() if use.at >= keys_before}
        unused = set(disk.blobs) - {key for task in disk.tasks.values() for key in _blob_keys(task)}
        for key in unused & disk.orphaned:
            del disk.blobs[key]
        disk.orphaned = unused - disk.orphaned
        return gone

    async def backup(self, path: str) -> None:
        """See Store.backup. `backups` keeps what was copied."""
        if path in self.backups:
            raise FileExistsError(17, "File exists", path)
        self.backups[path] = self.disk

    async def close(self) -> None:
        """See Store.close."""
        self.is_closed = True

    def _check(self, failure: GavelqError | None) -> None:
        if self.is_closed:
            raise StoreUnavailable(why="the store is closed")
        if failure is not None:
            self.n_failed += 1
            raise failure

    def _drop_task(self, task_id: TaskId) -> None:
        self.disk.tasks.pop(task_id, None)
        for key in [key for key in self.disk.attempts if key[0] == task_id]:
            del self.disk.attempts[key]

    def _write(self, changes: Changes) -> None:
        disk = self.disk
        for task_id, task in changes.tasks.items():
            if task is None:
                self._drop_task(task_id)
            else:
                disk.tasks[task_id] = task
        disk.attempts.update(changes.attempts)
        _join(disk.queues, changes.queues)
        _join(disk.cards, changes.cards)
        _join(disk.learned, changes.learned)
        _join(disk.shares, changes.shares)
        _join(disk.streaks, changes.streaks)
        _join(disk.files, changes.files)
        _join(disk.runs, changes.runs)
        _join(disk.bindings, changes.bindings)
        _join(disk.tenants, changes.tenants)
        _join(disk.retired, changes.retired)
        _join(disk.tokens, changes.tokens)
        _join(disk.hours, changes.hours)
        _join(disk.alerts, changes.alerts)
        _join(disk.mutes, changes.mutes)
        _join(disk.outbox, changes.outbox)
        disk.reservations = disk.reservations if changes.reservations is None else dict(changes.reservations)
        disk.blobs.update(changes.blobs)
        disk.orphaned -= set(changes.blobs)
        disk.keys.update((use.key, use) for use in changes.keys)
        disk.records.extend(changes.records)
        disk.next_task_id = max(disk.next_task_id, changes.next_task_id or 1)
        disk.next_submission_id = max(disk.next_submission_id, changes.next_submission_id or 1)
        disk.next_file_id = max(disk.next_file_id, changes.next_file_id or 1)
        disk.next_token_id = max(disk.next_token_id, changes.next_token_id or 1)


def _join(rows: dict[K, V], changed: Mapping[K, V | None]) -> None:
    for key, value in changed.items():
        rows.pop(key, None)
        if value is not None:
            rows[key] = value


def _is_wanted(task: Task, wanted: TaskFilter) -> bool:
    return (
        (wanted.ids is None or task.id in wanted.ids)
        and (not wanted.states or task.state.value in wanted.states)
        and wanted.queue in (None, task.queue)
        and wanted.submission_id in (None, task.submission_id)
        and wanted.tenant in (None, task.request.tenant)
        and task.id > wanted.after_id
        and (wanted.before_id is None or task.id < wanted.before_id)
    )


def _blob_keys(task: Task) -> tuple[BlobKey, ...]:
    command = task.request.command
    return (task.request.env, command.blob) if isinstance(command, Script) else (task.request.env,)
