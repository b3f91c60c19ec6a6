"""One committed change as it is told to those who listen: what it is about, whose it is, and who may hear of it."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from gavelq.core.event_names import EVENTS
from gavelq.core.step import Record
from gavelq.daemon.caller import Caller
from gavelq.daemon.views import Json, record_json
from gavelq.ports import Numbered

_PUBLIC = frozenset({"queue", "gpu"})
"""Told to everybody."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event, encoded once for all who hear it."""

    id: int
    kind: str
    event: str
    task_id: int | None
    tenant: str | None
    """Whose it is; None: nobody's."""
    text: str
    """The JSON document of an event, for its tenant and for admins."""
    public: str | None
    """The same for all others; None: it is none of their business."""

    def text_for(self, caller: Caller) -> str | None:
        """What this caller is told; None: nothing."""
        if caller.is_admin or (self.tenant is not None and self.tenant == caller.tenant):
            return self.text
        return self.public


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events a listener asked for; empty: all that it may hear."""

    names: Collection[str] = ()
    """Kinds (`task`) and events (`ended`)."""
    tasks: Collection[int] = ()

    def covers(self, told: Told) -> bool:
        """Whether an event is among them."""
        is_named = not self.names or told.kind in self.names or told.event in self.names
        return is_named and (not self.tasks or told.task_id in self.tasks)


def kind_of(record: Record) -> str:
    """What a record is about. One that nobody knows, of another version, is told as a task's: not to everybody."""
    known = EVENTS.get(record.kind)
    return "task" if known is None else known.kind


def tell(numbered: Numbered) -> Told:
    """A record as an event."""
    record, kind = numbered.record, kind_of(numbered.record)
    tenant = numbered.tenant or _tenant_of(record)
    shown = {"id": numbered.id, "kind": kind, **record_json(record), "tenant": tenant}
    public = _encode(_of_others(shown)) if kind in _PUBLIC else None
    return Told(
        id=numbered.id, kind=kind, event=record.kind, task_id=record.task_id, tenant=tenant, text=_encode(shown),
        public=public,
    )  # fmt: skip


def _of_others(shown: Json) -> Json:
    """Of a GPU or a queue: what happened, but not who did it, nor for whose task."""
    return {**shown, "by": "", "task_id": None, "tenant": None}


def _tenant_of(record: Record) -> str | None:
    named = record.details.get("tenant")
    if isinstance(named, str):
        return named
    prefix, _, name = record.subject.partition(":")
    return name if prefix == "tenant" and name else None
