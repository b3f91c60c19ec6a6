"""Who may come in: unix users by uid, everybody else by token or session. Asked before any route."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from gavelq.api.console import is_page
from gavelq.api.heads import text_of
from gavelq.api.peer import Peer
from gavelq.core.errors import NotAllowed, Unauthenticated
from gavelq.core.ids import TaskId
from gavelq.core.tenants import Role, Scope
from gavelq.daemon.access import Access
from gavelq.daemon.caller import Caller, user_name

OPEN = frozenset({("GET", "/"), ("GET", "/api/gpu/status"), ("POST", "/api/login")})
"""What anybody may ask for over TCP, beside the console's pages."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SESSION = frozenset({"/api/login", "/api/login/link", "/api/logout"})
"""What also those may do who may only look."""
_COOKIE = "gavelq_session"
_INSIDE = frozenset({Scope.READ, Scope.SUBMIT})
_START_S = 1.0
"""The news of a task's start comes within so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Decides who a request comes from."""

    own_uid: int
    access: Access
    allowed_hosts: frozenset[str]
    """Values of the Host header that are ours over TCP, without the port."""
    task_of: Callable[[int], TaskId | None]
    """The task that a process descends from."""
    is_outside: Callable[[int], bool]
    """Whether a process certainly runs in no task."""
    tenant_of_task: Callable[[TaskId], str | None]
    is_single: Callable[[], bool]
    """Whether there are no tenants: all tasks are the own user's then."""
    shared_socket: str | None = None
    """The socket that other unix users may come by; it is looked at who they are there."""

    async def admit(self, request: Request) -> Caller | None:
        """The caller; None: nobody we know, but what is asked for is open to all.

        Raises Unauthenticated, NotAllowed, and what making a tenant for a unix user raises.
        """
        caller = await self._identify(request)
        path = request.scope["path"]  # `request.url` would put a whole URL together
        if caller is not None and request.method not in _SAFE and path not in _OWN_SESSION:
            caller.require_submit(f"{request.method} {path}")
        return caller

    async def _identify(self, request: Request) -> Caller | None:
        peer: Peer | None = request.scope["state"].get("peer")
        path = request.scope["path"]  # `request.url` would put a whole URL together
        is_open = (request.method, path) in OPEN
        if request.method in _SAFE and is_page(path):
            if peer is None:
                self._check_origin(request)
            return None
        if peer is not None and (peer.socket is None or peer.socket != self.shared_socket):
            return await self._by_own_uid(peer)
        if peer is None:
            self._check_origin(request)
        header = text_of(request.scope, b"authorization")
        try:
            if header is not None:
                return self._by_header(request, header)
            if peer is not None:
                is_known = peer.uid in (self.own_uid, 0)
                return await (self._by_own_uid(peer) if is_known else self.access.by_uid(peer.uid))
            return self._by_cookie(request, is_open=is_open)
        except Unauthenticated:
            if is_open:
                return None
            raise

    # --- by uid ------------------------------------------------------------------------------------------

    async def _by_own_uid(self, peer: Peer) -> Caller:
        """A process of the daemon's own user, or of root."""
        pid, uid = peer.pid, peer.uid
        if uid not in (self.own_uid, 0):
            raise NotAllowed(action="using this socket", why=f"it belongs to uid {self.own_uid}, you are uid {uid}")
        name, own = user_name(uid), self.access.own
        task_id = await self._task_of(pid)
        if task_id is not None:
            tenant = self.tenant_of_task(task_id) or own
            return Caller(name=f"task {task_id}", tenant=tenant, scopes=_INSIDE, task_id=task_id)
        if self.is_outside(pid):
            return Caller(name=name, tenant=own, role=Role.ADMIN)
        if not self.is_single():  # it may be anybody's
            why = "this process may run in a task, and nobody can say in whose"
            hint = "ask from a process that lives until it is answered"
            raise NotAllowed(action="using this socket", why=why, hint=hint)
        return Caller(name="a process of some task", tenant=own, scopes=_INSIDE)

    async def _task_of(self, pid: int) -> TaskId | None:
        """The task that a process runs in. One that has just begun may ask before its start is known."""
        deadline = asyncio.get_running_loop().time() + _START_S
        while (task_id := self.task_of(pid)) is None:
            if self.is_outside(pid) or self.is_single() or asyncio.get_running_loop().time() >= deadline:
                return None
            await asyncio.sleep(0.02)
        return task_id

    # --- by token or session -----------------------------------------------------------------------------

    def _by_header(self, request: Request, header: str) -> Caller:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated()
        caller = self.access.by_token(token.strip())
        request.scope["state"]["token"] = token.strip()
        return caller

    def _by_cookie(self, request: Request, *, is_open: bool) -> Caller:
        secret = session_of(request)
        if secret is None:
            raise Unauthenticated()
        caller = self.access.by_session(secret)
        if request.method not in _SAFE:
            self._check_same_origin(request)
        elif not is_open:
            _check_site(request)
        return caller

    def _check_same_origin(self, request: Request) -> None:
        """A browser sends the cookie along whoever asks, also for a page of another port of this very machine."""
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if origin is None or urlsplit(origin).netloc.lower() != host.lower():
            why = f"it comes with a session, and its Origin is {origin or 'missing'}, not {host}"
            raise NotAllowed(action=request.method, why=why, hint="programs send a token instead of a session")

    def _check_origin(self, request: Request) -> None:
        """A page of another site, or a name that was rebound to our address, gets nothing."""
        host = _without_port(text_of(request.scope, b"host") or "")
        if host not in self.allowed_hosts:
            why = "that name is not ours (http.allowed_hosts)"
            raise NotAllowed(action=f"asking for host {host!r}", why=why, hint=_NAME_HOST)
        origin = text_of(request.scope, b"origin")
        if origin is not None and _without_port(origin.partition("://")[2]) not in self.allowed_hosts:
            raise NotAllowed(action="a cross-origin request", why=f"origin {origin} is not ours", hint=_NAME_HOST)


