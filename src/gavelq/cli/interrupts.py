"""Signals that end a command, taken only where it waits: what was received is never half written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_PATIENCE = 2
"""After so many signals that nobody took, the next one ends the command in the usual way."""
_LOOK_S = 0.5
"""Python runs handlers between its own instructions: what comes just before a system call is seen only behind it."""


class Signalled(BaseException):
    """A signal came while the command waited."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)

    @property
    def exit_code(self) -> int:
        """What a shell reports of a command that this signal ended."""
        return 128 + self.number


class Interrupts:
    """INT, TERM and HUP, raised as Signalled inside `open()` and kept until then outside of it.

    A signal that the caller was started without (`nohup`) stays ignored.
    """

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers or (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before: dict[int, Any] = {}
        self._kept: list[int] = []
        self._is_open = False

    def __enter__(self) -> "Interrupts":
        for number in self._numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, _look)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Here signals are taken at once."""
        self._is_open = True
        signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
        try:
            if self._kept:
                raise Signalled(self._kept.pop(0))
            yield
        finally:
            self._is_open = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._is_open:
            self._is_open = False
            raise Signalled(number)
        self._kept.append(number)
        if len(self._kept) > _PATIENCE:
            raise KeyboardInterrupt


def _look(number: int, frame: FrameType | None) -> None:
    """A system call that waits was interrupted, so that a signal that came before it is seen; then it goes on."""
