"""The database as a file: who may read it, how it is copied, and that old ones still load."""

import re
import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gavelq.adapters.store.database import APPLICATION_ID, connect, create, migrate
from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.adapters.store.statements import migrations, queries
from gavelq.core.command_files import FileId
from gavelq.core.errors import StoreUnavailable
from gavelq.core.idling import IdleAction
from gavelq.core.ids import BlobKey, SubmissionId, TaskId
from gavelq.core.notices import NotifyOn
from gavelq.core.reservation import Reservation
from gavelq.core.step import Record
from gavelq.core.task import Task
from gavelq.core.tenants import HourKey, Isolation, TokenId
from tests.adapters.store.made import (
    COMMANDS,
    ended,
    full_alert,
    full_attempt,
    full_binding,
    full_card,
    full_file,
    full_learned,
    full_message,
    full_mute,
    full_queue,
    full_reservation,
    full_run,
    full_share,
    full_task,
    full_tenant,
    full_token,
    task,
)
from tests.adapters.store.test_contract import Subject

DATABASES = Path(__file__).parent / "databases"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gavelq.db"


@pytest.fixture
def subject(path: Path) -> Iterator[Subject]:
    made = Subject(lambda _: SqliteStore(str(path)))
    yield made
    made.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_it(subject: Subject, path: Path) -> None:
    subject.put(task(1))
    assert mode_of(path.parent) == 0o700
    assert {name.name: oct(mode_of(name)) for name in path.parent.iterdir()} == {
        "gavelq.db": "0o600",
        "gavelq.db-shm": "0o600",
        "gavelq.db-wal": "0o600",
    }


def test_rights_that_others_got_are_taken_back(subject: Subject, path: Path) -> None:
    path.chmod(0o644)
    subject.restart()
    assert mode_of(path) == 0o600


def test_closing_leaves_one_file_and_no_thread(path: Path) -> None:
    made = Subject(lambda _: SqliteStore(str(path)))
    made.put(task(1))
    made.ids()
    made.close()
    assert [name.name for name in path.parent.iterdir()] == ["gavelq.db"]
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("gavelq-store")] == []


def test_every_commit_is_synchronous(subject: Subject, path: Path) -> None:
    connection = connect(str(path))
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()


def test_a_backup_is_a_private_store_of_its_own(subject: Subject, path: Path, tmp_path: Path) -> None:
    subject.put(task(1), ended(2), blobs={BlobKey("b"): b"content"}, records=[Record(at=1.0, kind="k")])
    copy = tmp_path / "copy.db"
    subject.run(subject.store.backup(str(copy)))
    subject.put(task(3))
    assert mode_of(copy) == 0o600
    assert sorted(name.name for name in tmp_path.iterdir()) == ["copy.db", "state"]
    restored = Subject(lambda _: SqliteStore(str(copy)))
    try:
        assert restored.ids() == [1, 2]
        assert restored.run(restored.store.blob(BlobKey("b"))) == b"content"
        assert restored.store.load().next_task_id == 3
    finally:
        restored.close()


