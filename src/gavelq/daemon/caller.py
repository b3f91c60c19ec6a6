"""Who asks: a unix user on the socket, a task of ours, or the holder of a token."""

import pwd
from dataclasses import dataclass
from functools import lru_cache

from gavelq.core.errors import NotAllowed
from gavelq.core.ids import TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller as the event history names it, and what it may do."""

    name: str
    tenant: str
    is_admin: bool
    task_id: TaskId | None = None
    """The task that the caller runs in: it acts as that task's tenant, never as admin."""

    def require_admin(self, action: str) -> None:
        """Raises NotAllowed where the caller may not change how the machine is run."""
        if not self.is_admin:
            why = f"{self.name} acts as its tenant {self.tenant}, not as admin"
            raise NotAllowed(action=action, why=why, hint="do it from a shell outside of gavelq's tasks")

    def require_tenant(self, tenant: str, action: str) -> None:
        """Raises NotAllowed where the caller is neither admin nor that tenant."""
        if not self.is_admin and tenant != self.tenant:
            raise NotAllowed(action=action, why=f"it belongs to {tenant}")


@lru_cache(maxsize=1024)  # every request asks, and the answer is read from a file each time
def user_name(uid: int) -> str:
    """The name of a unix user, or `uid-N` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
