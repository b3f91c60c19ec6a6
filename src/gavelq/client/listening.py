"""Listening to `GET /api/events`: where a stream goes on after a lost connection, and when to give up. No I/O.

The rules are those of the HTML standard's EventSource (section 9.2), with an end: who gets no connection for
RESTART_S seconds hears of it.
"""

from collections.abc import Iterable, Mapping

from gavelq.client.http import query
from gavelq.client.patience import RESTART_S
from gavelq.client.sse import Parser, StreamEvent
from gavelq.core.errors import DaemonUnreachable, GavelqError, InvalidField

SILENCE_S = 90.0
"""A stream without a byte for so long is taken for dead (servers send comments meanwhile) and opened again."""
_PAUSE_S = 1.0
_MAX_PAUSE_S = 30.0


class Listener:
    """One stream of events over as many connections as it takes."""

    def __init__(self, *, after: str | int | None = None, kinds: Iterable[str] = (), tasks: Iterable[int] = ()) -> None:
        """`after`: the id of the last event that was seen. `kinds` (or one text, with commas) and `tasks`: the query.

        Raises InvalidField for an id that cannot be one.
        """
        after = None if after is None else str(after)
        if after is not None and any(mark in after for mark in "\0\r\n"):
            raise InvalidField(field="after", problem=f"{after!r} is no id", hint="pass the id of an event")
        pairs: list[tuple[str, object]] = [("task", task_id) for task_id in tasks]
        names = kinds if isinstance(kinds, str) else ",".join(kinds)
        self.target = "/api/events" + query([("kinds", names or None), *pairs])
        self._parser = Parser(after or "")
        self._silent_since: float | None = None
        self._was_there = False

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the next request."""
        fields = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._parser.last_id:
            # A header field is bytes: the id's UTF-8, written as the wire's latin-1.
            fields["Last-Event-ID"] = self._parser.last_id.encode().decode("latin-1")
        return fields

    def opened(self, status: int, headers: Mapping[str, str]) -> bool:
        """A connection answered; False: there are no more events (204). Raises DaemonUnreachable for another thing."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if status != 204 and kind != "text/event-stream":
            raise DaemonUnreachable(f"the server sent {kind or 'nothing'} instead of events", hint="is it a gavelq?")
        self._was_there, self._silent_since = True, None
        # An event that was cut off in the middle is sent again whole.
        self._parser = Parser(self._parser.last_id, retry_s=self._parser.retry_s)
        return status != 204

    def take(self, received: bytes) -> list[StreamEvent]:
        """The events that these bytes complete. Raises DaemonUnreachable for what cannot be one."""
        try:
            return self._parser.feed(received)
        except ValueError as error:
            raise DaemonUnreachable(f"the server sent {error}") from None

    def pause(self, now: float, error: GavelqError | None = None) -> float:
        """The connection is gone, or `error` came instead of one: so many seconds until the next try.

        Raises `error` where another try makes no sense. `now`: seconds of a monotonic clock.
        """
        pause = _PAUSE_S if self._parser.retry_s is None else min(self._parser.retry_s, _MAX_PAUSE_S)
        if error is None:
            return pause
        if error.http_status < 500 and error.http_status not in (408, 429):
            raise error
        self._silent_since = now if self._silent_since is None else self._silent_since
        if not self._was_there or now - self._silent_since >= RESTART_S:
            raise error
        return pause