def test_a_backup_into_nowhere_is_refused_and_leaves_nothing(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(FileExistsError):
        subject.run(subject.store.backup(str(tmp_path / "there")))
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(StoreUnavailable):
        subject.run(subject.store.backup(str(tmp_path / "nowhere" / "copy.db")))


@pytest.mark.parametrize("version", range(1, len(migrations()) + 1))
def test_a_database_of_every_version_still_loads(path: Path, version: int) -> None:
    made = opened(path, version)
    try:
        loaded = made.store.load()
        assert [found.name for found in loaded.queues] == ["q"]
        assert [found.uuid for found in loaded.cards] == ["GPU-1"]
        assert made.ids()[:4] == [1, 2, 3, 4]
        assert [found.id for found in loaded.tasks] == [4]
        assert loaded.next_task_id == made.ids()[-1] + 1
        if version >= 2:
            whole = full_task(5, COMMANDS[3])
            whole = whole if version >= 4 else before_isolation(whole)
            assert made.run(made.store.task(TaskId(5))) == (whole if version >= 3 else before_lanes(whole))
            attempt = full_attempt()
            whole_attempt = attempt if version >= 4 else replace(attempt, **NOT_ISOLATED)
            assert list(made.run(made.store.attempts(TaskId(1)))) == [whole_attempt]
            queue = replace(full_queue(), **NOBODY_TOLD, **({} if version >= 4 else NO_IDLE_POLICY))
            assert list(loaded.queues) == [queue]
            assert list(loaded.cards) == [replace(full_card(), accepted=())]  # nobody shared with others then
            assert dict(loaded.reservations) == {"pool": full_reservation()}
            assert dict(loaded.learned) == {"x/t": full_learned()}
            assert dict(loaded.shares) == {"x": full_share()}
            assert dict(loaded.streaks) == {1: 4}
            assert dict(made.run(made.store.counts(tenant=whole.request.tenant))) == {"cancelled": 4, "pending": 1}
        if version >= 3:
            assert dict(loaded.files) == {3: full_file()}
            assert dict(loaded.runs) == {4: full_run()}
            assert dict(loaded.bindings) == {full_binding().key: full_binding()}
            assert dict(loaded.tenants) == {"x": full_tenant()}
            assert dict(loaded.tokens) == {5: full_token()}
            assert dict(loaded.hours) == {HourKey("a:b", 480): 12.5}
        if version >= 4:
            assert dict(loaded.alerts) == {full_alert().key: full_alert()}
            assert dict(loaded.mutes) == {full_mute().key: full_mute()}
            assert dict(loaded.outbox) == {full_message().key: full_message()}
    finally:
        made.close()


NOT_ISOLATED: dict[str, Any] = {"isolation": Isolation.VISIBLE, "violations": (), "idle_since": None}
NOT_NOTIFIED: dict[str, Any] = {"description": "", "notify": (), "notify_on": (NotifyOn.END,)}
NOBODY_TOLD: dict[str, Any] = {"paused_by": "", "paused_at": None}
NO_IDLE_POLICY: dict[str, Any] = {"idle_after_s": None, "idle_action": IdleAction.WARN}


def before_isolation(task: Task) -> Task:
    """A task as the third version knew it."""
    attempt = None if task.attempt is None else replace(task.attempt, **NOT_ISOLATED)
    request = replace(task.request, isolation=None, mps_percent=None, **NOT_NOTIFIED)
    return replace(task, attempt=attempt, request=request)


def before_lanes(task: Task) -> Task:
    """A task as the second version knew it."""
    request = replace(task.request, lane=None, gpus=replace(task.request.gpus, selection=None))
    return replace(task, behind=None, request=request)


def test_a_reservation_of_the_first_version_is_still_held(path: Path) -> None:
    made = opened(path, 1, "INSERT INTO reservations VALUES ('queue:ä', 4);")
    try:
        assert dict(made.store.load().reservations) == {"queue:ä": Reservation(task_id=TaskId(4))}
    finally:
        made.close()


def opened(path: Path, version: int, more: str = "") -> Subject:
    """The store of the example database of a version; `more`: statements that are run in it first."""
    dump = (DATABASES / f"{version:03d}.sql").read_text()
    create(str(path))
    with sqlite3.connect(path) as connection:
        connection.executescript(dump + more)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return Subject(lambda _: SqliteStore(str(path)))


def test_the_newest_version_has_its_example(subject: Subject, path: Path) -> None:
    """Writes the example database of the present schema where it is missing; commit it with the migration."""
    example = DATABASES / f"{len(migrations()):03d}.sql"
    subject.put(
        *(full_task(number, command) for number, command in zip((1, 2, 3, 5), COMMANDS, strict=True)),
        task(4),
        attempts={(TaskId(1), 1): full_attempt()},
        queues={full_queue().name: full_queue()},
        cards={full_card().uuid: full_card()},
        reservations={"pool": full_reservation()},
        learned={"x/t": full_learned()},
        shares={"x": full_share()},
        streaks={SubmissionId(1): 4},
        files={FileId(3): full_file()},
        runs={SubmissionId(4): full_run()},
        bindings={full_binding().key: full_binding()},
        tenants={"x": full_tenant()},
        tokens={TokenId(5): full_token()},
        hours={HourKey("a:b", 480): 12.5},
        alerts={full_alert().key: full_alert()},
        mutes={full_mute().key: full_mute()},
        outbox={full_message().key: full_message()},
    )
    assert subject.ids() == [1, 2, 3, 4, 5]
    if not example.exists():
        connection = sqlite3.connect(path)
        example.write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()
        pytest.fail(f"{example} was missing and has been written")


def test_a_migration_that_fails_leaves_the_version_before_it(path: Path) -> None:
    create(str(path))
    connection = connect(str(path))
    connection.execute("CREATE TABLE cards (x)")  # in the way of the first migration
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection)
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("cards",)]
    connection.close()


@pytest.mark.parametrize("name", sorted(queries()))
def test_every_statement_is_valid(subject: Subject, path: Path, name: str) -> None:
    connection = connect(str(path))
    statement = queries()[name].format(conditions="id > 0", direction="ASC")
    connection.execute("EXPLAIN " + re.sub(r":[a-z]+\b|\?", "1", statement))
    connection.close()


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("state = 'pending' AND id > 0", "tasks_by_state"),
        ("queue = 'q' AND id > 0", "tasks_by_queue"),
        ("submission_id = 1", "tasks_by_submission"),
        ("tenant = 'x' AND state = 'pending' AND id > 0", "tasks_by_tenant"),
        ("ended_at IS NULL", "tasks_live"),
    ],
)
def test_listings_walk_an_index_and_sort_nothing(subject: Subject, path: Path, condition: str, index: str) -> None:
    connection = connect(str(path))
    statement = queries()["tasks_page"].format(conditions=condition, direction="DESC").replace(":limit", "10")
    plan = " ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement))
    connection.close()
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_the_audit_log_looks_at_no_record_about_a_task(subject: Subject, path: Path) -> None:
    connection = connect(str(path))
    statement = queries()["last_acts"].replace("?", "'[]'")
    plan = " ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement))
    connection.close()
    assert "records_of_acts" in plan
    assert "records_by_time" not in plan


@pytest.mark.parametrize("name", ["mark_orphaned_blobs", "delete_orphaned_blobs", "old_tasks", "delete_old_records"])
def test_pruning_looks_at_no_task_or_record_that_stays(subject: Subject, path: Path, name: str) -> None:
    connection = connect(str(path))
    plan = " ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + queries()[name].replace("?", "1")))
    connection.close()
    assert "SCAN tasks" not in plan
    assert "SCAN records" not in plan
