"""SimulatedProbe shows what pretending processes say, and nothing of what dead ones said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gavelq.adapters.gpu.simulated import SimulatedProbe
from gavelq.adapters.gpu.simulated_files import SimulatedDirectory, Usage
from gavelq.adapters.procfs import ProcTable
from gavelq.core.gpu import CardSample


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "simulated"


@pytest.fixture
def probe(root: Path) -> SimulatedProbe:
    """Two cards of 24 GiB, already looked at once."""
    found = SimulatedProbe(2, 24576, str(root))
    found.sample(0.0)
    return found


def own_usage(card: CardSample, mib: int, util: int = 0) -> Usage:
    ticks = ProcTable().start_ticks(os.getpid())
    assert ticks is not None
    return Usage(uuid=card.uuid, pid=os.getpid(), start_ticks=ticks, mib=mib, util=util)


def faults(root: Path, content: object) -> None:
    (root / "faults.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_idle_cards_say_that_they_are_simulated(probe: SimulatedProbe) -> None:
    cards = probe.sample(1.0).cards
    assert [(card.index, card.name, card.memory_total, card.memory_used, card.utilization) for card in cards] == [
        ("0", "Simulated 24GiB", 24576, 0, 0),
        ("1", "Simulated 24GiB", 24576, 0, 0),
    ]
    assert all(card.temperature_c and card.power_w and card.power_limit_w for card in cards)


def test_uuids_stay_over_a_restart_and_are_the_directorys_own(root: Path, tmp_path: Path) -> None:
    def uuids(directory: Path, count: int = 2) -> list[str]:
        return [card.uuid for card in SimulatedProbe(count, 1024, str(directory)).sample(1.0).cards]

    assert uuids(root) == uuids(root)
    assert uuids(root, 4)[:2] == uuids(root)
    assert not set(uuids(root)) & set(uuids(tmp_path / "other"))


def test_a_restart_with_more_cards_tells_tasks_of_them(root: Path) -> None:
    for count in (2, 4, 3):
        SimulatedProbe(count, 1024, str(root)).sample(1.0)
        assert [card.index for card in SimulatedDirectory(str(root)).cards()] == ["0", "1", "2", "3"][:count]


def test_the_directory_is_private_even_where_it_was_open(root: Path) -> None:
    root.mkdir(mode=0o755)
    assert SimulatedProbe(1, 1024, str(root)).sample(1.0).problem is None
    assert root.stat().st_mode & 0o777 == 0o700


def test_what_a_living_process_uses_is_on_its_card(probe: SimulatedProbe, root: Path) -> None:
    card = probe.sample(1.0).cards[1]
    SimulatedDirectory(str(root)).put(own_usage(card, 8192, util=70))
    idle, busy = probe.sample(2.0).cards
    assert (idle.memory_used, idle.processes) == (0, ())
    assert (busy.memory_used, busy.utilization) == (8192, 70)
    (process,) = busy.processes
    assert (process.pid, process.memory, process.is_alive) == (os.getpid(), 8192, True)
    assert process.user
    assert busy.temperature_c is not None
    assert idle.temperature_c is not None
    assert busy.temperature_c > idle.temperature_c


def test_a_dead_process_uses_nothing_and_its_file_goes(probe: SimulatedProbe, root: Path) -> None:
    card = probe.sample(1.0).cards[0]
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ticks = ProcTable().start_ticks(child.pid)
    assert ticks is not None
    SimulatedDirectory(str(root)).put(Usage(uuid=card.uuid, pid=child.pid, start_ticks=ticks, mib=100))
    assert probe.sample(2.0).cards[0].memory_used == 100
    child.communicate(b"\n")
    assert probe.sample(3.0).cards[0].memory_used == 0
    assert not (root / f"{card.uuid}.{child.pid}").exists()


def test_a_pid_that_is_used_again_uses_nothing(probe: SimulatedProbe, root: Path) -> None:
    card = probe.sample(1.0).cards[0]
    usage = own_usage(card, 100)
    SimulatedDirectory(str(root)).put(Usage(uuid=card.uuid, pid=usage.pid, start_ticks=usage.start_ticks - 1, mib=100))
    assert probe.sample(2.0).cards[0].memory_used == 0


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"pid": 1}', '{"start_ticks": Infinity, "mib": 1}', "[" * 9999]
)
def test_a_file_that_makes_no_sense_uses_nothing_and_goes(probe: SimulatedProbe, root: Path, content: str) -> None:
    card = probe.sample(1.0).cards[0]
    name = root / f"{card.uuid}.{os.getpid()}"
    name.write_text(content)
    sample = probe.sample(2.0)
    assert (sample.cards[0].memory_used, sample.cards[0].processes, sample.problem) == (0, (), None)
    assert not name.exists()


def test_what_was_half_written_goes(probe: SimulatedProbe, root: Path) -> None:
    torn = root / f".{probe.sample(1.0).cards[0].uuid}.77.77"
    torn.write_text('{"pid')
    probe.sample(2.0)
    assert not torn.exists()


def test_a_card_can_be_lost_and_found_again(probe: SimulatedProbe, root: Path) -> None:
    first, second = probe.sample(1.0).cards
    faults(root, {"lost": ["1"]})
    sample = probe.sample(2.0)
    assert ([card.uuid for card in sample.cards], sample.lost) == ([first.uuid], (second.uuid,))
    assert sample.problem is None  # nothing is unknown: a problem would mean that
    faults(root, {"lost": [first.uuid]})
    assert probe.sample(3.0).lost == (first.uuid,)
    (root / "faults.json").unlink()
    assert (probe.sample(4.0).lost, probe.sample(4.0).problem) == ((), None)


def test_utilisation_can_be_set(probe: SimulatedProbe, root: Path) -> None:
    faults(root, {"utilization": {"1": 90}})
    assert [card.utilization for card in probe.sample(1.0).cards] == [0, 90]


def test_foreign_memory_can_be_added_with_and_without_a_process(probe: SimulatedProbe, root: Path) -> None:
    faults(root, {"foreign": {"0": {"mib": 4096, "pid": os.getpid()}, "1": {"mib": 512}}})
    seen, unseen = probe.sample(1.0).cards
    assert (seen.memory_used, [process.pid for process in seen.processes]) == (4096, [os.getpid()])
    assert (unseen.memory_used, unseen.processes) == (512, ())


def test_an_xid_error_is_told_once_until_another_one_is_written(probe: SimulatedProbe, root: Path) -> None:
    def told(content: object) -> list[tuple[int, ...]]:
        faults(root, content)
        return [card.xids for card in probe.sample(1.0).cards]

    uuid = probe.sample(1.0).cards[1].uuid
    assert told({"xid": {"0": 79}}) == [(79,), ()]
    assert told({"xid": {"0": 79}}) == [(), ()]
    assert told({"xid": {"0": 79, uuid: [31, 43]}}) == [(), (31, 43)]
    assert told({}) == [(), ()]
    assert told({"xid": {"0": 79}}) == [(79,), ()]


def test_a_card_that_is_lost_can_tell_why(probe: SimulatedProbe, root: Path) -> None:
    faults(root, {"xid": {"0": 79}, "lost": ["0"]})
    sample = probe.sample(1.0)
    assert [(card.index, card.xids, card.memory_used) for card in sample.cards] == [("1", (), 0), ("0", (79,), None)]
    assert len(sample.lost) == 1
    assert len(probe.sample(2.0).cards) == 1


def test_ecc_errors_and_distances_can_be_set(probe: SimulatedProbe, root: Path) -> None:
    assert ([card.ecc_errors for card in probe.sample(1.0).cards], probe.sample(1.0).links) == ([0, 0], ())
    faults(root, {"ecc": {"1": 3}, "links": [["0", "1", 0], ["0", "9", 2]]})
    sample = probe.sample(2.0)
    assert [card.ecc_errors for card in sample.cards] == [0, 3]
    assert sample.links == ((sample.cards[0].uuid, sample.cards[1].uuid, 0),)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[1]",
        '{"xid": {"0": "x"}}',
        '{"ecc": 1}',
        '{"links": [["0"]]}',
        '{"lost": 3}',
        '{"foreign": {"0": {}}}',
        '{"utilization": {"0": "x"}}',
    ],
)
def test_faults_that_make_no_sense_are_a_problem_and_nothing_else(
    probe: SimulatedProbe, root: Path, content: str
) -> None:
    faults(root, content)
    sample = probe.sample(1.0)
    assert len(sample.cards) == 2
    assert sample.problem is not None
    assert "faults.json" in sample.problem


def test_a_directory_that_cannot_be_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sample = SimulatedProbe(1, 1024, str(tmp_path / "file" / "below")).sample(1.0)
    assert sample.cards == ()
    assert sample.problem is not None
    assert "directory" in sample.problem


def test_a_directory_that_vanishes_is_made_again(probe: SimulatedProbe, root: Path) -> None:
    for entry in root.iterdir():
        entry.unlink()
    root.rmdir()
    assert len(probe.sample(1.0).cards) == 2
    assert root.is_dir()
