"""NvmlProbe tells how close the cards are to each other, once, and leaves out what nobody knows."""

from collections.abc import Sequence

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from tests.support.fake_nvml import LOST, FakeMachine

OK, NO_NVLINK, UNKNOWN_STATUS, NOT_TOLD = 0, 5, 6, -1
SAME_SWITCH, SAME_NODE, ACROSS_SOCKETS = 10, 40, 50


def with_cards(machine: FakeMachine, *names: str) -> None:
    for number, name in enumerate(names):
        machine.add_card(name, bus=f"00000000:{number + 1}b:00.0")
    machine.write()


def levels(probe: NvmlProbe) -> dict[str, int]:
    """The distances, by the last letters of a pair's UUIDs."""
    return {one[-1] + other[-1]: level for one, other, level in probe.sample(1.0).links}


def test_nvlink_comes_first_and_then_the_way_over_pcie(machine: FakeMachine, probe: NvmlProbe) -> None:
    with_cards(machine, "GPU-a", "GPU-b", "GPU-c", "GPU-d")
    machine.pairs = {
        (0, 1): (ACROSS_SOCKETS, OK),
        (0, 2): (0, NO_NVLINK),
        (0, 3): (SAME_SWITCH, NO_NVLINK),
        (1, 2): (SAME_NODE, NO_NVLINK),
        (1, 3): (ACROSS_SOCKETS, NO_NVLINK),
    }
    machine.write()
    assert levels(probe) == {"ab": 0, "ac": 1, "ad": 2, "bc": 5, "bd": 6}  # of c and d nothing is known


@pytest.mark.parametrize("status", [NOT_TOLD, UNKNOWN_STATUS])
def test_where_the_status_is_not_told_the_links_themselves_tell(
    machine: FakeMachine, probe: NvmlProbe, status: int
) -> None:
    with_cards(machine, "GPU-a", "GPU-b", "GPU-c")
    machine.pairs = dict.fromkeys(((0, 1), (0, 2), (1, 2)), (SAME_NODE, status))
    a, b, c = machine.cards
    a.nvlinks = [(False, b.bus), (True, "0000000F:99:00.0"), (True, c.bus.upper())]
    b.nvlinks = [(False, c.bus)]
    machine.write()
    assert levels(probe) == {"ab": 5, "ac": 0, "bc": 5}


def test_a_pair_without_a_pci_address_may_still_have_a_level(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", nvlinks=[(True, "00000000:02:00.0")])
    machine.add_card("GPU-b")
    machine.pairs = {(0, 1): (SAME_SWITCH, NOT_TOLD)}
    machine.write()
    assert levels(probe) == {"ab": 2}


def test_a_driver_that_knows_nothing_of_it_leaves_it_out(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a")
    machine.add_card("GPU-b")
    machine.write()
    sample = probe.sample(1.0)
    assert (sample.links, sample.problem, len(sample.cards)) == ((), None, 2)


def test_it_is_asked_once_for_a_set_of_cards(machine: FakeMachine, probe: NvmlProbe) -> None:
    with_cards(machine, "GPU-a", "GPU-b")
    machine.pairs = {(0, 1): (SAME_SWITCH, NO_NVLINK), (0, 2): (SAME_NODE, NO_NVLINK)}
    machine.write()
    seen: Sequence[dict[str, int]] = [levels(probe) for _ in range(5)]
    assert seen == [{"ab": 2}] * 5
    assert machine.n_calls("nvmlDeviceGetTopologyCommonAncestor") == 1
    with_cards(machine, "GPU-c")
    assert levels(probe) == {"ab": 2, "ac": 5}


def test_a_lost_card_has_no_distances_and_the_others_keep_theirs(machine: FakeMachine, probe: NvmlProbe) -> None:
    with_cards(machine, "GPU-a", "GPU-b", "GPU-c")
    machine.pairs = dict.fromkeys(((0, 1), (0, 2), (1, 2)), (SAME_SWITCH, NO_NVLINK))
    machine.cards[1].state = LOST
    machine.write()
    sample = probe.sample(1.0)
    assert [pair[:2] for pair in sample.links] == [("GPU-a", "GPU-c")]
    assert sample.problem is None


def test_a_card_that_is_lost_at_the_very_question_costs_only_its_own_distances(
    machine: FakeMachine, probe: NvmlProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pynvml

    ask = pynvml.nvmlDeviceGetP2PStatus
    n_asked = 0

    def fail_once(*pair: object) -> object:
        nonlocal n_asked
        n_asked += 1
        if n_asked == 1:
            raise pynvml.NVMLError(LOST)
        return ask(*pair)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetP2PStatus", fail_once)
    with_cards(machine, "GPU-a", "GPU-b", "GPU-c")
    machine.pairs = dict.fromkeys(((0, 1), (0, 2), (1, 2)), (SAME_SWITCH, NO_NVLINK))
    machine.write()
    assert levels(probe) == {"ac": 2, "bc": 2}
