"""A pretended NVIDIA driver: our own libnvidia-ml.so.1 (tests/adapters/gpu/fake_nvml) and the machine that it tells of.

library = build(tmp_path / "lib")                       # once; raises CompilerMissing without gcc
machine = FakeMachine(library, tmp_path)
machine.add_card("GPU-a", memory_total=24576)           # nothing is visible until `write`
machine.write()
subprocess.Popen([...], env=os.environ | machine.env())  # the real nvidia-ml-py in there sees one card
machine.cards[0].processes.append(FakeProcess(pid=123, mib=4096))
machine.write()                                         # ... and now a process on it, without a restart
"""

import _ctypes
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "adapters" / "gpu" / "fake_nvml"
DRIVER = "550.54"
"""The driver version that a library belongs to, unless it is built for another one."""

LOST, RESET_REQUIRED, UNINITIALIZED, NOT_SUPPORTED, NO_PERMISSION = 15, 16, 1, 3, 4
DRIVER_NOT_LOADED, NO_DATA, UNKNOWN = 9, 21, 999
"""NVML's return codes (nvmlReturn_t)."""

DOUBLE_BIT_ECC, XID = 0x2, 0x8
"""Kinds of events (nvmlEventType*)."""


class CompilerMissing(Exception):
    """gcc is not installed, so that the pretended NVML library cannot be built"""


