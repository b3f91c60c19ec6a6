"""ProcessBook remembers what /proc says about a process, and notices when it is not true any more."""

from pathlib import Path

import pytest

from gavelq.adapters.gpu.processes import REFRESH_S, ProcessBook
from gavelq.adapters.procfs import ProcTable
from gavelq.core.units import MiB


class Proc:
    """A /proc of our own, in which a process is whatever the test says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.book = ProcessBook(ProcTable(str(root)))

    def set(self, pid: int, command: str, *, start_ticks: int = 500, state: str = "S") -> None:
        (self.root / str(pid)).mkdir(exist_ok=True)
        (self.root / str(pid) / "cmdline").write_bytes(command.encode() + b"\0")
        line = f"{pid} (x) {state} 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start_ticks} 0 0\n"
        (self.root / str(pid) / "stat").write_text(line)

    def command(self, pid: int, now: float) -> str:
        return self.book.describe(pid, MiB(1), now).command


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_the_memory_is_the_present_one(proc: Proc) -> None:
    proc.set(7, "train")
    assert [proc.book.describe(7, memory, 1.0).memory for memory in (MiB(5), MiB(9), None)] == [5, 9, None]


def test_a_pid_that_is_used_again_is_another_process(proc: Proc) -> None:
    proc.set(7, "train")
    assert proc.command(7, 1.0) == "train"
    proc.set(7, "other", start_ticks=900)
    assert proc.command(7, 2.0) == "other"


def test_a_command_is_kept_for_a_while_and_then_read_again(proc: Proc) -> None:
    proc.set(7, "train")
    assert proc.command(7, 1.0) == "train"
    proc.set(7, "train: epoch 2")
    assert proc.command(7, 2.0) == "train"
    assert proc.command(7, 1.0 + REFRESH_S) == "train: epoch 2"


def test_what_is_forgotten_is_read_again(proc: Proc) -> None:
    proc.set(7, "train")
    proc.set(8, "infer")
    assert (proc.command(7, 1.0), proc.command(8, 1.0)) == ("train", "infer")
    proc.set(7, "train 2")
    proc.set(8, "infer 2")
    proc.book.forget_all_but({8})
    assert (proc.command(7, 2.0), proc.command(8, 2.0)) == ("train 2", "infer")


def test_an_unreaped_process_is_not_alive(proc: Proc) -> None:
    proc.set(2**22 + 7, "train", state="Z")
    assert not proc.book.describe(2**22 + 7, MiB(1), 1.0).is_alive
