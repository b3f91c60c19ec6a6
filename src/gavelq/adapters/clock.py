"""The real clock."""

import time


class SystemClock:
    """Time as the machine keeps it (port Clock)."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()
