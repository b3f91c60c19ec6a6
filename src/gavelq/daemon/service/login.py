"""Logging in with a token or a password, for browsers: a session instead of a token with every request."""

import time

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField, Unauthenticated
from gavelq.daemon.access import Access, hash_token
from gavelq.daemon.caller import Caller
from gavelq.daemon.login_tries import LoginTries
from gavelq.daemon.passwords import MAX_LENGTH, Passwords
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.user import user_json
from gavelq.daemon.sessions import SESSION_S, Session
from gavelq.daemon.views import Json

FIELDS = ("token", "tenant", "password")
_MAX_NAME = 64


class WrongLogin(Unauthenticated):
    """this token, or this name and password, is not known"""

    code = "wrong_login"
    hint = "a tenant has a password once an admin has set one: gavelq tenant set NAME --password"


class LoginService:
    """`POST /api/login` and `POST /api/logout`."""

    def __init__(self, desk: Desk, access: Access, passwords: Passwords) -> None:
        self._desk = desk
        self._access = access
        self._passwords = passwords
        self._tries = LoginTries(time.monotonic)

    async def login(self, body: Json, address: str) -> tuple[Json, str]:
        """Who that is, and the secret of the new session.

        Raises WrongLogin, TokenExpired, TooManyTries, InvalidField.
        """
        token, name, password = (_text(body, field) for field in FIELDS)
        if (token is None) == (name is None) or (name is None) != (password is None):
            hint = 'send {"token": "..."}, or {"tenant": "...", "password": "..."}'
            raise InvalidField(field="body", problem="it is neither a token nor a name with a password", hint=hint)
        shown = (name or "")[:_MAX_NAME]
        self._tries.begin(shown, address)
        try:
            session = self._of_token(token) if token is not None else await self._of_name(name or "", password or "")
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
