"""Who may come in: the socket's owner by uid, everybody else by token. Checked before any route."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import Request

from gavelq.core.errors import NotAllowed, Unauthenticated
from gavelq.core.ids import TaskId
from gavelq.daemon.caller import Caller, user_name

OPEN_PATHS = frozenset({"/", "/api/gpu/status"})
"""What anybody may read over TCP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Decides who a request comes from."""

    own_uid: int
    token_hash: str | None
    """SHA-256 (hex) of the admin token; None: TCP lets nobody in."""
    allowed_hosts: frozenset[str]
    """Values of the Host header that are ours over TCP, without the port."""
    task_of: Callable[[int], TaskId | None]
    """The task that a process descends from."""
    is_outside: Callable[[int], bool]
    """Whether a process certainly runs in no task."""
    tenant_of_task: Callable[[TaskId], str | None]

    def admit(self, request: Request) -> Caller:
        """The caller. Raises Unauthenticated or NotAllowed."""
        peer: tuple[int, int] | None = getattr(request.state, "peer", None)
        if peer is not None:
            return self._by_uid(*peer)
        self._check_origin(request)
        return self._by_token(request.headers.get("authorization", ""))

    def _by_uid(self, pid: int, uid: int) -> Caller:
        if uid not in (self.own_uid, 0):
            raise NotAllowed(action="using this socket", why=f"it belongs to uid {self.own_uid}, you are uid {uid}")
        name = user_name(uid)
        task_id = self.task_of(pid)
        if task_id is not None:
            tenant = self.tenant_of_task(task_id) or name
            return Caller(name=f"task {task_id}", tenant=tenant, is_admin=False, task_id=task_id)
        if not self.is_outside(pid):
            return Caller(name="a process of some task", tenant=user_name(self.own_uid), is_admin=False)
        return Caller(name=name, tenant=user_name(self.own_uid) if uid == 0 else name, is_admin=True)

    def _by_token(self, header: str) -> Caller:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or self.token_hash is None:
            raise Unauthenticated()
        given = hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest()
        if not hmac.compare_digest(given, self.token_hash):
            raise Unauthenticated("this token is not known")
        return Caller(name="admin (token)", tenant=user_name(self.own_uid), is_admin=True)

    def _check_origin(self, request: Request) -> None:
        """A page of another site, or a name that was rebound to our address, gets nothing."""
        host = _without_port(request.headers.get("host", ""))
        if host not in self.allowed_hosts:
            raise NotAllowed(action=f"asking for host {host!r}", why="that name is not ours (http.allowed_hosts)")
        origin = request.headers.get("origin")
        if origin is not None and _without_port(origin.partition("://")[2]) not in self.allowed_hosts:
            raise NotAllowed(action="a cross-origin request", why=f"origin {origin} is not ours")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if ":" in host else host


def hash_token(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def hosts_of(listen_host: str, more: Sequence[str]) -> frozenset[str]:
    """The names under which a TCP listener is known."""
    return frozenset({"localhost", "127.0.0.1", "[::1]", listen_host, *more})
