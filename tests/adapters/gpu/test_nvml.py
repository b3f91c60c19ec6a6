"""NvmlProbe tells what the driver tells, in our units, and None where the driver does not tell."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from gavelq.core.gpu import CardSample
from gavelq.core.ids import GpuUuid
from gavelq.core.units import MiB
from tests.support.fake_nvml import (
    NO_DATA,
    NO_PERMISSION,
    NOT_SUPPORTED,
    UNKNOWN,
    FakeMachine,
    FakeProcess,
)


def only(probe: NvmlProbe, now: float = 1.0) -> CardSample:
    sample = probe.sample(now)
    assert sample.problem is None
    (card,) = sample.cards
    return card


def test_a_card_is_told_in_our_units(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card(
        "GPU-a",
        name="NVIDIA H200",
        memory_total=143771,
        memory_used=1000,
        util=37,
        memory_util=21,
        temp=41,
        power_w=251.4,
        limit_w=700,
        clock=1980,
        fan=55,
        ecc=2,
    )
    machine.write()
    assert only(probe) == CardSample(
        uuid=GpuUuid("GPU-a"),
        index="0",
        name="NVIDIA H200",
        memory_total=MiB(143771),
        memory_used=MiB(1000),
        utilization=37,
        memory_utilization=21,
        temperature_c=41,
        power_w=251.4,
        power_limit_w=700.0,
        fan_percent=55,
        clock_mhz=1980,
        ecc_errors=2,
    )


def test_indices_are_the_order_of_the_driver(machine: FakeMachine, probe: NvmlProbe) -> None:
    for uuid in ("GPU-z", "GPU-a", "GPU-m"):
        machine.add_card(uuid)
    machine.write()
    assert [(card.index, card.uuid) for card in probe.sample(1.0).cards] == [
        ("0", "GPU-z"),
        ("1", "GPU-a"),
        ("2", "GPU-m"),
    ]


def test_a_change_on_the_card_is_in_the_next_sample(machine: FakeMachine, probe: NvmlProbe) -> None:
    card = machine.add_card("GPU-a")
    machine.write()
    assert only(probe).memory_used == 0
    card.memory_used, card.util = 8192, 99
    machine.write()
    assert (only(probe, 2.0).memory_used, only(probe, 3.0).utilization) == (8192, 99)


def test_what_the_driver_keeps_for_itself_is_neither_used_nor_free(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", memory_total=24576, memory_used=100, memory_reserved=400)
    machine.write()
    card = only(probe)
    assert (card.memory_total, card.memory_used) == (24176, 100)


@pytest.mark.parametrize("code", [NOT_SUPPORTED, NO_PERMISSION, NO_DATA, UNKNOWN])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("util", "utilization"),
        ("temp", "temperature_c"),
        ("power_mw", "power_w"),
        ("limit_mw", "power_limit_w"),
        ("clock", "clock_mhz"),
        ("fan", "fan_percent"),
        ("ecc", "ecc_errors"),
        ("memory", "memory_used"),
    ],
)
def test_what_cannot_be_told_is_none_and_the_rest_is_told(
    machine: FakeMachine, probe: NvmlProbe, asked: str, told: str, code: int
) -> None:
    card = machine.add_card("GPU-a", ecc=1, util=5, temp=40)
    machine.write()
    assert getattr(only(probe), told) is not None
    card.failing[asked] = code
    machine.write()
    sample = only(probe, 60.0)
    assert getattr(sample, told) is None
    assert [sample.utilization, sample.temperature_c, sample.memory_used].count(None) <= 1
    assert sample.memory_total == 24576


def test_a_card_without_any_sensor_is_listed(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", memory_total=None, util=None, temp=None, power_w=None, limit_w=None, clock=None, fan=None)
    machine.write()
    card = only(probe)
    assert (card.memory_total, card.memory_used, card.utilization, card.power_w) == (0, None, None, None)


def test_a_process_has_its_owner_command_and_start(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", processes=[FakeProcess(os.getpid(), 5000)])
    machine.write()
    (process,) = only(probe).processes
    assert (process.pid, process.memory, process.is_alive, process.task_id) == (os.getpid(), 5000, True, None)
    assert process.user
    assert "python" in process.command
    assert process.started_at is not None
    assert time.time() - 3600 < process.started_at <= time.time()


def test_compute_graphics_and_mps_processes_are_told_once_each(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card(
        "GPU-a",
        processes=[
            FakeProcess(101, 300),
            FakeProcess(101, 500, "graphics"),
            FakeProcess(102, 20, "graphics"),
            FakeProcess(105, 9),
            FakeProcess(105, 4, "graphics"),
            FakeProcess(103, None, "mps"),
            FakeProcess(104, None),
            FakeProcess(104, 7, "mps"),
        ],
    )
    machine.write()
    assert {process.pid: process.memory for process in only(probe).processes} == {
        101: 500,
        102: 20,
        103: None,
        104: 7,
        105: 9,
    }


def test_a_process_that_proc_does_not_know_is_told_as_such(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", processes=[FakeProcess(2**22 + 12345, 100)])
    machine.write()
    (process,) = only(probe).processes
    assert (process.is_alive, process.user, process.command, process.memory) == (False, None, "", 100)


def test_many_processes_are_all_told(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", processes=[FakeProcess(2**22 + number, 1) for number in range(200)])
    machine.write()
    assert len(only(probe).processes) == 200


def test_processes_that_the_driver_does_not_tell_are_none_seen(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", memory_used=9000, processes=[FakeProcess(1, 10)], failing={"processes": NO_PERMISSION})
    machine.write()
    assert (only(probe).processes, only(probe).memory_used) == ((), 9000)


@pytest.fixture
def old_machine(old_library: Path, tmp_path: Path) -> Iterator[FakeMachine]:
    fake = FakeMachine(old_library, tmp_path)
    with fake.in_this_process():
        yield fake


def test_an_old_driver_without_the_newer_functions_tells_the_same(old_machine: FakeMachine) -> None:
    old_machine.add_card(
        "GPU-a", memory_used=70, memory_reserved=30, processes=[FakeProcess(1, 10), FakeProcess(2, 5, "graphics")]
    )
    old_machine.write()
    probe = NvmlProbe()
    card = only(probe)
    probe.close()
    # Such a driver counts what it keeps for itself as used.
    assert (card.memory_total, card.memory_used) == (24576, 100)
    assert {process.pid: process.memory for process in card.processes} == {1: 10, 2: 5}


def test_what_does_not_change_is_asked_once(machine: FakeMachine, probe: NvmlProbe) -> None:
    for number in range(4):
        machine.add_card(f"GPU-{number}")
    machine.write()
    for second in range(9):
        probe.sample(float(second))
    asked_once = ("nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetMigMode")
    assert [machine.n_calls(name) for name in asked_once] == [4, 4, 4, 4]
    assert machine.n_calls("nvmlDeviceGetEnforcedPowerLimit") == 4
    assert machine.n_calls("nvmlDeviceGetUtilizationRates") == 36


def test_a_power_limit_that_is_changed_is_seen_within_ten_seconds(machine: FakeMachine, probe: NvmlProbe) -> None:
    card = machine.add_card("GPU-a", limit_w=350)
    machine.write()
    assert only(probe, 100.0).power_limit_w == 350
    card.limit_w = 250
    machine.write()
    assert only(probe, 110.0).power_limit_w == 250


def test_a_card_that_is_added_or_removed_is_seen(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a")
    machine.write()
    assert [card.uuid for card in probe.sample(1.0).cards] == ["GPU-a"]
    machine.add_card("GPU-b")
    machine.write()
    assert [card.uuid for card in probe.sample(2.0).cards] == ["GPU-a", "GPU-b"]
    del machine.cards[0]
    machine.write()
    assert [(card.index, card.uuid) for card in probe.sample(3.0).cards] == [("0", "GPU-b")]


def test_a_sample_of_eight_busy_cards_costs_little(
    machine: FakeMachine, probe: NvmlProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAKE_NVML_LOG")
    for number in range(8):
        machine.add_card(f"GPU-{number}", processes=[FakeProcess(os.getpid(), 10), FakeProcess(os.getppid(), 10)])
    machine.write()
    probe.sample(0.0)
    costs = []
    for second in range(1, 21):
        before = time.thread_time()
        assert len(probe.sample(float(second)).cards) == 8
        costs.append(time.thread_time() - before)
    assert min(costs) < 0.005
