"""`GET /api/plan`: what is to come on each GPU, as a caller may see it."""

import time
from collections.abc import Mapping
from math import inf

from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.step import Changes
from gavelq.core.task import Task
from gavelq.core.units import format_duration
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, budget_json, people_index, stamp
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.plan_ahead import CardAhead, Expected, Following, PlanAhead, Span, plan_ahead
from gavelq.scheduling.snapshot import Snapshot, take_snapshot
from gavelq.scheduling.spending import standing

KEEP_S = 1.0
"""A plan is made anew after so long, although nothing was committed meanwhile: time goes on."""
MAX_SHARE = 0.1
"""Where commits come all the time, making plans takes at most such a part of a core."""
MANY_KINDS = 500
"""With more kinds of waiting tasks, rows of lists are not told expected starts."""


class PlanService:
    """Makes the plan once for everybody, and shows it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made: tuple[PlanAhead, Snapshot] | None = None
        self._made_at = self._took_s = 0.0
        self._is_outdated = True

    def notice(self, changes: Changes) -> None:
        """A commit: the next who asks gets another plan."""
        self._is_outdated = True

    def plan(self, caller: Caller, hours: int) -> Json:
        """`GET /api/plan`. Of others' tasks only that they are there."""
        made, snapshot = self._current()
        until = made.now + hours * 3600
        cards, show = self._desk.state.cards, _Shown(self._desk, caller, made.now)
        return {
            "at": stamp(made.now),
            "until": stamp(until),
            "budget": budget_json(standing(snapshot, self._desk.loop.policy)),
            "gpus": [
                {
                    "index": people_index(view.index),
                    "uuid": uuid,
                    "next": show.following(ahead.following, cards.get(uuid), view),
                    "spans": [show.span(span, view) for span in ahead.spans if span.start < until],
                }
                for uuid, ahead, view in self._rows(made.cards, snapshot.gpus)
            ],
            "pending": [show.expected(one, snapshot.gpus) for one in made.pending if show.is_visible(one.task_id)],
        }

    def starts(self) -> Mapping[TaskId, float]:
        """When those that wait are expected to start, where that is known; empty where finding out is not cheap."""
        if len(self._desk.state.pending.buckets) > MANY_KINDS:
            return {}
        return {one.task_id: one.at for one in self._current()[0].pending if one.at < inf}

    @staticmethod
    def _rows(
        ahead: Mapping[GpuUuid, CardAhead], views: Mapping[GpuUuid, GpuView]
    ) -> list[tuple[GpuUuid, CardAhead, GpuView]]:
        return [(uuid, ahead[uuid], view) for uuid, view in sorted(views.items(), key=lambda item: item[1].order)]

    def _current(self) -> tuple[PlanAhead, Snapshot]:
        now = time.monotonic()
        age = now - self._made_at
        is_stale = age >= KEEP_S or (self._is_outdated and age >= self._took_s / MAX_SHARE)
        if self._made is None or is_stale:
            state, policy = self._desk.state, self._desk.loop.policy
            snapshot = take_snapshot(state, policy, self._desk.clock.now())
            states = {uuid: view.state(state.cards[uuid], len(view.held)) for uuid, view in snapshot.gpus.items()}
            self._made = (plan_ahead(snapshot, policy, states), snapshot)
            self._is_outdated = False
            self._made_at = time.monotonic()
            self._took_s = self._made_at - now
        return self._made


class _Shown:
    """Parts of a plan as a caller may see them."""

    def __init__(self, desk: Desk, caller: Caller, now: float) -> None:
        self._tasks = desk.state.tasks
        self._discretion = desk.discretion(caller)
        self._caller = caller
        self._now = now

    def is_visible(self, task_id: TaskId) -> bool:
        """Whether a task lives and is the caller's business."""
        return self._discretion.is_own(task_id)

    def _visible(self, task_id: TaskId | None) -> Task | None:
        return self._tasks.get(task_id) if task_id is not None and self._discretion.is_own(task_id) else None

    def span(self, span: Span, view: GpuView) -> Json:
        """A span; one of a task that is not the caller's has neither id nor name nor owner."""
        task = self._visible(span.task_id)
        name = task.request.name if task is not None else None
        return {
            "kind": span.kind,
            "task_id": task.id if task is not None else None,
            "name": _who(view) if span.kind == "foreign" else name,
            "tenant": task.request.tenant if task is not None else None,
            "is_own": task is not None and task.request.tenant == self._caller.tenant,
            "from": stamp(span.start),
            "to": stamp(span.end) if span.end < inf else None,
            "is_limit": span.is_limit,
        }

    def following(self, coming: Following, card: Card | None, view: GpuView) -> Json:
        """What happens next on a card."""
        task = self._visible(coming.task_id)
        return {
            "kind": coming.kind,
            "task_id": task.id if task is not None else None,
            "name": task.request.name if task is not None else None,
            "at": stamp(coming.at) if coming.at < inf else None,
            "text": self._text(coming, task, card, view),
        }

    def _text(self, coming: Following, task: Task | None, card: Card | None, view: GpuView) -> str:
        who = "another tenant's task" if task is None else f"task {task.id} ({task.request.name})"
        wait = "" if coming.at == inf else format_duration(max(0.0, coming.at - self._now))
        match coming.kind:
            case "lost":
                return f"lost: {card.fault}" if card is not None and card.fault else "lost"
            case "ignored":
                return f"no new task: {view.unavailable or 'ignored'}"
            case "draining":
                return f"draining; empty in {wait} at the latest" if wait else "draining; nobody knows when it is empty"
            case "foreign":
                return f"blocked until its foreign use ends: {view.foreign_text if view.foreign else _who(view)}"
            case "starts":
                return f"{who} in about {wait}"
            case "ends":
                return f"free in {wait} at the latest" if wait else f"{who} has no time limit"
            case "idle":
                return "nothing is planned"

    def expected(self, one: Expected, views: Mapping[GpuUuid, GpuView]) -> Json:
        """A task that waits."""
        return {
            "task_id": one.task_id,
            "position": one.position,
            "expected_start_at": stamp(one.at) if one.at < inf else None,
            "expected_basis": self._discretion.text(one.basis),
            "gpus": [people_index(views[uuid].index) for uuid in one.gpus],
        }


def _who(view: GpuView) -> str:
    """Whose foreign use that is, in a few words."""
    if view.claimed_by is not None:
        return view.claimed_by
    if not view.foreign:
        return "something invisible"
    first, n_more = view.foreign[0], len(view.foreign) - 1
    return f"{first.user or 'an unknown user'}, pid {first.pid}" + (f", and {n_more} more" if n_more else "")
