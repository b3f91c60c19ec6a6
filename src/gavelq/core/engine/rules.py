"""What the engine has to know of the configuration."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRules:
    """Limits and places that decide how events are answered."""

    log_dir: str
    """Where a task's output goes when it names no log file of its own."""
    max_unfinished: int = 1_000_000
    """How many tasks may exist that have not ended."""
