"""What the configuration says of one GPU."""

from dataclasses import dataclass

from gavelq.core.ids import QueueName
from gavelq.core.units import NO_MEMORY, MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class CardConfig:
    """One entry of the configuration's `gpus:` section. `entry` is its text: it is applied when that changes."""

    label: str = ""
    keep_free: MiB = NO_MEMORY
    ignored: bool = False
    queue: QueueName | None = None
    entry: str = ""
