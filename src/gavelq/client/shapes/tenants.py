"""Tenants, tokens and administrative acts."""

from typing import Any, Literal, TypedDict


class Quota(TypedDict):
    """What a tenant may have; null, or nothing listed: no limit."""

    max_gpus: int | None
    max_memory_mib: int | None
    max_running: int | None
    max_queued: int | None
    gpu_hours: float | None
    window_s: float
    max_priority: int | None
    max_time_limit_s: float | None
    queues: list[str]
    gpus: list[int | str]


class TenantUse(TypedDict):
    """What a tenant has now; GPU-hours within its window."""

    gpus: int
    memory_mib: int
    running: int
    queued: int
    gpu_hours: float


class Tenant(TypedDict):
    """An owner of tasks."""

    name: str
    role: Literal["admin", "tenant", "viewer"]
    is_own: bool
    weight: float
    uid: int | None
    user: str | None
    isolation: Literal["visible", "watched", "device", "mps"]
    enforce: bool
    has_password: bool
    description: str
    created_at: str | None
    quota: Quota
    use: TenantUse
    etag: str
    n_tokens: int


class Token(TypedDict):
    """What is told of a token."""

    id: int
    prefix: str
    tenant: str
    name: str
    scopes: list[Literal["read", "submit", "admin"]]
    created_at: str
    created_by: str
    expires_at: str | None
    is_expired: bool
    used_at: str | None


class NewToken(Token):
    """The one answer that has a token itself."""

    token: str


class User(TypedDict):
    """Who a caller is."""

    name: str
    tenant: str
    role: Literal["admin", "tenant", "viewer"]
    scopes: list[Literal["read", "submit", "admin"]]
    is_admin: bool
    task_id: int | None
    token_id: int | None
    expires_at: str | None


class Act(TypedDict):
    """An administrative act; `id` is that of its event."""

    id: int
    at: str
    event: str
    by: str
    subject: str
    details: dict[str, Any]
