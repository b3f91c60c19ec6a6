"""Reading logs by absolute offsets: whole, by tail, followed, and across the parts that were cut off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.client.address import Address
from gavelq.client.wire import exchange
from gavelq.daemon import task_logs
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, box


@pytest.fixture
def log(tmp_path: Path) -> str:
    """A log of 26 bytes, of which the first 20 were cut off, 10 into each of two parts."""
    path = tmp_path / "t.log"
    path.write_bytes(b"uvwxyz")
    (tmp_path / "t.log.1").write_bytes(b"klmnopqrst")
    (tmp_path / "t.log.2").write_bytes(b"abcdefghij")
    (tmp_path / "t.log.base").write_text("20")
    return str(path)


def test_offsets_count_over_the_whole_life_of_a_log(log: str) -> None:
    assert task_logs.length(log) == 26
    assert task_logs.read(log, 0).content == b"abcdefghijklmnopqrstuvwxyz"
    assert task_logs.read(log, 8).content == b"ijklmnopqrstuvwxyz"
    assert task_logs.read(log, 22).content == b"wxyz"
    assert task_logs.read(log, 99).content == b""


def test_what_is_gone_is_skipped_and_the_answer_says_where_it_begins(log: str) -> None:
    Path(log + ".2").unlink()
    chunk = task_logs.read(log, 3)
    assert (chunk.start, chunk.content, chunk.end) == (10, b"klmnopqrstuvwxyz", 26)


def test_a_tail_reads_across_parts(tmp_path: Path) -> None:
    path = str(tmp_path / "t.log")
    Path(path).write_bytes(b"five\nsix\n")
    Path(path + ".1").write_bytes(b"one\ntwo\nthree\nfour\n")
    Path(path + ".base").write_text("19")
    assert task_logs.tail(path, 3).content == b"four\nfive\nsix\n"
    assert task_logs.tail(path, 0).content == b""
    assert task_logs.tail(path, 99).content == b"one\ntwo\nthree\nfour\nfive\nsix\n"


def test_a_large_tail_line_without_an_end_is_given_back_too(tmp_path: Path) -> None:
    path = tmp_path / "t.log"
    path.write_bytes(b"x" * 200_000 + b"\nlast")
    assert task_logs.tail(str(path), 1).content == b"last"
    assert len(task_logs.tail(str(path), 2).content) == 200_005


@pytest.fixture(scope="module")
def cutting() -> Iterator[Box]:
    """A daemon that cuts logs above 1 MiB."""
    with box(env={"GAVELQ_LOGS_TASK_MAX_MB": "1"}) as instance:
        yield instance


def _follow(instance: Box, task_id: int, offset: int) -> tuple[bytes, int, bool]:
    reply = exchange(Address(socket=instance.socket), "GET", f"/api/tasks/{task_id}/logs?offset={offset}&wait=5")
    return reply.body, int(reply.headers["x-gavelq-offset"]), reply.headers["x-gavelq-ended"] == "1"


def test_following_gives_every_line_once_while_the_log_is_cut_below_it(cutting: Box) -> None:
    line = "echo $i-$(printf %02000d 0)"
    task_id = cutting.submit(f"for i in $(seq 1500); do {line}; [ $((i % 100)) = 0 ] && sleep 0.3; done; true")
    got, offset, is_over = b"", 0, False
    while not is_over:
        more, offset, is_over = _follow(cutting, task_id, offset)
        got += more
    numbers = [int(line.split(b"-")[0]) for line in got.splitlines()]
    path = cutting.task(task_id)["log_path"]
    assert Path(path + ".base").exists(), "the log was never cut, so that this test shows nothing"
    assert len(numbers) >= 1490, "a cut may lose the lines of its own moment, not more"
    assert numbers == sorted(set(numbers))
    assert cutting.log(task_id).splitlines()[-1].startswith("1500-")


def test_following_ends_when_the_task_ends_and_hears_of_it_at_once(cutting: Box) -> None:
    task_id = cutting.submit("echo a; sleep 0.2; echo b")
    got, offset, is_over = b"", 0, False
    while not is_over:
        more, offset, is_over = _follow(cutting, task_id, offset)
        got += more
    assert got == b"a\nb\n"


def test_a_task_that_never_started_has_no_log(cutting: Box) -> None:
    task_id = cutting.submit("true", hold=True)
    with pytest.raises(Failure) as missing:
        cutting.log(task_id)
    assert (missing.value.status, missing.value.body["code"]) == (404, "log_not_found")
    assert "has no log yet" in missing.value.body["message"]
    cutting.cli("task", "kill", str(task_id))
    told = cutting.cli("logs", str(task_id))
    assert told.returncode == 3
    assert f"task {task_id} has ended without a log" in told.stderr
    assert "tells how it ended" in told.stderr


def test_a_log_file_of_the_user_s_own_is_appended_to(cutting: Box, tmp_path: Path) -> None:
    own = tmp_path / "own.log"
    own.write_text("before\n")
    task = cutting.wait(cutting.submit("echo mine", log_path=str(own)))
    assert own.read_text() == "before\nmine\n"
    cutting.post(f"/api/tasks/{task['id']}/remove")
    assert own.exists()


def test_removing_a_task_removes_its_log(cutting: Box) -> None:
    task = cutting.wait(cutting.submit("echo x"))
    assert Path(task["log_path"]).exists()
    cutting.post(f"/api/tasks/{task['id']}/remove")
    assert not Path(task["log_path"]).exists()
    with pytest.raises(Failure) as gone:
        cutting.task(task["id"])
    assert gone.value.status == 404
    wait_until(lambda: task["id"] not in [t["id"] for t in cutting.get("/api/tasks")], what="it leaves the list")
