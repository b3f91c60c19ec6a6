"""What a card looked like in a burst of looks: means over a short time, for `selection: sampled`."""

from collections.abc import Sequence
from dataclasses import dataclass

from gavelq.core.gpu import CardSample
from gavelq.core.ids import GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One card, watched for a moment."""

    uuid: GpuUuid
    at: float
    """When the watching ended (seconds since the epoch)."""
    n_samples: int
    memory_utilization: float
    """Mean percentage of time in which its memory was read or written."""
    used: float
    """Mean memory in use, in MiB."""
    free: float
    """Mean memory not in use, in MiB."""


def summarize(looks: Sequence[CardSample], at: float) -> Burst:
    """The means over looks at one card; there must be one at least (ValueError).

    Where the driver does not tell how busy the memory was, the card's own utilisation stands for it, else 0; unknown
    memory counts as unused.
    """
    if not looks:
        raise ValueError("a burst without a look")
    n = len(looks)
    used = sum(look.memory_used or 0 for look in looks) / n
    total = sum(look.memory_total for look in looks) / n
    busy = sum(_memory_utilization(look) for look in looks) / n
    return Burst(
        uuid=looks[-1].uuid, at=at, n_samples=n, memory_utilization=busy, used=used, free=max(0.0, total - used)
    )


def _memory_utilization(look: CardSample) -> int:
    return look.memory_utilization if look.memory_utilization is not None else look.utilization or 0
