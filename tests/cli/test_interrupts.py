"""Signals that end a command: taken where it waits, also when they come a moment before."""

import signal
import subprocess
import sys

import pytest

from gavelq.cli.interrupts import Interrupts, Signalled

ASLEEP = """
import ctypes, time
from gavelq.cli.interrupts import Interrupts
with Interrupts() as signals, signals.open():
    for _ in range(3):
        ctypes.CDLL(None).pause()
print("looked")
time.sleep(1)
"""


def test_a_signal_that_comes_before_the_wait_is_raised_when_it_begins() -> None:
    with Interrupts() as signals:
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Signalled) as caught, signals.open():
            raise AssertionError("never waits")
    assert caught.value.exit_code == 129


def test_a_signal_that_comes_as_a_system_call_begins_is_seen_soon() -> None:
    """Nothing else would interrupt pause(2), as nothing interrupts a call that begins just behind the signal."""
    done = subprocess.run([sys.executable, "-c", ASLEEP], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "looked\n", "")


def test_what_was_there_before_is_there_again() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGALRM)]
    with Interrupts() as signals, signals.open():
        assert signal.getitimer(signal.ITIMER_REAL)[1] > 0
    assert [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGALRM)] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
