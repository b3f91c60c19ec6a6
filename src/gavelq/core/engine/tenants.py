"""What people do to tenants and tokens."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.command_files import ChangedMeanwhile
from gavelq.core.effects import Wake
from gavelq.core.errors import InvalidField, LimitReached, WrongState
from gavelq.core.step import Record, Step
from gavelq.core.tenant_options import parse_tenant_name, with_options
from gavelq.core.tenants import NameRetired, Tenant, TenantNotFound, Token, TokenId, TokenNotFound
from gavelq.core.view import View

TenantEvent = (
    ev.TenantCreated
    | ev.TenantChanged
    | ev.TenantDeleted
    | ev.TokenCreated
    | ev.TokenRevoked
    | ev.TokensUsed
    | ev.ActNoted
)
MAX_TENANTS = 10_000
MAX_TOKENS = 1000
"""Of one tenant."""


def handle(view: View, event: TenantEvent, now: float) -> Step:
    """Answer an event about tenants. The reply is the tenant or the token."""
    step = Step()
    match event:
        case ev.TenantCreated():
            _create(view, step, event, now)
        case ev.TenantChanged():
            _change(view, step, event, now)
        case ev.TenantDeleted():
            _delete(view, step, event, now)
        case ev.TokenCreated():
            _make_token(view, step, event, now)
        case ev.TokenRevoked():
            token = view.tokens.get(event.token)
            if token is None:
                raise TokenNotFound(token=event.token)
            step.changes.tokens[token.id] = None
            _note(step, "token_revoked", event.by, token.tenant, now, token=token.id, prefix=token.prefix)
            step.reply = token
        case ev.TokensUsed():
            for number, at in event.at.items():
                used = view.tokens.get(number)
                if used is not None:  # else it was revoked meanwhile
                    step.changes.tokens[number] = replace(used, used_at=at)
        case ev.ActNoted():
            record = Record(at=now, kind=event.kind, by=event.by, subject=event.subject, details=event.details)
            step.changes.records.append(record)
        case _:
            assert_never(event)
    return step


def _note(step: Step, kind: str, by: str, name: str, now: float, **details: object) -> None:
    step.changes.records.append(Record(at=now, kind=kind, by=by, subject=f"tenant:{name}", details=details))


def _require_free_uid(view: View, tenant: Tenant) -> None:
    other = next((one for one in view.tenants.values() if one.uid == tenant.uid and one.name != tenant.name), None)
    if tenant.uid is not None and other is not None:
        problem = f"unix user {tenant.uid} is tenant {other.name} already"
        raise InvalidField(field="uid", problem=problem, hint=f"gavelq tenant set {other.name} --uid none")


def _create(view: View, step: Step, event: ev.TenantCreated, now: float) -> None:
    name = parse_tenant_name(event.name)
    if name in view.tenants:
        raise WrongState(
            what=f"tenant {name}", state="there already", problem="a name is given once",
            hint=f"change it with: gavelq tenant set {name} KEY=VALUE",
        )  # fmt: skip
    if name in view.retired and not event.is_taking_over:
        raise NameRetired(
            what=f"tenant {name}", state="deleted", name=name,
            problem="its ended tasks, logs, command files and usage are kept under this name",
        )  # fmt: skip
    if len(view.tenants) >= MAX_TENANTS:
        problem = f"there are {len(view.tenants)} tenants"
        raise LimitReached(limit="the number of tenants", problem=problem, hint="delete some that are not needed")
    tenant = with_options(Tenant(name=name, password=event.password, created_at=now), event.options)
    _require_free_uid(view, tenant)
    step.changes.tenants[name] = tenant
    taken_over = {}
    if name in view.retired:
        step.changes.retired[name] = None
        taken_over = {"taken_over": True}
    _note(step, "tenant_created", event.by, name, now, **_told(event.options), **taken_over)
    step.reply = tenant


def _told(options: object) -> dict[str, object]:
    return {str(name): value for name, value in options.items()} if isinstance(options, dict) else {}


def _change(view: View, step: Step, event: ev.TenantChanged, now: float) -> None:
    before = view.tenant(event.name)
    if event.based_on not in (None, before):
        raise ChangedMeanwhile(what=f"tenant {event.name}", version="another")
    after = with_options(before, event.options)
    if event.password is not None:
        after = replace(after, password=event.password)
    _require_free_uid(view, after)
    step.changes.tenants[event.name] = after
    has_password = {} if event.password is None else {"password": "changed" if event.password else "removed"}
    _note(step, "tenant_changed", event.by, event.name, now, **_told(event.options), **has_password)
    step.effects.append(Wake())
    step.reply = after


def _delete(view: View, step: Step, event: ev.TenantDeleted, now: float) -> None:
    tenant = view.tenant(event.name)
    inside = sum(1 for task in view.live_tasks() if task.request.tenant == tenant.name)
    if inside:
        raise WrongState(
            what=f"tenant {tenant.name}", state="not idle", problem=f"{inside} task(s) of it have not ended",
            hint="wait for them or end them first",
        )  # fmt: skip
    step.changes.tenants[tenant.name] = None
    if not event.is_own:
        step.changes.retired[tenant.name] = now
    for token in view.tokens.values():
        if token.tenant == tenant.name:
            step.changes.tokens[token.id] = None
    _note(step, "tenant_deleted", event.by, tenant.name, now)
    step.reply = tenant


def _make_token(view: View, step: Step, event: ev.TokenCreated, now: float) -> None:
    if event.tenant not in view.tenants and not event.is_own:
        raise TenantNotFound(tenant=event.tenant)
    if sum(token.tenant == event.tenant for token in view.tokens.values()) >= MAX_TOKENS:
        problem = f"tenant {event.tenant} has {MAX_TOKENS} tokens"
        raise LimitReached(limit="the number of tokens", problem=problem, hint="revoke some: gavelq token list")
    if event.expires_at is not None and event.expires_at <= now:
        raise InvalidField(field="expires", problem="that time is over", hint="name a later one, such as +30d")
    token = Token(
        id=view.next_token_id, tenant=event.tenant, hash=event.hash, prefix=event.prefix, scopes=event.scopes,
        name=event.name, created_at=now, created_by=event.by, expires_at=event.expires_at,
    )  # fmt: skip
    step.changes.tokens[token.id] = token
    step.changes.next_token_id = TokenId(token.id + 1)
    details = {"token": token.id, "prefix": token.prefix, "scopes": [scope.value for scope in token.scopes]}
    _note(step, "token_created", event.by, event.tenant, now, **details)
    step.reply = token
