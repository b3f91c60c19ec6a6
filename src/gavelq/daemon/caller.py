"""Who asks: a unix user on a socket, a task of ours, or the holder of a token or of a session."""

import pwd
from collections.abc import Callable
from dataclasses import field
from functools import lru_cache

from gavelq.core.copying import copier
from gavelq.core.errors import NotAllowed, Unauthenticated
from gavelq.core.fixed import fixed
from gavelq.core.ids import TaskId
from gavelq.core.tenants import Role, Scope, TokenId

_RANKS = {Scope.READ: 0, Scope.SUBMIT: 1, Scope.ADMIN: 2}
"""Each scope includes those before it."""
_OF_ROLES = {Role.VIEWER: Scope.READ, Role.TENANT: Scope.SUBMIT, Role.ADMIN: Scope.ADMIN}


def most_of(role: Role) -> Scope:
    """The widest scope that a role can have."""
    return _OF_ROLES[role]


def is_within(scope: Scope, most: Scope) -> bool:
    """Whether a scope gives no more than another one."""
    return _RANKS[scope] <= _RANKS[most]


@fixed
class Caller:
    """A caller as the event history names it, and what it may do: what its role may and its scopes permit."""

    name: str
    tenant: str
    role: Role = Role.TENANT
    scopes: frozenset[Scope] = frozenset(Scope)
    """What its token is for; everything where it came without one."""
    task_id: TaskId | None = None
    """The task that the caller runs in: it acts as that task's tenant, never as admin."""
    token_id: TokenId | None = None
    expires_at: float | None = None
    """When its token, or its session, is over (seconds since the epoch)."""
    is_still: Callable[[], bool] = field(default=lambda: True, compare=False, repr=False)
    """Whether it is the same one by now; false once its token is revoked, its session over, its tenant another one."""

    def can(self, scope: Scope) -> bool:
        """Whether both role and scopes give that much."""
        return _RANKS[scope] <= _reach(self.role, self.scopes)

    @property
    def is_admin(self) -> bool:
        """It may do everything, for everybody."""
        return self.can(Scope.ADMIN)

    def owns(self, tenant: str) -> bool:
        """Whether what belongs to that tenant is there for this caller. For all others it does not exist."""
        return self.is_admin or tenant == self.tenant

    def require_still(self) -> None:
        """Raises Unauthenticated where it is another one by now: for answers that come long after their request."""
        if not self.is_still():
            raise Unauthenticated("this token or session is not what it was", hint="log in again, or ask for a token")

    def require_admin(self, action: str) -> None:
        """Raises NotAllowed where the caller may not change how the machine is run."""
        if self.is_admin:
            return
        if self.role is Role.ADMIN:
            raise NotAllowed(action=action, why="its token has not the scope admin", hint=_HINT_SCOPES)
        why = f"{self.name} acts as its tenant {self.tenant}, not as admin"
        hint = "do it from a shell outside of gavelq's tasks" if self.task_id is not None else "ask an admin of gavelq"
        raise NotAllowed(action=action, why=why, hint=hint)

    def require_submit(self, action: str) -> None:
        """Raises NotAllowed where the caller may only look."""
        if self.can(Scope.SUBMIT):
            return
        if self.role is Role.VIEWER:
            why, hint = f"tenant {self.tenant} is a viewer and may only look", "ask an admin of gavelq"
        else:
            why, hint = "its token has the scope read alone", _HINT_SCOPES
        raise NotAllowed(action=action, why=why, hint=hint)


altered_caller = copier(Caller)
"""A caller with some of its fields changed."""


@lru_cache(maxsize=64)  # every request asks several times
def _reach(role: Role, scopes: frozenset[Scope]) -> int:
    """The rank of the widest scope that both give; -1 where there is none."""
    return min(_RANKS[_OF_ROLES[role]], max((_RANKS[one] for one in scopes), default=-1))


_HINT_SCOPES = "use a token with more scopes: gavelq token create --scopes"


@lru_cache(maxsize=1024)  # every request asks, and the answer is read from a file each time
def user_name(uid: int) -> str:
    """The name of a unix user, or `uid-N` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
