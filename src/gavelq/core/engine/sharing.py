"""`gpu share`: somebody else's processes on a card are not minded any more, until they leave."""

from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.effects import Wake
from gavelq.core.engine.rules import EngineRules
from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.foreign import is_same, mark_ignored
from gavelq.core.gpu import Accepted, Card, GpuProcess
from gavelq.core.step import Record, Step
from gavelq.core.view import View


def handle(view: View, event: ev.GpuShared | ev.GpuUnshared, now: float, rules: EngineRules) -> Step:
    """Accept the foreign processes of a card, or take that back. The reply is the card's UUID.

    What the last look saw is judged anew at once, so that nobody waits for the next one.
    """
    card = view.card(event.gpu)
    if isinstance(event, ev.GpuShared):
        found = _wanted(view, card, event.pid)
        kept = [one for one in card.accepted if not any(is_same(one, process) for process in found)]
        new = [Accepted(pid=process.pid, started_at=process.started_at) for process in found]
        changed, kind, pids = replace(card, accepted=(*kept, *new)), "gpu_shared", [one.pid for one in new]
    else:
        changed, kind, pids = replace(card, accepted=()), "gpu_unshared", [one.pid for one in card.accepted]
    step = Step(reply=card.uuid, effects=[Wake()])
    if changed == card:
        return step
    step.changes.cards[card.uuid] = changed
    about = {"index": card.index, "pids": pids}
    step.changes.records.append(Record(at=now, kind=kind, by=event.by, subject=card.uuid, details=about))
    cards = {**view.cards(), card.uuid: changed}
    step.sample = mark_ignored(view.sample, rules.ignored_users, rules.ignored_commands, cards)
    return step


def _wanted(view: View, card: Card, pid: int | None) -> list[GpuProcess]:
    """The processes that are meant. Raises WrongState where there are none, and InvalidField for a pid not there."""
    seen = view.look(card.uuid)
    others = [process for process in seen.processes if process.task_id is None] if seen is not None else []
    if pid is not None:
        found = [process for process in others if process.pid == pid]
        if not found:
            there = ", ".join(str(process.pid) for process in others) or "none"
            problem = f"no foreign process {pid} is on GPU {card.index}"
            raise InvalidField(field="pid", problem=problem, hint=f"foreign processes there: {there}")
        return found
    if not any(not process.is_ignored for process in others) and not card.accepted:
        raise WrongState(
            what=f"GPU {card.index}", state="free of foreign processes", problem="there is nobody to share it with",
            hint="`gavelq gpu info` shows the processes on each GPU",
        )  # fmt: skip
    return [process for process in others if not process.is_ignored]