def build(directory: Path, *, driver: str = DRIVER, is_old: bool = False) -> Path:
    """Compile libnvidia-ml.so.1 into `directory` and answer its path; under a second.

    `is_old` leaves out the `_v3` functions as drivers before 510 do. Raises CompilerMissing without gcc.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise CompilerMissing(CompilerMissing.__doc__)
    directory.mkdir(parents=True, exist_ok=True)
    library, fresh = directory / "libnvidia-ml.so.1", directory / f"building.{os.getpid()}"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Wno-sign-compare", f'-DDRIVER="{driver}"']
    options += ["-DOLD_DRIVER"] if is_old else []
    sources = [str(SOURCE / name) for name in ("nvml.c", "events.c", "state.c")]
    subprocess.run(
        [compiler, *options, "-Wl,-soname,libnvidia-ml.so.1", "-o", str(fresh), *sources],
        check=True,
    )
    fresh.rename(library)
    return library


@dataclass
class FakeProcess:
    """A process on a card. `mib` None: the driver cannot tell; `kind`: compute, graphics or mps."""

    pid: int
    mib: int | None = 1024
    kind: str = "compute"
    gi: int = -1
    ci: int = -1

    def line(self) -> str:
        """Its line of the state file."""
        return f"process {self.kind} {self.pid} {-1 if self.mib is None else self.mib} {self.gi} {self.ci}"


@dataclass
class FakeMig:
    """A MIG device; memory in MiB."""

    uuid: str
    index: int
    gi: int
    memory_total: int
    memory_used: int = 0
    ci: int = 0

    def line(self) -> str:
        """Its line of the state file."""
        return f"mig {self.index} {self.gi} {self.ci} {self.memory_total} {self.memory_used} {self.uuid}"


@dataclass
class FakeCard:
    """A card: memory in MiB, power in watts. A value that is None is not supported by it."""

    uuid: str
    name: str = "NVIDIA GeForce RTX 3090"
    memory_total: int | None = 24576
    memory_used: int = 0
    memory_reserved: int = 0
    util: int | None = 0
    memory_util: int = 0
    temp: int | None = 35
    power_w: float | None = 25.0
    limit_w: float | None = 350.0
    clock: int | None = 210
    fan: int | None = 30
    ecc: int | None = None
    minor: int | None = None
    """The number of its device node."""
    state: int = 0
    """What every call about it answers: 0, or an error such as LOST."""
    handle: int = 0
    """What asking for its handle answers."""
    failing: dict[str, int] = field(default_factory=dict)
    """Errors by field: memory, util, temp, power_mw, limit_mw, clock, fan, ecc, processes."""
    processes: list[FakeProcess] = field(default_factory=list)
    mig_mode: bool | None = None
    """None: the card knows no MIG."""
    migs: list[FakeMig] = field(default_factory=list)
    bus: str = ""
    """Its PCI address, such as 00000000:01:00.0; empty: not supported."""
    event_kinds: int | None = DOUBLE_BIT_ECC | XID
    """What it can tell events of; None: it knows no events at all."""
    events: list[str] = field(default_factory=list)
    nvlinks: list[tuple[bool, str]] = field(default_factory=list)
    """Its NVLinks: whether each is up, and the PCI address at its other end."""

    def lines(self) -> Iterator[str]:
        """Its lines of the state file."""
        yield f"card {self.uuid}"
        yield f"name {self.name}"
        yield f"state {self.state}"
        yield f"handle {self.handle}"
        values = {
            "memory_total": self.memory_total,
            "memory_used": self.memory_used,
            "memory_reserved": self.memory_reserved,
            "util": self.util,
            "memory_util": self.memory_util,
            "temp": self.temp,
            "power_mw": None if self.power_w is None else int(self.power_w * 1000),
            "limit_mw": None if self.limit_w is None else int(self.limit_w * 1000),
            "clock": self.clock,
            "fan": self.fan,
            "ecc": self.ecc,
            "minor": self.minor,
        }
        yield from (f"set {name} {value}" for name, value in values.items() if value is not None)
        yield from (f"fail {name} {code}" for name, code in self.failing.items())
        if self.bus:
            yield f"bus {self.bus}"
        if self.event_kinds is not None:
            yield f"events {self.event_kinds}"
        yield from self.events
        for number, (is_up, address) in enumerate(self.nvlinks):
            yield f"nvlink {number} {int(is_up)} {address}"
        if self.mig_mode is not None:
            yield f"mig_mode {int(self.mig_mode)}"
        yield from (mig.line() for mig in self.migs)
        yield from (process.line() for process in self.processes)


class FakeMachine:
    """A machine with cards, as the pretended library tells of it. Change it and `write`: the next call sees it."""

    def __init__(self, library: Path, directory: Path) -> None:
        """`directory` gets the state file and the log of calls; it must be there."""
        self.library = library
        self.state_file = directory / "fake-nvml.txt"
        self.log_file = directory / "fake-nvml-calls.txt"
        self.cards: list[FakeCard] = []
        self.init_error = 0
        self.calls_error = 0
        self.driver = ""
        """The version that the kernel side has; a library that was built for another one answers a mismatch."""
        self.hang: tuple[float, str] | None = None
        """How long calls take in seconds, and of which function ("" for all of them)."""
        self.pairs: dict[tuple[int, int], tuple[int, int]] = {}
        """Two cards by index: their topology level and NVLink P2P status; -1: not supported."""
        self._n_events = 0
        self.is_logged = False
        """True: calls are counted for `n_calls` (set it before `env` is used)."""

    def add_card(self, uuid: str, **values: object) -> FakeCard:
        """One more card, with FakeCard's fields."""
        card = FakeCard(uuid, **values)  # type: ignore[arg-type]  # the names and values are FakeCard's own
        self.cards.append(card)
        return card

    def happen(self, card: FakeCard, number: int, *, kind: int = XID, gi: int = -1, ci: int = -1) -> None:
        """An event on a card: an Xid error with its number, unless told otherwise."""
        self._n_events += 1
        card.events.append(f"event {self._n_events} {kind} {number} {gi} {ci}")

    def write(self) -> None:
        """Let the library see the machine as it is now, all of it at once."""
        lines = [f"driver {self.driver}"] if self.driver else []
        lines += [f"init {self.init_error}", f"calls {self.calls_error}"]
        if self.hang is not None:
            lines.append(f"hang {self.hang[0]} {self.hang[1]}")
        for card in self.cards:
            lines += card.lines()
        lines += [f"pair {i} {j} {level} {p2p}" for (i, j), (level, p2p) in self.pairs.items()]
        fresh = self.state_file.with_suffix(f".{os.getpid()}")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.replace(self.state_file)

    def env(self) -> dict[str, str]:
        """The environment under which a program finds the pretended library and this machine."""
        found = {"LD_LIBRARY_PATH": str(self.library.parent), "FAKE_NVML_STATE": str(self.state_file)}
        return found | {"FAKE_NVML_LOG": str(self.log_file)} if self.is_logged else found

    def n_calls(self, function: str) -> int:
        """How often a function of the library was called so far."""
        if not self.log_file.exists():
            return 0
        return self.log_file.read_text().split().count(function)

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Let nvidia-ml-py in this very process use the pretended library, and undo that afterwards."""
        import pynvml

        env = {name: value for name, value in self.env().items() if name != "LD_LIBRARY_PATH"}
        before = {name: os.environ.get(name) for name in env}
        os.environ.update(env)
        _use(pynvml, ctypes.CDLL(str(self.library)))
        try:
            yield
        finally:
            # Unloaded, because a library that is loaded answers for every later one of this name.
            _ctypes.dlclose(pynvml.nvmlLib._handle)
            _use(pynvml, None)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _use(binding: Any, library: ctypes.CDLL | None) -> None:
    # The binding has no way to be given a library: it keeps one, and its functions, in these two places.
    binding.nvmlLib = library
    binding._nvmlGetFunctionPointer_cache.clear()
