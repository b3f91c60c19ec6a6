"""Logging in with a token, a password or a one-time code, for browsers: a session instead of a token every time."""

import time

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField, NotAllowed, Unauthenticated
from gavelq.daemon.access import Access, hash_token
from gavelq.daemon.caller import Caller
from gavelq.daemon.login_links import LINK_S, LoginLinks
from gavelq.daemon.login_tries import LoginTries
from gavelq.daemon.passwords import MAX_LENGTH, Passwords
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.user import user_json
from gavelq.daemon.sessions import SESSION_S, Session
from gavelq.daemon.views import Json, stamp

FIELDS = ("token", "tenant", "password", "code")
_MAX_NAME = 64


class WrongLogin(Unauthenticated):
    """this token, or this name and password, is not known"""

    code = "wrong_login"
    hint = "a tenant has a password once an admin has set one: gavelq tenant set NAME --password"


class LinkOver(Unauthenticated):
    """this link was used already, or is older than a minute"""

    code = "link_over"
    hint = "ask for another one: gavelq ui"


class LoginService:
    """`POST /api/login`, `POST /api/login/link` and `POST /api/logout`."""

    def __init__(self, desk: Desk, access: Access, passwords: Passwords) -> None:
        self._desk = desk
        self._access = access
        self._passwords = passwords
        self._tries = LoginTries(time.monotonic)
        self._links = LoginLinks()

    async def login(self, body: Json, address: str) -> tuple[Json, str]:
        """Who that is, and the secret of the new session.

        Raises WrongLogin, LinkOver, TokenExpired, TooManyTries, InvalidField.
        """
        token, name, password, code = (_text(body, field) for field in FIELDS)
        n_ways = sum(way is not None for way in (token, name, code))
        if n_ways != 1 or (name is None) != (password is None):
            hint = 'send {"token": "..."}, {"tenant": "...", "password": "..."}, or {"code": "..."} of a link'
            raise InvalidField(field="body", problem="it is neither a token nor a name with a password", hint=hint)
        shown = (name or "")[:_MAX_NAME]
        self._tries.begin(shown, address)
        try:
            session = await self._session(token, name, password, code)
        except Unauthenticated:
            self._note("login_refused", "", shown if self._access.role_of(shown) else "", address)
            raise
        self._tries.succeeded(shown, address)
        secret = self._access.sessions.open(session)
        caller = self._access.by_session(secret)
        self._note("login", caller.name, caller.tenant, address)
        return user_json(caller), secret

    def logout(self, caller: Caller, secret: str | None, address: str) -> Json:
        """End a session; nothing to do where the caller came without one."""
        was_open = secret is not None and self._access.sessions.close(secret)
        if was_open:
            self._note("logout", caller.name, caller.tenant, address)
        return {"logged_out": was_open}

    def link(self, caller: Caller, *, uid: int | None, token: str | None, address: str) -> Json:
        """A one-time link into the console, for whoever asks: what it opens can do what this caller can, no more.

        `uid`: of a caller on a unix socket; `token`: what another one came with. Raises NotAllowed.
        """
        is_task = caller.task_id is not None or (
            uid is not None and caller.tenant == self._access.own and not caller.is_admin
        )
        if is_task:
            why, hint = "it would outlive the task that asks", "ask from a shell outside of gavelq's tasks"
            raise NotAllowed(action="making a link into the console", why=why, hint=hint)
        if token is not None:
            session = self._of_token(token)
        elif uid is not None:
            ends = self._desk.clock.now() + SESSION_S
            session = Session(tenant=caller.tenant, expires_at=ends, uid=uid, scopes=caller.scopes)
        else:
            why, hint = "a session opens no other one", "use a token, or `gavelq ui` on the machine itself"
            raise NotAllowed(action="making a link into the console", why=why, hint=hint)
        code, _ = self._links.make(session, self._desk.clock.passed())
        self._note("login_link", caller.name, caller.tenant, address)
        return {"url_path": f"/ui/open?code={code}", "expires_at": stamp(self._desk.clock.now() + LINK_S)}

    async def _session(self, token: str | None, name: str | None, password: str | None, code: str | None) -> Session:
        if code is not None:
            return self._of_code(code)
        return self._of_token(token) if token is not None else await self._of_name(name or "", password or "")

    def _of_code(self, code: str) -> Session:
        found = self._links.take(code, self._desk.clock.passed())
        if found is None:
            raise LinkOver
        return found

    def _of_token(self, token: str) -> Session:
        holder = self._access.by_token(token)
        ends = self._desk.clock.now() + SESSION_S
        return Session(
            tenant=holder.tenant, expires_at=min(ends, holder.expires_at or ends), token_hash=hash_token(token)
        )

    async def _of_name(self, name: str, password: str) -> Session:
        tenant = self._desk.state.tenants.get(name)
        kept = tenant.password if tenant is not None else ""
        if not await self._passwords.fits(kept, password):
            raise WrongLogin
        return Session(tenant=name, expires_at=self._desk.clock.now() + SESSION_S, password=kept)

    def _note(self, kind: str, by: str, tenant: str, address: str) -> None:
        # Nobody waits for it: a full disk keeps nobody from logging in.
        subject = f"tenant:{tenant}" if tenant else ""
        self._desk.loop.post(ev.ActNoted(by=by, kind=kind, subject=subject, details={"address": address}))


def _text(body: Json, field: str) -> str | None:
    value = body.get(field)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH):
        raise InvalidField(field=field, problem=f"it is no text of 1 to {MAX_LENGTH} characters", hint="send a string")
    return value
