"""MIG devices are cards of their own; the GPU that they are parts of is marked and has no processes itself."""

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from tests.support.fake_nvml import LOST, NO_PERMISSION, FakeCard, FakeMachine, FakeMig, FakeProcess


@pytest.fixture
def divided(machine: FakeMachine) -> FakeCard:
    """GPU 1 of two, divided in two parts at positions 0 and 2."""
    machine.add_card("GPU-whole", mig_mode=False)
    card = machine.add_card("GPU-divided", name="NVIDIA A100", mig_mode=True, util=None, memory_total=40960)
    card.migs = [FakeMig("MIG-small", 0, 7, 4864, 100), FakeMig("MIG-large", 2, 3, 19968, 9000)]
    card.processes = [FakeProcess(101, 90, gi=7, ci=0), FakeProcess(102, 8900, gi=3, ci=0)]
    machine.write()
    return card


def test_a_mig_device_is_a_card_with_its_own_memory(divided: FakeCard, probe: NvmlProbe) -> None:
    sample = probe.sample(1.0)
    assert [(card.index, card.uuid, card.parent) for card in sample.cards] == [
        ("0", "GPU-whole", None),
        ("1", "GPU-divided", None),
        ("1:0", "MIG-small", "GPU-divided"),
        ("1:2", "MIG-large", "GPU-divided"),
    ]
    large = sample.cards[3]
    assert (large.memory_total, large.memory_used, large.utilization) == (19968, 9000, None)
    assert "MIG" in large.name


def test_only_the_divided_gpu_is_a_mig_parent(divided: FakeCard, probe: NvmlProbe) -> None:
    assert [card.is_mig_parent for card in probe.sample(1.0).cards] == [False, True, False, False]


def test_a_process_belongs_to_its_device_and_not_to_the_parent(divided: FakeCard, probe: NvmlProbe) -> None:
    sample = probe.sample(1.0)
    assert [[process.pid for process in card.processes] for card in sample.cards] == [[], [], [101], [102]]


def test_processes_are_told_apart_where_only_the_whole_gpu_lists_them(
    machine: FakeMachine, divided: FakeCard, probe: NvmlProbe
) -> None:
    divided.failing["processes"] = NO_PERMISSION
    machine.cards[0].mig_mode = None
    machine.write()
    # In the pretended driver a GPU with MIG devices still lists its processes then, and only the devices refuse.
    divided.processes.append(FakeProcess(103, 5))
    machine.write()
    sample = probe.sample(1.0)
    assert [[process.pid for process in card.processes] for card in sample.cards][2:] == [[101], [102]]


def test_devices_of_one_instance_have_their_own_processes(
    machine: FakeMachine, divided: FakeCard, probe: NvmlProbe
) -> None:
    divided.migs = [FakeMig("MIG-a", 0, 7, 4864, 100, ci=0), FakeMig("MIG-b", 1, 7, 4864, 100, ci=1)]
    divided.processes = [FakeProcess(101, 90, gi=7, ci=0), FakeProcess(102, 90, gi=7, ci=1)]
    machine.write()
    sample = probe.sample(1.0)
    assert [[process.pid for process in card.processes] for card in sample.cards][2:] == [[101], [102]]


def test_devices_that_are_made_and_removed_are_seen(machine: FakeMachine, divided: FakeCard, probe: NvmlProbe) -> None:
    probe.sample(1.0)
    divided.migs = [FakeMig("MIG-new", 0, 9, 9728, 0)]
    machine.write()
    assert [card.uuid for card in probe.sample(2.0).cards] == ["GPU-whole", "GPU-divided", "MIG-new"]
    assert probe.sample(2.0).cards[2].memory_total == 9728


def test_switching_mig_off_and_on_is_seen(machine: FakeMachine, divided: FakeCard, probe: NvmlProbe) -> None:
    probe.sample(1.0)
    divided.mig_mode, divided.util = False, 12
    machine.write()
    sample = probe.sample(2.0)
    assert [(card.uuid, card.is_mig_parent, card.utilization) for card in sample.cards] == [
        ("GPU-whole", False, 0),
        ("GPU-divided", False, 12),
    ]
    divided.mig_mode = True
    machine.write()
    assert len(probe.sample(3.0).cards) == 4


def test_a_lost_gpu_takes_its_devices_along(machine: FakeMachine, divided: FakeCard, probe: NvmlProbe) -> None:
    probe.sample(1.0)
    divided.state = LOST
    machine.write()
    sample = probe.sample(2.0)
    assert [card.uuid for card in sample.cards] == ["GPU-whole"]
    assert set(sample.lost) == {"GPU-divided", "MIG-small", "MIG-large"}
