"""What people do to queues: create, change, delete, merge."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.command_files import ChangedMeanwhile
from gavelq.core.effects import Wake
from gavelq.core.engine.tasks import move
from gavelq.core.errors import WrongState
from gavelq.core.lifecycle import TaskState
from gavelq.core.queue import Queue
from gavelq.core.queue_options import parse_name, with_options
from gavelq.core.step import Record, Step
from gavelq.core.task import Task, advance
from gavelq.core.view import View

QueueEvent = ev.QueueCreated | ev.QueueChanged | ev.QueueDeleted | ev.QueueMerged


def handle(view: View, event: QueueEvent, now: float) -> Step:
    """Answer an event about queues. The reply is the name of the queue to show."""
    step = Step()
    match event:
        case ev.QueueCreated():
            _create(view, step, event, now)
        case ev.QueueChanged():
            _change(view, step, event, now)
        case ev.QueueDeleted():
            _delete(view, step, event, now)
        case ev.QueueMerged():
            _merge(view, step, event, now)
        case _:
            assert_never(event)
    step.effects.append(Wake())
    return step


def _note(step: Step, kind: str, by: str, name: str, now: float, **details: object) -> None:
    step.changes.records.append(Record(at=now, kind=kind, by=by, subject=name, details=details))


def _create(view: View, step: Step, event: ev.QueueCreated, now: float) -> None:
    name = parse_name(event.name)
    if view.find_queue(name) is not None:
        raise WrongState(
            what=f"queue {name}",
            state="there already",
            problem="a name is given once",
            hint=f"change it with: gavelq queue set {name} KEY=VALUE",
        )
    fresh = Queue(name=name)
    step.changes.queues[name] = _signed(fresh, with_options(fresh, event.options), event.by, now)
    _note(step, "queue_created", event.by, name, now, **event.options)
    step.reply = name


def _change(view: View, step: Step, event: ev.QueueChanged, now: float) -> None:
    before = view.queue(event.name)
    after = _signed(before, with_options(before, event.options), event.by, now)
    if event.based_on not in (None, before):
        raise ChangedMeanwhile(what=f"queue {event.name}", version="another")
    step.changes.queues[event.name] = after
    _note(step, "queue_changed", event.by, event.name, now, **event.options)
    if after.hold != before.hold:
        for task in [t for t in view.live_tasks() if t.queue == event.name]:
            _follow_hold(step, task, after, event.by, now)
    step.reply = event.name


def _signed(before: Queue, after: Queue, by: str, now: float) -> Queue:
    """The queue with who paused it: people ask them before they let it go on."""
    if after.paused == before.paused:
        return after
    return replace(after, paused_by=by if after.paused else "", paused_at=now if after.paused else None)


def _follow_hold(step: Step, task: Task, queue: Queue, by: str, now: float) -> None:
    if queue.hold and task.state is TaskState.PENDING:
        changed = advance(task, TaskState.HELD)
    elif not queue.hold and task.state is TaskState.HELD and not task.is_held_by_user:
        changed = advance(task, TaskState.PENDING)
    else:
        return
    step.put_task(changed, Record(at=now, kind="held" if queue.hold else "released", by=by, task_id=task.id))


def _delete(view: View, step: Step, event: ev.QueueDeleted, now: float) -> None:
    queue = view.queue(event.name)
    if queue.is_builtin:
        raise WrongState(what=f"queue {queue.name}", state="built in", problem="it always exists")
    inside = sum(1 for task in view.live_tasks() if task.queue == queue.name)
    if inside:
        raise WrongState(
            what=f"queue {queue.name}",
            state="not empty",
            problem=f"{inside} task(s) are in it",
            hint=f"move them first with: gavelq queue merge --from {queue.name} --to QUEUE",
        )
    step.changes.queues[queue.name] = None
    for card in view.cards().values():
        if card.queue == queue.name:
            step.changes.cards[card.uuid] = replace(card, queue=None)
    _note(step, "queue_deleted", event.by, queue.name, now)
    step.reply = queue.name


def _merge(view: View, step: Step, event: ev.QueueMerged, now: float) -> None:
    source, target = view.queue(event.source), view.queue(event.target)
    if source.name == target.name:
        raise WrongState(
            what=f"queue {source.name}", state="the same queue", problem="a queue cannot be merged into itself"
        )
    moving = sorted((t for t in view.live_tasks() if t.queue == source.name), key=lambda task: task.id)
    for task in moving:
        move(view, step, task, target.name, event.by, now)
    _note(step, "queue_merged", event.by, source.name, now, target=target.name, n_tasks=len(moving))
    step.reply = target.name
