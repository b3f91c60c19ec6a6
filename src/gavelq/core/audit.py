"""Administrative acts: what the audit log tells of all that happened (`gavelq audit`)."""

NOTED = frozenset({
    "login", "login_link", "login_refused", "logout", "config_changed", "config_reloaded", "daemon_listening",
    "daemon_stopping", "backup",
})  # fmt: skip
"""Acts that change nothing in the state: whoever sees one hands in ActNoted."""

ACTS = NOTED | frozenset({
    "tenant_created", "tenant_changed", "tenant_deleted", "token_created", "token_revoked",
    "queue_created", "queue_changed", "queue_deleted", "queue_merged",
    "gpu_allocated", "gpu_released", "gpu_ignored", "gpu_unignored", "gpu_drained", "gpu_shared",
    "gpu_unshared",
    "task_killed", "alert_muted", "alert_unmuted",
})  # fmt: skip
"""The kinds of the records that are acts. `task_killed`: an admin ended, or signalled, another tenant's task."""
