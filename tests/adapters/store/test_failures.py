"""When the disk or the file does not do what it should."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.adapters.store.statements import migrations
from gavelq.core.errors import StoreCorrupt, StoreTooNew, StoreUnavailable
from gavelq.core.ids import BlobKey, TaskId
from gavelq.ports import TaskFilter
from tests.adapters.store.made import task
from tests.adapters.store.test_contract import Subject

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gavelq.db"


@pytest.fixture
def subject(path: Path) -> Iterator[Subject]:
    made = Subject(lambda _: SqliteStore(str(path), busy_timeout_s=0.05))
    yield made
    made.close()


def test_a_full_disk_refuses_commits_whole_and_heals_by_itself(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.adapters.store.starving", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": "src:."},
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert [failure["code"] for failure in seen["failures"]] == ["store_unavailable"] * 3
    assert seen["during"] == [1], "reads go on, and nothing of the failed commits is there"
    assert seen["after"] == [1, 3]


def test_a_writer_that_is_held_up_too_long_is_unavailable_and_tries_again(subject: Subject, path: Path) -> None:
    subject.put(task(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        subject.put(task(2))
    assert subject.ids() == [1]
    other.execute("ROLLBACK")
    other.close()
    subject.put(task(3))
    assert subject.ids() == [1, 3]


def test_a_commit_that_fails_half_way_leaves_nothing(subject: Subject) -> None:
    broken = {BlobKey("good"): b"x", BlobKey("\udcff"): b"y"}  # SQLite cannot hold such a key
    with pytest.raises(UnicodeEncodeError):
        subject.put(task(1), blobs=broken)
    assert subject.ids() == []
    with pytest.raises(KeyError):
        subject.run(subject.store.blob(BlobKey("good")))
    subject.put(task(2))
    assert subject.ids() == [2]


def test_a_file_that_was_moved_away_is_noticed_and_taken_back(subject: Subject, path: Path, tmp_path: Path) -> None:
    """SQLite would go on writing into the moved (or deleted) file, and the daemon would acknowledge what gets lost."""
    subject.put(task(1))
    names = ["gavelq.db", "gavelq.db-wal", "gavelq.db-shm"]
    away = tmp_path / "away"
    away.mkdir()
    for name in names:
        (tmp_path / name).rename(away / name)
    with pytest.raises(StoreUnavailable, match="deleted or moved") as refusal:
        subject.put(task(2))
    assert f"`kill {os.getpid()}`" in refusal.value.hint
    assert not path.exists(), "no empty database takes its place"
    for name in names:
        (away / name).rename(tmp_path / name)
    subject.put(task(3))
    assert subject.ids() == [1, 3]


def test_another_file_in_its_place_is_not_written(subject: Subject, path: Path, tmp_path: Path) -> None:
    subject.put(task(1))
    other = tmp_path / "other.db"
    SqliteStore(str(other))
    other.replace(path)
    with pytest.raises(StoreUnavailable, match="replaced by another file"):
        subject.put(task(2))
    with pytest.raises(StoreUnavailable, match="replaced by another file"):
        subject.ids()


def test_a_read_only_database_is_unavailable_and_heals(subject: Subject, path: Path) -> None:
    subject.put(task(1))
    subject.run(subject.store.close())
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    path.chmod(0o400)
    with pytest.raises(StoreUnavailable):
        SqliteStore(str(path))
    path.chmod(0o600)
    SqliteStore(str(path)).load()


def test_a_place_that_cannot_hold_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "gavelq.db", tmp_path, Path("/proc/nowhere/gavelq.db")):
        with pytest.raises(StoreUnavailable):
            SqliteStore(str(place))


def test_a_link_in_the_place_of_the_database_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "other")
    with pytest.raises(StoreUnavailable):
        SqliteStore(str(tmp_path / "link.db"))
    assert not (tmp_path / "other").exists()


def test_the_database_of_a_newer_version_is_refused_and_not_touched(path: Path) -> None:
    SqliteStore(str(path))
    known = len(migrations())
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {known + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew) as caught:
        SqliteStore(str(path))
    assert caught.value.details == {"path": str(path), "found": known + 1, "known": known}
    assert path.read_bytes() == before


def test_the_database_of_some_other_program_is_refused_and_not_touched(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="some other program"):
        SqliteStore(str(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "zeros in the middle", "cut short"])
def test_damage_is_noticed_at_start(path: Path, damage: str) -> None:
    made = Subject(lambda _: SqliteStore(str(path)))
    made.put(*(task(number) for number in range(1, 500)))
    made.close()
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "text": b"this is a text and no database" * 1000,
            "zeros in the middle": content[:middle] + bytes(40_000) + content[middle + 40_000 :],
            "cut short": content[: middle - 100],
        }[damage]
    )
    with pytest.raises(StoreCorrupt, match="is damaged"):
        SqliteStore(str(path))


def test_damage_that_appears_later_is_corruption_not_unavailability(subject: Subject, path: Path) -> None:
    subject.put(*(task(number) for number in range(1, 2000)))
    subject.run(subject.store.close())
    subject.store = SqliteStore(str(path))
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(bytes(200_000))
    with pytest.raises(StoreCorrupt):
        subject.run(subject.store.tasks(TaskFilter(limit=100_000)))


def test_a_row_that_cannot_be_understood_is_corruption_that_names_it(subject: Subject, path: Path) -> None:
    subject.put(task(1), task(2))
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE tasks SET standing = \'{"log_path": "x", "later": 1}\' WHERE id = 2')
    connection.close()
    with pytest.raises(StoreCorrupt, match="task 2: unknown field 'later'"):
        subject.store.load()
    with pytest.raises(StoreCorrupt, match="task 2: unknown field 'later'"):
        subject.run(subject.store.task(TaskId(2)))
    assert subject.run(subject.store.task(TaskId(1))) == task(1)


def test_a_cancelled_caller_does_not_tear_a_commit(subject: Subject) -> None:
    from gavelq.core.step import Changes

    async def cancel_soon() -> None:
        many = Changes(tasks={TaskId(number): task(number) for number in range(1, 301)})
        work = asyncio.create_task(subject.store.commit(many))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    subject.run(cancel_soon())
    subject.put(task(1000))
    assert len(subject.ids()) in (1, 301)
