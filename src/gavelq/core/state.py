"""The state: every task that has not ended, the queues, the cards, and the indexes over them.

It changes in one place, `apply`. The daemon keeps two: the committed one, which readers see, and a draft that runs
ahead of it by the batch that is being committed; `revert` takes the draft back when a commit fails.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, TypeVar

from gavelq.core.alerts import Alert, Mute
from gavelq.core.books import Books
from gavelq.core.command_files import Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.ledger import Ledger
from gavelq.core.lifecycle import ENDED, HOLDING, TaskState
from gavelq.core.notices import Message
from gavelq.core.pending import PendingIndex
from gavelq.core.queue import BUILTIN_QUEUES, Queue
from gavelq.core.reservation import Reservation
from gavelq.core.running import Running
from gavelq.core.step import Changes, KeyUse, Step
from gavelq.core.task import Task
from gavelq.core.tenants import FIRST_TOKEN, HourKey, Tenant, Token, TokenId

K = TypeVar("K")
V = TypeVar("V")
_rows: Callable[[Any], tuple[dict[Any, Any], ...]] = attrgetter(
    "queues", "cards", "learned", "shares", "streaks", "files", "runs", "bindings", "tenants", "retired", "tokens",
    "hours", "alerts", "mutes", "outbox",
)  # fmt: skip
"""What `State` and `Changes` hold by the same names, a value or None (it is gone) by key."""


class State:
    """Tasks, queues, cards and indexes; only `apply` changes them."""

    def __init__(self, books: Books | None = None) -> None:
        """`books`: a draft looks at the same samples as the committed state."""
        self.tasks: dict[TaskId, Task] = {}
        self.queues: dict[QueueName, Queue] = {queue.name: queue for queue in BUILTIN_QUEUES}
        self.cards: dict[GpuUuid, Card] = {}
        self.reservations: dict[str, Reservation] = {}
        self.learned: dict[str, Learned] = {}
        self.shares: dict[str, ShareUse] = {}
        self.streaks: dict[SubmissionId, int] = {}
        self.files: dict[FileId, StoredFile] = {}
        self.runs: dict[SubmissionId, Run] = {}
        self.bindings: dict[BindingKey, Binding] = {}
        self.tenants: dict[str, Tenant] = {}
        self.retired: dict[str, float] = {}
        self.tokens: dict[TokenId, Token] = {}
        self.hours: dict[HourKey, float] = {}
        self.hours_of: dict[str, dict[int, float]] = {}
        """The same by tenant."""
        self.tenants_of: dict[int, set[str]] = {}
        """By hour the tenants that had some of it."""
        self.hour_order: list[int] = []
        """Those hours, in their order."""
        self.alerts: dict[str, Alert] = {}
        self.mutes: dict[str, Mute] = {}
        self.outbox: dict[str, Message] = {}
        self.n_messages: dict[str | None, int] = {}
        """How many of these there are, by tenant."""
        self.keys: dict[str, KeyUse] = {}
        self.next_task_id = TaskId(1)
        self.next_submission_id = SubmissionId(1)
        self.next_file_id = FileId(1)
        self.next_token_id = FIRST_TOKEN
        self.ledger = Ledger()
        self.running = Running()
        self.pending = PendingIndex()
        self.n_by_queue: dict[tuple[QueueName, TaskState], int] = {}
        self.holding: dict[TaskId, Task] = {}
        """Tasks that hold an allocation (or, asking for no GPU, a place to run)."""
        self.dependents: dict[TaskId, set[TaskId]] = {}
        """By task those that wait for its end."""
        self.followers: dict[TaskId, TaskId] = {}
        """By task the one that is behind it in its lane."""
        self.members: dict[SubmissionId, set[TaskId]] = {}
        """The tasks of submissions that have not ended."""
        self.books = Books() if books is None else books

    def apply(self, changes: Changes) -> None:
        """Join committed changes, and keep every index in step."""
        for task_id, task in changes.tasks.items():
            before = self.tasks.pop(task_id, None)
            after = None if task is None or task.state in ENDED else task
            if after is not None:
                self.tasks[task_id] = after
            self._index_task(before, after)
        if changes.queues or changes.cards:  # owners, priorities: they concern all cards
            self.ledger.marks.touch_all()
        if changes.outbox:
            self._count_messages(changes.outbox)
        all_changed = _rows(changes)
        if any(all_changed):  # most steps change tasks alone
            for rows, changed in zip(_rows(self), all_changed, strict=True):
                if changed:
                    _join(rows, changed)
        for name, tenant in changes.tenants.items():
            self.pending.keep_to(name, () if tenant is None else tenant.quota.gpus, self.tasks)
        for key, seconds in changes.hours.items():
            self._index_hour(key, seconds)
        if changes.reservations is not None:
            self.reservations = dict(changes.reservations)
        for use in changes.keys:
            self.keys[use.key] = use
        self.next_task_id = changes.next_task_id or self.next_task_id
        self.next_submission_id = changes.next_submission_id or self.next_submission_id
        self.next_file_id = changes.next_file_id or self.next_file_id
        self.next_token_id = changes.next_token_id or self.next_token_id

    def _count_messages(self, changed: Mapping[str, Message | None]) -> None:
        for key, after in changed.items():
            for one, more in ((self.outbox.get(key), -1), (after, 1)):
                if one is not None:
                    self.n_messages[one.tenant] = self.n_messages.get(one.tenant, 0) + more
                    if not self.n_messages[one.tenant]:
                        del self.n_messages[one.tenant]

    def as_changes(self) -> Changes:
        """All rows, for another state to begin with."""
        return Changes(
            tasks=dict(self.tasks),
            queues=dict(self.queues),
            cards=dict(self.cards),
            reservations=dict(self.reservations),
            learned=dict(self.learned),
            shares=dict(self.shares),
            streaks=dict(self.streaks),
            files=dict(self.files),
            runs=dict(self.runs),
            bindings=dict(self.bindings),
            tenants=dict(self.tenants),
            retired=dict(self.retired),
            tokens=dict(self.tokens),
            hours=dict(self.hours),
            alerts=dict(self.alerts),
            mutes=dict(self.mutes),
            outbox=dict(self.outbox),
            keys=list(self.keys.values()),
            next_task_id=self.next_task_id,
            next_submission_id=self.next_submission_id,
            next_file_id=self.next_file_id,
            next_token_id=self.next_token_id,
        )

    def revert(self, changes: Changes, committed: "State") -> None:
        """Take these changes back: every row is again what the committed state has."""
        self.apply(
            Changes(
                tasks={task_id: committed.tasks.get(task_id) for task_id in changes.tasks},
                queues={name: committed.queues.get(name) for name in changes.queues},
                cards={uuid: committed.cards.get(uuid) for uuid in changes.cards},
                reservations=dict(committed.reservations),
                learned={key: committed.learned.get(key) for key in changes.learned},
                shares={tenant: committed.shares.get(tenant) for tenant in changes.shares},
                streaks={number: committed.streaks.get(number) for number in changes.streaks},
                files={number: committed.files.get(number) for number in changes.files},
                runs={number: committed.runs.get(number) for number in changes.runs},
                bindings={key: committed.bindings.get(key) for key in changes.bindings},
                tenants={name: committed.tenants.get(name) for name in changes.tenants},
                retired={name: committed.retired.get(name) for name in changes.retired},
                tokens={number: committed.tokens.get(number) for number in changes.tokens},
                hours={key: committed.hours.get(key) for key in changes.hours},
                alerts={key: committed.alerts.get(key) for key in changes.alerts},
                mutes={key: committed.mutes.get(key) for key in changes.mutes},
                outbox={key: committed.outbox.get(key) for key in changes.outbox},
                next_task_id=committed.next_task_id,
                next_submission_id=committed.next_submission_id,
                next_file_id=committed.next_file_id,
                next_token_id=committed.next_token_id,
            )
        )
        self.keys = dict(committed.keys)

    def observe(self, step: Step, now: float) -> None:
        """Join what a step says about the GPUs as they look; volatile."""
        for task in step.ended:
            self.books.end(task, now)
        for changed in step.changes.tasks.values():
            if changed is not None and changed.state is TaskState.STARTING:
                self.books.start(changed, now)
        if step.sample is not None:
            self.books.take(step.sample, frozenset(self.holding), self.ledger.on)
            self.books.meters.take(self.books.sample, self.holding)
        self.books.watched(step.bursts)

    def forget_keys(self, before: float) -> None:
        """Drop idempotency keys that were first used before this time."""
        self.keys = {key: use for key, use in self.keys.items() if use.at >= before}

    def _index_task(self, before: Task | None, after: Task | None) -> None:
        """Bring every index up to date with a task that is new, changed or gone."""
        if before is None or after is None or (before.state, before.queue) != (after.state, after.queue):
            self._count(before, -1)
            self._count(after, 1)
        self._index_ties(before, after)
        if before is not None:
            if before.state is TaskState.PENDING:
                self.pending.discard(before)
            elif before.state in HOLDING:
                self.holding.pop(before.id)
                self.running.drop(before)
                self.ledger.drop(before)
        if after is not None:
            if after.state is TaskState.PENDING:
                self.pending.add(after)
            elif after.state in HOLDING:
                self.holding[after.id] = after
                self.running.put(after)
                self.ledger.put(after)

    def _index_ties(self, before: Task | None, after: Task | None) -> None:
        """Whom it waits for, whom it stands behind, with whom it came."""
        if before is None or after is None:
            one = after if before is None else before
            if one is not None:
                self._index_member(one, is_there=after is not None)
        if before is not None:
            for dependency in before.waits_for:
                waiting = self.dependents.get(dependency.task_id, set())
                waiting.discard(before.id)
                if not waiting:
                    self.dependents.pop(dependency.task_id, None)
            if before.behind is not None and self.followers.get(before.behind) == before.id:
                del self.followers[before.behind]
        if after is not None:
            for dependency in after.waits_for:
                self.dependents.setdefault(dependency.task_id, set()).add(after.id)
            if after.behind is not None:
                self.followers[after.behind] = after.id

    def _index_member(self, task: Task, *, is_there: bool) -> None:
        mates = self.members.setdefault(task.submission_id, set())
        (mates.add if is_there else mates.discard)(task.id)
        if not mates:
            del self.members[task.submission_id]

    def _index_hour(self, key: HourKey, seconds: float | None) -> None:
        tenant, hour = key
        if seconds is not None:
            self.hours_of.setdefault(tenant, {})[hour] = seconds
            tenants = self.tenants_of.get(hour)
            if tenants is None:
                insort(self.hour_order, hour)
                tenants = self.tenants_of[hour] = set()
            tenants.add(tenant)
            return
        hours = self.hours_of.get(tenant, {})
        hours.pop(hour, None)
        if not hours:
            self.hours_of.pop(tenant, None)
        tenants = self.tenants_of.get(hour)
        if tenants is not None:
            tenants.discard(tenant)
            if not tenants:
                del self.tenants_of[hour]
                del self.hour_order[bisect_left(self.hour_order, hour)]

    def _count(self, task: Task | None, by: int) -> None:
        if task is None:
            return
        key = (task.queue, task.state)
        self.n_by_queue[key] = self.n_by_queue.get(key, 0) + by
        if not self.n_by_queue[key]:
            del self.n_by_queue[key]


def _join(into: dict[K, V], changed: dict[K, V | None]) -> None:
    for key, value in changed.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value
