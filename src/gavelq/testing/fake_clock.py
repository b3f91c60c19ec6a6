"""A clock that stands still until it is told to move."""


class FakeClock:
    """Port Clock for tests: `now()` answers what was set last."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        """Start at `now`, seconds since the epoch."""
        self._now = now
        self._passed = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def passed(self) -> float:
        """Seconds that `advance` let pass."""
        return self._passed

    def set(self, now: float) -> None:
        """Jump to `now`, seconds since the epoch; backwards too, as real clocks do when they are corrected."""
        self._now = now

    def advance(self, seconds: float) -> float:
        """Let time pass and answer the new time. Raises ValueError for a negative amount: `set` jumps back."""
        if seconds < 0:
            raise ValueError(f"seconds: {seconds} is negative; use set() to move the clock back")
        self._now += seconds
        self._passed += seconds
        return self._now
