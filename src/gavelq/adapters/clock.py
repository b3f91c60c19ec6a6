"""The real clock."""

import time


class SystemClock:
    """Time as the machine keeps it (port Clock)."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def passed(self) -> float:
        """Seconds since boot (CLOCK_BOOTTIME, clock_gettime(2))."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
