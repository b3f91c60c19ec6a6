"""The SDK's verbs for tenants and tokens, and for who the caller is."""

from typing import Any, cast

from gavelq.client import shapes
from gavelq.client.http import Link, new_key, query, quote


class TenantVerbs:
    """What a Client can do with tenants and tokens; most of it is for admins. Raises as Client does."""

    _link: Link

    def user(self) -> shapes.User:
        """Who the caller is, and what it may do."""
        return cast(shapes.User, self._link.fetch("GET", "/api/user"))

    def own_tenant(self) -> shapes.Tenant:
        """The caller's tenant: its quota, and what it has of it."""
        return cast(shapes.Tenant, self._link.fetch("GET", "/api/tenant"))

    def tenants(self) -> list[shapes.Tenant]:
        """All tenants, by name."""
        return cast(list[shapes.Tenant], self._link.fetch("GET", "/api/tenants"))

    def tenant(self, name: str) -> shapes.Tenant:
        """A tenant."""
        return cast(shapes.Tenant, self._link.fetch("GET", f"/api/tenants/{quote(name)}"))

    def create_tenant(self, /, name: str, **options: Any) -> shapes.Tenant:
        """Make a tenant: `max_gpus=2, gpu_hours=50, window="7d", uid=1001, password="..."`.

        `take_over=True`: it gets what a deleted tenant of this name left behind; else such a name is refused.
        """
        return cast(shapes.Tenant, self._link.fetch("POST", "/api/tenants", {"name": name, **options}, key=new_key()))

    def set_tenant(self, /, name: str, *, etag: str | None = None, **options: Any) -> shapes.Tenant:
        """Change a tenant's options; None unsets one, and takes a password away.

        `etag` (of `tenant`): only where it is still at that version; else ChangedMeanwhile is raised.
        """
        return cast(shapes.Tenant, self._link.fetch("PATCH", f"/api/tenants/{quote(name)}", options, match=etag))

    def delete_tenant(self, name: str) -> None:
        """Delete a tenant whose tasks have ended, and its tokens."""
        self._link.fetch("DELETE", f"/api/tenants/{quote(name)}")

    def tokens(self) -> list[shapes.Token]:
        """The caller's tokens (for admins everybody's), without what makes them work."""
        return cast(list[shapes.Token], self._link.fetch("GET", "/api/tokens"))

    def create_token(
        self,
        tenant: str | None = None,
        *,
        scopes: list[str] | None = None,
        expires: str | None = None,
        name: str | None = None,
    ) -> shapes.NewToken:
        """A token of a tenant (None: of the daemon's own user, with every scope); `token` is told this once."""
        wanted: dict[str, Any] = {"admin": True} if tenant is None else {"tenant": tenant}
        given = {"scopes": scopes, "expires": expires, "name": name}
        wanted |= {key: value for key, value in given.items() if value is not None}
        return cast(shapes.NewToken, self._link.fetch("POST", "/api/tokens", wanted, key=new_key()))

    def revoke_token(self, token: int | str) -> None:
        """Revoke a token by its id, its first characters, or itself."""
        self._link.fetch("DELETE", f"/api/tokens/{quote(str(token))}")

    def audit(
        self, *, since: str | None = None, before: int | None = None, limit: int | None = None
    ) -> list[shapes.Act]:
        """The last administrative acts (before an id, to page back), oldest first."""
        target = "/api/audit" + query([("since", since), ("before", before), ("limit", limit)])
        return cast(list[shapes.Act], self._link.fetch("GET", target))
