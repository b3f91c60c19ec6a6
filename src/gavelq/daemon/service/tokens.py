"""Everything about tokens: make, list, revoke."""

from collections.abc import Mapping

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.option_words import word_of
from gavelq.core.tenants import Role, Scope, TenantNotFound, Token, TokenId, TokenNotFound
from gavelq.core.units import parse_duration
from gavelq.daemon.access import PREFIX_LENGTH, Access, hash_token, new_token
from gavelq.daemon.caller import Caller, is_within, most_of
from gavelq.daemon.service import once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, stamp
from gavelq.formats.moments import parse_moment

FIELDS = ("tenant", "admin", "scopes", "expires", "name")
MAX_NAME = 100


class NotShownAgain(WrongState):
    """{what} was made by this very request before, and a token is shown once"""

    code = "not_shown_again"
    hint = "where that answer was lost: gavelq token revoke {token}, then ask again with another idempotency key"


class TokenService:
    """The verbs of `gavelq token`."""

    def __init__(self, desk: Desk, access: Access) -> None:
        self._desk = desk
        self._access = access

    def list_tokens(self, caller: Caller) -> list[Json]:
        """`GET /api/tokens`: the caller's; for admins all. Never the tokens themselves."""
        tokens = sorted(self._desk.state.tokens.values(), key=lambda token: token.id)
        return [self._json(token) for token in tokens if caller.owns(token.tenant)]

    async def create(self, caller: Caller, body: Mapping[str, object], key: str | None = None) -> Json:
        """`POST /api/tokens`: the one answer that has the token itself (`token`).

        A repetition with the same `key` makes no second one, and cannot show the first: NotShownAgain.
        """
        caller.require_admin("making a token")
        tenant, scopes = self._wanted(body)
        name = body.get("name") or ""
        if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
            problem = f"it is no text of at most {MAX_NAME} characters that can be printed"
            raise InvalidField(field="name", problem=problem, hint="name the program that the token is for")
        secret = new_token()
        event = ev.TokenCreated(
            by=caller.name, tenant=tenant, hash=hash_token(secret), prefix=secret[:PREFIX_LENGTH], scopes=scopes,
            name=name, expires_at=self._expires(body.get("expires")), is_own=tenant == self._access.own,
        )  # fmt: skip
        reply = await once.make(self._desk, caller, event, key, body)
        before = once.made_by(reply)
        if before is not None:
            raise self._not_shown_again(TokenId(int(before)))
        return {**self._json(reply), "token": secret}

    def _not_shown_again(self, number: TokenId) -> NotShownAgain:
        made = self._desk.state.tokens.get(number)
        if made is None:
            hint = "ask for another one with another idempotency key"
            return NotShownAgain(what=f"token {number}, which was revoked since,", token=number, hint=hint)
        return NotShownAgain(what=f"token {number} of tenant {made.tenant} ({made.prefix}...)", token=number)

    async def revoke(self, caller: Caller, named: str) -> Json:
        """`DELETE /api/tokens/{id}`: by its id or its first characters. Raises TokenNotFound, also for others'."""
        caller.require_submit("revoking a token")
        token = self._find(caller, named)
        await self._desk.loop.ask(ev.TokenRevoked(by=caller.name, token=token.id))
        return {"revoked": token.id, "prefix": token.prefix, "tenant": token.tenant}

    def _find(self, caller: Caller, named: str) -> Token:
        own = [token for token in self._desk.state.tokens.values() if caller.owns(token.tenant)]
        found = [token for token in own if str(token.id) == named]
        if not found and len(named) >= PREFIX_LENGTH:  # the whole token will do as well
            found = [token for token in own if token.prefix == named[:PREFIX_LENGTH]]
        if len(found) > 1:
            problem = f"{len(found)} tokens begin like that"
            raise InvalidField(field="token", problem=problem, hint="name one by its id: gavelq token list")
        if not found:
            raise TokenNotFound(token=named[:PREFIX_LENGTH])
        return found[0]

    def _wanted(self, body: Mapping[str, object]) -> tuple[str, tuple[Scope, ...]]:
        """The tenant, and the scopes that it can have. Raises InvalidField, TenantNotFound."""
        name, is_admin = body.get("tenant"), body.get("admin", False)
        if not isinstance(is_admin, bool) or is_admin == (name is not None):
            hint = 'send {"tenant": "..."}, or {"admin": true}'
            raise InvalidField(field="tenant", problem="a token is for a tenant or for the admin", hint=hint)
        tenant = self._access.own if name is None else str(name)
        role = self._access.role_of(tenant)
        if role is None:
            raise TenantNotFound(tenant=tenant[:80])
        if body.get("scopes") is None:
            most = Scope.ADMIN if is_admin else min(most_of(role), Scope.SUBMIT, key=list(Scope).index)
            return tenant, tuple(scope for scope in Scope if is_within(scope, most))
        return tenant, _scopes(body["scopes"], tenant, role)

    def _expires(self, given: object) -> float | None:
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise InvalidField(field="expires", problem=f"{given!r:.60} is not a time", hint=_TIMES)
        now = self._desk.clock.now()
        written = str(given).strip()
        if written[-1:].isalpha() and written[:1].isdigit() and not written.upper().endswith("Z"):
            return now + parse_duration(written, field="expires")
        return parse_moment(given, field="expires").seconds(now)

    def _json(self, token: Token) -> Json:
        now = self._desk.clock.now()
        return {
            "id": token.id,
            "prefix": token.prefix,
            "tenant": token.tenant,
            "name": token.name,
            "scopes": [scope.value for scope in token.scopes],
            "created_at": stamp(token.created_at),
            "created_by": token.created_by,
            "expires_at": stamp(token.expires_at),
            "is_expired": token.expires_at is not None and now >= token.expires_at,
            "used_at": stamp(self._access.used_at(token)),
        }


_TIMES = "write for example 30d, +12h or 2027-01-31T12:00"


def _scopes(given: object, tenant: str, role: Role) -> tuple[Scope, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not parts:
        raise InvalidField(field="scopes", problem=f"{given!r:.60} is not a list of scopes", hint="write read,submit")
    named = {word_of(Scope, part, "scopes") for part in parts}
    for scope in named:
        if not is_within(scope, most_of(role)):
            problem = f"tenant {tenant} has the role {role.value}, which gives no {scope.value}"
            raise InvalidField(field="scopes", problem=problem, hint=f"gavelq tenant set {tenant} role=...")
    return tuple(scope for scope in Scope if any(is_within(scope, one) for one in named))
