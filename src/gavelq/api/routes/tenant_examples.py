"""Examples of tenants and tokens for the OpenAPI document."""

from typing import Any

Json = dict[str, Any]

TENANT: Json = {
    "name": "ada", "role": "tenant", "is_own": False, "weight": 1.0, "uid": 1001, "user": "ada",
    "isolation": "visible", "enforce": False, "has_password": True, "description": "Ada's group",
    "created_at": "2026-08-01T09:30:00.000000Z",
    "quota": {
        "max_gpus": 2, "max_memory_mib": None, "max_running": None, "max_queued": 100, "gpu_hours": 50.0,
        "window_s": 604800.0, "max_priority": 50, "max_time_limit_s": 86400.0, "queues": [], "gpus": [0, 1],
    },
    "use": {"gpus": 1, "memory_mib": 24576, "running": 1, "queued": 3, "gpu_hours": 12.25},
    "etag": '"5c1a0f2b9d3e4a6b7c8d9e0f"',
    "n_tokens": 1,
}  # fmt: skip
CREATE: Json = {"name": "ada", "max_gpus": 2, "max_queued": 100, "gpu_hours": 50, "window": "7d", "gpus": "0,1"}
SET: Json = {"max_gpus": 3, "role": "tenant", "password": "correct horse battery staple"}
DELETED: Json = {"deleted": "ada"}
USER: Json = {
    "name": "ada (token 3)", "tenant": "ada", "role": "tenant", "scopes": ["read", "submit"], "is_admin": False,
    "task_id": None, "token_id": 3, "expires_at": "2026-09-01T00:00:00.000000Z",
}  # fmt: skip
TOKEN: Json = {
    "id": 3, "prefix": "gvq_Zk3p9Q", "tenant": "ada", "name": "notebook", "scopes": ["read", "submit"],
    "created_at": "2026-08-01T09:30:00.000000Z", "created_by": "root", "expires_at": "2026-09-01T00:00:00.000000Z",
    "is_expired": False, "used_at": "2026-08-02T10:00:00.000000Z",
}  # fmt: skip
TOKEN_WANTED: Json = {"tenant": "ada", "scopes": ["read", "submit"], "expires": "30d", "name": "notebook"}
TOKEN_SHOWN: Json = {**TOKEN, "used_at": None, "token": "gvq_Zk3p9Q..."}
ACT: Json = {
    "id": 41, "at": "2026-08-01T09:30:00.000000Z", "event": "tenant_created", "by": "root", "subject": "tenant:ada",
    "details": {"max_gpus": 2},
}  # fmt: skip
LOGIN: Json = {"tenant": "ada", "password": "correct horse battery staple"}
LINK: Json = {
    "url_path": "/ui/open?code=0J1qkT8bW3mYcLr5nVxZt2uGdHs9PaEf6KoQi4wBvNM",
    "expires_at": "2026-08-01T09:31:00.000000Z",
}  # fmt: skip
