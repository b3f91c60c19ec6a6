"""Whatever a driver does, NvmlProbe answers with a sample that says what is wrong, and goes on looking."""

import logging

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from tests.support.fake_nvml import (
    DRIVER_NOT_LOADED,
    LOST,
    NO_PERMISSION,
    RESET_REQUIRED,
    UNINITIALIZED,
    UNKNOWN,
    FakeCard,
    FakeMachine,
)


@pytest.fixture
def pair(machine: FakeMachine) -> tuple[FakeCard, FakeCard]:
    """Two healthy cards."""
    found = machine.add_card("GPU-a"), machine.add_card("GPU-b")
    machine.write()
    return found


@pytest.mark.parametrize("code", [LOST, RESET_REQUIRED, UNINITIALIZED])
def test_a_lost_card_is_named_and_the_others_go_on(
    machine: FakeMachine,
    probe: NvmlProbe,
    pair: tuple[FakeCard, FakeCard],
    code: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert probe.sample(1.0).lost == ()
    pair[0].state = code
    machine.write()
    sample = probe.sample(2.0)
    assert sample.lost == ("GPU-a",)
    assert [card.uuid for card in sample.cards] == ["GPU-b"]
    # A problem would mean that nothing is known about cards that are not in the sample.
    assert sample.problem is None
    assert "GPU 0 (GPU-a)" in caplog.text
    assert "nvidia-smi" in caplog.text


def test_the_only_card_can_be_lost(machine: FakeMachine, probe: NvmlProbe) -> None:
    card = machine.add_card("GPU-a")
    machine.write()
    probe.sample(1.0)
    card.state = LOST
    machine.write()
    assert (probe.sample(2.0).lost, probe.sample(30.0).lost) == (("GPU-a",), ("GPU-a",))


def test_a_card_that_comes_back_is_found(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(1.0)
    pair[0].state = LOST
    machine.write()
    assert probe.sample(2.0).lost == ("GPU-a",)
    pair[0].state = 0
    machine.write()
    sample = probe.sample(3.0)
    assert [card.uuid for card in sample.cards] == ["GPU-a", "GPU-b"]
    assert (sample.lost, sample.problem) == ((), None)


def test_a_card_that_gives_no_handle_any_more_keeps_its_name(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(1.0)
    pair[1].state = pair[1].handle = LOST
    machine.write()
    assert probe.sample(2.0).lost == ("GPU-b",)
    sample = probe.sample(20.0)  # NVML has been opened anew, and now not even the handle is there
    assert sample.lost == ("GPU-b",)
    assert [card.uuid for card in sample.cards] == ["GPU-a"]


def test_a_card_that_was_dead_from_the_start_is_told_by_its_index(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard], caplog: pytest.LogCaptureFixture
) -> None:
    pair[0].handle = UNKNOWN
    machine.write()
    sample = probe.sample(1.0)
    assert [(card.index, card.uuid) for card in sample.cards] == [("1", "GPU-b")]
    assert (sample.lost, sample.problem) == ((), None)
    assert "GPU 0" in caplog.text


def test_a_card_that_answers_everything_with_unknown_error_is_lost(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(1.0)
    pair[1].state = UNKNOWN
    machine.write()
    assert probe.sample(2.0).lost == ("GPU-b",)


def test_looking_for_a_lost_card_becomes_rarer(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(0.0)
    pair[0].state = LOST
    machine.write()
    before = machine.n_calls("nvmlInitWithFlags")
    for second in range(1, 701):
        assert probe.sample(float(second)).lost == ("GPU-a",)
    # At once, or 10 s after the start, then after 20, 40, 80, 160 and at last every 300 s.
    assert 4 <= machine.n_calls("nvmlInitWithFlags") - before <= 7


def test_a_driver_that_goes_while_a_card_is_lost_is_looked_for_every_ten_seconds(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(0.0)
    pair[0].state = LOST
    machine.write()
    for second in range(1, 1000):
        probe.sample(float(second))
    machine.init_error = DRIVER_NOT_LOADED
    machine.write()
    gone = next(float(second) for second in range(1000, 1400) if probe.sample(float(second)).problem)
    machine.init_error = pair[0].state = 0
    machine.write()
    assert len(probe.sample(gone + 10).cards) == 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (DRIVER_NOT_LOADED, "modprobe nvidia"),
        (NO_PERMISSION, "/dev/nvidia"),
        (UNKNOWN, "code 999"),
    ],
)
def test_a_driver_that_does_not_start_is_a_problem_with_a_way_out(
    machine: FakeMachine, probe: NvmlProbe, code: int, words: str
) -> None:
    machine.init_error = code
    machine.write()
    sample = probe.sample(1.0)
    assert (sample.cards, sample.lost) == ((), ())
    assert sample.problem is not None
    assert words in sample.problem


def test_a_missing_driver_is_looked_for_every_ten_seconds_and_found(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    machine.init_error = DRIVER_NOT_LOADED
    machine.write()
    for second in range(60):
        assert probe.sample(float(second)).problem
    assert machine.n_calls("nvmlInitWithFlags") == 6
    machine.init_error = 0
    machine.write()
    assert len(probe.sample(70.0).cards) == 2


def test_a_clock_that_is_set_back_does_not_stop_the_search(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.init_error = DRIVER_NOT_LOADED
    machine.write()
    assert probe.sample(1_000_000.0).problem
    machine.init_error = 0
    machine.write()
    assert probe.sample(5.0).problem is None


@pytest.mark.parametrize("code", [UNINITIALIZED, DRIVER_NOT_LOADED])
def test_a_driver_that_goes_while_running_comes_back(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard], code: int
) -> None:
    assert len(probe.sample(0.0).cards) == 2
    machine.calls_error = code
    machine.write()
    for second in range(100, 130):
        sample = probe.sample(float(second))
        # All cards at once: that is the driver, and no card is called lost for it.
        assert (sample.cards, sample.lost) == ((), ())
        assert sample.problem
    machine.calls_error = 0
    machine.write()
    sample = probe.sample(141.0)
    assert (len(sample.cards), sample.problem) == (2, None)


def test_a_driver_whose_cards_are_all_uninitialised_is_opened_anew(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(0.0)
    for card in pair:
        card.state = UNINITIALIZED
    machine.write()
    sample = probe.sample(100.0)
    assert (sample.cards, sample.lost) == ((), ())
    assert sample.problem
    for card in pair:
        card.state = 0
    machine.write()
    assert len(probe.sample(101.0).cards) == 2


def test_a_driver_that_does_not_say_how_many_cards_there_are_is_a_problem(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard]
) -> None:
    probe.sample(0.0)
    machine.calls_error = UNKNOWN
    machine.write()
    sample = probe.sample(1.0)
    assert (sample.cards, sample.lost) == ((), ())
    assert sample.problem is not None
    assert "how many" in sample.problem


@pytest.mark.parametrize("code", [LOST, RESET_REQUIRED, UNINITIALIZED])
def test_one_answer_that_says_lost_is_enough(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard], code: int
) -> None:
    pair[0].failing["power_mw"] = code
    machine.write()
    assert probe.sample(1.0).lost == ("GPU-a",)


def test_an_answer_that_makes_no_sense_is_a_problem_and_not_an_exception(
    machine: FakeMachine,
    probe: NvmlProbe,
    pair: tuple[FakeCard, FakeCard],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import pynvml

    probe.sample(1.0)
    with monkeypatch.context() as broken:
        broken.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda handle: "many")
        sample = probe.sample(2.0)
        assert probe.sample(2.5).problem == sample.problem
    assert sample.problem is not None
    assert "does not understand" in sample.problem
    assert [record.exc_info is not None for record in caplog.records].count(True) == 1
    assert probe.sample(3.0).problem is None


def test_trouble_is_logged_when_it_comes_and_when_it_goes(
    machine: FakeMachine, probe: NvmlProbe, pair: tuple[FakeCard, FakeCard], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gavelq.adapters.gpu")
    probe.sample(0.0)
    pair[0].state = LOST
    machine.write()
    probe.sample(1.0)
    probe.sample(2.0)
    pair[0].state = 0
    machine.write()
    probe.sample(30.0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_probe_may_be_closed_twice_and_before_it_was_used(machine: FakeMachine) -> None:
    unused = NvmlProbe()
    unused.close()
    unused.close()


def test_closing_lets_go_of_the_driver(machine: FakeMachine, pair: tuple[FakeCard, FakeCard]) -> None:
    probe = NvmlProbe()
    probe.sample(1.0)
    probe.close()
    probe.close()
    assert machine.n_calls("nvmlShutdown") == machine.n_calls("nvmlInitWithFlags") == 1
