"""The daemon's TCP address: the configured one, or one that is opened while it runs, for a browser on this machine."""

import socket
from collections.abc import Awaitable, Callable

from gavelq.config import split_listen
from gavelq.core.errors import InvalidField, UsageError, WrongState
from gavelq.daemon.listening import open_tcp

USUAL = ("127.0.0.1:8080", "127.0.0.1:0")
"""Tried in this order; port 0 is any free one."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Addresses that no other machine reaches, under names that the doorkeeper knows."""


class LocalHttp:
    """Where the daemon answers over TCP, if anywhere."""

    def __init__(self, url: str | None, *, is_tls: bool = False) -> None:
        """`url`: of the configured address."""
        self.url = url
        self.is_tls = is_tls
        self.serve: Callable[[socket.socket], Awaitable[None]] | None = None
        """Begins to answer on a bound socket; set once the daemon listens at all."""

    async def open(self, address: str | None) -> tuple[str, bool]:
        """The URL, and whether it was opened just now; what is open stays. It closes with the daemon.

        `address`: HOST:PORT on the loopback; None: port 8080, or a free one. Raises InvalidField, UsageError.
        """
        if address is not None:
            _require_loopback(address)
        if self.url is not None:
            return self.url, False
        if self.serve is None:
            raise WrongState(what="the daemon", state="starting or ending", problem="it opens no address now")
        sock, self.url = self._bind(address)
        try:
            await self.serve(sock)
        except BaseException:
            self.url = None
            sock.close()
            raise
        return self.url, True

    def _bind(self, address: str | None) -> tuple[socket.socket, str]:
        if address is not None:
            return open_tcp(address, is_tls=self.is_tls)
        try:
            return open_tcp(USUAL[0], is_tls=self.is_tls)
        except UsageError:
            return open_tcp(USUAL[1], is_tls=self.is_tls)


def _require_loopback(address: str) -> None:
    try:
        host = split_listen(address)[0]
    except ValueError:
        hint = "write for example 127.0.0.1:8080; port 0 is any free one"
        raise InvalidField(field="address", problem=f"{address!r:.80} is not HOST:PORT", hint=hint) from None
    if host not in _LOOPBACK:
        hint = "127.0.0.1:PORT is; for other machines set http.listen and restart the daemon"
        raise InvalidField(field="address", problem=f"{address!r:.80} is not on the loopback", hint=hint)
