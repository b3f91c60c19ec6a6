"""Server-sent events, parsed as they arrive; no I/O.

Grammar and rules: HTML standard, section 9.2.6 "Interpreting an event stream".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_EVENT_BYTES = 32 << 20
"""Twice the largest body that the daemon takes. A longer event is refused: it would have to be kept whole."""
_CR, _LF = 13, 10
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event of `GET /api/events`.

    `id`: send it as Last-Event-ID (`events(after=...)`) and the stream goes on behind this event. `event`: its kind.
    `data`: the JSON document that it carries, or its text where it is none.
    """

    id: str
    event: str
    data: Any


class Parser:
    """Takes the bytes of a stream in pieces of any size and gives its events."""

    def __init__(self, last_id: str = "", *, retry_s: float | None = None, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self.last_id = last_id
        """The id of the last event that had one and was received whole; where a new connection has to go on."""
        self._next_id = last_id
        self.retry_s = retry_s
        """How long the server wants a client to wait before it connects again."""
        self._max_bytes = max_bytes
        self._rest = b""
        self._after_cr = False
        self._is_first = True
        self._reset()

    def _reset(self) -> None:
        self._kind = ""
        self._text: list[str] = []
        self._n_bytes = 0

    def feed(self, received: bytes) -> list[StreamEvent]:
        """The events that these bytes complete. Raises ValueError for one that is too long."""
        return [event for line in self._lines(received) if (event := self._take(line)) is not None]

    def _lines(self, received: bytes) -> Iterator[bytes]:
        """The lines that are complete: each ends with CR LF, LF or CR."""
        if self._after_cr and received:  # the CR was the end of a line already
            received = received[received[0] == _LF :]
            self._after_cr = False
        self._rest += received
        if len(self._rest) + self._n_bytes > self._max_bytes:
            raise ValueError(f"an event of more than {self._max_bytes} bytes")
        if self._is_first:
            if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
                return
            self._rest = self._rest.removeprefix(_BOM)
            self._is_first = False
        start = 0
        rest = self._rest
        while (end := _line_end(rest, start)) >= 0:
            yield rest[start:end]
            start = end + 1
            if rest[end] == _CR:
                if start == len(rest):
                    self._after_cr = True
                elif rest[start] == _LF:
                    start += 1
        self._rest = rest[start:]

    def _take(self, line: bytes) -> StreamEvent | None:
        if not line:
            return self._dispatch()
        self._n_bytes += len(line)
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._text.append(value)
            case "event":
                self._kind = value
            case "id" if "\0" not in value:
                self._next_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_s = int(value) / 1000
            case _:
                pass  # a comment (its name is empty), or a field that a later server may know
        return None

    def _dispatch(self) -> StreamEvent | None:
        text, kind, is_event = "\n".join(self._text), self._kind, bool(self._text)
        self.last_id = self._next_id
        self._reset()
        if not is_event:
            return None
        return StreamEvent(id=self.last_id, event=kind or "message", data=_document(text))


def _line_end(text: bytes, start: int) -> int:
    line_feed = text.find(b"\n", start)
    carriage = text.find(b"\r", start, line_feed if line_feed >= 0 else len(text))
    return carriage if carriage >= 0 else line_feed


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
