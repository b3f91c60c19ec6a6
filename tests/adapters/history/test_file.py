"""The history's file: private, replaced where it cannot be used, of a bounded size."""

import asyncio
import logging
import os
import sqlite3
import stat
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gavelq.adapters.history.database import APPLICATION_ID, ASIDE, identity
from gavelq.adapters.history.sqlite_history import MAX_WAITING, SqliteHistory
from gavelq.adapters.history.writer import Writer
from gavelq.adapters.history.writing import used_bytes
from gavelq.core.ids import TaskId
from gavelq.core.measures import MEASURES, Keeping, Kind, Look, Span

T = TypeVar("T")
NOW = 1_800_000_000


def look(at: float, value: float | None = 50.0, gpu: str = "GPU-a") -> Look:
    return Look(kind=Kind.GPU, subject=gpu, at=at, values={"utilization_percent": value})


class Opened:
    """Histories on one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._loop = asyncio.new_event_loop()
        self._all: list[SqliteHistory] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def open(self, keeping: Keeping | None = None) -> SqliteHistory:
        self._all.append(SqliteHistory(str(self.path), keeping or Keeping()))
        return self._all[-1]

    def means(self, history: SqliteHistory, start: int = NOW, n: int = 3, gpu: str = "GPU-a") -> list[float | None]:
        found = self.run(history.read(Kind.GPU, [gpu], Span(start=start, step_s=1, n=n, width_s=1)))
        points = found.get(gpu, {}).get("utilization_percent", [])
        return [None if point is None else point.mean for point in points]

    def close(self) -> None:
        for history in self._all:
            self.run(history.close())
        self._loop.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    found = Opened(tmp_path / "state" / "history.db")
    yield found
    found.close()


def written(opened: Opened, looks: Sequence[Look]) -> None:
    """A file with these looks, closed."""
    history = opened.open()
    history.add(looks)
    opened.run(history.close())


def test_the_file_is_private_and_not_synced_at_every_writing(opened: Opened) -> None:
    opened.path.parent.mkdir()
    opened.path.touch(0o644)
    history = opened.open()
    history.add([look(NOW)])
    assert opened.means(history) == [50, None, None]
    assert stat.S_IMODE(opened.path.stat().st_mode) == 0o600
    connection = sqlite3.connect(opened.path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def torn(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 3] = os.urandom(4096 * 2)
    path.write_bytes(content)


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE poems (text TEXT)")
    connection.commit()
    connection.close()


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def without_a_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE gpu_10")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("spoil", [garbage, torn, foreign, newer, without_a_table])
def test_a_file_that_cannot_be_used_is_moved_aside_and_begun_anew(
    spoil: Any, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    written(opened, [look(NOW + at) for at in range(300)])
    spoil(opened.path)
    spoiled = opened.path.read_bytes()
    history = opened.open()
    with caplog.at_level(logging.WARNING):
        history.add([look(NOW + 1000)])
        assert opened.means(history, NOW + 1000) == [50, None, None]
    assert history.problem is None
    assert opened.path.with_name("history.db" + ASIDE).read_bytes() == spoiled
    assert "moved to" in caplog.text


def test_a_second_unusable_file_takes_the_place_of_the_first(opened: Opened) -> None:
    opened.path.parent.mkdir()
    for content in (b"first" * 5000, b"second" * 5000):
        opened.path.write_bytes(content)
        written(opened, [look(NOW)])
        assert opened.path.with_name("history.db" + ASIDE).read_bytes() == content
    assert sorted(path.name for path in opened.path.parent.iterdir()) == ["history.db", "history.db" + ASIDE]


def test_damage_that_only_a_reader_finds_is_dealt_with_as_well(opened: Opened) -> None:
    written(opened, [look(NOW + at, at % 100, f"GPU-{gpu}") for at in range(600) for gpu in range(8)])
    history = opened.open()
    assert opened.means(history, gpu="GPU-1") == [0, 1, 2]
    with opened.path.open("r+b") as file:
        size = opened.path.stat().st_size
        for page in range(3, size // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(4096))
    other = opened.open()  # its connections have nothing of the file in memory
    opened.run(other.read(Kind.GPU, ["GPU-1"], Span(start=NOW, step_s=1, n=600, width_s=1)))
    other.add([look(NOW + 1000)])
    assert opened.means(other, NOW + 1000) == [50, None, None]


def test_a_reader_that_is_mistaken_about_damage_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    writer = Writer(str(path))
    assert writer.write([look(NOW)], Keeping())
    writer.check(identity(str(path)), "no such table: it was looked at while it was made")
    assert writer.write([look(NOW + 1)], Keeping())
    writer.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM gpu_1").fetchone() == (2,)
    connection.close()
    without_a_table(path)
    writer.check(identity(str(path)), "no such table")
    writer.close()
    assert path.with_name("history.db" + ASIDE).exists()


def test_a_question_that_is_given_up_leaves_the_next_one_its_answer(opened: Opened) -> None:
    history = opened.open()
    history.add([look(NOW)])

    async def give_up() -> None:
        asking = asyncio.create_task(history.total(TaskId(1)))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])

    opened.run(give_up())
    assert opened.means(history) == [50, None, None]


def test_a_file_that_is_deleted_while_it_is_used_is_made_anew(opened: Opened) -> None:
    history = opened.open()
    history.add([look(NOW)])
    assert opened.means(history) == [50, None, None]
    for path in opened.path.parent.iterdir():
        path.unlink()
    history.add([look(NOW + 1)])
    assert opened.means(history) == [None, 50, None]
    assert opened.path.exists()


def test_what_cannot_be_written_waits_and_is_written_later(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    opened.path.parent.mkdir()
    opened.path.mkdir()  # in its place stands something that is no file
    history = opened.open()
    history.add([look(NOW)])
    assert opened.means(history) == []
    assert history.problem is not None
    assert str(opened.path) in history.problem
    assert caplog.text.count("cannot be written") == 1
    assert opened.run(history.total(TaskId(1))) == {}
    opened.path.rmdir()
    assert opened.means(history) == [50, None, None]
    assert history.problem is None


def test_only_so_many_looks_wait(opened: Opened) -> None:
    opened.path.parent.mkdir()
    opened.path.mkdir()
    history = opened.open()
    history.add([look(NOW + at // 1000) for at in range(MAX_WAITING + 2000)])
    opened.means(history)
    opened.path.rmdir()
    found = opened.run(history.read(Kind.GPU, ["GPU-a"], Span(start=NOW, step_s=1, n=60, width_s=1)))
    points = found["GPU-a"]["utilization_percent"]
    assert sum(point.n for point in points if point is not None) == MAX_WAITING
    assert points[0] is None


def test_senseless_values_count_as_unknown(opened: Opened) -> None:
    history = opened.open()
    history.add([look(NOW, float("nan")), look(NOW + 1, float("inf")), look(NOW + 2, 1e30), look(NOW + 2, 7)])
    assert opened.means(history) == [None, None, 7]


def everything(at: float, gpu: int) -> Look:
    values = {name: float((at * 7 + gpu * 13 + place) % 5000) for place, name in enumerate(MEASURES[Kind.GPU])}
    return Look(kind=Kind.GPU, subject=f"GPU-{gpu}", at=at, values=values)


def test_above_its_limit_the_oldest_goes_and_the_newest_stays(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    writer, keeping = Writer(str(path)), Keeping(max_mib=1)
    for batch in range(150):
        looks = [everything(NOW + batch * 60 + at, gpu) for at in range(0, 60, 2) for gpu in range(8)]
        assert writer.write(looks, keeping)
    writer.close()
    connection = sqlite3.connect(path)
    assert used_bytes(connection) < 1.3 * (1 << 20)
    (oldest, newest) = connection.execute("SELECT min(at), max(at) FROM gpu_60").fetchone()
    assert newest == (NOW + 149 * 60) // 60 * 60
    assert oldest > NOW
    connection.close()
