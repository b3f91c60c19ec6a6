"""The rules of placing and ordering, as the configuration sets them."""

from dataclasses import dataclass
from typing import Literal

from gavelq.core.pending import Shape
from gavelq.core.queue import Queue
from gavelq.scheduling.gpu_view import GpuView


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a cycle has to know of the configuration."""

    selection: Literal["best_fit", "first"] = "best_fit"
    foreign: Literal["share", "avoid"] = "share"
    unattributed_mib: int = 1024
    depth: int = 1000
    """After this many blocked shapes a cycle stops looking."""
    max_running: int | None = None
    max_cpu_tasks: int = 1
    stale_s: float = 5.0
    """Nothing is placed on a sample older than this."""


def rank(shape: Shape, queue: Queue) -> int:
    """The order between shapes: the task's priority and the queue's together, higher first; ties go by submission."""
    return -(shape.priority + queue.priority)


def preference(policy: Policy, shape: Shape, card: GpuView) -> tuple[int, tuple[int, ...]]:
    """The order in which fitting cards are taken, smallest first.

    `best_fit` leaves the roomiest cards for those who need them: a declared amount goes to the card with the least free
    memory that still fits, a whole card to the smallest one. `first` goes by index.
    """
    if policy.selection == "first":
        return (0, card.order)
    room = card.memory_total if shape.gpus.memory is None else card.free
    return (room, card.order)
