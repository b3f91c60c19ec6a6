"""The body of an HTTP/1.1 answer, decoded as it arrives (RFC 9112 sections 6 and 7.1); no I/O."""

from collections.abc import Mapping

_MAX_LINE = 4096


class Body:
    """Takes what was received behind an answer's head, in pieces of any size, and gives the content.

    `is_over`: all of it was there. `until_close`: it ends with the connection alone.
    """

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        """Raises ValueError for a length that is no number."""
        length = headers.get("content-length")
        self._is_chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._rest = b""
        """Received, not decoded yet."""
        self._missing = 0
        """Bytes of the content (of the present chunk) that are still to come."""
        self._is_in_chunk = False
        self._is_in_trailer = False
        self.until_close = False
        self.is_over = status in (204, 304)
        if self._is_chunked or self.is_over:
            return
        if length is None:
            self.until_close = True
            return
        if not (length.isascii() and length.isdigit()):
            raise ValueError(f"{length[:40]!r} is no length")
        self._missing = int(length)
        self.is_over = self._missing == 0

    def feed(self, received: bytes) -> bytes:
        """The content that these bytes hold. Raises ValueError for what is not HTTP."""
        if self.until_close:
            return received
        if not self._is_chunked:
            found = received[: self._missing]
            self._missing -= len(found)
            self.is_over = self._missing == 0
            return found
        self._rest += received
        parts = []
        while not self.is_over and (part := self._step()) is not None:
            parts.append(part)
        return b"".join(parts)

    def _step(self) -> bytes | None:
        """Decode one thing of a chunked body; None: more has to come first."""
        if self._missing:
            part, self._rest = self._rest[: self._missing], self._rest[self._missing :]
            self._missing -= len(part)
            return part or None
        line, separator, after = self._rest.partition(b"\r\n")
        if not separator:
            if len(self._rest) > _MAX_LINE:
                raise ValueError("a chunk's line has no end")
            return None
        self._rest = after
        if self._is_in_trailer:
            self.is_over = not line
        elif self._is_in_chunk:  # the line end behind a chunk's content
            if line:
                raise ValueError("a chunk is longer than it says")
            self._is_in_chunk = False
        else:
            size = line.split(b";")[0].strip()
            if not size or size.strip(b"0123456789abcdefABCDEF"):
                raise ValueError(f"{size[:40]!r} is no length of a chunk")
            self._missing = int(size, 16)
            self._is_in_chunk = self._missing > 0
            self._is_in_trailer = not self._is_in_chunk
        return b""
