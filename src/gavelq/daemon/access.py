"""Who a token, a unix user or a session is, and may do: looked up in committed state with every request."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField, NotAllowed, Unauthenticated, WrongState
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.tenant_options import parse_tenant_name
from gavelq.core.tenants import Role, Token, TokenId
from gavelq.daemon.caller import Caller, altered_caller, user_name
from gavelq.daemon.sessions import Session, Sessions
from gavelq.daemon.views import stamp
from gavelq.ports import Clock

TOKEN_MARK = "gvq_"  # noqa: S105  # not a token
"""What every token begins with, so that a scanner for leaked secrets knows it."""
PREFIX_LENGTH = 10
"""So many characters of a token are kept and shown."""
NOTE_S = 60.0
"""How often it is written down that tokens were used."""
_OVERFLOW_UID = 65534
"""Who has no uid in our user namespace: several people look like this one (user_namespaces(7))."""


class TokenExpired(Unauthenticated):
    """this token was good until {at}"""

    # Only who holds the token can hear this.
    code = "token_expired"
    hint = "ask an admin of gavelq for another one: gavelq token create --tenant {tenant}"


def new_token() -> str:
    """A fresh token: 256 bits."""
    return TOKEN_MARK + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is kept of a token: its SHA-256 (hex). With 256 random bits nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Access:
    """Turns what a request brings into a Caller."""

    def __init__(
        self, *, state: State, clock: Clock, ask: Callable[[ev.Event], Awaitable[object]],
        post: Callable[[ev.Event], None], own_uid: int, auto: Callable[[], Mapping[str, object] | None],
    ) -> None:  # fmt: skip
        """`auto`: the options of tenants that are made for unix users at first use; None: nobody is."""
        self._state = state
        self._clock = clock
        self._ask = ask
        self._post = post
        self._auto = auto
        self.own_uid = own_uid
        self.own = user_name(own_uid)
        """The tenant of the daemon's own unix user, who needs no row."""
        self.admin_hash: str | None = None
        """Of the token of `gavelq serve`; None: there is none."""
        self.sessions = Sessions()
        self._by_hash: dict[str, TokenId] = {}
        self._by_uid: dict[int, str] = {}
        self._used: dict[TokenId, float] = {}
        self._noting: asyncio.TimerHandle | None = None
        self.notice(Changes(tokens=dict(state.tokens), tenants=dict(state.tenants)))

    def notice(self, changes: Changes) -> None:
        """A commit: keep the indexes in step."""
        if changes.tokens:
            self._by_hash = {token.hash: token.id for token in self._state.tokens.values()}
        if changes.tenants:
            tenants = self._state.tenants.values()
            self._by_uid = {tenant.uid: tenant.name for tenant in tenants if tenant.uid is not None}

    def role_of(self, tenant: str) -> Role | None:
        """What a tenant may do; None where there is no such tenant. The daemon's own user is always admin."""
        if tenant == self.own:
            return Role.ADMIN
        known = self._state.tenants.get(tenant)
        return known.role if known is not None else None

    # --- tokens ------------------------------------------------------------------------------------------

    def by_token(self, given: str) -> Caller:
        """The holder of a token. Raises Unauthenticated (an unknown or revoked one) and TokenExpired."""
        hashed = hash_token(given)
        return _lasting(lambda: self._by_hash_of(hashed))

    def _by_hash_of(self, hashed: str) -> Caller:
        if self.admin_hash is not None and hmac.compare_digest(hashed, self.admin_hash):
            return Caller(name="admin (token)", tenant=self.own, role=Role.ADMIN)
        token = self._state.tokens.get(self._by_hash.get(hashed, TokenId(0)))
        if token is None or not hmac.compare_digest(hashed, token.hash):
            raise Unauthenticated("this token is not known")
        return self._holder(token)

    def _holder(self, token: Token) -> Caller:
        role, now = self.role_of(token.tenant), self._clock.now()
        if role is None:  # its tenant is being deleted
            raise Unauthenticated("this token is not known")
        if token.expires_at is not None and now >= token.expires_at:
            raise TokenExpired(at=stamp(token.expires_at), tenant=token.tenant)
        self._note_use(token, now)
        return Caller(
            name=f"{token.tenant} (token {token.id})", tenant=token.tenant, role=role, scopes=frozenset(token.scopes),
            token_id=token.id, expires_at=token.expires_at,
        )  # fmt: skip

    def _note_use(self, token: Token, now: float) -> None:
        if token.used_at is not None and 0 <= now - token.used_at < NOTE_S:
            return
        self._used[token.id] = now
        if self._noting is None:
            self._post_uses()
            self._noting = asyncio.get_running_loop().call_later(NOTE_S, self._note_on)

    def _note_on(self) -> None:
        self._noting = None
        if self._used:
            self._post_uses()
            self._noting = asyncio.get_running_loop().call_later(NOTE_S, self._note_on)

    def used_at(self, token: Token) -> float | None:
        """When a token was used last, also where that is not written down yet."""
        return self._used.get(token.id, token.used_at)

    def _post_uses(self) -> None:
        self._post(ev.TokensUsed(at=dict(self._used)))
        self._used.clear()

    # --- unix users --------------------------------------------------------------------------------------

    async def by_uid(self, uid: int) -> Caller:
        """A unix user on the shared socket. Raises NotAllowed for one who is no tenant."""
        if uid not in self._by_uid:
            await self._made_for(uid)
        return _lasting(lambda: self._of_user(uid))

    def _of_user(self, uid: int) -> Caller:
        name = self._by_uid.get(uid, "")
        role = self.role_of(name)
        if role is None:
            raise NotAllowed(action="using this socket", why=f"tenant {name} is gone")
        return Caller(name=user_name(uid), tenant=name, role=role)

    async def _made_for(self, uid: int) -> str:
        options, user = self._auto(), user_name(uid)
        name = user if _is_name(user) else f"uid-{uid}"
        is_retired = name in self._state.retired
        is_taken = is_retired or name in self._state.tenants or name == self.own
        if options is None or uid == _OVERFLOW_UID or is_taken:
            verb = "set" if name in self._state.tenants else "create"
            why = f"unix user {user} (uid {uid}) is no tenant of this daemon"
            taking = " --take-over" if is_retired else ""
            hint = f"ask {self.own} for: gavelq tenant {verb} {name} --uid {uid}{taking}"
            raise NotAllowed(action="using this socket", why=why, hint=hint)
        event = ev.TenantCreated(by="tenants.auto", name=name, options={**options, "uid": uid})
        try:
            await self._ask(event)
        except (WrongState, InvalidField):
            if uid not in self._by_uid:  # else two requests came at once
                raise
        return self._by_uid[uid]

    # --- sessions ----------------------------------------------------------------------------------------

    def by_session(self, secret: str) -> Caller:
        """Whose session that is. Raises Unauthenticated: it is over, or what it was opened with is."""
        return _lasting(lambda: self._with_session(secret))

    def _with_session(self, secret: str) -> Caller:
        now = self._clock.now()
        session = self.sessions.find(secret, now)
        caller = self._in_session(session) if session is not None else None
        if session is None or caller is None:
            raise Unauthenticated("this session is over", hint="log in again: POST /api/login")
        return caller

    def _in_session(self, session: Session) -> Caller | None:
        role = self.role_of(session.tenant)
        if session.token_hash is not None:
            try:
                holder = self._by_hash_of(session.token_hash)
            except Unauthenticated:
                return None
            ends = min(session.expires_at, holder.expires_at or session.expires_at)
            return Caller(
                name=f"{holder.tenant} (login)", tenant=holder.tenant, role=holder.role, scopes=holder.scopes,
                token_id=holder.token_id, expires_at=ends,
            )  # fmt: skip
        if session.uid is not None:
            return self._of_uid(session, role)
        tenant = self._state.tenants.get(session.tenant)
        if role is None or tenant is None or not tenant.password or tenant.password != session.password:
            return None
        return Caller(
            name=f"{tenant.name} (login)", tenant=tenant.name, role=role, expires_at=session.expires_at,
        )  # fmt: skip

    def _of_uid(self, session: Session, role: Role | None) -> Caller | None:
        """A unix user who came by a link. None: that user is not this tenant any more."""
        is_still = session.tenant == self.own or self._by_uid.get(session.uid or 0) == session.tenant
        if role is None or not is_still:
            return None
        return Caller(
            name=f"{session.tenant} (login)", tenant=session.tenant, role=role, scopes=session.scopes,
            expires_at=session.expires_at,
        )  # fmt: skip


def _lasting(find: Callable[[], Caller]) -> Caller:
    """The caller that is found now, who can be asked later whether the same one would be found."""
    caller = find()

    def is_still() -> bool:
        try:
            return find() == caller
        except NotAllowed:
            return False

    return altered_caller(caller, is_still=is_still)


def _is_name(name: str) -> bool:
    try:
        return parse_tenant_name(name) == name
    except InvalidField:
        return False
