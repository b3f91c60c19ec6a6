"""Which device nodes a card has, as NVML, /sys and /proc tell."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from gavelq.adapters.gpu.gateway import Query
from gavelq.adapters.gpu.nodes import card_nodes, mig_nodes
from gavelq.adapters.gpu.nvml import NvmlProbe
from tests.support.fake_nvml import FakeMachine, FakeMig


@dataclass
class Answers:
    """A driver that answers these questions, and no others."""

    by_function: dict[str, object] = field(default_factory=dict)

    def ask(self, query: Query, *handle: object) -> object:
        return self.by_function.get(query.function)


def test_a_card_has_the_node_of_its_minor_number_and_those_of_its_display(tmp_path: Path) -> None:
    drm = tmp_path / "bus" / "pci" / "devices" / "0000:65:00.0" / "drm"
    for name in ("card1", "renderD128", "version"):
        (drm / name).mkdir(parents=True)
    pci = SimpleNamespace(busId=b"00000000:65:00.0")
    answers = Answers({"nvmlDeviceGetMinorNumber": 3, "nvmlDeviceGetPciInfo_v3": pci})
    assert card_nodes(answers, "h", sys=str(tmp_path)) == (3, ("nvidia3", "dri/card1", "dri/renderD128"))


@pytest.mark.parametrize("bus", ["", "../../etc", "0000000g", "00000000:66:00.0"])
def test_a_card_without_a_display_has_its_own_node_alone(tmp_path: Path, bus: str) -> None:
    answers = Answers({"nvmlDeviceGetMinorNumber": 0, "nvmlDeviceGetPciInfo_v3": SimpleNamespace(busId=bus)})
    assert card_nodes(answers, "h", sys=str(tmp_path)) == (0, ("nvidia0",))


def test_a_card_that_does_not_tell_its_minor_number_has_unknown_nodes(tmp_path: Path) -> None:
    assert card_nodes(Answers(), "h", sys=str(tmp_path)) is None


def test_a_mig_device_has_its_gpus_node_and_those_of_its_instances(tmp_path: Path) -> None:
    table = tmp_path / "mig-minors"
    table.write_text("config 1\nmonitor 2\ngpu0/gi1/access 12\ngpu0/gi1/ci0/access 13\ngpu1/gi1/access 150\n")
    assert mig_nodes(0, 1, 0, table=str(table)) == ("nvidia0", "nvidia-caps/nvidia-cap12", "nvidia-caps/nvidia-cap13")
    assert mig_nodes(1, 1, 0, table=str(table)) is None
    assert mig_nodes(0, None, 0, table=str(table)) is None
    assert mig_nodes(0, 1, 0, table=str(tmp_path / "missing")) is None


def test_a_sample_tells_the_nodes_and_the_driver_is_asked_once(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a", minor=1)
    machine.add_card("GPU-b", minor=0)
    machine.add_card("GPU-c", mig_mode=True).migs = [FakeMig("MIG-c", 0, 7, 4864)]
    machine.write()
    for _ in range(3):
        sample = probe.sample(1.0)
    assert {card.uuid: card.nodes for card in sample.cards} == {
        "GPU-a": ("nvidia1",), "GPU-b": ("nvidia0",), "GPU-c": None, "MIG-c": None,
    }  # fmt: skip
    assert machine.n_calls("nvmlDeviceGetMinorNumber") == 3
