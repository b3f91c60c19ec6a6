"""What every store promises: one suite for the real one and for the fake."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.core.command_files import FileId
from gavelq.core.errors import StoreUnavailable
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.learned import Learned
from gavelq.core.lifecycle import TaskState
from gavelq.core.reservation import Reservation
from gavelq.core.step import Changes, KeyUse, Record
from gavelq.core.task import Attempt, AttemptResult, Task
from gavelq.core.tenants import HourKey, TokenId
from gavelq.core.usage import Ended, Held
from gavelq.ports import Loaded, Store, TaskFilter
from gavelq.testing.fake_store import FakeStore
from tests.adapters.store.made import (
    COMMAND_NAMES,
    COMMANDS,
    ENV,
    ended,
    full_attempt,
    full_binding,
    full_card,
    full_file,
    full_learned,
    full_queue,
    full_reservation,
    full_run,
    full_share,
    full_task,
    full_tenant,
    full_token,
    request,
    task,
)

T = TypeVar("T")


class Subject:
    """A store that can be restarted, driven without an event loop of the test's own."""

    def __init__(self, reopen: Callable[[Store | None], Store]) -> None:
        self._reopen = reopen
        self._loop = asyncio.new_event_loop()
        self.store = reopen(None)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def commit(self, **changes: Any) -> None:
        self.run(self.store.commit(Changes(**changes)))

    def put(self, *tasks: Task, **changes: Any) -> None:
        self.commit(tasks={task.id: task for task in tasks}, **changes)

    def restart(self) -> Loaded:
        self.run(self.store.close())
        self.store = self._reopen(self.store)
        return self.store.load()

    def ids(self, **wanted: Any) -> list[int]:
        return [task.id for task in self.run(self.store.tasks(TaskFilter(**wanted)))]

    def close(self) -> None:
        self.run(self.store.close())
        self._loop.close()


