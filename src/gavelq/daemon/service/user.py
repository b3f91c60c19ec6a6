"""Who a caller is, as JSON."""

from gavelq.core.tenants import Scope
from gavelq.daemon.caller import Caller
from gavelq.daemon.views import Json, stamp


def user_json(caller: Caller) -> Json:
    """`GET /api/user`: the caller, and what it may do: what its role may and its token permits."""
    return {
        "name": caller.name,
        "tenant": caller.tenant,
        "role": caller.role.value,
        "scopes": [scope.value for scope in Scope if caller.can(scope)],
        "is_admin": caller.is_admin,
        "task_id": caller.task_id,
        "token_id": caller.token_id,
        "expires_at": stamp(caller.expires_at),
    }