_NAME_HOST = (
    "if it is a name or an address of this machine, or of a proxy in front: "
    "gavelq config set http.allowed_hosts NAME; gavelq daemon restart"
)
"""Without the name that was asked for: whoever made a page that rebinds names chose that one."""


def _check_site(request: Request) -> None:
    """Pages of other origins, those of other ports of this machine among them, do not get to ask in our user's name.

    They could not read the answer; browsers say where a request comes from (Fetch Metadata), other programs do not.
    """
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        why = f"it comes with a session, from a page of another origin (Sec-Fetch-Site: {site[:20]})"
        raise NotAllowed(action=request.method, why=why, hint="open the console itself, or send a token")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if ":" in host else host


def hosts_of(listen_host: str, more: Sequence[str]) -> frozenset[str]:
    """The names under which a TCP listener is known."""
    return frozenset({"localhost", "127.0.0.1", "[::1]", listen_host, *more})


def cookie_name(request: Request) -> str:
    """The session's cookie: a browser keeps those of one machine's ports in one jar, and we are not alone there.

    The port is the one that the browser knows: through forwarded ports, several daemons are at one address for it.
    """
    server = request.scope.get("server")
    port = _port(request.headers.get("host", "")) or (server[1] if server is not None else None)
    return f"{_COOKIE}_{port}" if port else _COOKIE


def _port(host: str) -> str:
    """The port in a Host header; empty where there is none."""
    port = host[len(_without_port(host)) + 1 :]
    return port if port.isascii() and port.isdigit() and len(port) < 6 else ""


def token_of(request: Request) -> str | None:
    """The token that the caller is known by; None: it came otherwise."""
    token: str | None = getattr(request.state, "token", None)
    return token


def session_of(request: Request) -> str | None:
    """The secret in the session's cookie."""
    return request.cookies.get(cookie_name(request)) or None


def is_tls(request: Request) -> bool:
    """Whether the browser speaks TLS: to us, or to a proxy before us."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def address_of(request: Request) -> str:
    """Where a request comes from: an IP address, or `unix`."""
    return request.client.host if request.client is not None and request.client.host else "unix"
