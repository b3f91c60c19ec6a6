"""Versions of what can be edited, made of what it is: two equal things have the same one, also after a restart."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

from gavelq.core.command_files import ChangedMeanwhile
from gavelq.core.queue import Queue
from gavelq.core.task import Task
from gavelq.core.tenants import Tenant

_UNTOLD = frozenset({"env", "env_dropped"})


def version_of_task(task: Task) -> str:
    """Of what was asked for; not of how far the task has come."""
    return _hash(repr((task.request, task.queue, task.priority)))


def version_of_queue(queue: Queue) -> str:
    """Of a queue's options."""
    return _hash(repr(queue))


def version_of_tenant(tenant: Tenant) -> str:
    """Of a tenant's options; of its password only whether there is one."""
    return _hash(repr((tenant, bool(tenant.password))))


def require_version(what: str, version: str, wanted: Collection[str] | None) -> None:
    """Raises ChangedMeanwhile where an edit was made to other versions than the present one."""
    if wanted is not None and version not in wanted:
        raise ChangedMeanwhile(what=what, version=version)


def digest_of(said: Any) -> str:
    """What a request said, without the environment it was sent from: the same words are the same request."""
    return _hash(json.dumps(_without_env(said), sort_keys=True, default=str))


def _without_env(said: Any) -> Any:
    if isinstance(said, dict):
        return {str(name): _without_env(value) for name, value in said.items() if name not in _UNTOLD}
    return [_without_env(one) for one in said] if isinstance(said, list | tuple) else said


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()
