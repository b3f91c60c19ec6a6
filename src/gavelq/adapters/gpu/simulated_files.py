"""What the simulated GPUs and the processes that pretend to use them tell each other, in files of one directory.

* `cards.json`: the cards, written by the provider: `[{"index": "0", "uuid": "GPU-sim-...-0", "memory_mib": 24576}]`.
* `UUID.PID`: what a process pretends to use on a card: `{"pid": 12, "start_ticks": 345, "mib": 8192, "util": 80}`.
  One whose process is gone counts nothing and is removed.
* `faults.json`: trouble to try, written by people and tests; cards go by index or UUID, all parts are optional:
  `{"lost": ["0"], "utilization": {"1": 90}, "foreign": {"2": {"mib": 4096, "pid": 123}}}`
  (without a pid: memory that no visible process holds), and
  `{"xid": {"0": 79, "1": [31, 43]}, "ecc": {"2": 1}, "links": [["0", "1", 0]]}`: Xid errors (told once: write another
  number, or take the entry out and put it back, to have one again), the counter of uncorrected ECC errors, and how
  close two cards are (as in `GpuSample.links`).
* `lock`: held with flock(2) while a process looks at what is free and takes it.

Standard library only, and little of it: pretended tasks start with this.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gavelq.adapters.procfs import ProcTable

CARDS, FAULTS, LOCK = "cards.json", "faults.json", "lock"
_MAX_BYTES = 1 << 20
_MOST_XIDS = 64
_SENSELESS = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What reading a file of the wrong content can raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCard:
    """A card that is pretended."""

    index: str
    uuid: str
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one process pretends to use on one card; `util` in percent."""

    uuid: str
    pid: int
    start_ticks: int
    mib: int
    util: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Memory that is taken by somebody else; `pid` None: by nobody that can be seen."""

    mib: int
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What `faults.json` asks for, by index or UUID."""

    lost: frozenset[str] = frozenset()
    utilization: Mapping[str, int] = field(default_factory=dict)
    foreign: Mapping[str, Foreign] = field(default_factory=dict)
    xids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ecc: Mapping[str, int] = field(default_factory=dict)
    links: tuple[tuple[str, str, int], ...] = ()
    problem: str | None = None
    """Why the file was not understood; then nothing of it applies."""


class SimulatedDirectory:
    """The directory. Everything in it may vanish or be torn at any time: what cannot be read is not there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._table = ProcTable()

    def prepare(self, cards: tuple[SimulatedCard, ...]) -> None:
        """Make the directory private and write the cards. OSError where that cannot be."""
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        found = os.lstat(self.path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{self.path} is not a directory of this account: move it away")
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.chmod(self.path, 0o700)
        self._write(CARDS, [{"index": c.index, "uuid": c.uuid, "memory_mib": c.memory_mib} for c in cards])

    def cards(self) -> tuple[SimulatedCard, ...]:
        """The cards that the provider wrote; empty where there is no provider."""
        found = self._read(CARDS)
        try:
            return tuple(
                SimulatedCard(index=str(c["index"]), uuid=str(c["uuid"]), memory_mib=int(c["memory_mib"]))
                for c in found or ()
            )
        except _SENSELESS:
            return ()

    def usages(self) -> list[Usage]:
        """What living processes use. Files of dead ones are removed when nobody is taking memory at this moment."""
        living: list[Usage] = []
        dead: list[str] = []
        for name in self._names():
            usage = self._usage(name)
            if usage is not None and self._table.is_same(usage.pid, usage.start_ticks):
                living.append(usage)
            else:
                dead.append(name)
        if dead:
            self._remove_dead(dead)
        return living

    def put(self, usage: Usage) -> None:
        """Say what this process uses now. OSError where that cannot be written."""
        self._write(
            f"{usage.uuid}.{usage.pid}",
            {"pid": usage.pid, "start_ticks": usage.start_ticks, "mib": usage.mib, "util": usage.util},
        )

    def remove(self, uuid: str, pid: int) -> None:
        """This process uses nothing any more."""
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self.path, f"{uuid}.{pid}"))

    def faults(self) -> Faults:
        """The trouble to try; none where there is no such file."""
        path = os.path.join(self.path, FAULTS)
        try:
            with open(path, encoding="utf-8") as file:
                return _faults(json.loads(file.read(_MAX_BYTES)))
        except FileNotFoundError:
            return Faults()
        except (OSError, *_SENSELESS) as error:
            return Faults(problem=f"{path} is not understood ({error!r}): see gavelq.adapters.gpu.simulated_files")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Look and take without anybody between. OSError where there is no such directory."""
        with open(os.path.join(self.path, LOCK), "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self.path)
        except OSError:
            return []
        # With a dot in front: what a process left that was killed while it wrote.
        return [name for name in names if name.startswith(("GPU-", ".GPU-")) and name.rpartition(".")[2].isdecimal()]

    def _usage(self, name: str) -> Usage | None:
        if name.startswith("."):
            return None
        found = self._read(name)
        uuid, _, pid = name.rpartition(".")
        try:
            return Usage(
                uuid=uuid,
                pid=int(pid),
                start_ticks=int(found["start_ticks"]),
                mib=max(0, int(found["mib"])),
                util=min(100, max(0, int(found.get("util", 0)))),
            )
        except _SENSELESS:
            return None

    def _remove_dead(self, names: list[str]) -> None:
        # A pid may be used again: between our look and the removal another process may have written this very file.
        with suppress(OSError), open(os.path.join(self.path, LOCK), "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in names:
                usage = self._usage(name)
                if usage is None or not self._table.is_same(usage.pid, usage.start_ticks):
                    os.unlink(os.path.join(self.path, name))

    def _read(self, name: str) -> Any:
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as file:
                return json.loads(file.read(_MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return None

    def _write(self, name: str, content: Any) -> None:
        fresh = os.path.join(self.path, f".{name}.{os.getpid()}")
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(fresh, os.path.join(self.path, name))


def _faults(found: Any) -> Faults:
    return Faults(
        lost=frozenset(str(card) for card in found.get("lost", ())),
        utilization={str(card): min(100, max(0, int(value))) for card, value in found.get("utilization", {}).items()},
        foreign={
            str(card): Foreign(mib=int(taken["mib"]), pid=None if taken.get("pid") is None else int(taken["pid"]))
            for card, taken in found.get("foreign", {}).items()
        },
        xids={str(card): _xids(told) for card, told in found.get("xid", {}).items()},
        ecc={str(card): max(0, int(count)) for card, count in found.get("ecc", {}).items()},
        links=tuple((str(one), str(other), int(level)) for one, other, level in found.get("links", ())),
    )


def _xids(told: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in (told if isinstance(told, list) else [told]))[:_MOST_XIDS]
