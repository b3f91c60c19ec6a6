"""How long an attempt may run: its time limit, and one warning before it, on CLOCK_BOOTTIME (suspended time counts)."""

import signal

from gavelq.adapters.runner import linux, wire


class TimeLimit:
    """Counted from the start of the first step; without a limit it never comes, and neither does the warning."""

    __slots__ = ("_begun", "_is_warned", "_seconds", "_warn_before_s", "_warn_signal")

    def __init__(self, seconds: float | None, warn_signal: int | None = None, warn_before_s: float = 0.0) -> None:
        """`begin` starts the count. None: no limit, no warning."""
        self._seconds = seconds
        self._warn_signal = warn_signal
        self._warn_before_s = warn_before_s
        self._is_warned = False
        self._begun: float | None = None

    def begin(self) -> None:
        """The count starts now."""
        self._begun = linux.boottime()

    @property
    def begun(self) -> float | None:
        """The reading of `linux.boottime()` at which the count started; None: it has not."""
        return self._begun

    def obey(self, order: wire.Message) -> None:
        """Change it as a `limit` order says; the warning moves with it. Raises wire.Malformed, with nothing changed."""
        self._seconds = None if order.get("time_limit_s") is None else wire.number(order, "time_limit_s")

    def _over_at(self) -> float | None:
        return None if self._begun is None or self._seconds is None else self._begun + self._seconds

    def next_at(self) -> float | None:
        """The reading of `linux.boottime()` at which something is due; None: nothing is."""
        over_at = self._over_at()
        if over_at is None or self._warn_signal is None or self._is_warned:
            return over_at
        return over_at - self._warn_before_s

    def is_over(self, now: float) -> bool:
        """Whether the attempt has to end."""
        over_at = self._over_at()
        return over_at is not None and now >= over_at

    def warning(self, now: float) -> int | None:
        """The signal to send now, said once. A warning that comes with the end itself (after a suspend) is none."""
        due_at = self.next_at()
        if self._warn_signal is None or self._is_warned or due_at is None or now < due_at or self.is_over(now):
            return None
        self._is_warned = True
        return self._warn_signal

    def told(self) -> str:
        """What the result says about the warning; empty where there was none."""
        if not self._is_warned or self._warn_signal is None:
            return ""
        try:
            name = signal.Signals(self._warn_signal).name
        except ValueError:  # a real-time signal
            name = f"signal {self._warn_signal}"
        return f"warned with {name} {self._warn_before_s:g} s before the limit"

    def as_json(self) -> str:
        """What `read` reads; no encoder is touched (see Supervisor)."""
        values = (self._seconds, self._warn_signal, self._warn_before_s, self._begun)
        said = ",".join(["null" if value is None else repr(value) for value in values])
        return f"[{said},{'true' if self._is_warned else 'false'}]"

    @staticmethod
    def read(found: object) -> "TimeLimit":
        """What holds for an attempt whose supervisor is dead."""
        if not isinstance(found, list) or len(found) != 5:
            return TimeLimit(None)
        limit = TimeLimit(*found[:3])
        limit._begun, limit._is_warned = found[3:]
        return limit
