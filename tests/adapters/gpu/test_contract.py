"""What every GpuProbe keeps, the real and the pretended one alike."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.gpu import open_probe
from gavelq.ports import GpuProbe
from tests.support.fake_nvml import FakeMachine, FakeMig, FakeProcess


@pytest.fixture(params=["nvml", "simulated"])
def probe(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GpuProbe]:
    """A probe of at least two cards, one of them in use."""
    if request.param == "nvml":
        machine: FakeMachine = request.getfixturevalue("machine")
        machine.add_card("GPU-a", memory_used=2000, processes=[FakeProcess(os.getpid(), 1900)])
        machine.add_card("GPU-b", mig_mode=True, util=None, migs=[FakeMig("MIG-b", 0, 1, 10000)])
        machine.write()
    found = open_probe(
        request.param, simulated_count=2, simulated_memory_mib=24576, simulated_dir=str(tmp_path / "simulated")
    )
    if request.param == "simulated":
        found.sample(0.0)
        (tmp_path / "simulated" / "faults.json").write_text(
            f'{{"foreign": {{"0": {{"mib": 1900, "pid": {os.getpid()}}}}}}}'
        )
    assert found.name == request.param
    yield found
    found.close()


def test_a_sample_says_when_it_was_taken(probe: GpuProbe) -> None:
    assert [probe.sample(now).taken_at for now in (5.0, 6.5, 2.0)] == [5.0, 6.5, 2.0]


def test_uuids_and_indices_are_unique_and_stay(probe: GpuProbe) -> None:
    first, second = probe.sample(1.0), probe.sample(2.0)
    assert len({card.uuid for card in first.cards}) == len(first.cards) >= 2
    assert len({card.index for card in first.cards}) == len(first.cards)
    assert [(card.uuid, card.index) for card in first.cards] == [(card.uuid, card.index) for card in second.cards]
    assert first.by_uuid.keys() == {card.uuid for card in first.cards}


def test_numbers_are_whole_and_within_their_bounds(probe: GpuProbe) -> None:
    for card in probe.sample(1.0).cards:
        assert isinstance(card.memory_total, int)
        assert card.memory_used is None or 0 <= card.memory_used <= card.memory_total
        assert card.utilization is None or 0 <= card.utilization <= 100


def test_processes_are_described_and_belong_to_no_task_yet(probe: GpuProbe) -> None:
    (process,) = probe.sample(1.0).cards[0].processes
    assert (process.pid, process.memory, process.task_id, process.is_alive) == (os.getpid(), 1900, None, True)
    assert process.user
    assert process.command


def test_parts_know_the_gpu_that_they_are_parts_of(probe: GpuProbe) -> None:
    sample = probe.sample(1.0)
    for card in sample.cards:
        assert card.parent is None or sample.by_uuid[card.parent].is_mig_parent
        assert (":" in card.index) == (card.parent is not None)


def test_closing_twice_is_safe_and_a_sample_after_it_does_not_raise(probe: GpuProbe) -> None:
    probe.sample(1.0)
    probe.close()
    probe.close()
    assert probe.sample(2.0).taken_at == 2.0


def test_another_provider_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"gpu\.provider: 'rocm'"):
        open_probe("rocm", simulated_count=1, simulated_memory_mib=1, simulated_dir="/tmp/none")
