"""Idempotency keys: what is asked for twice with the same key is made once."""

from collections.abc import Callable
from dataclasses import dataclass

from gavelq.core import events as ev
from gavelq.core.alerts import Mute
from gavelq.core.command_files import StoredFile
from gavelq.core.errors import KeyReused
from gavelq.core.step import KeyUse, Step
from gavelq.core.tenants import Tenant, Token
from gavelq.core.view import View


@dataclass(frozen=True, slots=True)
class Repeated:
    """The reply to a repetition: what the first one made, by its name or number."""

    made: str


def asked_once(view: View, event: ev.AskedOnce, now: float, answer: Callable[[ev.Creation], Step]) -> Step:
    """The answer to what is in the event, or Repeated. Raises KeyReused for another request with the same key."""
    use = view.key_use(event.key)
    if use is not None:
        if use.digest != event.digest or not use.made:
            raise KeyReused(made=_told(use))
        return Step(reply=Repeated(use.made))
    step = answer(event.event)
    use = KeyUse(key=event.key, at=now, task_ids=(), digest=event.digest, made=_made(step.reply))
    step.changes.keys.append(use)
    return step


def require_same(use: KeyUse, digest: str) -> None:
    """Raises KeyReused where a key of tasks was used for another request. Uses of old have no digest."""
    if use.made or (digest and use.digest and digest != use.digest):
        raise KeyReused(made=_told(use))


def _made(reply: object) -> str:
    match reply:
        case Tenant():
            return reply.name
        case Token() | StoredFile():
            return str(reply.id)
        case Mute():
            return reply.key
        case str():  # a queue's name
            return reply
        case _:
            raise TypeError(f"{type(reply).__name__} is nothing that is made once")


def _told(use: KeyUse) -> str:
    if use.made:
        return "something else"
    named = ", ".join(map(str, use.task_ids[:3]))
    return f"task {named}" + (" and more" if len(use.task_ids) > 3 else "")
