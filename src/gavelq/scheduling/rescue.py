"""Preemption as a step of the cycle: the first blocked tasks may have others stopped (`preempting.py` chooses whom)."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from gavelq.core.events import Preemption
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.pending import Shape
from gavelq.core.units import format_duration
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.holds import PREEMPTING, Hold
from gavelq.scheduling.preempting import make_room, next_chance
from gavelq.scheduling.quota import cost_of
from gavelq.scheduling.reasons import Blocked, Reason
from gavelq.scheduling.turn import Turn

MAX_TRIES = 32
"""So many blocked shapes are looked at: whoever stands further back is hardly ever the more urgent one."""
_BY_TASKS = (Reason.GPU_COUNT, Reason.GPU_MEMORY, Reason.GPU_BUSY, Reason.PRIORITY)


def preempt(turn: Turn) -> None:
    """Stop preemptible tasks for those that are much more urgent, and guests for the owners of their cards."""
    if not (turn.policy.preemption or turn.snapshot.n_borrowed):
        return
    for shape in islice(list(turn.blocked), MAX_TRIES):
        if shape.gpus.count and shape in turn.reasons and turn.reasons[shape].reason in _BY_TASKS:
            first = next((task_id for task_id in turn.snapshot.buckets[shape] if task_id not in turn.started), None)
            if first is not None:
                _try(turn, shape, first)


def _try(turn: Turn, shape: Shape, task_id: TaskId) -> None:
    found = turn.match(shape)
    is_served = PREEMPTING + str(task_id) in turn.holds
    if is_served or turn.gate(shape) is not None or len(found.fitting) + found.n_own < shape.gpus.count:
        return
    rivals = [turn.snapshot.gpus[uuid] for uuid, refusal in found.refused.items() if refusal.own]
    takes_s = _lead_s(turn, {h.task_id for card in rivals for h in card.held}) + turn.policy.grace_s
    takes_s += turn.policy.allowance_s
    ends_by = turn.ends_by(shape) + takes_s

    def is_open(card: GpuView) -> bool:
        return turn.hold_on(card, task_id, ends_by) is None

    usable = [card for card in found.fitting if is_open(card)]
    held = [replace(card, held=card.held + turn.taken.get(card.uuid, ())) for card in rivals if is_open(card)]
    level, n_missing = turn.level(shape), shape.gpus.count - len(usable)
    room = None
    if n_missing > 0:
        room = make_room(shape, level, n_missing, held, turn.snapshot, turn.policy)
    if room is None:
        turn.next_at = min(turn.next_at, next_chance(shape, level, held, turn.snapshot, turn.policy))
        return
    gpus = (*(card.uuid for card in usable), *room.gpus)
    is_over = len(turn.spending.in_use.keys() | set(gpus)) > turn.spending.most(gpus)
    if is_over or turn.crowded_out(shape, task_id, gpus, takes_s) is not None:
        return
    _stop(turn, shape, task_id, room.victims, gpus)


def _lead_s(turn: Turn, victims: Iterable[TaskId]) -> float:
    """How long before they are stopped the first of these tasks is warned, in seconds."""
    warnings = (task.request.warn for v in victims if (task := turn.snapshot.tasks.get(v)) is not None)
    return max((warn.before_s for warn in warnings if warn is not None), default=0.0)


def _stop(turn: Turn, shape: Shape, task_id: TaskId, victims: tuple[TaskId, ...], gpus: tuple[GpuUuid, ...]) -> None:
    why = f"makes room for task {task_id}"
    turn.preemptions.append(Preemption(task_id=task_id, victims=victims, gpus=gpus, why=why))
    for domain in [key for key, hold in turn.holds.items() if hold.task_id == task_id]:
        turn.drop_hold(domain)
    lead_s = _lead_s(turn, victims)
    at = turn.now + lead_s + turn.policy.grace_s + turn.policy.allowance_s
    cards = frozenset(gpus)
    hold = Hold(task_id=task_id, shape=shape, gpus=cards, barred=cards, at=at, promised_at=at, is_preempting=True)
    earlier = {key: one for key, one in turn.holds.items() if one.is_preempting}
    turn.holds = {**earlier, PREEMPTING + str(task_id): hold, **turn.holds}
    # It counts from now on, so that nobody is stopped for another one that a limit would keep waiting behind it.
    turn.usage.add(shape.queue, len(gpus), shape.submission)
    turn.usage.add_for(shape.tenant, len(gpus), cost_of(shape, len(gpus), turn.snapshot.whole_card))
    for uuid in gpus:
        turn.spending.take(uuid, hold.until(turn.policy))
    stopped = ", ".join(map(str, victims))
    wait = format_duration(lead_s + turn.policy.grace_s)
    turn.reasons[shape] = Blocked(
        reason=Reason.GPU_COUNT,
        words=f"task {stopped} is being stopped for it, which may take {wait}",
        details={"victims": list(victims), "need": shape.gpus.count},
    )
