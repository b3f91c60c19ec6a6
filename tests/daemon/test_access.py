"""Who a token, a session or a unix user is, with a clock of the test's own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.errors import NotAllowed, Unauthenticated
from gavelq.core.tenants import Role, Scope, TokenId
from gavelq.daemon.access import Access, TokenExpired, hash_token
from gavelq.daemon.caller import Caller, user_name
from gavelq.daemon.login_tries import OF_ADDRESS, OF_NAME, OF_NAME_AND_ADDRESS, WINDOW_S, LoginTries, TooManyTries
from gavelq.daemon.sessions import MAX_SESSIONS, SESSION_S, Session, Sessions
from gavelq.testing.fake_clock import FakeClock
from tests.support.builders import World

DAY_S = 86400.0


class Door:
    """Access over a World's state."""

    def __init__(self, **options: object) -> None:
        self.world = World()
        self.clock = FakeClock(self.world.now)
        self.posted: list[ev.Event] = []
        self.auto: dict[str, object] | None = None
        self.world.send(ev.TenantCreated(by="me", name="ada", options=options))
        self.access = Access(
            state=self.world.state, clock=self.clock, ask=self._ask, post=self.posted.append, own_uid=0,
            auto=lambda: self.auto,
        )  # fmt: skip

    async def _ask(self, event: ev.Event) -> object:
        await asyncio.sleep(0)
        reply = self.world.send(event)
        self.noticed()
        return reply

    def noticed(self) -> None:
        """The indexes are in step again."""
        self.access.notice(self.world.state.as_changes())

    def token(self, text: str = "s", **given: Any) -> TokenId:
        values: dict[str, Any] = {"scopes": (Scope.READ, Scope.SUBMIT), "tenant": "ada"} | given
        made = self.world.send(ev.TokenCreated(by="me", hash=hash_token(text), prefix=text[:1], **values))
        self.noticed()
        return TokenId(made.id)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_a_token_is_good_until_it_expires() -> None:
    door = Door()
    door.token(expires_at=door.clock.now() + DAY_S)

    async def work() -> None:
        assert door.access.by_token("s").tenant == "ada"
        door.clock.advance(DAY_S - 1)
        assert door.access.by_token("s").expires_at == door.clock.now() + 1
        door.clock.advance(1)
        with pytest.raises(TokenExpired) as caught:
            door.access.by_token("s")
        assert (caught.value.code, caught.value.http_status) == ("token_expired", 401)

    run(work)


def test_a_wrong_token_a_revoked_one_and_one_of_a_deleted_tenant_are_unknown() -> None:
    door = Door()
    number = door.token()

    async def work() -> None:
        for wrong in ("", "t", "s ", "S", hash_token("s"), "\udcff"):
            with pytest.raises(Unauthenticated):
                door.access.by_token(wrong)
        door.world.send(ev.TokenRevoked(by="me", token=number))
        door.noticed()
        with pytest.raises(Unauthenticated):
            door.access.by_token("s")
        door.token("again")
        door.world.send(ev.TenantDeleted(by="me", name="ada"))
        door.noticed()
        with pytest.raises(Unauthenticated):
            door.access.by_token("again")

    run(work)


def test_uses_are_written_down_together_and_not_more_than_once_a_minute() -> None:
    door = Door()
    first, second = door.token("a"), door.token("b")

    async def work() -> None:
        for _ in range(3):
            door.access.by_token("a")
            door.access.by_token("b")
        assert door.posted == [ev.TokensUsed(at={first: door.clock.now()})]
        listed = door.world.state.tokens[second]
        assert door.access.used_at(listed) == door.clock.now(), "it is told at once"
        door.world.send(door.posted[0])
        door.access.by_token("a")
        assert len(door.posted) == 1

    run(work)


@pytest.mark.parametrize(
    ("role", "scopes", "may"),
    [
        (Role.ADMIN, {Scope.ADMIN}, "read submit admin"), (Role.ADMIN, {Scope.SUBMIT}, "read submit"),
        (Role.ADMIN, {Scope.READ}, "read"), (Role.TENANT, {Scope.ADMIN}, "read submit"),
        (Role.TENANT, {Scope.READ}, "read"), (Role.VIEWER, set(Scope), "read"), (Role.VIEWER, {Scope.READ}, "read"),
        (Role.ADMIN, set(), ""),
    ],
)  # fmt: skip
def test_a_caller_may_what_both_its_role_and_its_scopes_give(role: Role, scopes: set[Scope], may: str) -> None:
    caller = Caller(name="x", tenant="ada", role=role, scopes=frozenset(scopes))
    assert [scope.value for scope in Scope if caller.can(scope)] == may.split()
    assert caller.is_admin == ("admin" in may)
    assert (caller.owns("ada"), caller.owns("bob")) == (True, caller.is_admin)
    for require, scope in ((caller.require_submit, "submit"), (caller.require_admin, "admin")):
        if scope in may:
            require("this")
        else:
            with pytest.raises(NotAllowed, match="this is not allowed"):
                require("this")


