"""Events about tenants, their tokens, and acts that are noted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gavelq.core.tenants import Scope, Tenant, TokenId


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCreated:
    """`tenant create`. `password` is hashed already."""

    by: str
    name: str
    options: Mapping[str, object]
    password: str = ""
    is_taking_over: bool = False
    """What a deleted tenant of this name left behind becomes this one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChanged:
    """`tenant set`. `password`: its hash; empty takes it away, None leaves it."""

    by: str
    name: str
    options: Mapping[str, object]
    password: str | None = None
    based_on: Tenant | None = None
    """The tenant as it was when it was edited; None: whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDeleted:
    """`tenant delete`, of one without tasks; its tokens go with it."""

    by: str
    name: str
    is_own: bool = False
    """The daemon's own user, whose row alone goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCreated:
    """`token create`. The token itself was shown to its owner and is kept nowhere."""

    by: str
    tenant: str
    hash: str
    prefix: str
    scopes: tuple[Scope, ...]
    name: str = ""
    expires_at: float | None = None
    is_own: bool = False
    """For the daemon's own user, who needs no row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked:
    """`token revoke`."""

    by: str
    token: TokenId


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensUsed:
    """When tokens were used last; noted once a while."""

    at: Mapping[TokenId, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActNoted:
    """Something administrative that changes nothing in the state, for the audit log; `kind` is one of `audit.NOTED`."""

    by: str
    kind: str
    subject: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
