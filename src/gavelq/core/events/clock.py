"""Events of the machine's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.ids import TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """Somebody set the machine's clock. The time that comes with the event is that of the new setting."""

    by_s: float = 0.0
    """Seconds; negative: back. 0: only what `attempts` says is known (nobody watched the clock)."""
    since: float = 0.0
    """Times from then on (in seconds since the epoch, by the clock as it was before) were read from that clock. Older
    ones are of another start of the machine, or of before a look at all."""
    attempts: Mapping[TaskId, float] = field(default_factory=dict)
    """For the present attempts of these tasks by how many seconds instead."""
