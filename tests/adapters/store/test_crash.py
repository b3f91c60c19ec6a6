"""kill -9 in mid-commit: what was acknowledged is there, whole, and no id is used twice."""

import random
import subprocess
import sys
from pathlib import Path

from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.core.ids import TaskId
from gavelq.ports import TaskFilter
from tests.adapters.store.test_contract import Subject

ROOT = Path(__file__).parents[3]
KILLS = 10


def acknowledged_before_kill(database: Path, n_lines: int) -> list[int]:
    command = [sys.executable, "-m", "tests.adapters.store.crashing", str(database)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": "src:."})
    assert process.stdout is not None
    with process:
        try:
            lines = [process.stdout.readline() for _ in range(n_lines)]
        finally:
            process.kill()
        lines += process.stdout.readlines()
    return [int(line) for line in lines if line.endswith("\n")]


def test_nothing_acknowledged_is_lost_by_ten_kills(tmp_path: Path) -> None:
    database = tmp_path / "gavelq.db"
    chance = random.Random(7)
    acknowledged: list[int] = []
    for _ in range(KILLS):
        found = acknowledged_before_kill(database, chance.randint(1, 40))
        assert found, "the process committed nothing"
        assert not acknowledged or found[0] > acknowledged[-1], "an id was used twice"
        acknowledged += found
    subject = Subject(lambda _: SqliteStore(str(database)))
    try:
        loaded = subject.store.load()
        ids = {task.id for task in loaded.tasks}
        assert {n + part for n in acknowledged for part in (0, 1)} <= ids
        assert {task_id for task_id in ids if task_id % 2} == {task_id - 1 for task_id in ids if task_id % 2 == 0}, (
            "torn"
        )
        assert loaded.next_task_id == max(ids) + 1
        records = subject.run(subject.store.records(task_id=None, limit=100_000))
        assert sorted(record.task_id or 0 for record in records) == sorted(ids)
        assert len(subject.run(subject.store.attempts(TaskId(acknowledged[-1])))) == 1
        assert len(subject.run(subject.store.tasks(TaskFilter(limit=100_000)))) == len(ids)
    finally:
        subject.close()
