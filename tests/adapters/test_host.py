"""How busy the machine is, read from a made-up /proc and from the real one."""

from pathlib import Path

import pytest

from gavelq.adapters.host import ProcHost

MEMINFO = "MemTotal:       1048576 kB\nMemFree:         1024 kB\nMemAvailable:    786432 kB\n"


class Made:
    """A /proc whose processors did what a test says, and which can be asked at any time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 100.0
        (root / "meminfo").write_text(MEMINFO)
        (root / "loadavg").write_text("1.25 0.50 0.10 1/200 4711\n")
        self.ticks(0, 0)
        self.host = ProcHost(str(root), lambda: self.now)

    def ticks(self, busy: int, idle: int) -> None:
        (self.root / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0 0 0\n")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_the_first_look_knows_memory_and_load_but_no_utilisation(made: Made) -> None:
    seen = made.host.look()
    assert (seen.memory_total, seen.memory_used, seen.load, seen.cpu_percent) == (1024, 256, 1.25, None)


def test_utilisation_is_that_since_the_look_before(made: Made) -> None:
    made.host.look()
    made.ticks(30, 70)
    made.now += 1
    assert made.host.look().cpu_percent == 30.0
    made.ticks(120, 80)
    made.now += 1
    assert made.host.look().cpu_percent == 90.0


def test_the_kernel_is_asked_once_a_second_at_most(made: Made) -> None:
    made.host.look()
    made.ticks(30, 70)
    made.now += 0.9
    assert made.host.look().cpu_percent is None
    made.now += 0.1
    assert made.host.look().cpu_percent == 30.0


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu x y z\n", "intr 7\n"])
def test_what_cannot_be_understood_is_unknown(made: Made, text: str) -> None:
    made.host.look()
    for name in ("stat", "meminfo", "loadavg"):
        (made.root / name).write_text(text)
    made.now += 1
    seen = made.host.look()
    assert (seen.cpu_percent, seen.memory_total, seen.memory_used, seen.load) == (None, None, None, None)


def test_this_machine_answers() -> None:
    seen = ProcHost().look()
    assert seen.name
    assert seen.n_cpus >= 1
    assert seen.memory_total is not None
    assert seen.memory_used is not None
    assert 0 < seen.memory_used < seen.memory_total