@pytest.fixture(params=["sqlite", "fake"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    def sqlite(_: Store | None) -> Store:
        return SqliteStore(str(tmp_path / "state" / "gavelq.db"))

    def fake(before: Store | None) -> Store:
        return FakeStore(before.disk if isinstance(before, FakeStore) else None)

    made = Subject(sqlite if request.param == "sqlite" else fake)
    yield made
    made.close()


def test_a_new_store_is_empty_and_counts_from_one(subject: Subject) -> None:
    loaded = subject.store.load()
    assert (list(loaded.tasks), list(loaded.queues), list(loaded.cards), dict(loaded.reservations)) == ([], [], [], {})
    assert (loaded.next_task_id, loaded.next_submission_id) == (1, 1)


@pytest.mark.parametrize("n_rows", [1, 2, 31, 32, 33, 65])
def test_a_commit_of_any_size_is_written_whole(subject: Subject, n_rows: int) -> None:
    numbers = range(1, n_rows + 1)
    records = [Record(at=float(number), kind="submitted", task_id=TaskId(number)) for number in numbers]
    keys = [KeyUse(key=f"k{number}", at=5.0, task_ids=(TaskId(number),)) for number in numbers]
    subject.put(*map(task, numbers), records=records, keys=keys, next_task_id=TaskId(n_rows + 1))
    loaded = subject.restart()
    assert list(loaded.tasks) == list(map(task, numbers))
    assert sorted(use.task_ids[0] for use in loaded.keys) == list(numbers)
    assert loaded.next_task_id == n_rows + 1
    told = subject.run(subject.store.records(task_id=None, limit=100))
    assert sorted(record.at for record in told) == list(numbers)


def test_what_was_committed_is_there_after_a_restart(subject: Subject) -> None:
    tasks = [task(1), task(2, state=TaskState.HELD, is_held_by_user=True)]
    subject.put(
        *tasks,
        queues={QueueName("q"): full_queue()},
        cards={GpuUuid("GPU-1"): full_card()},
        reservations={"pool": full_reservation(2), "queue:q": Reservation(task_id=TaskId(1))},
        learned={"x/t": full_learned(), "x/ä #": Learned()},
        shares={"x": full_share()},
        streaks={SubmissionId(12): 4},
        files={FileId(3): full_file()},
        runs={SubmissionId(4): full_run()},
        bindings={full_binding().key: full_binding()},
        tenants={"x": full_tenant()},
        tokens={TokenId(5): full_token()},
        hours={HourKey("a:b", 480): 12.5},
        retired={"gone": 99.5},
        keys=[KeyUse(key="k", at=5.0, task_ids=(TaskId(1), TaskId(2)))],
        next_task_id=TaskId(3),
        next_submission_id=SubmissionId(2),
    )
    loaded = subject.restart()
    assert list(loaded.tasks) == tasks
    assert list(loaded.queues) == [full_queue()]
    assert list(loaded.cards) == [full_card()]
    assert dict(loaded.reservations) == {"pool": full_reservation(2), "queue:q": Reservation(task_id=TaskId(1))}
    assert dict(loaded.learned) == {"x/t": full_learned(), "x/ä #": Learned()}
    assert dict(loaded.shares) == {"x": full_share()}
    assert dict(loaded.streaks) == {12: 4}
    assert dict(loaded.files) == {3: full_file()}
    assert dict(loaded.runs) == {4: full_run()}
    assert dict(loaded.bindings) == {full_binding().key: full_binding()}
    assert (loaded.next_file_id, loaded.next_token_id) == (4, 6)
    assert dict(loaded.tenants) == {"x": full_tenant()}
    assert dict(loaded.tokens) == {5: full_token()}
    assert dict(loaded.hours) == {HourKey("a:b", 480): 12.5}
    assert dict(loaded.retired) == {"gone": 99.5}
    assert list(loaded.keys) == [KeyUse(key="k", at=5.0, task_ids=(TaskId(1), TaskId(2)))]
    assert (loaded.next_task_id, loaded.next_submission_id) == (3, 2)


@pytest.mark.parametrize("command", COMMANDS, ids=COMMAND_NAMES)
def test_every_field_of_a_task_comes_back(subject: Subject, command: Any) -> None:
    subject.put(full_task(7, command))
    assert subject.run(subject.store.task(TaskId(7))) == full_task(7, command)
    subject.restart()
    assert subject.run(subject.store.task(TaskId(7))) == full_task(7, command)


def test_ended_tasks_are_history_not_state(subject: Subject) -> None:
    subject.put(task(1), ended(2), task(3, state=TaskState.RUNNING, attempt=full_attempt()))
    assert [found.id for found in subject.restart().tasks] == [1, 3]
    assert subject.run(subject.store.task(TaskId(2))) == ended(2)


def test_a_later_value_of_a_row_wins(subject: Subject) -> None:
    subject.put(task(1))
    subject.commit(learned={"x/t": Learned()}, shares={"x": replace(full_share(), gpu_s=1.0)})
    subject.commit(learned={"x/t": full_learned()}, shares={"x": full_share()})
    later = replace(task(1), priority=7, queue=QueueName("q"), request=replace(task(1).request, name="new"))
    subject.put(later)
    loaded = subject.restart()
    assert list(loaded.tasks) == [later]
    assert (dict(loaded.learned), dict(loaded.shares)) == ({"x/t": full_learned()}, {"x": full_share()})
    subject.put(ended(1))
    assert list(subject.restart().tasks) == []
    assert subject.run(subject.store.counts()) == {"completed": 1}


def test_none_deletes_a_row(subject: Subject) -> None:
    subject.put(
        task(1),
        attempts={(TaskId(1), 1): full_attempt()},
        queues={QueueName("q"): full_queue()},
        cards={GpuUuid("GPU-1"): full_card()},
        reservations={"pool": full_reservation(1)},
        learned={"x/t": full_learned(), "x/u": full_learned()},
        shares={"x": full_share(), "y": full_share()},
        streaks={SubmissionId(1): 4, SubmissionId(2): 5},
        files={FileId(3): full_file(3), FileId(9): full_file(9)},
        runs={SubmissionId(4): full_run()},
        bindings={full_binding().key: full_binding(), full_binding(9).key: full_binding(9)},
        next_file_id=FileId(10),
        tenants={"x": full_tenant()},
        tokens={TokenId(5): full_token()},
        hours={HourKey("x", 1): 1.0, HourKey("x", 2): 2.0},
    )
    subject.commit(
        tasks={TaskId(1): None},
        queues={QueueName("q"): None},
        cards={GpuUuid("GPU-1"): None},
        reservations={},
        learned={"x/t": None},
        shares={"x": None},
        streaks={SubmissionId(1): None},
        files={FileId(9): None},
        runs={SubmissionId(4): None},
        bindings={full_binding().key: None},
        tenants={"x": None},
        tokens={TokenId(5): None},
        hours={HourKey("x", 1): None},
    )
    loaded = subject.restart()
    assert (list(loaded.learned), list(loaded.shares), list(loaded.streaks)) == (["x/u"], ["y"], [2])
    assert (list(loaded.files), list(loaded.runs), list(loaded.bindings)) == ([3], [], [full_binding(9).key])
    assert (dict(loaded.tenants), dict(loaded.tokens), dict(loaded.hours)) == ({}, {}, {HourKey("x", 2): 2.0})
    assert loaded.next_file_id == 10, "the number of a deleted configuration is not given again"
    assert (list(loaded.tasks), list(loaded.queues), list(loaded.cards), dict(loaded.reservations)) == ([], [], [], {})
    assert list(subject.run(subject.store.attempts(TaskId(1)))) == []


def test_unchanged_reservations_stay(subject: Subject) -> None:
    subject.commit(reservations={"pool": full_reservation(1)}, learned={"x/t": full_learned()})
    subject.put(task(1))
    loaded = subject.restart()
    assert (dict(loaded.reservations), dict(loaded.learned)) == ({"pool": full_reservation(1)}, {"x/t": full_learned()})


def test_ids_are_never_used_again(subject: Subject) -> None:
    subject.put(task(1), task(2), next_task_id=TaskId(3), next_submission_id=SubmissionId(2))
    subject.commit(tasks={TaskId(1): None, TaskId(2): None})
    assert subject.restart().next_task_id == 3
    subject.commit(records=[Record(at=1.0, kind="x")], next_task_id=TaskId(2))
    assert subject.restart().next_task_id == 3, "a counter never goes back"
    subject.put(task(9, submission_id=SubmissionId(8)))
    loaded = subject.restart()
    assert (loaded.next_task_id, loaded.next_submission_id) == (10, 9), "whatever the counters say"


def test_blobs_are_kept_as_they_are(subject: Subject) -> None:
    content = bytes(range(256)) * 10
    subject.put(task(1), blobs={ENV: content, BlobKey("large"): b"x" * 3_000_000})
    assert subject.run(subject.store.blob(ENV)) == content
    subject.restart()
    assert subject.run(subject.store.blob(ENV)) == content
    assert len(subject.run(subject.store.blob(BlobKey("large")))) == 3_000_000
    subject.commit(blobs={ENV: content})
    with pytest.raises(KeyError):
        subject.run(subject.store.blob(BlobKey("unknown")))
    assert subject.run(subject.store.blob(ENV)) == content


def test_listings_select_and_page(subject: Subject) -> None:
    states = [TaskState.PENDING, TaskState.HELD]
    subject.put(*(task(n, state=states[n % 2], submission_id=SubmissionId(n % 3)) for n in range(1, 10)))
    subject.put(task(10, queue=QueueName("q")), ended(11), ended(12, queue=QueueName("q")))
    assert subject.ids() == list(range(1, 13))
    assert subject.ids(limit=3) == [1, 2, 3]
    assert subject.ids(limit=3, newest=True) == [10, 11, 12]
    assert subject.ids(after_id=3, before_id=6) == [4, 5]
    assert subject.ids(before_id=6, limit=2, newest=True) == [4, 5]
    assert subject.ids(states=("completed",)) == [11, 12]
    assert subject.ids(states=("held", "completed")) == [1, 3, 5, 7, 9, 11, 12]
    assert subject.ids(states=("held", "completed"), limit=6) == [1, 3, 5, 7, 9, 11]
    assert subject.ids(states=("held", "completed"), limit=3, newest=True) == [9, 11, 12]
    assert subject.ids(queue="q") == [10, 12]
    assert subject.ids(queue="q", states=("completed",)) == [12]
    assert subject.ids(submission_id=2) == [2, 5, 8]
    assert subject.ids(states=("nonsense",)) == []
    assert subject.ids(limit=0) == []
    assert subject.ids(limit=0, newest=True) == []
    assert subject.ids(ids=(7, 2, 99)) == [2, 7]
    assert subject.ids(ids=()) == []


def test_counts_are_by_state(subject: Subject) -> None:
    assert dict(subject.run(subject.store.counts())) == {}
    subject.put(task(1), task(2), ended(3))
    assert dict(subject.run(subject.store.counts())) == {"pending": 2, "completed": 1}


def test_a_tenant_s_tasks_are_listed_and_counted_apart(subject: Subject) -> None:
    mine, ours = task(1).request, replace(task(1).request, tenant="ours")
    subject.put(replace(task(1), request=ours), task(2), replace(ended(3), request=ours), ended(4))
    subject.restart()
    assert subject.ids(tenant="ours") == [1, 3]
    assert subject.ids(tenant=mine.tenant) == [2, 4]
    assert subject.ids(tenant="ours", states=("pending",)) == [1]
    assert subject.ids(tenant="ours", limit=1, newest=True) == [3]
    assert subject.ids(tenant="nobody") == []
    assert dict(subject.run(subject.store.counts(tenant="ours"))) == {"pending": 1, "completed": 1}
    assert dict(subject.run(subject.store.counts(tenant="nobody"))) == {}
    assert dict(subject.run(subject.store.counts(1, tenant="ours"))) == {"pending": 1, "completed": 1}
    assert dict(subject.run(subject.store.counts(9, tenant="ours"))) == {}
    subject.put(replace(task(2), request=ours))
    assert subject.ids(tenant="ours") == [1, 2, 3]


def test_attempts_are_listed_oldest_first(subject: Subject) -> None:
    both = {(TaskId(1), n): full_attempt(n) for n in (2, 1)}
    subject.commit(attempts={**both, (TaskId(2), 1): full_attempt(1)})
    subject.restart()
    assert list(subject.run(subject.store.attempts(TaskId(1)))) == [full_attempt(1), full_attempt(2)]
    newer = replace(full_attempt(2), pid=99)
    subject.commit(attempts={(TaskId(1), 2): newer})
    assert list(subject.run(subject.store.attempts(TaskId(1))))[1] == newer


def test_of_many_attempts_the_newest_are_listed_below_a_number_where_one_is_given(subject: Subject) -> None:
    subject.commit(attempts={(TaskId(task_id), n): full_attempt(n) for n in range(1, 13) for task_id in (1, 2)})

    def numbers(limit: int | None, before: int | None) -> list[int]:
        found = subject.run(subject.store.attempts(TaskId(1), limit=limit, before=before))
        return [attempt.number for attempt in found]

    assert numbers(3, None) == [10, 11, 12]
    assert numbers(None, None) == list(range(1, 13))
    assert numbers(1, 10 + 1) == [10]
    assert numbers(None, 3) == [1, 2]
    assert numbers(5, 3) == [1, 2]
    assert numbers(0, None) == numbers(5, 1) == []


def test_records_are_the_last_ones_oldest_first(subject: Subject) -> None:
    records = [
        Record(at=float(n), kind="k", by="x", task_id=TaskId(n % 2) if n % 2 else None, subject="s", details={"n": [n]})
        for n in range(6)
    ]
    subject.commit(records=records)
    subject.restart()
    assert list(subject.run(subject.store.records(task_id=None, limit=100))) == records
    assert list(subject.run(subject.store.records(task_id=None, limit=2))) == records[-2:]
    assert list(subject.run(subject.store.records(task_id=TaskId(1), limit=2))) == [records[3], records[5]]
    assert list(subject.run(subject.store.records(task_id=None, limit=0))) == []


def test_records_are_numbered_without_holes_and_know_whose_their_task_is(subject: Subject) -> None:
    assert subject.run(subject.store.record_ids()) == (0, 0)
    own = replace(task(1), request=replace(task(1).request, tenant="ada"))
    subject.put(own, records=[Record(at=1.0, kind="a", task_id=TaskId(1))])
    subject.commit(records=[Record(at=2.0, kind="b"), Record(at=3.0, kind="c", task_id=TaskId(99))])

    found = subject.run(subject.store.records_after(0, 9))

    assert [(one.id, one.record.kind, one.tenant) for one in found] == [(1, "a", "ada"), (2, "b", None), (3, "c", None)]
    assert [one.id for one in subject.run(subject.store.records_after(1, 1))] == [2]
    assert subject.run(subject.store.records_after(3, 9)) == []
    assert subject.run(subject.store.record_ids()) == (1, 3)


def test_pruning_never_lets_the_id_of_a_record_be_used_again(subject: Subject) -> None:
    subject.commit(records=[Record(at=float(n), kind="x") for n in (1, 2, 3)])
    subject.run(subject.store.prune(ended_before=0.0, records_before=1e9, keys_before=0.0))
    assert subject.run(subject.store.record_ids()) == (3, 3)

    subject.commit(records=[Record(at=9.0, kind="later")])

    found = subject.run(subject.store.records_after(2, 9))
    assert [(one.id, one.record.kind) for one in found] == [(3, "x"), (4, "later")]


def test_acts_are_records_of_some_kinds_about_no_task(subject: Subject) -> None:
    def record(n: int, kind: str, task_id: int | None = None) -> Record:
        return Record(at=float(n), kind=kind, by="x", task_id=None if task_id is None else TaskId(task_id))

    records = [record(1, "a"), record(2, "b"), record(3, "a", 7), record(4, "c"), record(5, "a")]
    subject.commit(records=records)
    subject.restart()

    def acts(*kinds: str, since: float = 0.0, limit: int = 9) -> list[float]:
        return [found.record.at for found in subject.run(subject.store.acts(kinds, since=since, limit=limit))]

    assert acts("a", "b") == [1.0, 2.0, 5.0]
    assert acts("a", since=2.0) == [5.0]
    assert acts("a", "b", "c", limit=2) == [4.0, 5.0]
    assert acts() == []
    last = subject.run(subject.store.acts(("a", "b", "c"), since=0.0, limit=2))
    back = subject.run(subject.store.acts(("a", "b", "c"), since=0.0, limit=2, before=last[0].id))
    assert [found.record.at for found in back] == [1.0, 2.0]


def test_pruning_takes_old_history_and_nothing_else(subject: Subject) -> None:
    old, new, live = ended(1, at=10.0), ended(2, at=20.0), task(3)
    subject.put(
        old,
        new,
        live,
        attempts={(TaskId(1), 1): full_attempt(), (TaskId(2), 1): full_attempt()},
        records=[Record(at=1.0, kind="old"), Record(at=30.0, kind="new")],
        keys=[KeyUse(key="old", at=1.0, task_ids=()), KeyUse(key="new", at=30.0, task_ids=())],
    )
    gone = subject.run(subject.store.prune(ended_before=15.0, records_before=15.0, keys_before=15.0))
    assert list(gone) == [old]
    assert subject.ids() == [2, 3]
    assert list(subject.run(subject.store.attempts(TaskId(1)))) == []
    assert len(subject.run(subject.store.attempts(TaskId(2)))) == 1
    assert [record.kind for record in subject.run(subject.store.records(task_id=None, limit=9))] == ["new"]
    assert [use.key for use in subject.restart().keys] == ["new"]
    assert subject.store.load().next_task_id == 4


def test_blobs_go_when_nothing_refers_to_them_for_two_prunings(subject: Subject) -> None:
    script, env, lonely = BlobKey("s" * 64), BlobKey("f" * 64), BlobKey("lonely")
    subject.put(full_task(1, COMMANDS[2]), task(2), blobs={ENV: b"e", script: b"s", env: b"f", lonely: b"l"})

    def prune() -> set[str]:
        subject.run(subject.store.prune(ended_before=0.0, records_before=0.0, keys_before=0.0))
        subject.restart()
        return {key for key in (ENV, script, env, lonely) if holds(key)}

    def holds(key: BlobKey) -> bool:
        try:
            return bool(subject.run(subject.store.blob(key)))
        except KeyError:
            return False

    assert prune() == {ENV, script, env, lonely}, "a rerun may be about to refer to it"
    subject.commit(blobs={lonely: b"l"})
    assert prune() == {ENV, script, lonely}
    subject.commit(tasks={TaskId(1): None})
    prune()
    assert prune() == {ENV}


def test_a_backup_refuses_to_overwrite(subject: Subject, tmp_path: Path) -> None:
    subject.put(task(1))
    path = str(tmp_path / "copy.db")
    subject.run(subject.store.backup(path))
    with pytest.raises(FileExistsError):
        subject.run(subject.store.backup(path))


def test_a_closed_store_says_so_and_may_be_closed_again(subject: Subject) -> None:
    subject.run(subject.store.close())
    subject.run(subject.store.close())
    with pytest.raises(StoreUnavailable, match="closed"):
        subject.put(task(1))


def test_nothing_to_write_is_fine(subject: Subject) -> None:
    subject.run(subject.store.commit(Changes()))
    assert subject.ids() == []


def test_submissions_are_listed_by_number(subject: Subject) -> None:
    def of(number: int, submission: int, tenant: str = "ada") -> Task:
        made = task(number)
        return replace(made, submission_id=SubmissionId(submission), request=replace(made.request, tenant=tenant))

    subject.put(of(1, 1), of(2, 1), of(3, 2, "bob"), of(4, 5), of(5, 7))

    def listed(**wanted: Any) -> list[int]:
        return list(subject.run(subject.store.submissions(TaskFilter(**wanted))))

    assert listed() == [1, 2, 5, 7]
    assert listed(tenant="bob") == [2]
    assert listed(after_id=1, before_id=7) == [2, 5]
    assert listed(limit=2) == [1, 2]
    assert listed(limit=2, newest=True) == [5, 7]


def test_the_digest_of_a_key_s_request_comes_back(subject: Subject) -> None:
    uses = [KeyUse(key="a", at=1.0, task_ids=(TaskId(1),), digest="d"), KeyUse(key="b", at=2.0, task_ids=())]
    subject.commit(keys=uses)
    assert list(subject.restart().keys) == uses


def used(subject: Subject, since: float, until: float, tenant: str | None = None) -> tuple[list[Held], list[Ended]]:
    attempts: list[Held] = []
    ends: list[Ended] = []
    subject.run(subject.store.usage(since=since, until=until, tenant=tenant, hold=attempts.append, end=ends.append))
    return sorted(attempts), sorted(ends)


def attempt(number: int, placed_at: float, ended_at: float | None, **more: Any) -> Attempt:
    result = None
    if ended_at is not None:
        result = AttemptResult(exit_code=0, signal=None, started_at=placed_at, ended_at=ended_at, cause="exited")
    return Attempt(number=number, gpus=(GpuUuid("GPU-1"),), indices=("0",), placed_at=placed_at, result=result, **more)


def test_usage_is_told_of_every_attempt_that_may_lie_in_the_span(subject: Subject) -> None:
    first, second = attempt(1, 1100.0, 1200.0, utilization=80.0), attempt(2, 1300.0, 2000.0)
    going = attempt(1, 1400.0, None)
    subject.commit(
        tasks={
            TaskId(1): ended(1, at=2000.0, attempt=second, submitted_at=1000.0),
            TaskId(2): task(
                2, state=TaskState.RUNNING, attempt=going, request=request(tenant="y"), submitted_at=1010.0
            ),
            TaskId(3): ended(3, at=1050.0),
            TaskId(4): task(4, submitted_at=9000.0),
        },
        attempts={(TaskId(1), 1): first, (TaskId(1), 2): second, (TaskId(2), 1): going},
        records=[
            Record(at=1350.0, kind="released", task_id=TaskId(2)),
            Record(at=1500.0, kind="released", task_id=TaskId(2)),  # after its first attempt had begun
            Record(at=1390.0, kind="prioritized", task_id=TaskId(2)),
        ],
    )
    gpus = (GpuUuid("GPU-1"),)
    one = Held(TaskId(1), 1, "x", "running", gpus, 1100.0, 1200.0, 80.0, 1000.0)
    two = Held(TaskId(1), 2, "x", "running", gpus, 1300.0, 2000.0, None, None)
    three = Held(TaskId(2), 1, "y", "running", gpus, 1400.0, None, None, 1350.0)
    assert used(subject, 0, 5000) == (
        [one, two, three],
        [Ended("x", "running", "completed", at) for at in (1050.0, 2000.0)],
    )
    assert used(subject, 1050, 2000, "x") == ([one, two], [Ended("x", "running", "completed", 1050.0)])
    assert used(subject, 0, 5000, "y") == ([three], [])
    assert used(subject, 3000, 5000) == ([three], [])


def test_waiting_begins_when_nothing_but_room_was_missing(subject: Subject) -> None:
    begun = attempt(1, 1400.0, None)
    later = request(not_before=1200.0)
    subject.commit(
        tasks={TaskId(1): task(1, state=TaskState.RUNNING, attempt=begun, request=later, submitted_at=1000.0)},
        attempts={(TaskId(1), 1): begun},
    )
    assert used(subject, 0, 5000)[0][0].eligible_at == 1200.0
    subject.commit(records=[Record(at=1300.0, kind="dependency_met", task_id=TaskId(1))])
    assert used(subject, 0, 5000)[0][0].eligible_at == 1300.0
