"""Tenants: who owns tasks, what they may do and have, and the tokens that they are known by (SPEC section 8)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType

from gavelq.core.errors import NotFound, WrongState
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.units import MiB

TokenId = NewType("TokenId", int)
"""Positive, given once, never used again."""
FIRST_TOKEN = TokenId(1)
HOUR_S = 3600
MAX_WINDOW_S = 31 * 86400
"""The longest window over which GPU-hours are limited: use is remembered for so long."""


class Role(StrEnum):
    """What a tenant may do."""

    ADMIN = "admin"
    """Everything, for everybody."""
    TENANT = "tenant"
    """Submit, and touch what is its own."""
    VIEWER = "viewer"
    """Look at the machine and at what is its own; change nothing."""


class Isolation(StrEnum):
    """How far a task is kept to its own GPUs without root. Each level includes those before it but `mps`."""

    VISIBLE = "visible"
    """CUDA_VISIBLE_DEVICES by UUID: a convention."""
    WATCHED = "watched"
    """Processes on other GPUs, or above the declared memory, are noticed (and killed where `enforce` is on)."""
    DEVICE = "device"
    """Landlock: only the device nodes of its own GPUs can be opened."""
    MPS = "mps"
    """A private MPS daemon limits compute and memory."""


class Scope(StrEnum):
    """What a token may be used for, within what its tenant may do."""

    READ = "read"
    SUBMIT = "submit"
    """Submit and change tasks, leases and command files."""
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a tenant may have. None (or nothing listed): no limit."""

    max_gpus: int | None = None
    """GPUs held at once."""
    max_memory: MiB | None = None
    """GPU memory held at once: declared, and whole cards where nothing was declared."""
    max_running: int | None = None
    max_queued: int | None = None
    """Tasks that have not started (held ones included)."""
    gpu_hours: float | None = None
    """GPU-hours within `window_s`."""
    window_s: float = 7 * 86400.0
    max_priority: int | None = None
    max_time_limit_s: float | None = None
    """No task may ask for more; one without a limit gets this."""
    queues: tuple[QueueName, ...] = ()
    gpus: tuple[GpuUuid, ...] = ()


NO_QUOTA = Quota()
_NO_CARD = GpuUuid("")


def cards_within(listed: tuple[GpuUuid, ...], cards: tuple[GpuUuid, ...]) -> tuple[GpuUuid, ...]:
    """The cards that a task may have which lists these (none: any will do), by a quota's `gpus`.

    Where none is left, a name that no card has: nothing listed would mean any.
    """
    if not cards or not listed:
        return listed or cards
    return tuple([uuid for uuid in listed if uuid in cards]) or (_NO_CARD,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An owner of tasks. Names match `[A-Za-z0-9_.-]{1,64}`."""

    name: str
    role: Role = Role.TENANT
    quota: Quota = NO_QUOTA
    weight: float = 1.0
    """Its part in fair share: twice the weight, twice the GPUs."""
    uid: int | None = None
    """The unix user who is this tenant on the shared socket."""
    isolation: Isolation = Isolation.VISIBLE
    enforce: bool = False
    """A task that leaves its GPUs or its memory is killed, not only warned."""
    password: str = field(default="", repr=False)
    """As argon2 hashes it; empty: no login by password."""
    description: str = ""
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of a token: never the token itself."""

    id: TokenId
    tenant: str
    hash: str = field(repr=False)
    """SHA-256 (hex)."""
    prefix: str
    """Its first characters, for people to tell it from others."""
    scopes: tuple[Scope, ...] = (Scope.READ, Scope.SUBMIT)
    name: str = ""
    created_at: float = 0.0
    created_by: str = ""
    expires_at: float | None = None
    used_at: float | None = None
    """Roughly: noted once a minute."""


class HourKey(NamedTuple):
    """An hour (since the epoch) of a tenant's use."""

    tenant: str
    hour: int

    def __str__(self) -> str:
        return f"{self.hour}:{self.tenant}"


class TenantNotFound(NotFound):
    """there is no tenant named {tenant!r}"""

    code = "tenant_not_found"
    hint = "`gavelq tenant list` shows the tenants; `gavelq tenant create {tenant}` makes this one"


class NameRetired(WrongState):
    """{what} was {state}: {problem}"""

    code = "name_retired"
    hint = "choose another name; where it is the same owner who comes back: gavelq tenant create {name} --take-over"


class TokenNotFound(NotFound):
    """there is no token {token}"""

    code = "token_not_found"
    hint = "`gavelq token list` shows the tokens"
