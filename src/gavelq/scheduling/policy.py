"""The rules of placing and ordering, as the configuration sets them."""

from dataclasses import dataclass
from typing import Literal

from gavelq.core.ids import GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a cycle has to know of the configuration. Times in seconds, memory in MiB."""

    order: Literal["fair", "fifo", "largest_first", "smallest_first", "shortest_first"] = "fair"
    """`shortest_first` goes by time limits alone: for the simulator's oracles, which know how long tasks take."""
    backfill: Literal["easy", "skip", "none"] = "easy"
    """Who goes ahead of a task that waits for gavelq's own: who cannot delay it, whoever fits, or nobody."""
    selection: Literal["best_fit", "first", "sampled"] = "best_fit"
    foreign: Literal["share", "avoid"] = "share"
    unattributed_mib: int = 1024
    depth: int = 1000
    """After this many blocked shapes a cycle stops looking."""
    max_running: int | None = None
    max_cpu_tasks: int = 1
    stale_s: float = 5.0
    """Nothing is placed on a sample older than this."""
    unknown_limit_s: float = 86400.0
    """A task without a time limit sorts as if it had this one."""
    ageing_s: float = 30 * 86400.0
    ageing_exponent: float = 2.0
    share_half_life_s: float = 7 * 86400.0
    share_ahead_s: float = 3600.0
    """Each GPU that a tenant holds counts as used for so long in advance, so that one burst does not take them all."""
    allowance_s: float = 1.0
    """What a start may take: backfill leaves so much time before a promised start."""
    grace_s: float = 10.0
    """Between a time limit's TERM and KILL: a task with a limit is gone so long after it at the latest."""
    settle_s: float = 2.0
    """So long a card must have been calm before a task starts beside what foreign processes did there."""
    min_gpu: int = 0
    max_gpu: int | None = None
    gpu_left: int = 0
    allowed_gpus: frozenset[str] | None = None
    """Indices and UUIDs of the cards that tasks may start on (`rules.compete_gpus`); None: all. See `gpu.is_among`."""
    max_per_gpu: int = 2
    """Tasks that share one GPU."""
    reserve_mib: int = 512
    """Memory of a shared GPU that nobody is given."""
    max_utilization: int = 100
    """What the utilisations of the tasks on a shared GPU add up to at most, in percent."""
    unknown_utilization: int = 50
    memory_save_mode: bool = True
    sampling_s: float = 3.0
    """How long `sampled` watches the cards; what it saw holds for as long."""
    gpu_order: tuple[str, ...] = ()
    """Indices or UUIDs that are taken before others that fit as well."""
    topology: bool = True
    preemption: bool = False
    min_levels: int = 2
    min_run_s: float = 600.0
    nodes: tuple[frozenset[GpuUuid], ...] = ()
    """The cards of each node, where they are several: a task runs within one. Only the simulator has such machines."""
