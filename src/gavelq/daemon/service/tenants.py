"""Everything about tenants: list, show, make, change, delete; what they have of what they may have; the audit log."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from math import inf

from gavelq.core import events as ev
from gavelq.core.audit import ACTS
from gavelq.core.errors import InvalidField, QueueNotFound
from gavelq.core.ids import QueueName
from gavelq.core.lifecycle import TaskState
from gavelq.core.tenant_options import with_options
from gavelq.core.tenants import HOUR_S, Quota, Role, Tenant, TenantNotFound
from gavelq.daemon.access import Access
from gavelq.daemon.caller import Caller, user_name
from gavelq.daemon.passwords import Passwords, require_password
from gavelq.daemon.requests import resolve_gpu
from gavelq.daemon.service import once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.user import user_json
from gavelq.daemon.versions import require_version, version_of_tenant
from gavelq.daemon.views import Json, people_index, record_json, stamp
from gavelq.scheduling.quota import TenantUse, WindowUse, present, windows

MAX_ACTS = 10_000
_WAITING = (TaskState.HELD, TaskState.PENDING)


class TenantService:
    """The verbs of `gavelq tenant` and `gavelq audit`, and who a caller is."""

    def __init__(self, desk: Desk, access: Access, passwords: Passwords) -> None:
        self._desk = desk
        self._access = access
        self._passwords = passwords

    # --- look --------------------------------------------------------------------------------------------

    def user(self, caller: Caller) -> Json:
        """`GET /api/user`: who the caller is."""
        return user_json(caller)

    def own(self, caller: Caller) -> Json:
        """`GET /api/tenant`: the caller's tenant, with what it has of what it may have."""
        return self._json([self._row(caller.tenant)])[0]

    def list_tenants(self, caller: Caller) -> list[Json]:
        """`GET /api/tenants`, by name; the daemon's own user is among them."""
        caller.require_admin("listing tenants")
        tenants = dict(self._desk.state.tenants)
        tenants.setdefault(self._access.own, self._row(self._access.own))
        return self._json([tenant for _, tenant in sorted(tenants.items())])

    def show(self, caller: Caller, name: str) -> Json:
        """`GET /api/tenants/{id}`. Raises TenantNotFound, also where it is not the caller's."""
        if not caller.owns(name):
            raise TenantNotFound(tenant=name[:80])
        return self._json([self._row(name)])[0]

    # --- change ------------------------------------------------------------------------------------------

    async def create(
        self, caller: Caller, name: str, options: Mapping[str, object], password: object = None, *,
        is_taking_over: bool = False, key: str | None = None,
    ) -> Json:  # fmt: skip
        """`tenant create`. Raises InvalidField, WrongState where there is one of that name.

        What a deleted tenant of that name left behind is kept under the name. Who takes it over has to say so: else
        NameRetired. `key` makes a repeated call harmless; passwords are not compared.
        """
        caller.require_admin("making a tenant")
        kept = "" if password is None else await self._passwords.hashed(require_password(password))
        event = ev.TenantCreated(
            by=caller.name, name=name, options=self._options(name, options), password=kept,
            is_taking_over=is_taking_over,
        )  # fmt: skip
        said = [name, options, password is not None, is_taking_over]
        reply = await once.make(self._desk, caller, event, key, said)
        before = once.made_by(reply)
        return self._json([reply if before is None else self._row(before)])[0]

    async def change(
        self, caller: Caller, name: str, options: Mapping[str, object], versions: Collection[str] | None = None
    ) -> Json:
        """`tenant set`: some options, and `password` (null takes it away). ChangedMeanwhile: at none of `versions`."""
        caller.require_admin("changing a tenant")
        before = None
        if versions is not None:
            before = self._row(name)
            require_version(f"tenant {name}", version_of_tenant(before), versions)
        wanted, kept = dict(options), None
        if "password" in wanted:
            password = wanted.pop("password")
            kept = "" if password is None else await self._passwords.hashed(require_password(password))
        event = ev.TenantChanged(
            by=caller.name, name=name, options=self._options(name, wanted), password=kept, based_on=before
        )
        changed: Tenant = await self._desk.loop.ask(event)
        return self._json([changed])[0]

    async def delete(self, caller: Caller, name: str) -> Json:
        """`tenant delete`, of one whose tasks have ended; its tokens go with it, its ended tasks stay for admins.

        The name is not given to another one by mistake: see `create`.
        """
        caller.require_admin("deleting a tenant")
        is_own = name == self._access.own
        await self._desk.loop.ask(ev.TenantDeleted(by=caller.name, name=name, is_own=is_own))
        return {"deleted": name}

    # --- audit -------------------------------------------------------------------------------------------

    async def audit(self, caller: Caller, *, since: float, limit: int, before: int | None = None) -> list[Json]:
        """`GET /api/audit`: the last administrative acts (before an id), oldest first."""
        caller.require_admin("looking at the audit log")
        found = await self._desk.store.acts(ACTS, since=since, limit=limit, before=before)
        rows = [{"id": one.id, **record_json(one.record)} for one in found]
        return [{name: value for name, value in row.items() if name != "task_id"} for row in rows]

    def now(self) -> float:
        """The daemon's time, in seconds since the epoch."""
        return self._desk.clock.now()

    # --- within ------------------------------------------------------------------------------------------

    def _row(self, name: str) -> Tenant:
        """Raises TenantNotFound. The daemon's own user needs no row."""
        if name == self._access.own:
            return self._desk.state.tenants.get(name, Tenant(name=name, role=Role.ADMIN))
        tenant = self._desk.state.tenants.get(name)
        if tenant is None:
            raise TenantNotFound(tenant=name[:80])
        return tenant

    def _options(self, name: str, given: Mapping[str, object]) -> dict[str, object]:
        """The same with GPUs by UUID. Raises GpuNotFound and QueueNotFound: a typo would shut the tenant out.

        Raises InvalidField for what would be written down and never count.
        """
        self._require_effect(name, given)
        options = dict(given)
        if options.get("gpus") is not None:
            names = self._desk.card_names()
            options["gpus"] = [str(resolve_gpu(name, names)) for name in _words(options["gpus"], "gpus")]
        for queue in _words(options.get("queues"), "queues"):
            if QueueName(queue) not in self._desk.state.queues:
                raise QueueNotFound(queue=queue[:80])
        return options

    def _require_effect(self, name: str, given: Mapping[str, object]) -> None:
        said = {option: value for option, value in given.items() if option in ("role", "uid")}
        asked = with_options(Tenant(name=name), said)
        if asked.uid is not None and asked.uid in (0, self._access.own_uid):
            problem = f"unix user {user_name(asked.uid)} is always admin here, on every socket"
            raise InvalidField(field="uid", problem=problem, hint="name the unix user of somebody else, or none")
        if name == self._access.own and "role" in said and asked.role is not Role.ADMIN:
            problem = f"{name} is the daemon's own unix user, who is always admin"
            raise InvalidField(field="role", problem=problem, hint="leave it out; or make a tenant of another name")

    def _json(self, tenants: list[Tenant]) -> list[Json]:
        state = self._desk.state
        # What there is no limit of is told as well.
        quotas = {one.name: replace(one.quota, gpu_hours=one.quota.gpu_hours or inf) for one in tenants}
        uses = present(state, quotas)
        hours = windows(state, quotas, self._desk.clock.now())
        queued = Counter(task.request.tenant for task in state.tasks.values() if task.state in _WAITING)
        tokens = Counter(token.tenant for token in state.tokens.values())
        return [
            self._one(one, uses[one.name], hours[one.name], queued[one.name]) | {"n_tokens": tokens[one.name]}
            for one in tenants
        ]

    def _one(self, tenant: Tenant, use: TenantUse, window: WindowUse, n_queued: int) -> Json:
        return {
            "name": tenant.name,
            "role": self._access.role_of(tenant.name) or tenant.role.value,
            "is_own": tenant.name == self._access.own,
            "weight": tenant.weight,
            "uid": tenant.uid,
            "user": None if tenant.uid is None else user_name(tenant.uid),
            "isolation": tenant.isolation.value,
            "enforce": tenant.enforce,
            "has_password": bool(tenant.password),
            "description": tenant.description,
            "created_at": stamp(tenant.created_at) if tenant.created_at else None,
            "quota": self._quota_json(tenant.quota),
            "use": {
                "gpus": use.n_gpus,
                "memory_mib": use.memory,
                "running": use.n_running,
                "queued": n_queued,
                "gpu_hours": round(window.gpu_s / HOUR_S, 3),
            },
            "etag": f'"{version_of_tenant(tenant)}"',
        }

    def _quota_json(self, quota: Quota) -> Json:
        cards = self._desk.state.cards
        return {
            "max_gpus": quota.max_gpus,
            "max_memory_mib": quota.max_memory,
            "max_running": quota.max_running,
            "max_queued": quota.max_queued,
            "gpu_hours": quota.gpu_hours,
            "window_s": quota.window_s,
            "max_priority": quota.max_priority,
            "max_time_limit_s": quota.max_time_limit_s,
            "queues": list(quota.queues),
            "gpus": [people_index(cards[uuid].index) if uuid in cards else uuid for uuid in quota.gpus],
        }


def _words(given: object, field: str) -> list[str]:
    """A list of names as people write it; empty for none. Raises InvalidField."""
    if given is None or (isinstance(given, str) and given.strip().lower() in ("none", "all", "")):
        return []
    parts = given.split(",") if isinstance(given, str) else [given] if isinstance(given, int) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(one, str | int) for one in parts):
        raise InvalidField(field=field, problem=f"{given!r:.80} is not a list of names", hint="write a,b or none")
    return [str(one).strip() for one in parts if str(one).strip()]
