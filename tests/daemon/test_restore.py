"""A backup takes the place of the database: what came after it is unknown, and is not run over."""

import os
import shutil
from pathlib import Path

from tests.daemon.gates import Gate, begin
from tests.support.daemon import Box, is_alive


def restore(instance: Box, copy: Path) -> None:
    """As docs/operations.md says, without ending the tasks; the daemon is stopped and started."""
    [database] = instance.home.rglob("gavelq.db")
    assert instance.stop() == 0
    assert not database.with_name("gavelq.db-wal").exists()
    database.unlink()
    shutil.copy(copy, database)
    instance.start()


def test_a_running_task_that_the_backup_does_not_know_keeps_its_number(fresh: Box, tmp_path: Path) -> None:
    fresh.wait(fresh.submit("true"))
    fresh.post("/api/backup", {"path": str(tmp_path / "copy.db")})
    gate = Gate(fresh)
    younger = begin(fresh, gate.command(0), log_path=str(tmp_path / "elsewhere.log"))
    restore(fresh, tmp_path / "copy.db")
    new = fresh.submit("exit 3")
    assert new > younger["id"]
    assert fresh.wait(new)["exit_code"] == 3
    assert is_alive(younger["pid"])
    gate.open()


def test_numbers_whose_logs_are_there_are_not_given_again(fresh: Box, tmp_path: Path) -> None:
    first = fresh.submit("echo before")
    fresh.wait(first)
    fresh.post("/api/backup", {"path": str(tmp_path / "copy.db")})
    lost = fresh.submit("echo lost")
    log = fresh.wait(lost)["log_path"]
    restore(fresh, tmp_path / "copy.db")
    new = fresh.submit("echo after")
    fresh.wait(new)
    assert (first, new) == (lost - 1, lost + 1)
    assert (fresh.log(first), fresh.log(new)) == ("before\n", "after\n")
    assert Path(log).read_text() == "lost\n"
    assert os.path.dirname(log) == os.path.dirname(fresh.task(new)["log_path"])