def test_the_daemon_s_own_user_is_admin_whatever_its_row_says() -> None:
    door = Door()
    own = user_name(0)
    assert door.access.role_of(own) is Role.ADMIN
    door.world.send(ev.TenantCreated(by="me", name=own, options={"role": "viewer"}))
    assert door.access.role_of(own) is Role.ADMIN
    assert door.access.role_of("nobody") is None


def test_two_first_requests_of_a_unix_user_make_one_tenant() -> None:
    door = Door()
    door.auto = {"max_gpus": "1"}

    async def work() -> None:
        callers = await asyncio.gather(door.access.by_uid(4711), door.access.by_uid(4711))
        assert {caller.tenant for caller in callers} == {"uid-4711"}
        assert door.world.state.tenants["uid-4711"].quota.max_gpus == 1

    run(work)


def test_a_unix_user_does_not_become_a_tenant_that_is_there_already() -> None:
    door = Door()
    door.auto = {}
    door.world.send(ev.TenantCreated(by="me", name="uid-4711", options={}))

    async def work() -> None:
        with pytest.raises(NotAllowed) as caught:
            await door.access.by_uid(4711)
        assert "tenant set uid-4711 --uid 4711" in caught.value.hint
        door.world.send(ev.TenantDeleted(by="me", name="uid-4711"))
        with pytest.raises(NotAllowed) as caught:
            await door.access.by_uid(4711)
        assert "tenant create uid-4711 --uid 4711 --take-over" in caught.value.hint

    run(work)


def test_a_session_ends_after_its_time_and_with_its_token() -> None:
    door = Door()
    door.token(expires_at=door.clock.now() + 100)
    long = Session(tenant="ada", expires_at=door.clock.now() + SESSION_S, token_hash=hash_token("s"))
    secret = door.access.sessions.open(long)

    async def work() -> None:
        assert door.access.by_session(secret).expires_at == door.clock.now() + 100
        with pytest.raises(Unauthenticated):
            door.access.by_session(secret + "x")
        door.clock.advance(100)
        with pytest.raises(Unauthenticated):
            door.access.by_session(secret)

    run(work)


def test_sessions_are_bounded_and_end() -> None:
    sessions = Sessions()
    secrets = [sessions.open(Session(tenant=str(n), expires_at=10.0)) for n in range(MAX_SESSIONS + 1)]
    assert sessions.find(secrets[0], 5.0) is None, "the oldest went"
    assert sessions.find(secrets[-1], 5.0) is not None
    assert sessions.find(secrets[-1], 10.0) is None
    assert sessions.close(secrets[1])
    assert not sessions.close(secrets[1])


class Guesser:
    """Failed tries at some time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tries = LoginTries(lambda: self.now)

    def fails(self, n: int, name: str = "ada", address: str = "here") -> int:
        """How many of `n` failed tries were looked at at all."""
        for number in range(n):
            try:
                self.tries.begin(name, address)
            except TooManyTries:
                return number
        return n


def test_tries_are_counted_by_name_and_address_and_come_back() -> None:
    guesser = Guesser()
    assert guesser.fails(9) == OF_NAME_AND_ADDRESS
    assert guesser.fails(9, address="there") == OF_NAME_AND_ADDRESS
    guesser.now = WINDOW_S - 1
    with pytest.raises(TooManyTries) as caught:
        guesser.tries.begin("ada", "here")
    assert caught.value.details["retry_after_s"] in (1, 2)
    guesser.now = WINDOW_S
    assert guesser.fails(9) == OF_NAME_AND_ADDRESS


def test_many_names_from_one_address_and_many_addresses_for_one_name_are_too_many() -> None:
    guesser = Guesser()
    assert sum(guesser.fails(1, name=f"n{number}") for number in range(2 * OF_ADDRESS)) == OF_ADDRESS
    guesser = Guesser()
    assert sum(guesser.fails(1, address=f"a{number}") for number in range(2 * OF_NAME)) == OF_NAME


def test_a_good_login_forgives_the_typos_before_it() -> None:
    guesser = Guesser()
    for _ in range(20):
        assert guesser.fails(OF_NAME_AND_ADDRESS - 1) == OF_NAME_AND_ADDRESS - 1
        guesser.tries.begin("ada", "here")
        guesser.tries.succeeded("ada", "here")
        guesser.now += 60
