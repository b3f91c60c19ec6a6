"""Who is told what of a task's life, and what becomes of the messages. Committed together with what they tell of."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from gavelq.core.events import MessagesSettled
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.notices import ASSURED, MAX_OF_TENANT, MAX_WAITING, Message, NotifyOn, masked
from gavelq.core.step import Record, Step
from gavelq.core.task import Task
from gavelq.core.view import View

OURSELVES = "gavelq"
_BAD = frozenset({TaskState.FAILED, TaskState.ABORTED})


class _Room:
    """What the outbox still takes, the messages of this step counted."""

    def __init__(self, view: View, step: Step) -> None:
        self._view = view
        new = [message.tenant for message in step.changes.outbox.values() if message is not None]
        self._n_new = len(new)
        self._n_of = Counter(new)

    def take(self, tenant: str, n: int) -> str:
        """Room for n more; else why there is none. A tenant whose outbox is full keeps nobody else's out."""
        of_it = self._view.n_messages(tenant) + self._n_of[tenant] + n
        if of_it > MAX_OF_TENANT:
            return f"{MAX_OF_TENANT} notices of tenant {tenant} wait to be delivered already"
        if of_it > ASSURED and len(self._view.outbox) + self._n_new + n > MAX_WAITING:
            return f"{MAX_WAITING} notices wait to be delivered already, {of_it - n} of tenant {tenant} among them"
        self._n_new += n
        self._n_of[tenant] += n
        return ""


def tell_of_tasks(view: View, step: Step, now: float) -> None:
    """Write messages about the tasks that begin or end with this step, for those whom they notify."""
    room: _Room | None = None
    for task_id, after in list(step.changes.tasks.items()):
        if after is None or not after.request.notify:
            continue
        wanted, before = after.request.notify_on, view.find_task(task_id)
        room = room or _Room(view, step)
        if NotifyOn.START in wanted and _began(before, after):
            _tell(room, step, after, NotifyOn.START, now)
        is_wanted = NotifyOn.END in wanted or (NotifyOn.FAIL in wanted and after.state in _BAD)
        if after.state.is_ended and is_wanted:
            _tell(room, step, after, NotifyOn.END, now)


def _began(before: Task | None, after: Task) -> bool:
    """Whether its present attempt runs since this step, perhaps no longer than that."""
    attempt = after.attempt
    if attempt is None or attempt.started_at is None:
        return False
    earlier = before.attempt if before is not None else None
    return earlier is None or earlier.number != attempt.number or earlier.started_at is None


def tell_task(
    view: View, step: Step, task: Task, event: str, now: float, text: str = "", *, also_channels: bool = False
) -> None:
    """One message for each URL of a task, and one for the channels of the configuration where those are to know, too.

    Where too many wait already its story says that nobody is told."""
    _tell(_Room(view, step), step, task, event, now, text, also_channels=also_channels)


def _tell(
    room: _Room, step: Step, task: Task, event: str, now: float, text: str = "", *, also_channels: bool = False
) -> None:
    urls = (*task.request.notify, "") if also_channels else task.request.notify
    why = room.take(task.request.tenant, len(urls)) if urls else ""
    if why:
        step.changes.records.append(_unsent(task.id, event, urls[0], why, now))
        return
    said = text or _said(task, event)
    title = f"gavelq: task {task.id} ({task.request.name}) {_short(task, event)}"
    for number, url in enumerate(urls):
        key = f"task/{task.id}/{task.n_attempts}/{event}/{number}"
        step.changes.outbox[key] = Message(
            key=key, at=now, to=url, event=event, title=title, text=said, details=json.dumps(_details(task)),
            tenant=task.request.tenant, task_id=task.id,
        )  # fmt: skip


def _short(task: Task, event: str) -> str:
    if task.state.is_ended:
        return task.state.value
    return "started" if event == NotifyOn.START else "is idle"


def _said(task: Task, event: str) -> str:
    gpus = f"GPU {', '.join(task.attempt.indices)}" if task.attempt and task.attempt.indices else "no GPU"
    if event == NotifyOn.START:
        return f"task {task.id} ({task.request.name}) runs on {gpus}, attempt {task.n_attempts}"
    ending = task.ending
    why = f" ({ending.reason.value})" if ending else ""
    code = f", exit code {ending.exit_code}" if ending and ending.exit_code is not None else ""
    detail = f": {ending.detail}" if ending and ending.detail else ""
    return f"task {task.id} ({task.request.name}): {task.state.value}{why}{code}{detail}"


def _details(task: Task) -> Mapping[str, Any]:
    attempt, ending = task.attempt, task.ending
    return {
        "task_id": task.id, "name": task.request.name, "state": task.state.value, "queue": task.queue,
        "tenant": task.request.tenant, "attempt": task.n_attempts,
        "gpus": list(attempt.indices) if attempt else [],
        "submitted_at": task.submitted_at, "started_at": attempt.started_at if attempt else None,
        "ended_at": ending.at if ending else None, "end_reason": ending.reason.value if ending else None,
        "exit_code": ending.exit_code if ending else None, "end_detail": ending.detail if ending else None,
    }  # fmt: skip


def messages_settled(view: View, event: MessagesSettled, now: float) -> Step:
    """Take messages out of the outbox; stories of tasks and the history tell what became of them."""
    step = Step()
    for key in event.delivered:
        message = view.outbox.get(key)
        if message is not None:
            step.changes.outbox[key] = None
            if message.task_id is not None:
                details = {"about": message.event, "to": masked(message.to) if message.to else "the channels"}
                step.changes.records.append(
                    Record(at=now, kind="notified", by=OURSELVES, task_id=message.task_id, details=details)
                )
    for key, why in event.given_up.items():
        message = view.outbox.get(key)
        if message is not None:
            step.changes.outbox[key] = None
            step.changes.records.append(_unsent(message.task_id, message.event, message.to, why, now))
    return step


def _unsent(task_id: TaskId | None, event: str, to: str, why: str, now: float) -> Record:
    details = {"about": event, "to": masked(to) if to else "the channels", "why": why}
    return Record(at=now, kind="alert_unsent" if task_id is None else "not_notified", by=OURSELVES, task_id=task_id,
                  details=details)  # fmt: skip
