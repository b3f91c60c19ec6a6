"""`python -m gavelq.testing.simtask` uses the memory of its simulated cards, and fails as a real program would."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.gpu.simulated import SimulatedProbe
from gavelq.adapters.gpu.simulated_files import SimulatedDirectory
from gavelq.core.gpu import CardSample
from gavelq.testing.waiting import wait_until


class Machine:
    """Two simulated cards of 24 GiB and the tasks that were started on them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.probe = SimulatedProbe(2, 24576, str(root))
        self.probe.sample(0.0)
        self.tasks: list[subprocess.Popen[str]] = []

    def start(self, *options: str, gpus: str = "0", **env: str) -> subprocess.Popen[str]:
        task = subprocess.Popen(
            [sys.executable, "-m", "gavelq.testing.simtask", *options],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"GAVELQ_SIM_DIR": str(self.root), "CUDA_VISIBLE_DEVICES": gpus, "PYTHONPATH": os.pathsep.join(sys.path)}
            | env,
        )
        self.tasks.append(task)
        return task

    def cards(self) -> tuple[CardSample, ...]:
        return self.probe.sample(1.0).cards

    def used(self) -> list[int | None]:
        return [card.memory_used for card in self.cards()]

    def wait_used(self, wanted: list[int]) -> None:
        wait_until(lambda: self.used() == wanted, what=f"{wanted} MiB in use")

    def usage_files(self) -> list[str]:
        return [name for name in os.listdir(self.root) if "GPU-" in name]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path / "simulated")
    yield found
    for task in found.tasks:
        task.kill()
        task.communicate()


def ended(task: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = task.communicate(timeout=30)
    return task.returncode, said


def test_it_holds_its_memory_and_gives_it_back(machine: Machine) -> None:
    task = machine.start("--vram", "8G", "--hold", "60", "--util", "80")
    machine.wait_used([8192, 0])
    card = machine.cards()[0]
    assert (card.utilization, [process.pid for process in card.processes]) == (80, [task.pid])
    task.terminate()
    assert ended(task)[0] == -signal.SIGTERM
    assert machine.usage_files() == []


def test_it_finds_its_cards_by_uuid_and_uses_all_of_them(machine: Machine) -> None:
    machine.start("--vram", "1G", "--hold", "60", gpus=",".join(card.uuid for card in machine.cards()))
    machine.wait_used([1024, 1024])


def test_it_takes_its_memory_bit_by_bit(machine: Machine) -> None:
    machine.start("--vram", "16G", "--ramp", "2", "--hold", "60")
    wait_until(lambda: 0 < (machine.used()[0] or 0) < 16384, what="a part of the memory")
    machine.wait_used([16384, 0])


@pytest.mark.parametrize("code", [0, 3])
def test_it_ends_with_the_exit_code_it_was_told(machine: Machine, code: int) -> None:
    assert ended(machine.start("--vram", "1G", "--hold", "0", "--exit-code", str(code))) == (code, "")
    assert machine.usage_files() == []


def test_more_than_the_card_has_free_is_out_of_memory(machine: Machine) -> None:
    machine.start("--vram", "20G", "--hold", "60")
    machine.wait_used([20480, 0])
    code, said = ended(machine.start("--vram", "5G", "--hold", "60"))
    assert code == 1
    assert "CUDA out of memory" in said
    assert "4.00 GiB is free" in said
    assert machine.used() == [20480, 0]


def test_foreign_memory_is_not_free(machine: Machine) -> None:
    (machine.root / "faults.json").write_text('{"foreign": {"0": {"mib": 20480, "pid": 1}}}')
    assert ended(machine.start("--vram", "5G"))[0] == 1
    assert ended(machine.start("--vram", "4G", "--hold", "0"))[0] == 0


def test_out_of_memory_comes_where_it_was_told_to(machine: Machine) -> None:
    task = machine.start("--vram", "12G", "--ramp", "0.2", "--oom-above", "10G", "--hold", "60")
    code, said = ended(task)
    assert (code, "CUDA out of memory" in said) == (1, True)
    assert machine.usage_files() == []
    assert ended(machine.start("--vram", "10G", "--oom-above", "10G", "--hold", "0"))[0] == 0


def test_a_killed_task_leaves_nothing_on_the_card(machine: Machine) -> None:
    task = machine.start("--vram", "8G", "--hold", "60")
    machine.wait_used([8192, 0])
    task.kill()
    task.wait()
    assert machine.used() == [0, 0]
    assert machine.usage_files() == []


def test_tasks_that_take_at_the_same_moment_never_take_more_than_there_is(machine: Machine) -> None:
    tasks = [machine.start("--vram", "10G", "--hold", "60") for _ in range(4)]
    wait_until(lambda: sum(task.poll() == 1 for task in tasks) == 2, what="two tasks out of memory")
    machine.wait_used([20480, 0])


def test_nothing_is_taken_while_another_one_looks_what_is_free(machine: Machine) -> None:
    with SimulatedDirectory(str(machine.root)).locked():
        task = machine.start("--vram", "1G", "--hold", "60")

        def is_waiting() -> bool:
            waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
            return any(str(task.pid) in line for line in waiting)

        wait_until(is_waiting, what="the task to wait for the lock")
        assert machine.used() == [0, 0]
    machine.wait_used([1024, 0])


@pytest.mark.parametrize(
    ("gpus", "env", "words"),
    [
        ("GPU-real", {}, "GPU-real"),
        ("", {}, "no GPU"),
        ("0", {"GAVELQ_SIM_DIR": ""}, "GAVELQ_SIM_DIR"),
        ("0", {"GAVELQ_SIM_DIR": "/nonexistent"}, "/nonexistent"),
    ],
)
def test_without_simulated_cards_it_says_what_is_missing(
    machine: Machine, gpus: str, env: dict[str, str], words: str
) -> None:
    code, said = ended(machine.start("--vram", "1G", gpus=gpus, **env))
    assert code == 2
    assert words in said


@pytest.mark.parametrize("option", ["--vram=much", "--util=101", "--ramp=-1", "--hold=nan", "--exit-code=300"])
def test_a_wrong_option_is_named(machine: Machine, option: str) -> None:
    code, said = ended(machine.start(option))
    assert code == 2
    assert option.split("=")[0] in said


def test_a_task_without_gpus_needs_none(machine: Machine) -> None:
    assert ended(machine.start("--vram", "0", "--hold", "0", gpus=""))[0] == 0
