"""Making something at most once, however often it is asked for with the same idempotency key."""

from typing import Any

from gavelq.core import events as ev
from gavelq.core.engine.once import Repeated, require_same
from gavelq.core.errors import InvalidField, TaskNotFound
from gavelq.core.ids import TaskId
from gavelq.core.task import Task
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.versions import digest_of

MAX_KEY = 200


def require_key(key: str | None) -> None:
    """Raises InvalidField for what cannot be a key."""
    if key is not None and not 1 <= len(key) <= MAX_KEY:
        raise InvalidField(field="key", problem="an idempotency key has 1 to 200 characters", hint="send a UUID")


def scoped(caller: Caller, key: str) -> str:
    """The key as it is kept: each tenant has its own."""
    return f"{caller.tenant}:{key}"


def tasks_of(desk: Desk, caller: Caller, key: str | None, digest: str) -> tuple[TaskId, ...] | None:
    """The tasks that this very request made before, whatever became of its directory or queue since; None: it is new.

    Raises KeyReused for another request with the same key.
    """
    use = None if key is None else desk.state.keys.get(scoped(caller, key))
    if use is None:
        return None
    require_same(use, digest)
    return use.task_ids


async def still_there(desk: Desk, ids: tuple[TaskId, ...]) -> list[Task]:
    """Those of the tasks that nobody has removed since. Raises TaskNotFound where there is none any more."""
    found = [task for task_id in ids if (task := await desk.find(task_id)) is not None]
    if not found:
        raise TaskNotFound(task_id=ids[0])
    return found


async def make(desk: Desk, caller: Caller, event: ev.Creation, key: str | None, said: object) -> Any:
    """The engine's reply; Repeated where this key's first use made it. Raises KeyReused, and what the event raises.

    `said`: what the request said, without secrets: of that a digest is kept, by which a repetition is known.
    """
    require_key(key)
    if key is None:
        return await desk.loop.ask(event)
    digest = digest_of([type(event).__name__, said])
    return await desk.loop.ask(ev.AskedOnce(key=scoped(caller, key), digest=digest, event=event))


def made_by(reply: Any) -> str | None:
    """What the first use of a key made; None: this was the first one."""
    return reply.made if isinstance(reply, Repeated) else None
