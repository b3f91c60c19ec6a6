"""How an end by a signal is told: gavelq's own warning is not called somebody else's signal."""

import signal

from gavelq.core.lifecycle import EndReason
from gavelq.core.task import Ending
from gavelq.daemon.endings import how_it_ended


def ended_by(number: int, detail: str = "") -> str:
    return how_it_ended(Ending(reason=EndReason.SIGNALLED, at=1.0, signal=number, detail=detail))


def test_a_command_that_dies_of_its_warning_was_not_signalled_by_somebody_else() -> None:
    warned = "warned with SIGUSR1 60 s before the limit"
    assert ended_by(signal.SIGUSR1, warned) == f"failed: its command was ended by SIGUSR1 ({warned})"


def test_any_other_signal_is_not_gavelqs() -> None:
    warned = "warned with SIGUSR1 60 s before the limit"
    assert ended_by(signal.SIGSEGV) == "failed: its command was ended by SIGSEGV, not sent by gavelq"
    assert (
        ended_by(signal.SIGSEGV, warned) == f"failed: its command was ended by SIGSEGV, not sent by gavelq ({warned})"
    )


def test_want_of_main_memory_is_not_blamed_on_the_kernel_where_it_killed_nothing() -> None:
    said = how_it_ended(Ending(reason=EndReason.OUT_OF_MEMORY_HOST, at=1.0, exit_code=1, detail="MemoryError"))
    assert said == "failed: the machine's main memory was too little for it (MemoryError)"


def test_a_command_that_is_not_there_is_one_of_the_examples() -> None:
    said = how_it_ended(
        Ending(reason=EndReason.CODE_ERROR, at=1.0, exit_code=127, detail="trian.py: command not found")
    )
    assert "a missing command or module" in said
