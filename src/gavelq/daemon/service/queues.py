"""Everything about queues: list, show, create, change, delete, merge."""

from collections.abc import Collection, Mapping

from gavelq.core import events as ev
from gavelq.core.errors import QueueNotFound, WrongState
from gavelq.core.ids import QueueName
from gavelq.core.queue import Queue
from gavelq.daemon.caller import Caller
from gavelq.daemon.service import once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.versions import require_version, version_of_queue
from gavelq.daemon.views import Json, queue_json


class QueueService:
    """The verbs of `gavelq queue`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list_queues(self, caller: Caller) -> list[Json]:
        """`GET /api/queues`: the built-in ones first, then by name."""
        queues = sorted(self._desk.state.queues.values(), key=lambda queue: (not queue.is_builtin, queue.name))
        return [queue_json(queue, self._desk.state, tells_who=caller.is_admin) for queue in queues]

    def show(self, caller: Caller, name: str) -> Json:
        """`GET /api/queues/{name}`. Raises QueueNotFound."""
        return queue_json(self._of(name), self._desk.state, tells_who=caller.is_admin)

    async def create(self, caller: Caller, name: str, options: Mapping[str, object], key: str | None = None) -> Json:
        """`queue create`, with some options. `key` makes a repeated call harmless."""
        caller.require_admin("creating a queue")
        event = ev.QueueCreated(by=caller.name, name=QueueName(name), options=options)
        reply = await once.make(self._desk, caller, event, key, [name, options])
        return self.show(caller, once.made_by(reply) or reply)

    def version(self, name: str) -> str:
        """The version of a queue's options. Raises QueueNotFound."""
        return version_of_queue(self._of(name))

    def _of(self, name: str) -> Queue:
        """The queue of this name. Raises QueueNotFound."""
        queue = self._desk.state.queues.get(QueueName(name))
        if queue is None:
            raise QueueNotFound(queue=name)
        return queue

    async def change(
        self, caller: Caller, name: str, options: Mapping[str, object], versions: Collection[str] | None = None
    ) -> Json:
        """`queue set`, `set-limit`, `pause`, `resume`. ChangedMeanwhile: it is at none of these versions."""
        caller.require_admin("changing a queue")
        before = None
        if versions is not None:
            require_version(f"queue {name}", self.version(name), versions)
            before = self._desk.state.queues[QueueName(name)]
        return self.show(
            caller,
            await self._desk.loop.ask(
                ev.QueueChanged(by=caller.name, name=QueueName(name), options=options, based_on=before)
            ),
        )

    async def delete(self, caller: Caller, name: str) -> Json:
        """`queue delete`, of an empty one; its GPUs go back to the pool. WrongState for the default queue."""
        caller.require_admin("deleting a queue")
        if name == self._desk.config().submit.default_queue and not self._of(name).is_builtin:
            raise WrongState(
                what=f"queue {name}",
                state="the default queue",
                problem="submissions that name no queue go there (submit.default_queue)",
                hint="choose another one first, with: gavelq config set submit.default_queue running",
            )
        await self._desk.loop.ask(ev.QueueDeleted(by=caller.name, name=QueueName(name)))
        return {"deleted": name}

    async def merge(self, caller: Caller, source: str, target: str) -> Json:
        """`queue merge`: all tasks move; the source queue and its GPUs stay. The queue merged into."""
        caller.require_admin("merging queues")
        event = ev.QueueMerged(by=caller.name, source=QueueName(source), target=QueueName(target))
        return self.show(caller, await self._desk.loop.ask(event))
