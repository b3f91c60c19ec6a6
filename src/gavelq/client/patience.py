"""Waiting through a restart: who watches or holds something goes on when the daemon comes back."""

import time
from collections.abc import Callable
from typing import Any

from gavelq.client import lean
from gavelq.client.http import Link
from gavelq.client.wire import Reply
from gavelq.core.errors import DaemonUnreachable, GavelqError

RESTART_S = 60.0
"""For so long an unreachable daemon may come back."""
_PAUSE_S = 0.2


class PatientLink:
    """Requests that may be repeated; once the daemon has been seen, it may be away for up to `RESTART_S`."""

    def __init__(self, link: Link, *, clock: Callable[[], float] = time.monotonic, was_there: bool = False) -> None:
        """`was_there`: the daemon has answered a moment ago."""
        self._link = link
        self._clock = clock
        self._was_there = was_there

    def get(self, target: str, *, timeout_s: float, deadline: float | None = None) -> Reply:
        """One answer. `deadline` (of the clock) ends the patience earlier. Raises as Link.send does."""
        return self._send("GET", target, None, timeout_s, deadline)

    def fetch(self, target: str, *, timeout_s: float, deadline: float | None = None) -> Any:
        """The document of one answer. Otherwise as `get`."""
        return lean.loads(self.get(target, timeout_s=timeout_s, deadline=deadline).body)

    def post(self, target: str, *, timeout_s: float = 30.0, deadline: float | None = None) -> Reply:
        """One answer to a request that may arrive twice without harm. Otherwise as `get`."""
        return self._send("POST", target, {}, timeout_s, deadline)

    def _send(
        self, method: str, target: str, payload: dict[str, Any] | None, timeout_s: float, deadline: float | None
    ) -> Reply:
        given_up_at = None
        while True:
            try:
                reply = self._link.send(method, target, payload, timeout_s=timeout_s)
            except GavelqError as error:
                # A daemon that is just going answers 5xx, or cuts the connection.
                if error.http_status < 500:
                    raise
                if not isinstance(error, DaemonUnreachable) or error.details.get("interrupted"):
                    self._was_there = True
                now = self._clock()
                given_up_at = now + RESTART_S if given_up_at is None else given_up_at
                if not self._was_there or now >= min(given_up_at, deadline or given_up_at):
                    raise
                time.sleep(_PAUSE_S)
                continue
            self._was_there = True
            return reply
