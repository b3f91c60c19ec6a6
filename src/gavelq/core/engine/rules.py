"""What the engine has to know of the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.tenants import Isolation
from gavelq.core.violations import TOLERANCE_MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRules:
    """Limits and places that decide how events are answered."""

    log_dir: str
    """Where a task's output goes when it names no log file of its own."""
    max_unfinished: int = 1_000_000
    """How many tasks may exist that have not ended."""
    jitter: float = 0.1
    """Pauses between tries are longer by up to this part of them."""
    hold_after: int = 5
    """After so many fast failures in a row the rest of a submission is held; 0: never."""
    fast_s: float = 30.0
    """A failure within so many seconds is a fast one."""
    share_half_life_s: float = 7 * 86400.0
    ignored_users: tuple[str, ...] = ()
    ignored_commands: tuple[str, ...] = ()
    """Processes that are not to be minded as foreign (`*` stands for anything)."""
    isolation: Isolation = Isolation.VISIBLE
    """The least that tasks of the daemon's own user get; other tenants have a level of their own."""
    enforce: bool = False
    """Whether a watched task of the daemon's own user is stopped for a violation."""
    tolerance_mib: int = TOLERANCE_MIB
    """So much more memory than declared is not minded."""
    unavailable: Mapping[Isolation, str] = field(default_factory=dict)
    """Levels that this machine cannot give, and why."""
    has_channels: bool = False
    """Whether there is anybody to tell alerts to (setting `notify.urls`)."""
