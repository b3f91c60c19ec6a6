"""How far tasks are kept to their own GPUs: which level holds for a task, and what it did that it should not have.

The levels themselves are `gavelq.core.tenants.Isolation`; docs/isolation.md says what each of them protects.
"""

from dataclasses import dataclass
from enum import StrEnum

from gavelq.core.ids import GpuUuid
from gavelq.core.tenants import Isolation
from gavelq.core.units import MiB

_INCLUDES: dict[Isolation, frozenset[Isolation]] = {
    Isolation.VISIBLE: frozenset({Isolation.VISIBLE}),
    Isolation.WATCHED: frozenset({Isolation.VISIBLE, Isolation.WATCHED}),
    Isolation.DEVICE: frozenset({Isolation.VISIBLE, Isolation.WATCHED, Isolation.DEVICE}),
    Isolation.MPS: frozenset({Isolation.VISIBLE, Isolation.WATCHED, Isolation.MPS}),
}
"""`device` closes other GPUs, `mps` limits what a task does on its own: neither stands for the other."""


def includes(level: Isolation, other: Isolation) -> bool:
    """Whether everything that `other` keeps a task from, `level` does as well."""
    return other in _INCLUDES[level]


def level_of(base: Isolation, wish: Isolation | None) -> Isolation:
    """The level of a task that wishes for `wish` where `base` is the least that its tenant must have.

    A tenant that was made stricter after the task came in wins over the task's wish.
    """
    return wish if wish is not None and includes(wish, base) else base


class ViolationKind(StrEnum):
    """What a task did."""

    OTHER_GPU = "other_gpu"
    """One of its processes uses a GPU that it does not hold."""
    MEMORY = "memory"
    """Its processes use more memory of a GPU than it declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that an attempt was seen doing; the first time for each GPU and kind."""

    kind: ViolationKind
    gpu: GpuUuid
    index: str
    """What people call that GPU."""
    pid: int
    """The process; of several the one with the most memory."""
    memory: MiB | None
    """What it had on a GPU that is not the task's, or what all processes of the task had together; None: not told."""
    declared: MiB | None = None
    """What the task had declared, where it used more."""
    at: float
    """Seconds since the epoch."""


def violation_text(violation: Violation) -> str:
    """In words, for example `process 4711 used GPU 1 (4096 MiB), which the task does not hold`."""
    if violation.kind is ViolationKind.MEMORY:
        used = f"its processes (process {violation.pid}) used {violation.memory} MiB of GPU {violation.index}"
        return f"{used}, {violation.declared} MiB were declared"
    size = "" if violation.memory is None else f" ({violation.memory} MiB)"
    return f"process {violation.pid} used GPU {violation.index}{size}, which the task does not hold"
