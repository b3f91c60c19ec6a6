"""A task that pretends to use GPU memory on simulated cards: `python -m gavelq.testing.simtask --vram 8G --hold 5`.

It reads which cards are its own from CUDA_VISIBLE_DEVICES and finds them in GAVELQ_SIM_DIR, both of which gavelq sets.
When it wants more than is free it fails as PyTorch does, so that out-of-memory handling can be tried.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from gavelq.adapters.gpu.simulated_files import SimulatedCard, SimulatedDirectory, Usage
from gavelq.adapters.procfs import ProcTable
from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_memory

_STEP_S = 0.05
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class OutOfMemory(Exception):
    """More was wanted than the card has free."""


class NoSuchCards(Exception):
    """This process is not on simulated cards."""


class PretendedUse:
    """The memory that this process pretends to hold, the same on each of its cards."""

    def __init__(self, directory: SimulatedDirectory, cards: Sequence[SimulatedCard], *, util: int, cap: int | None):
        self._directory = directory
        self._cards = cards
        self._util = util
        self._cap = cap
        self._pid = os.getpid()
        self._start_ticks = ProcTable().start_ticks(self._pid) or 0
        self._held = 0

    def grow(self, mib: int) -> None:
        """Hold `mib` on each card. Raises OutOfMemory, and OSError where the directory is gone."""
        # A signal in the middle would leave a half-written file, or write one again after it was removed.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self._take(mib)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _take(self, mib: int) -> None:
        with self._directory.locked():
            usages = self._directory.usages()
            foreign = self._directory.faults().foreign
            for position, card in enumerate(self._cards):
                others = sum(usage.mib for usage in usages if usage.uuid == card.uuid and usage.pid != self._pid)
                others += sum(foreign[name].mib for name in (card.index, card.uuid) if name in foreign)
                limit = card.memory_mib - others
                if mib > limit or (self._cap is not None and mib > self._cap):
                    raise OutOfMemory(self._story(position, card, mib, others))
                usage = Usage(uuid=card.uuid, pid=self._pid, start_ticks=self._start_ticks, mib=mib, util=self._util)
                self._directory.put(usage)
        self._held = mib

    def end(self) -> None:
        """Give everything back."""
        for card in self._cards:
            self._directory.remove(card.uuid, self._pid)

    def _story(self, position: int, card: SimulatedCard, mib: int, others: int) -> str:
        free = max(0, min(card.memory_mib, self._cap or card.memory_mib) - others - self._held)
        return (
            f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {_gib(mib - self._held)}. "
            f"GPU {position} has a total capacity of {_gib(card.memory_mib)} of which {_gib(free)} is free. "
            f"Other processes have {_gib(others)} memory in use. "
            f"Process {self._pid} has {_gib(self._held)} memory in use."
        )


def own_cards(directory: SimulatedDirectory, visible: str | None) -> list[SimulatedCard]:
    """The cards that CUDA_VISIBLE_DEVICES names, by UUID or index; all of them where it is not set, as CUDA does."""
    cards = directory.cards()
    if not cards:
        raise NoSuchCards(f"{directory.path} has no simulated GPUs: is its daemon there?")
    if visible is None:
        return list(cards)
    by_name = {card.index: card for card in cards} | {card.uuid: card for card in cards}
    names = [name.strip() for name in visible.split(",") if name.strip()]
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise NoSuchCards(
            f"CUDA_VISIBLE_DEVICES names {', '.join(unknown)}, which is no simulated GPU of {directory.path}"
        )
    return [by_name[name] for name in names]


def run(use: PretendedUse, *, vram: int, ramp_s: float, hold_s: float) -> None:
    """Ramp up, hold, and give back, whatever happens. Raises OutOfMemory."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        # Given back here and then died of the very signal, so that whoever waits sees the true reason.
        use.end()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)

    for number in _SIGNALS:
        signal.signal(number, leave)
    began = time.monotonic()
    try:
        while (passed := time.monotonic() - began) < ramp_s:
            use.grow(max(1, int(vram * passed / ramp_s)) if vram else 0)
            time.sleep(min(_STEP_S, ramp_s - passed))
        use.grow(vram)
        while (rest := began + ramp_s + hold_s - time.monotonic()) > 0:
            time.sleep(rest)
    finally:
        use.end()


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line's values; memory in MiB, times in seconds. Exits with 2 and a message for anything wrong."""

    def memory(text: str) -> int:
        try:
            return parse_memory(text, field="memory")
        except InvalidField as error:
            raise argparse.ArgumentTypeError(f"{error}; {error.hint}") from error

    parser = argparse.ArgumentParser(prog="simtask", description="Pretend to use GPU memory on simulated GPUs.")
    parser.add_argument("--vram", type=memory, default=memory("1G"), help="memory per card, such as 8G (default 1G)")
    parser.add_argument("--ramp", type=float, default=0.0, metavar="S", help="seconds until all of it is taken")
    parser.add_argument("--hold", type=float, default=1.0, metavar="S", help="seconds to hold it (default 1)")
    parser.add_argument("--exit-code", type=int, default=0, metavar="N", help="how to end (default 0)")
    parser.add_argument("--oom-above", type=memory, metavar="MEMORY", help="run out of memory above this amount")
    parser.add_argument("--util", type=int, default=0, metavar="PERCENT", help="utilisation of each card (default 0)")
    options = parser.parse_args(argv)
    for name, low, high in (("ramp", 0, 1e9), ("hold", 0, 1e9), ("exit_code", 0, 255), ("util", 0, 100)):
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name.replace('_', '-')}: write a number from {low} to {high:g}")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run as told by the command line; answers the exit code: 1 out of memory, 2 wrong usage or no simulated GPUs."""
    options = parsed(argv)
    root = os.environ.get("GAVELQ_SIM_DIR")
    try:
        if not root:
            raise NoSuchCards(
                "GAVELQ_SIM_DIR is not set: run this as a task of a daemon whose gpu.provider is simulated"
            )
        directory = SimulatedDirectory(root)
        cards = own_cards(directory, os.environ.get("CUDA_VISIBLE_DEVICES"))
        if options.vram and not cards:
            raise NoSuchCards("this task has no GPU (CUDA_VISIBLE_DEVICES is empty): ask for one, or say --vram 0")
        use = PretendedUse(directory, cards, util=options.util, cap=options.oom_above)
        run(use, vram=options.vram, ramp_s=options.ramp, hold_s=options.hold)
    except OutOfMemory as error:
        print(error, file=sys.stderr)
        return 1
    except (NoSuchCards, OSError) as error:
        print(f"simtask: {error}", file=sys.stderr)
        return 2
    exit_code: int = options.exit_code
    return exit_code


def _gib(mib: int) -> str:
    return f"{mib / 1024:.2f} GiB"


if __name__ == "__main__":
    sys.exit(main())
