"""NvmlProbe passes on what a driver tells of broken cards: Xid errors and uncorrected ECC errors, each of them once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from gavelq.adapters.gpu.nvml_events import MOST_AT_ONCE
from gavelq.core.gpu import GpuSample
from tests.support.fake_nvml import (
    DOUBLE_BIT_ECC,
    LOST,
    NOT_SUPPORTED,
    UNKNOWN,
    XID,
    FakeCard,
    FakeMachine,
    FakeMig,
)


@pytest.fixture
def pair(machine: FakeMachine, probe: NvmlProbe) -> tuple[FakeCard, FakeCard]:
    """Two healthy cards, looked at once at time 0."""
    found = machine.add_card("GPU-a"), machine.add_card("GPU-b")
    machine.write()
    assert xids(probe.sample(0.0)) == {}
    return found


def xids(sample: GpuSample) -> dict[str, tuple[int, ...]]:
    """The errors by card, without the cards that tell of none."""
    return {card.uuid: card.xids for card in sample.cards if card.xids}


def test_an_xid_error_is_told_once_and_for_its_card(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    machine.happen(pair[1], 31)
    machine.write()
    assert xids(probe.sample(1.0)) == {"GPU-b": (31,)}
    assert xids(probe.sample(2.0)) == {}
    machine.happen(pair[0], 13)
    machine.happen(pair[0], 45)
    machine.happen(pair[0], 13)
    machine.happen(pair[1], 79)
    machine.write()
    assert xids(probe.sample(3.0)) == {"GPU-a": (13, 45), "GPU-b": (79,)}


def test_errors_from_before_the_daemon_are_not_told(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.happen(machine.add_card("GPU-a"), 79)
    machine.write()
    assert xids(probe.sample(0.0)) == {}


def test_no_look_takes_all_of_a_storm_and_nothing_of_it_is_forgotten(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    before = machine.n_calls("nvmlEventSetWait_v2")
    for number in range(100, 100 + MOST_AT_ONCE + 10):
        machine.happen(pair[0], number)
    machine.write()
    told = [xids(probe.sample(float(second))).get("GPU-a", ()) for second in range(1, 4)]
    assert [len(numbers) for numbers in told] == [MOST_AT_ONCE, 10, 0]
    assert machine.n_calls("nvmlEventSetWait_v2") - before <= MOST_AT_ONCE + 20


def test_a_card_that_is_lost_still_tells_its_last_error_and_does_not_silence_the_others(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    machine.happen(pair[0], 79)
    pair[0].state = LOST
    machine.write()
    sample = probe.sample(1.0)
    assert (xids(sample), sample.lost, sample.problem) == ({"GPU-a": (79,)}, ("GPU-a",), None)
    silent = sample.by_uuid[sample.lost[0]]
    assert (silent.index, silent.memory_used, silent.utilization, silent.processes) == ("0", None, None, ())
    machine.happen(pair[1], 31)
    machine.write()
    sample = probe.sample(2.0)
    assert (xids(sample), sample.lost) == ({"GPU-b": (31,)}, ("GPU-a",))


def test_an_error_between_two_openings_of_the_driver_is_not_lost(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    pair[0].state = LOST
    machine.write()
    assert probe.sample(1.0).lost == ("GPU-a",)
    n_openings = machine.n_calls("nvmlInitWithFlags")
    machine.happen(pair[1], 31)
    machine.write()
    assert xids(probe.sample(30.0)) == {"GPU-b": (31,)}
    assert machine.n_calls("nvmlInitWithFlags") == n_openings + 1


def test_a_double_bit_error_makes_the_counter_be_read_at_once(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    pair[0].ecc = pair[1].ecc = 0
    machine.write()
    assert [card.ecc_errors for card in probe.sample(20.0).cards] == [0, 0]
    pair[0].ecc = pair[1].ecc = 2
    machine.happen(pair[0], 0, kind=DOUBLE_BIT_ECC)
    machine.write()
    sample = probe.sample(21.0)
    assert [card.ecc_errors for card in sample.cards] == [2, 0]  # the other one is read every ten seconds
    assert xids(sample) == {}


@pytest.mark.parametrize("kinds", [None, 0, DOUBLE_BIT_ECC])
def test_a_card_that_tells_of_no_xids_is_not_asked_for_them(
    machine: FakeMachine, probe: NvmlProbe, kinds: int | None
) -> None:
    card = machine.add_card("GPU-a", event_kinds=kinds)
    machine.write()
    probe.sample(0.0)
    machine.happen(card, 79)
    machine.write()
    sample = probe.sample(1.0)
    assert (xids(sample), sample.problem, len(sample.cards)) == ({}, None, 1)
    if not kinds:
        assert machine.n_calls("nvmlEventSetCreate") == machine.n_calls("nvmlEventSetWait_v2") == 0


def test_only_what_a_card_supports_is_asked_of_it(machine: FakeMachine, probe: NvmlProbe) -> None:
    card = machine.add_card("GPU-a", event_kinds=XID)
    machine.write()
    probe.sample(0.0)
    machine.happen(card, 62)
    machine.write()
    assert xids(probe.sample(1.0)) == {"GPU-a": (62,)}


@pytest.mark.parametrize("code", [NOT_SUPPORTED, UNKNOWN, LOST])
def test_a_driver_that_refuses_events_tells_everything_else(
    machine: FakeMachine, probe: NvmlProbe, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    import pynvml

    def refuse(*_: object) -> None:
        raise pynvml.NVMLError(code)

    machine.add_card("GPU-a")
    machine.write()
    monkeypatch.setattr(pynvml, "nvmlDeviceRegisterEvents", refuse)
    monkeypatch.setattr(pynvml, "nvmlEventSetWait_v2", refuse)
    for second in range(3):
        sample = probe.sample(float(second))
        assert ([card.uuid for card in sample.cards], sample.lost, sample.problem) == (["GPU-a"], (), None)


def test_event_sets_are_given_back(machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]) -> None:
    machine.add_card("GPU-c")
    machine.write()
    probe.sample(1.0)  # another number of cards: all of them are taken anew
    probe.close()
    assert machine.n_calls("nvmlEventSetCreate") == machine.n_calls("nvmlEventSetFree") == 5


@pytest.fixture
def old_machine(old_library: Path, tmp_path: Path) -> Iterator[FakeMachine]:
    fake = FakeMachine(old_library, tmp_path)
    with fake.in_this_process():
        yield fake


def test_an_old_driver_tells_of_no_errors_and_of_everything_else(old_machine: FakeMachine) -> None:
    card = old_machine.add_card("GPU-a")
    old_machine.write()
    probe = NvmlProbe()
    probe.sample(0.0)
    old_machine.happen(card, 79)
    old_machine.write()
    sample = probe.sample(1.0)
    probe.close()
    assert (xids(sample), len(sample.cards), sample.problem) == ({}, 1, None)


def test_an_error_of_a_mig_device_is_told_for_that_device_and_one_of_all_for_the_card(
    machine: FakeMachine, probe: NvmlProbe
) -> None:
    card = machine.add_card(
        "GPU-a", mig_mode=True, util=None, migs=[FakeMig("MIG-0", 0, 1, 10000), FakeMig("MIG-1", 1, 2, 10000)]
    )
    machine.write()
    probe.sample(0.0)
    machine.happen(card, 94, gi=2, ci=0)
    machine.happen(card, 31, gi=2)
    machine.happen(card, 79)
    machine.happen(card, 43, gi=7, ci=0)  # a device that is gone by now
    machine.write()
    assert xids(probe.sample(1.0)) == {"MIG-1": (94, 31), "GPU-a": (79, 43)}


def test_an_error_that_two_mig_devices_may_have_is_one_of_the_card(machine: FakeMachine, probe: NvmlProbe) -> None:
    migs = [FakeMig("MIG-0", 0, 1, 10000, ci=0), FakeMig("MIG-1", 1, 1, 10000, ci=1)]
    card = machine.add_card("GPU-a", mig_mode=True, util=None, migs=migs)
    machine.write()
    probe.sample(0.0)
    machine.happen(card, 94, gi=1, ci=1)
    machine.happen(card, 31, gi=1)
    machine.write()
    assert xids(probe.sample(1.0)) == {"MIG-1": (94,), "GPU-a": (31,)}
