"""What the engine sees of a state: it looks, and answers with a step."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from gavelq.core.alerts import Alert, Mute
from gavelq.core.command_files import Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.errors import GpuNotFound, QueueNotFound, TaskNotFound
from gavelq.core.gpu import Card, CardSample, GpuSample
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.meters import Meter
from gavelq.core.notices import Message
from gavelq.core.queue import Queue
from gavelq.core.reservation import Reservation
from gavelq.core.state import State
from gavelq.core.step import KeyUse
from gavelq.core.task import Task
from gavelq.core.tenants import HourKey, Tenant, TenantNotFound, Token, TokenId


class View:
    """What the engine's handlers ask a state for. They look and answer with a step; they never change anything."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def next_task_id(self) -> TaskId:
        """The id that the next task gets."""
        return self._state.next_task_id

    @property
    def next_submission_id(self) -> SubmissionId:
        """The id that the next submission gets."""
        return self._state.next_submission_id

    @property
    def next_file_id(self) -> FileId:
        """The id that the next configuration gets."""
        return self._state.next_file_id

    @property
    def files(self) -> Mapping[FileId, StoredFile]:
        """The configurations of command files."""
        return self._state.files

    @property
    def runs(self) -> Mapping[SubmissionId, Run]:
        """The runs of command files."""
        return self._state.runs

    @property
    def bindings(self) -> Mapping[BindingKey, Binding]:
        """Log files of people's own."""
        return self._state.bindings

    @property
    def tenants(self) -> Mapping[str, Tenant]:
        """The tenants that were made; the daemon's own user needs no row."""
        return self._state.tenants

    def tenant(self, name: str) -> Tenant:
        """A tenant by name. Raises TenantNotFound."""
        tenant = self._state.tenants.get(name)
        if tenant is None:
            raise TenantNotFound(tenant=name)
        return tenant

    @property
    def retired(self) -> Mapping[str, float]:
        """When tenants that are gone were deleted, by name."""
        return self._state.retired

    @property
    def tokens(self) -> Mapping[TokenId, Token]:
        """All tokens."""
        return self._state.tokens

    @property
    def hours(self) -> Mapping[HourKey, float]:
        """GPU-seconds by tenant and hour, of attempts that have ended."""
        return self._state.hours

    def hours_before(self, hour: int) -> list[HourKey]:
        """The rows of hours (since the epoch) before this one."""
        known = self._state.hour_order
        old = known[: bisect_left(known, hour)]
        return [HourKey(tenant, one) for one in old for tenant in sorted(self._state.tenants_of[one])]

    @property
    def next_token_id(self) -> TokenId:
        """The id that the next token gets."""
        return self._state.next_token_id

    @property
    def alerts(self) -> Mapping[str, Alert]:
        """The alerts that fire, by key."""
        return self._state.alerts

    @property
    def mutes(self) -> Mapping[str, Mute]:
        """The mutes, expired ones perhaps among them, by key."""
        return self._state.mutes

    @property
    def outbox(self) -> Mapping[str, Message]:
        """Messages that wait to be delivered, by key."""
        return self._state.outbox

    def n_messages(self, tenant: str | None) -> int:
        """How many of them are about a tenant's tasks."""
        return self._state.n_messages.get(tenant, 0)

    @property
    def reservations(self) -> dict[str, Reservation]:
        """The reservations by domain (or purpose)."""
        return self._state.reservations

    @property
    def problem(self) -> str | None:
        """Why the GPUs cannot be seen, where they cannot."""
        return self._state.books.sample.problem

    def learned(self, key: str) -> Learned | None:
        """What ended tasks taught about this key (`gavelq.core.learned`)."""
        return self._state.learned.get(key)

    @property
    def all_learned(self) -> Mapping[str, Learned]:
        """What ended tasks taught, by key."""
        return self._state.learned

    def meter(self, task_id: TaskId, number: int) -> Meter | None:
        """What an attempt was seen to use so far; None where it was not seen at all."""
        return self._state.books.meters.of(task_id, number)

    @property
    def shares(self) -> Mapping[str, ShareUse]:
        """What tenants had of the GPUs."""
        return self._state.shares

    def share(self, tenant: str) -> ShareUse | None:
        """What a tenant had of the GPUs."""
        return self._state.shares.get(tenant)

    def streak(self, submission: SubmissionId) -> int:
        """Fast failures in a row of one submission."""
        return self._state.streaks.get(submission, 0)

    def key_use(self, key: str) -> KeyUse | None:
        """The first use of an idempotency key."""
        return self._state.keys.get(key)

    def find_task(self, task_id: TaskId) -> Task | None:
        """A task that has not ended."""
        return self._state.tasks.get(task_id)

    def task(self, task_id: TaskId) -> Task:
        """A task that has not ended. Raises TaskNotFound."""
        task = self._state.tasks.get(task_id)
        if task is None:
            raise TaskNotFound(task_id=task_id)
        return task

    def dependents(self, task_id: TaskId) -> list[TaskId]:
        """The tasks that wait for this one to end, by id."""
        return sorted(self._state.dependents.get(task_id, ()))

    def follower(self, task_id: TaskId) -> TaskId | None:
        """The task that is behind this one in its lane."""
        return self._state.followers.get(task_id)

    def n_of(self, submission: SubmissionId) -> int:
        """How many tasks of a submission have not ended."""
        return len(self._state.members.get(submission, ()))

    def tasks_of(self, submission: SubmissionId) -> list[Task]:
        """The tasks of a submission that have not ended, by id."""
        return [self._state.tasks[task_id] for task_id in sorted(self._state.members.get(submission, ()))]

    def live_tasks(self) -> Iterator[Task]:
        """Every task that has not ended, in no particular order."""
        return iter(self._state.tasks.values())

    def n_live(self) -> int:
        """How many tasks have not ended."""
        return len(self._state.tasks)

    def tasks_on(self, gpu: GpuUuid) -> list[Task]:
        """The tasks that hold this GPU, by id."""
        return [self._state.tasks[task_id] for task_id in sorted(self._state.ledger.on(gpu))]

    @property
    def sample(self) -> GpuSample:
        """The last look at all GPUs."""
        return self._state.books.sample

    def look(self, gpu: GpuUuid) -> CardSample | None:
        """The last look at this GPU, where the last sample has one."""
        return self._state.books.sample.by_uuid.get(gpu)

    def ended_lately_on(self, gpu: GpuUuid, now: float) -> frozenset[TaskId]:
        """The tasks that left this GPU a moment ago: what a driver tells of it now may be about them."""
        return self._state.books.ended_lately_on(gpu, now)

    def is_idle(self, gpu: GpuUuid) -> bool:
        """Whether no task holds this GPU and no process that is to be minded was seen on it."""
        seen = self._state.books.sample.by_uuid.get(gpu)
        is_used = seen is not None and (any(not p.is_ignored for p in seen.processes) or seen.claimed_by)
        return not self._state.ledger.on(gpu) and not is_used

    def find_queue(self, name: QueueName) -> Queue | None:
        """A queue by name."""
        return self._state.queues.get(name)

    def queue(self, name: QueueName) -> Queue:
        """A queue by name. Raises QueueNotFound."""
        queue = self._state.queues.get(name)
        if queue is None:
            raise QueueNotFound(queue=name)
        return queue

    def card(self, uuid: GpuUuid) -> Card:
        """A card by UUID. Raises GpuNotFound."""
        card = self._state.cards.get(uuid)
        if card is None:
            raise GpuNotFound(gpu=uuid)
        return card

    def cards(self) -> Mapping[GpuUuid, Card]:
        """All cards that gavelq has seen, by UUID."""
        return self._state.cards
