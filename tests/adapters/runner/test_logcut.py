"""Logs are cut without losing a byte's place."""

import os
import re
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from gavelq.adapters.runner import logcut
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box


def file_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def whole(path: Path) -> tuple[int, bytes]:
    """Where the kept output begins, and all of it: a reader as the module's text describes it."""
    parts = b"".join(p.read_bytes() for number in (3, 2, 1) if (p := Path(f"{path}.{number}")).exists())
    base = int(Path(f"{path}.base").read_text()) if Path(f"{path}.base").exists() else 0
    return base - len(parts), parts + path.read_bytes()


def write(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_parts_are_shifted_and_offsets_stay_absolute(root: Path) -> None:
    path, written = root / "log", b""
    for number in range(6):
        chunk = f"{number}{'x' * number}\n".encode()
        written += chunk
        write(path, chunk)
        start, kept = whole(path)
        assert kept == written[start:]
        logcut.cut(str(path), file_of(path))
        assert path.read_bytes() == b""
        start, kept = whole(path)
        assert (kept, len(kept) + start) == (written[start:], len(written))
    assert sorted(p.name for p in root.iterdir()) == ["log", "log.1", "log.2", "log.3", "log.base"]


def test_a_log_that_was_replaced_by_its_owner_is_left_alone(root: Path) -> None:
    path = root / "log"
    write(path, b"first")
    old = file_of(path)
    path.rename(root / "kept")
    write(path, b"second and longer")
    assert not logcut.is_due(str(path), old, 3)
    logcut.cut(str(path), old)
    assert path.read_bytes() == b"second and longer"
    assert logcut.is_due(str(path), file_of(path), 3)
    assert not logcut.is_due(str(path), file_of(path), 100)
    assert not logcut.is_due(str(path), file_of(path), 0)


@pytest.mark.parametrize("moment", ["while shifting", "before truncating", "after truncating"])
def test_an_interrupted_cut_is_repaired_by_the_next_one(root: Path, moment: str) -> None:
    path = root / "log"
    write(path, b"one\n")
    logcut.cut(str(path), file_of(path))
    write(path, b"three\n")
    Path(f"{path}.base").write_text("4 6\n")
    if moment == "while shifting":
        Path(f"{path}.1").rename(f"{path}.2")
        Path(f"{path}.1.new").write_bytes(b"three\n")
    else:
        Path(f"{path}.1").rename(f"{path}.2")
        Path(f"{path}.1").write_bytes(b"three\n")
        if moment == "after truncating":
            path.write_bytes(b"")
    write(path, b"four\n")
    logcut.cut(str(path), file_of(path))
    assert whole(path) == (0, b"one\nthree\nfour\n")


def test_a_writer_at_full_speed_loses_nothing_but_at_the_very_cut(root: Path) -> None:
    path = root / "log"
    path.touch()
    done = threading.Event()

    def keep_writing() -> None:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        for number in range(20_000):
            os.write(fd, b"%07d\n" % number)
        os.close(fd)
        done.set()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    n_cuts = 0
    while not done.is_set() and n_cuts < 3:
        if path.stat().st_size > 8000:
            logcut.cut(str(path), file_of(path))
            n_cuts += 1
    writer.join()
    start, kept = whole(path)
    numbers = [int(word) for word in kept.split()]
    assert re.fullmatch(rb"(\d{7}\n)*", kept)
    assert numbers == sorted(set(numbers))
    assert start == 0
    # What was written while it was cut is lost: how much, is a matter of speed, but it is one piece for each cut.
    n_gaps = sum(later != earlier + 1 for earlier, later in pairwise([-1, *numbers, 20_000]))
    assert n_gaps <= n_cuts


def test_a_running_tasks_log_is_cut_by_the_runner(box: Box) -> None:
    writes = "for i in {1..200}; do echo $i; done; echo $$ > pid; while [ ! -e gate ]; do sleep 0.01; done; echo end"
    box.start(1, writes, log_max_bytes=100)
    wait_until(Path(f"{box.log(1)}.base").exists, 60, "the log is cut")
    wait_until(lambda: Path(f"{box.log(1)}.base").read_text().split() == ["692"], what="the cut is complete")
    (box.root / "gate").touch()
    assert box.result(1).exit_code == 0
    expected = "".join(f"{number}\n" for number in range(1, 201)) + "end\n"
    assert whole(box.log(1)) == (0, expected.encode())
    assert box.log(1).read_text() == "end\n"
