"""GPUs: the card that gavelq keeps books on, and the samples that a monitor takes of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.units import NO_MEMORY, MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Somebody else's process that gavelq's tasks may run beside, until it leaves (`gpu share`)."""

    pid: int
    started_at: float | None
    """Seconds since the epoch; another process may get the same pid later. None: unknown."""


@fixed
class Card:
    """A GPU (or MIG device) that gavelq has seen, with what people decided about it. Outlives restarts."""

    uuid: GpuUuid
    index: str
    """What people call it: `0`, or `0:1` for a MIG device of GPU 0."""
    name: str
    memory_total: MiB
    parent: GpuUuid | None = None
    """The GPU that a MIG device is a part of."""
    queue: QueueName | None = None
    """The owning queue; None: the pool."""
    ignored: bool = False
    draining: bool = False
    lost: bool = False
    label: str = ""
    keep_free: MiB = NO_MEMORY
    """Memory that gavelq leaves alone on this card (setting `gpus`)."""
    fault: str = ""
    """What went wrong with it (an Xid error, uncorrected ECC, it was lost); until `gpu unignore`."""
    fault_at: float | None = None
    configured: str = ""
    """The `gpus:` entry that was applied to it last, so that it is applied once and not at each start."""
    accepted: tuple[Accepted, ...] = ()
    """Foreign processes that people share it with."""


@fixed
class GpuProcess:
    """A process that the driver reports on a GPU."""

    pid: int
    user: str | None
    memory: MiB | None
    """None where the driver cannot tell."""
    command: str = ""
    task_id: TaskId | None = None
    """The gavelq task it belongs to; None: foreign."""
    is_alive: bool = True
    """False where /proc knows no such pid (another pid namespace, or it just ended)."""
    started_at: float | None = None
    is_ignored: bool = False
    """Somebody else's, but not to be minded: an X server, an ignored user (settings `foreign.ignored_*`)."""
    since: float | None = None
    """When it was first seen on this GPU (seconds since the epoch); filled in by the books."""


@fixed
class CardSample:
    """What one GPU looked like at one moment. None means unknown, never zero."""

    uuid: GpuUuid
    index: str
    name: str
    memory_total: MiB
    memory_used: MiB | None
    utilization: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    fan_percent: int | None = None
    clock_mhz: int | None = None
    ecc_errors: int | None = None
    """Uncorrected ECC errors since the driver was loaded (NVML's volatile counter)."""
    memory_utilization: int | None = None
    """Percent of time in which memory was read or written (nvmlUtilization_t.memory)."""
    xids: tuple[int, ...] = ()
    """Xid errors that the driver reported since the last sample."""
    parent: GpuUuid | None = None
    is_mig_parent: bool = False
    """A GPU in MIG mode is listed but never scheduled itself."""
    processes: tuple[GpuProcess, ...] = ()
    claimed_by: str | None = None
    """Another gavelq daemon that holds this card (SPEC section 5)."""
    nodes: tuple[str, ...] | None = None
    """The files below /dev that are this card's alone (`nvidia0`); None: not known."""


@fixed
class GpuSample:
    """All GPUs at one moment."""

    taken_at: float
    """Seconds since the epoch."""
    cards: tuple[CardSample, ...] = ()
    lost: tuple[GpuUuid, ...] = ()
    """Cards that the driver still lists but that do not answer."""
    links: tuple[tuple[GpuUuid, GpuUuid, int], ...] = ()
    """How close two cards are, each pair once: 0 NVLink, else 1 + nvmlGpuTopologyLevel_t / 10; empty: unknown."""
    problem: str | None = None
    """Why there is no (complete) answer: a missing library, a driver error."""
    by_uuid: dict[GpuUuid, CardSample] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.by_uuid.update((card.uuid, card) for card in self.cards)


class GpuState(StrEnum):
    """What a GPU is doing, in our words; the first that holds, in this order (SPEC section 4)."""

    LOST = "lost"
    IGNORED = "ignored"
    DRAINING = "draining"
    FOREIGN = "foreign"
    SHARED = "shared"
    BUSY = "busy"
    FREE = "free"


def is_among(card: Card, names: Collection[str]) -> bool:
    """Whether a card is named: by its index or UUID, or a MIG device by those of its GPU."""
    return (
        card.uuid in names
        or card.index in names
        or (card.parent is not None and (card.parent in names or card.index.partition(":")[0] in names))
    )


def index_key(index: str) -> tuple[int, ...]:
    """Sorts `2` before `10`, and `0:1` behind `0`."""
    return tuple(int(part) if part.isdigit() else 0 for part in index.split(":"))
