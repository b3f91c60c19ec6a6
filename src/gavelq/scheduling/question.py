"""What the daemon hands to whoever forecasts its queue: the state of a moment, and the rules to look ahead by.

It goes to a process of its own (`gavelq.sim.live`) as a stream of pickles: one `Question`, then `Changes`, which
together make the state.
"""

from dataclasses import dataclass

from gavelq.core.engine import EngineRules
from gavelq.core.gpu import GpuSample
from gavelq.scheduling.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Times in seconds since the epoch."""

    now: float
    until: float
    """So far it is looked ahead."""
    sample: GpuSample
    """The cards as they were last seen: what other people do there stays as it is."""
    unattributed_mib: int
    rules: EngineRules
    policies: tuple[Policy, ...]
    """One forecast for each."""
    assumed_s: float | None
    """How long tasks take of which nothing is known; None: nobody knows."""
