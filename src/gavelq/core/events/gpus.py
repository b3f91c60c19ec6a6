"""Events about GPUs: what people say of them, and what is seen of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.bursts import Burst
from gavelq.core.card_config import CardConfig
from gavelq.core.fixed import fixed
from gavelq.core.gpu import GpuSample
from gavelq.core.ids import GpuUuid, QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusAllocated:
    """`gpu allocate`: these GPUs now belong to `queue`; without ids, `count` free ones of the pool."""

    by: str
    queue: QueueName
    gpus: tuple[GpuUuid, ...] = ()
    count: int = 1
    excluded: frozenset[GpuUuid] = frozenset()
    """Cards that are not chosen, only named: the rules let no task start on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReleased:
    """`gpu release`: back to the pool; gavelq's tasks on it end, or go back to pending."""

    by: str
    gpu: GpuUuid
    requeue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuIgnored:
    """`gpu ignore`: no new task here until undone."""

    by: str
    gpu: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUnignored:
    """`gpu unignore`: schedulable again; ends a drain as well, and accepts a card that came back."""

    by: str
    gpu: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuShared:
    """`gpu share`: the foreign processes that are there now are not minded any more, until they leave."""

    by: str
    gpu: GpuUuid
    pid: int | None = None
    """This one alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUnshared:
    """`gpu unshare`: they are minded again."""

    by: str
    gpu: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDrained:
    """`gpu drain`: no new task, and (with `stop_now`) the running ones are stopped."""

    by: str
    gpu: GpuUuid
    stop_now: bool = False
    requeue: bool = False


@fixed
class GpusSampled:
    """The monitor looked at the GPUs. `configured` holds the `gpus:` entries by UUID and by index."""

    sample: GpuSample
    configured: Mapping[str, CardConfig]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusWatched:
    """The monitor took a burst of looks at some GPUs, because several would do (`selection: sampled`)."""

    bursts: tuple[Burst, ...]
