"""Everything about GPUs: list, show, allocate, release, ignore, unignore, drain."""

from collections.abc import Sequence

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField
from gavelq.core.gpu import Card, index_key
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.isolation import violation_text
from gavelq.core.violations import going_on
from gavelq.daemon.caller import Caller
from gavelq.daemon.requests import resolve_gpu
from gavelq.daemon.service.blocks import BlockCounter
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, gpu_json, stamp
from gavelq.scheduling.gpu_view import GpuView


class GpuService:
    """The verbs of `gavelq gpu`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._blocks = BlockCounter(desk)

    def list_gpus(self, caller: Caller) -> list[Json]:
        """`GET /api/gpus`: all schedulable cards by index."""
        views = self._desk.gpu_views()
        cards = sorted(self._desk.state.cards.values(), key=lambda card: index_key(card.index))
        return [self._json(caller, card, views[card.uuid]) for card in cards if card.uuid in views]

    def show(self, caller: Caller, name: str) -> Json:
        """`GET /api/gpus/{id}`. Raises GpuNotFound."""
        uuid = self._resolve(name)
        views = self._desk.gpu_views()
        return self._json(caller, self._desk.state.cards[uuid], views[uuid])

    async def allocate(self, caller: Caller, queue: str, names: Sequence[str], count: object = None) -> list[Json]:
        """`gpu allocate`: these cards, or `count` free ones of the pool (one without either)."""
        caller.require_admin("allocating GPUs")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1024):
            raise InvalidField(field="count", problem=f"{count!r} is not a number of GPUs", hint="write 1 or more")
        if names and count is not None:
            raise InvalidField(field="count", problem="GPUs are named already", hint="give ids or --count, not both")
        gpus = tuple(dict.fromkeys(self._resolve(name) for name in names))
        excluded = frozenset(uuid for uuid, view in self._desk.gpu_views().items() if view.excluded)
        event = ev.GpusAllocated(
            by=caller.name, queue=QueueName(queue), gpus=gpus, count=int(count or 1), excluded=excluded
        )
        return [self.show(caller, uuid) for uuid in await self._desk.loop.ask(event)]

    async def release(self, caller: Caller, name: str, *, requeue: bool) -> Json:
        """`gpu release`: back to the pool; gavelq's tasks on it end or go back to pending."""
        caller.require_admin("releasing a GPU")
        return await self._act(caller, ev.GpuReleased(by=caller.name, gpu=self._resolve(name), requeue=requeue))

    async def ignore(self, caller: Caller, name: str) -> Json:
        """`gpu ignore`: no new task there."""
        caller.require_admin("ignoring a GPU")
        return await self._act(caller, ev.GpuIgnored(by=caller.name, gpu=self._resolve(name)))

    async def unignore(self, caller: Caller, name: str) -> Json:
        """`gpu unignore`: schedulable again."""
        caller.require_admin("unignoring a GPU")
        return await self._act(caller, ev.GpuUnignored(by=caller.name, gpu=self._resolve(name)))

    async def share(self, caller: Caller, name: str, pid: object = None) -> Json:
        """`gpu share`: the foreign processes that are there now (or that one) are accepted until they leave."""
        caller.require_admin("sharing a GPU")
        if pid is not None and (isinstance(pid, bool) or not isinstance(pid, int) or not 0 < pid < 1 << 31):
            hint = "send a number, or leave it out"
            raise InvalidField(field="pid", problem=f"{pid!r:.40} is no process id", hint=hint)
        await self._desk.loop.ask(ev.GpuShared(by=caller.name, gpu=(uuid := self._resolve(name)), pid=pid))
        return self.show(caller, uuid)

    async def unshare(self, caller: Caller, name: str) -> Json:
        """`gpu unshare`: those processes are minded again."""
        caller.require_admin("sharing a GPU")
        await self._desk.loop.ask(ev.GpuUnshared(by=caller.name, gpu=(uuid := self._resolve(name))))
        return self.show(caller, uuid)

    async def drain(self, caller: Caller, name: str, *, now: bool, requeue: bool) -> Json:
        """`gpu drain`: no new task, and with `now` the running ones are stopped."""
        caller.require_admin("draining a GPU")
        if requeue and not now:
            raise InvalidField(field="requeue", problem="it goes with `now` only", hint="add --now, or leave it out")
        event = ev.GpuDrained(by=caller.name, gpu=self._resolve(name), stop_now=now, requeue=requeue)
        return await self._act(caller, event)

    async def _act(
        self, caller: Caller, event: ev.GpuReleased | ev.GpuIgnored | ev.GpuUnignored | ev.GpuDrained
    ) -> Json:
        await self._desk.loop.ask(event)
        return self.show(caller, event.gpu)

    def _resolve(self, name: str) -> GpuUuid:
        """A card that can be scheduled, by index or UUID."""
        uuid = resolve_gpu(str(name), self._desk.card_names())
        if uuid not in self._desk.gpu_views():
            raise InvalidField(
                field="gpu", problem=f"GPU {name} is in MIG mode and used through its devices",
                hint=f"name one of its devices, for example {name}:0",
            )  # fmt: skip
        return uuid

    def _json(self, caller: Caller, card: Card, view: GpuView) -> Json:
        books, held = self._desk.state.books, self._desk.state.ledger.on(card.uuid)
        shown = gpu_json(card, view)
        shown["unattributed_since"] = stamp(books.unseen_since(card.uuid)) if view.unattributed else None
        shown["claimed_since"] = stamp(books.claimed_since(card.uuid))
        shown["blocks"] = self._blocks.counts().get(card.uuid, 0)
        shown["violations"] = self._violations(view)
        shown["held_since"] = stamp(min((a.since for a in held.values()), default=None))
        return self._desk.discretion(caller).gpu(shown)

    def _violations(self, view: GpuView) -> list[Json]:
        """What tasks do on a card at this moment that they should not."""
        seen = view.sample
        ids = sorted({p.task_id for p in seen.processes if p.task_id is not None}) if seen is not None else ()
        tasks = [task for task_id in ids if (task := self._desk.state.tasks.get(task_id)) is not None]
        return [
            {"task_id": task.id, "text": violation_text(violation)}
            for task in tasks
            for violation in (going_on(task.attempt.violations, seen) if task.attempt and seen else ())
        ]
